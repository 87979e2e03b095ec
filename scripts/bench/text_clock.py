"""The same rows, the same wall clock, the same threads: Croupier's text tasks and TRL's trainers, by held-out loss.

    python scripts/bench/text_clock.py --croupier BIN --model DIR [--task instruct,dpo,grpo] [--seconds 60] [--seeds 0,1,2]
        [--threads 2] [--work DIR]

For each seed: rows are generated (sorting cards; the seed draws them), ours trains for the given time from the start of its
process, TRL trains for the same time once for each of three learning rates, from the first step on (its start and a pilot
that sizes its cosine schedule are not counted) and the best of the three is taken. All are judged here by
transformers on 400 rows that none has seen: cross-entropy, the mean over rows of row means; or the DPO loss against the
base. A ratio below 1 means that ours is lower. For GRPO it is the weighted reward of two completions each of 64 prompts that
none has seen, and the ratio is of the gains over the base: above 1 means that ours gains more.
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
PILOT_STEPS = {"instruct": 15, "dpo": 15, "grpo": 4}
RATES = {"instruct": [2e-4, 1e-3, 4e-3], "dpo": [2e-5, 1e-4, 5e-4], "grpo": [1e-4, 5e-4, 2e-3]}
TYPES = {"instruct": "InstructTextTask", "dpo": "DpoTask", "grpo": "GrpoTask"}
GRPO_PROMPTS, GENERATIONS, NEW_TOKENS = 64, 8, 256
# Weight and source, as the tournament delivers them: how many words, how many sentences, how few words twice.
REWARDS = [
    (0.4, "def reward_words(completions, **kwargs):\n    return [-abs(40 - len(c.split())) / 40 for c in completions]"),
    (0.3, "import re\ndef reward_sentences(completions, **kwargs):\n    return [-abs(4 - len([s for s in re.split(r'[.!?]+', c) if s.strip()])) / 4 for c in completions]"),
    (0.3, "def reward_unique(completions, **kwargs):\n    return [len(set(c.lower().split())) / max(1, len(c.split())) for c in completions]"),
]


def rows(task, seed, n):
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        cards = [rng.choice(WORDS) for _ in range(rng.randint(3, 5))]
        prompt, good = "Sort: " + " ".join(cards) + "\n", " ".join(sorted(cards))
        bad = " ".join(sorted(cards, reverse=True)) + " fold"
        if task == "grpo":
            found.append({"prompt": "Tell of a " + " and a ".join(cards) + "."})
            continue
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


def functions():
    found = []
    for weight, source in REWARDS:
        names = {}
        exec(source, names)
        found.append((weight, next(f for name, f in names.items() if name.startswith("reward"))))
    return found


def reward(model, tokenizer, test):
    torch.manual_seed(0)
    asked = tokenizer([row["prompt"] for row in test[:GRPO_PROMPTS]], return_tensors="pt", padding=True, padding_side="left")
    with torch.no_grad():
        out = model.generate(**asked, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=NEW_TOKENS, num_return_sequences=2,
                             eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.eos_token_id)
    texts = tokenizer.batch_decode(out[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
    return sum(weight * statistics.fmean(judge(texts)) for weight, judge in functions())


def judged(task, model, base, tokenizer, test):
    if task == "grpo":
        return reward(model, tokenizer, test)
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


class Clock(TrainerCallback):
    """Notes when steps end, and ends training when the time is up, counted from its first step."""

    def __init__(self, seconds):
        self.seconds, self.times = seconds, []

    def on_step_begin(self, args, state, control, **_):
        self.times = self.times or [time.perf_counter()]

    def on_step_end(self, args, state, control, **_):
        self.times.append(time.perf_counter())
        if self.times[-1] - self.times[0] > self.seconds:
            control.should_training_stop = True

    def step_s(self):
        return statistics.median(b - a for a, b in zip(self.times, self.times[1:]))


def trl(task, model_dir, tokenizer, train, rate, seconds, seed, folder):
    def trained(steps, limit):
        clock = Clock(limit)
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
            trainer = SFTTrainer(model=str(model_dir), args=config, train_dataset=Dataset.from_dict(data), processing_class=tokenizer, callbacks=[clock])
        elif task == "grpo":
            from trl import GRPOConfig, GRPOTrainer

            weights, judges = zip(*functions())
            config = GRPOConfig(**common, num_generations=GENERATIONS, max_completion_length=NEW_TOKENS, temperature=1.0, beta=0.0, reward_weights=list(weights))
            trainer = GRPOTrainer(model=str(model_dir), reward_funcs=list(judges), args=config, train_dataset=Dataset.from_list(train), processing_class=tokenizer, callbacks=[clock])
        else:
            from trl import DPOConfig, DPOTrainer

            config = DPOConfig(**common, beta=BETA, max_length=None)
            trainer = DPOTrainer(model=str(model_dir), args=config, train_dataset=Dataset.from_list(train), processing_class=tokenizer, callbacks=[clock])
        trainer.train()
        return trainer.model.eval(), clock

    _, pilot = trained(PILOT_STEPS[task], float("inf"))
    model, clock = trained(max(10, int(seconds / pilot.step_s())), seconds)
    return model, clock.times[-1] - clock.times[0]


def ours(croupier, task, model_dir, train, seconds, seed, threads, folder):
    data, out = folder / "rows.json", folder / "out"
    data.write_text(json.dumps(train))
    kind = {"reward_functions": [{"reward_func": source, "reward_weight": weight} for weight, source in REWARDS]} if task == "grpo" else {}
    command = [croupier, "train", "text", "--task-type", TYPES[task], "--model", model_dir, "--dataset", data, "--dataset-type", json.dumps(kind),
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
            theirs, took = {}, []
            for rate in RATES[task]:
                model, ran_s = trl(task, args.model, tokenizer, train, rate, args.seconds, seed, folder / "trl")
                theirs[rate] = judged(task, model, base, tokenizer, test)
                took.append(round(ran_s, 1))
            floor = judged(task, base, base, tokenizer, test)
            best = max(theirs.values()) if task == "grpo" else min(theirs.values())
            ratios.append((mine - floor) / (best - floor) if task == "grpo" else mine / best)
            print(json.dumps({"task": task, "seed": seed, "seconds": args.seconds, "ours": round(mine, 4), "trl": {f"{rate:g}": round(loss, 4) for rate, loss in theirs.items()},
                              "trl_s": took, "base": round(floor, 4), "ratio": round(ratios[-1], 3)}), flush=True)
        print(json.dumps({"task": task, "median_ratio": round(statistics.median(ratios), 3), "seeds": len(ratios)}), flush=True)


if __name__ == "__main__":
    main()
