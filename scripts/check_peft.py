"""Does PEFT compute our log-probabilities from our adapter?

    python scripts/check_peft.py BASE ADAPTER LOGPROBS.json [--tolerance 1e-4]

BASE and ADAPTER are folders that Croupier wrote. LOGPROBS.json is {"rows": [{"prompt": [ids], "completion": [ids],
"logprobs": [...]}]}: natural log-probabilities of the completion's tokens at temperature 1, without any mask.
The last line gives the worst difference. Exit codes: 0 within tolerance, 2 unreadable input, 3 out of tolerance.
"""

import argparse
import json
import math
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def completion_logprobs(model, prompt, completion):
    """Log-probabilities of `completion` after `prompt`, one float per token."""
    tokens = torch.tensor([prompt + completion])
    with torch.no_grad():
        logits = model(input_ids=tokens).logits[0].float()
    logprobs = torch.log_softmax(logits, dim=-1)
    positions = torch.arange(len(prompt) - 1, len(prompt) + len(completion) - 1)
    return logprobs[positions, torch.tensor(completion)].tolist()


def compare(model, rows, tolerance):
    """Prints rows out of tolerance and returns (tokens, failed rows, worst difference)."""
    tokens, failed, worst = 0, 0, 0.0
    for index, row in enumerate(rows):
        ours, theirs = row["logprobs"], completion_logprobs(model, row["prompt"], row["completion"])
        if len(ours) != len(theirs):
            raise ValueError(f"row {index}: {len(ours)} log-probs for {len(theirs)} tokens")
        differences = [abs(a - b) for a, b in zip(ours, theirs)]
        differences = [math.inf if math.isnan(d) else d for d in differences]
        bad = [d for d in differences if d > tolerance]
        if bad:
            failed += 1
            print(f"FAIL row {index}: {len(bad)} of {len(ours)} tokens differ, by {bad[0]:.3e}")
        worst = max([worst, *differences])
        tokens += len(ours)
    return tokens, failed, worst


def load(base, adapter, path):
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["rows"]
    AutoTokenizer.from_pretrained(base)  # the folder must be whole for others too
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
    return PeftModel.from_pretrained(model, adapter).eval(), rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base")
    parser.add_argument("adapter")
    parser.add_argument("logprobs")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    try:
        model, rows = load(arguments.base, arguments.adapter, arguments.logprobs)
    except (OSError, ValueError, KeyError) as error:
        print(f"Error: {error}\n\nhint: BASE and ADAPTER are the folders `base` and `adapter` of a run", file=sys.stderr)
        return 2
    tokens, failed, worst = compare(model, rows, arguments.tolerance)
    # With the adapter off the figures differ by what the comparison has tested of it.
    with model.disable_adapter():
        effect = max(abs(a - b) for row in rows for a, b in
                     zip(row["logprobs"], completion_logprobs(model, row["prompt"], row["completion"])))
    print(f"the adapter moves log-probs by up to {effect:.3e}")
    print(f"peft: {len(rows)} rows, {tokens} tokens, {failed} failed, worst {worst:.3e} (tolerance {arguments.tolerance:.0e})")
    return 0 if failed == 0 and tokens > 0 else 3


if __name__ == "__main__":
    sys.exit(main())
