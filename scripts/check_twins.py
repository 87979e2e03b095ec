"""Does `croupier eval text` say what the tournament's evaluator would?

    python scripts/check_twins.py CROUPIER OUT BASE...

For each BASE folder a neighbour is written to OUT/NAME (its weights moved a little), and rows of instructions, of preferences
and of prompts. The figures of the neighbour are computed here with transformers, row by row: cross-entropy per row and its
mean; KL(model || base) at the positions of the labels, not shifted, mean over tokens; the DPO loss (beta 0.1, sigmoid)
against the base; KL(base || model) over the tokens of prompts, the mean of means. `croupier eval text` must give the same. Exit codes: 0 within tolerance, 3 out of tolerance.
"""

import json
import pathlib
import random
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-4
N_ROWS, BETA, KL_COEF = 24, 0.1, 0.5
# Completions are drawn for these too, which is most of the time.
N_PROMPTS = 4
CARD = {"reward_functions": [{"reward_func": "def f(completions, **kwargs):\n    return [1.0] * len(completions)", "reward_weight": 2.0}]}
WORDS = "king queen deck flush of the a round straight card bet raise fold call 12 7 é ß 漢字 ".split(" ")


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def neighbour(base_dir, out):
    """The base with every weight moved by a hundredth of its tensor's deviation."""
    model = load(base_dir)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            spread = weight.std() if weight.numel() > 1 else weight.abs().mean()
            weight += 0.05 * spread.nan_to_num(0.0) * torch.randn(weight.shape, generator=generator)
    model.save_pretrained(out)
    return model


def text(rng, low, high):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(low, high)))


def instruct_ids(tokenizer, row):
    """Prompt and response apart; the response loses a leading BOS and gains an EOS."""
    prompt = tokenizer(row["instruct"])["input_ids"]
    response = tokenizer(row["output"])["input_ids"]
    if response and response[0] == tokenizer.bos_token_id:
        response = response[1:]
    if not response or response[-1] != tokenizer.eos_token_id:
        response = [*response, tokenizer.eos_token_id]
    return prompt + response, len(prompt)


def dpo_ids(tokenizer, prompt, completion):
    """As TRL 1.5: the prompt's own tokens, then what follows as many of the whole text's."""
    if not completion.endswith(tokenizer.eos_token):
        completion += tokenizer.eos_token
    prompt_ids = tokenizer(prompt)["input_ids"]
    return prompt_ids + tokenizer(prompt + completion)["input_ids"][len(prompt_ids) :], len(prompt_ids)


def log_softmax(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float(), -1)


def completion_logprobs(model, ids, start):
    start = max(start, 1)
    chosen = torch.tensor(ids[start:])
    return log_softmax(model, ids)[start - 1 : -1].gather(-1, chosen[:, None])[:, 0]


def expected(model, base, tokenizer, rows, pairs, prompts):
    losses, divergences, moved = [], [], []
    for prompt in prompts:
        ids = tokenizer(prompt["prompt"])["input_ids"]
        p, q = log_softmax(base, ids), log_softmax(model, ids)
        moved.append((p.exp() * (p - q)).sum(-1).mean().item())
    for row in rows:
        ids, start = instruct_ids(tokenizer, row)
        losses.append(-completion_logprobs(model, ids, start).mean().item())
        p, q = log_softmax(model, ids)[max(start, 1) :], log_softmax(base, ids)[max(start, 1) :]
        divergences.append((p.exp() * (p - q)).sum(-1))
    loss = sum(losses) / len(losses)
    preferences = []
    for pair in pairs:
        gap = {}
        for which in ("chosen", "rejected"):
            ids, start = dpo_ids(tokenizer, pair["prompt"], pair[which])
            gap[which] = completion_logprobs(model, ids, start).sum() - completion_logprobs(base, ids, start).sum()
        preferences.append(-torch.nn.functional.logsigmoid(BETA * (gap["chosen"] - gap["rejected"])).item())
    return {
        "instruct": loss,
        "kl": loss + KL_COEF * torch.cat(divergences).mean().item(),
        "dpo": sum(preferences) / len(preferences),
        "grpo": sum(moved) / len(moved),
    }


def main():
    croupier, out, *bases = sys.argv[1:]
    out, worst, failed = pathlib.Path(out), 0.0, 0
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(3)
    rows = [{"instruct": text(rng, 1, 12), "output": text(rng, 1, 9) or "call"} for _ in range(N_ROWS)]
    pairs = [{"prompt": text(rng, 2, 9) + " ", "chosen": "raise " + text(rng, 1, 6), "rejected": "fold " + text(rng, 1, 6)} for _ in range(N_ROWS)]
    prompts = [{"prompt": text(rng, 3, 12)} for _ in range(N_PROMPTS)]
    files = {name: out / f"{name}.json" for name in ("rows", "pairs", "prompts")}
    files["prompts"].write_text(json.dumps(prompts))
    files["rows"].write_text(json.dumps(rows))
    files["pairs"].write_text(json.dumps(pairs))
    cases = {
        "instruct": ["InstructTextTask", files["rows"], [], "loss", N_ROWS],
        "kl": ["InstructTextTask", files["rows"], ["--kl-coef", str(KL_COEF)], "loss", N_ROWS],
        "dpo": ["DpoTask", files["pairs"], [], "loss", N_ROWS],
        "grpo": ["GrpoTask", files["prompts"], ["--dataset-type", json.dumps(CARD)], "prompt_kl", 2 * N_PROMPTS],
    }
    for base_dir in map(pathlib.Path, bases):
        moved = out / base_dir.name
        model, base, tokenizer = neighbour(base_dir, moved), load(base_dir), AutoTokenizer.from_pretrained(base_dir)
        want = expected(model, base, tokenizer, rows, pairs, prompts)
        for name, (task_type, dataset, flags, figure, n) in cases.items():
            command = [croupier, "eval", "text", "--task-type", task_type, "--model", base_dir, "--models", moved,
                       "--dataset", dataset, "--device", "cpu", "--json", *flags]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(done.stderr)
            figures = json.loads(done.stdout)["figures"]
            difference = abs(figures[figure] - want[name])
            worst = max(worst, difference)
            if difference > TOLERANCE or figures["n"] != n:
                failed += 1
                print(f"FAIL {base_dir.name} {name} got {figures} want {want[name]:.6f}")
    print(f"twins: {len(bases) * len(cases)} cases, {failed} failed, worst {worst:.1e} (tolerance {TOLERANCE:.0e})")
    sys.exit(3 if failed else 0)


if __name__ == "__main__":
    main()
