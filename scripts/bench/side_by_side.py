"""Croupier and its Python peers in turn on the same model, and the ratios of their medians.

    python scripts/bench/side_by_side.py --croupier BIN --peers DIR --model DIR [--python PYTHON] [--what generate,train]
        [--batch 1,8,32] [--new 64] [--objectives sft,full,dpo,grpo] [--rounds 5] [--threads 2]

DIR holds the peers' scripts (hf_generate.py, sft_step.py, dpo_step.py, trl_grpo_step.py); PYTHON has torch, transformers, and for `train` TRL and PEFT.
Each round runs ours, then theirs; a ratio above 1 means that ours is faster. One line per case.
"""

import argparse
import json
import pathlib
import statistics
import subprocess


def last_json(command):
    """Every JSON line of a command's output, or the end of its error."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return lines


# Objective and mode of ours, the peer's script, and the flags that make both steps the same.
OBJECTIVES = {
    "sft": ("sft", "lora", "sft_step.py", [], []),
    "full": ("sft", "full", "sft_step.py", [], []),
    "dpo": ("dpo", "lora", "dpo_step.py", [], []),
    # 16 completions of 64 tokens on two prompts of 64.
    "grpo": ("grpo", "lora", "trl_grpo_step.py", ["--batch", "16", "--seq", "128"], []),
}


def compare(case, ours, theirs, rounds, figure):
    """Runs both commands in turn; `figure` is a rate, the larger the better, or `step_s`, the smaller the better."""
    found = {"ours": [], "theirs": []}
    peaks = {"ours": 0.0, "theirs": 0.0}
    for _ in range(rounds):
        for name, command in (("ours", ours), ("theirs", theirs)):
            line = last_json(command)[-1]
            found[name].append(line[figure])
            peaks[name] = max(peaks[name], line.get("peak_rss_mib") or 0.0)
    medians = {name: statistics.median(values) for name, values in found.items()}
    ratio = medians["ours"] / medians["theirs"]
    if not figure.endswith("tok_s"):
        ratio = 1 / ratio
    print(json.dumps({
        "case": case, "figure": figure, "ours": round(medians["ours"], 2), "theirs": round(medians["theirs"], 2),
        "ratio": round(ratio, 2), "rounds": rounds,
        "peak_rss_mib": {name: round(peak) for name, peak in peaks.items()},
    }), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--croupier", required=True)
    parser.add_argument("--peers", required=True, type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--python", default="python3")
    parser.add_argument("--what", default="generate,train")
    parser.add_argument("--batch", default="1,8,32")
    parser.add_argument("--dtype", default="f32,bf16")
    parser.add_argument("--new", default="64")
    parser.add_argument("--objectives", default="sft,full,dpo,grpo")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="2")
    args = parser.parse_args()
    common = ["--model", args.model, "--threads", args.threads]
    if "generate" in args.what:
        for dtype in args.dtype.split(","):
            for batch in args.batch.split(","):
                flags = [*common, "--dtype", dtype, "--batch", batch, "--new", args.new, "--runs", "1"]
                ours = [args.croupier, "bench", "generate", *flags, "--json"]
                theirs = [args.python, args.peers / "hf_generate.py", *flags]
                compare(f"generate {dtype} batch {batch}", ours, theirs, args.rounds, "decode_tok_s")
    if "train" in args.what:
        for name in args.objectives.split(","):
            objective, mode, script, ours_only, theirs_only = OBJECTIVES[name]
            flags = [*common, "--mode", mode, "--steps", "2"]
            ours = [args.croupier, "bench", "train", *flags, "--objective", objective, *ours_only, "--json"]
            theirs = [args.python, args.peers / script, *flags, *theirs_only]
            compare(f"{objective} {mode}", ours, theirs, args.rounds, "step_s")


if __name__ == "__main__":
    main()
