"""The same rows, the same wall clock, the same threads: Croupier's text tasks and TRL's trainers, by held-out loss.

    python scripts/bench/text_clock.py --croupier BIN --model DIR [--task instruct,dpo] [--seconds 60] [--seeds 0,1,2]
        [--threads 2] [--work DIR]

For each seed: rows are generated (sorting cards; the seed draws them), ours trains for the given time from the start of its
process, TRL trains for the same time once for each of three learning rates, from the first step on (its start and a pilot of
five steps that sizes its cosine schedule are not counted) and the best of the three is taken. All are judged here by
transformers on 400 rows that none has seen: cross-entropy, the mean over rows of row means; or the DPO loss against the
base. A ratio below 1 means that ours is lower.
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import time

import torch
from datasets import Dataset
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

WORDS = "king queen jack raise call fold deck river flush straight".split()
N_TRAIN, N_TEST, BATCH, BETA = 2000, 400, 16, 0.1
RATES = {"instruct": [2e-4, 1e-3, 4e-3], "dpo": [2e-5, 1e-4, 5e-4]}
TYPES = {"instruct": "InstructTextTask", "dpo": "DpoTask"}


def rows(task, seed, n):
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        cards = [rng.choice(WORDS) for _ in range(rng.randint(3, 5))]
        prompt, good = "Sort: " + " ".join(cards) + "\n", " ".join(sorted(cards))
        bad = " ".join(sorted(cards, reverse=True)) + " fold"
        found.append({"instruct": prompt, "output": good} if task == "instruct" else {"prompt": prompt, "chosen": good, "rejected": bad})
    return found


def ids_of(tokenizer, prompt, completion):
    prompt = tokenizer(prompt)["input_ids"]
    return prompt, tokenizer(completion)["input_ids"] + [tokenizer.eos_token_id]


def logprobs(model, prompt, completion):
    ids = torch.tensor([prompt + completion])
    with torch.no_grad():
        log_p = torch.log_softmax(model(input_ids=ids).logits[0, len(prompt) - 1 : -1].float(), -1)
    return log_p.gather(-1, ids[0, len(prompt) :, None])[:, 0]


def judged(task, model, base, tokenizer, test):
    losses = []
    for row in test:
        if task == "instruct":
            losses.append(-logprobs(model, *ids_of(tokenizer, row["instruct"], row["output"])).mean().item())
            continue
        gap = 0.0
        for sign, which in ((1, "chosen"), (-1, "rejected")):
            pair = ids_of(tokenizer, row["prompt"], row[which])
            gap += sign * (logprobs(model, *pair).sum() - logprobs(base, *pair).sum()).item()
        losses.append(-torch.nn.functional.logsigmoid(torch.tensor(BETA * gap)).item())
    return statistics.fmean(losses)


class StopAt(TrainerCallback):
    """Ends training when the time is up, counted from its first step."""

    def __init__(self, seconds):
        self.seconds, self.start = seconds, None

    def on_step_begin(self, args, state, control, **_):
        self.start = self.start or time.perf_counter()

    def on_step_end(self, args, state, control, **_):
        control.should_training_stop = time.perf_counter() - self.start > self.seconds


def trl(task, model_dir, tokenizer, train, rate, seconds, seed, folder):
    def trained(steps, limit):
        common = dict(
            output_dir=str(folder), max_steps=steps, learning_rate=rate, lr_scheduler_type="cosine", warmup_steps=max(1, steps // 33), seed=seed,
            per_device_train_batch_size=BATCH, use_cpu=True, bf16=False, report_to=[], save_strategy="no", disable_tqdm=True,
            gradient_checkpointing=False, weight_decay=0.0, logging_steps=10_000, model_init_kwargs={"dtype": torch.float32})
        if task == "instruct":
            from trl import SFTConfig, SFTTrainer

            data = {"input_ids": [], "labels": []}
            for row in train:
                prompt, completion = ids_of(tokenizer, row["instruct"], row["output"])
                data["input_ids"].append(prompt + completion)
                data["labels"].append([-100] * len(prompt) + completion)
            config = SFTConfig(**common, max_length=None, packing=False, dataset_kwargs={"skip_prepare_dataset": True})
            trainer = SFTTrainer(model=str(model_dir), args=config, train_dataset=Dataset.from_dict(data), processing_class=tokenizer, callbacks=[StopAt(limit)])
        else:
            from trl import DPOConfig, DPOTrainer

            config = DPOConfig(**common, beta=BETA, max_length=None)
            trainer = DPOTrainer(model=str(model_dir), args=config, train_dataset=Dataset.from_list(train), processing_class=tokenizer, callbacks=[StopAt(limit)])
        start = time.perf_counter()
        trainer.train()
        return trainer.model.eval(), (time.perf_counter() - start) / steps

    _, step_s = trained(5, 1e9)
    return trained(max(10, int(seconds / step_s)), seconds)[0]


def ours(croupier, task, model_dir, train, seconds, seed, threads, folder):
    data, out = folder / "rows.json", folder / "out"
    data.write_text(json.dumps(train))
    command = [croupier, "train", "text", "--task-type", TYPES[task], "--model", model_dir, "--dataset", data, "--dataset-type", "{}",
               "--hours-to-complete", seconds / 3600, "--out", out, "--seed", seed, "--device", "cpu"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env={"RAYON_NUM_THREADS": str(threads), "PATH": "/usr/bin:/bin"})
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    if (out / "adapter_config.json").exists():
        base = AutoModelForCausalLM.from_pretrained(model_dir, dtype=torch.float32)
        return PeftModel.from_pretrained(base, out).eval()
    return AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--croupier", required=True)
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--task", default="instruct,dpo")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("runs/text_clock"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    base = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    for task in args.task.split(","):
        ratios = []
        for seed in map(int, args.seeds.split(",")):
            folder = args.work / f"{task}-{seed}-{time.time_ns()}"
            folder.mkdir(parents=True)
            train, test = rows(task, seed, N_TRAIN), rows(task, 10_000 + seed, N_TEST)
            mine = judged(task, ours(args.croupier, task, args.model, train, args.seconds, seed, args.threads, folder), base, tokenizer, test)
            theirs = {rate: judged(task, trl(task, args.model, tokenizer, train, rate, args.seconds, seed, folder / "trl"), base, tokenizer, test)
                      for rate in RATES[task]}
            ratios.append(mine / min(theirs.values()))
            print(json.dumps({"task": task, "seed": seed, "seconds": args.seconds, "ours": round(mine, 4), "trl": {f"{rate:g}": round(loss, 4) for rate, loss in theirs.items()},
                              "base": round(judged(task, base, base, tokenizer, test), 4), "ratio": round(ratios[-1], 3)}), flush=True)
        print(json.dumps({"task": task, "median_ratio": round(statistics.median(ratios), 3), "seeds": len(ratios)}), flush=True)


if __name__ == "__main__":
    main()
