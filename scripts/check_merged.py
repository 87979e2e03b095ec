"""Do transformers and PEFT compute the same from what Croupier writes?

    python scripts/check_merged.py CROUPIER OUT FOLDER...

FOLDER holds `model` and `adapter`, as scripts/golden/gradients.py writes them. For each, `CROUPIER model merge` writes
OUT/NAME, in shards of 100 kB. On 32 prompts the log-probabilities of the merged model in transformers must be those of
model and adapter in PEFT; they go into OUT/NAME/reference_logits.safetensors, for `croupier verify logits OUT`.
Then the zero adapter of the tournament's container must be one that PEFT loads whole.
The last line gives the worst difference. Exit codes: 0 within tolerance, 3 out of tolerance.
"""

import json
import math
import pathlib
import subprocess
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

TOLERANCE = 1e-4
N_PROMPTS, MAX_LENGTH = 32, 24


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def prompts(vocab_size):
    generator = torch.Generator().manual_seed(32)
    lengths = torch.randint(2, MAX_LENGTH + 1, (N_PROMPTS,), generator=generator).tolist()
    return [torch.randint(2, vocab_size, (length,), generator=generator) for length in lengths]


def logits(model, rows):
    with torch.no_grad():
        return [model(input_ids=row[None], use_cache=False).logits[0].float() for row in rows]


def next_logprobs(rows, all_logits):
    return [torch.log_softmax(logits, -1)[:-1].gather(-1, row[1:, None])[:, 0] for row, logits in zip(rows, all_logits)]


def reference(rows, all_logits):
    """The tensors of reference_logits.safetensors: rows at the end of a left-padded batch."""
    shape = (len(rows), max(map(len, rows)))
    tensors = {name: torch.zeros(shape, dtype=torch.int32) for name in ["input_ids", "attention_mask", "position_ids"]}
    tensors["logits"], tensors["entropy"] = torch.zeros(*shape, all_logits[0].shape[-1]), torch.zeros(shape)
    tensors["logprobs"] = torch.zeros(shape[0], shape[1] - 1)
    for index, (row, found, logprobs) in enumerate(zip(rows, all_logits, next_logprobs(rows, all_logits))):
        start = shape[1] - len(row)
        distribution = torch.log_softmax(found, -1)
        tensors["input_ids"][index, start:], tensors["attention_mask"][index, start:] = row.int(), 1
        tensors["position_ids"][index, start:] = torch.arange(len(row))
        tensors["logits"][index, start:], tensors["logprobs"][index, start:] = found, logprobs
        tensors["entropy"][index, start:] = -(distribution.exp() * distribution).sum(-1)
    return tensors


def write_patterned(folder, out):
    """An adapter whose ranks and scales differ from map to map, where the maps have llama's names."""
    own = LoraConfig(
        r=4, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM",
        rank_pattern={"v_proj": 2, "layers.0.mlp.down_proj": 8}, alpha_pattern={"q_proj": 3})
    model = get_peft_model(load(folder / "model"), own)
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    model.save_pretrained(out)


def merged_difference(croupier, folder, adapter, out):
    """Merges, and returns the worst difference between merged model and adapter, and what the adapter changes."""
    command = [croupier, "model", "merge", "--model", folder / "model", "--adapter", adapter, out, "--max-shard-size", "100000"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    index = json.loads((out / "model.safetensors.index.json").read_text())
    shards = {name: load_file(out / name) for name in set(index["weight_map"].values())}
    assert all(key in shards[shard] for key, shard in index["weight_map"].items()), "the index names the wrong shard"
    assert (out / "config.json").read_bytes() == (folder / "model" / "config.json").read_bytes(), "config.json was changed"
    base = load(folder / "model")
    rows = prompts(base.config.vocab_size)
    plain = next_logprobs(rows, logits(base, rows))
    adapted = logits(PeftModel.from_pretrained(base, adapter).eval(), rows)
    save_file(reference(rows, adapted), out / "reference_logits.safetensors")
    adapted = next_logprobs(rows, adapted)
    merged = next_logprobs(rows, logits(load(out), rows))
    worst = lambda a, b: max((x - y).abs().max().item() for x, y in zip(a, b))
    return worst(merged, adapted), worst(plain, adapted), len(shards)


def check_floor(croupier, folder, root):
    """The adapter that a bad task card leaves in the container: PEFT finds all of it and no more."""
    cache = root / "cache" / "models"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "base").symlink_to((folder / "model").resolve())
    card = ["--task-type", "EnvTask", "--task-id", "t", "--expected-repo-name", "r", "--dataset-type", "{", "--model", "base", "--hours-to-complete", "1"]
    subprocess.run([croupier, "train", "text", *card, "--root", root, "--container"], check=True, capture_output=True)
    out = root / "app" / "checkpoints" / "t" / "r"
    model = PeftModel.from_pretrained(load(folder / "model"), out)
    written, known = set(load_file(out / "adapter_model.safetensors")), set(get_peft_model_state_dict(model))
    assert written == known, f"PEFT has {sorted(known - written)[:2]}, the file {sorted(written - known)[:2]}"


def main():
    croupier, out, folders = sys.argv[1], pathlib.Path(sys.argv[2]), list(map(pathlib.Path, sys.argv[3:]))
    torch.set_num_threads(1)
    failed, worst = 0, 0.0
    work = [(folder, folder / "adapter", folder.name) for folder in folders]
    for folder in folders:
        check_floor(croupier, folder, out / "floors" / folder.name)
        if folder.name.startswith("llama"):
            patterned = out / "patterned" / folder.name
            write_patterned(folder, patterned)
            work.append((folder, patterned, f"{folder.name}-patterned"))
    for folder, adapter, name in work:
        difference, effect, shards = merged_difference(croupier, folder, adapter, out / name)
        is_bad = math.isnan(difference) or difference > TOLERANCE or effect < 1e-3
        failed, worst = failed + is_bad, max(worst, difference)
        print(f"{'FAIL ' if is_bad else ''}{name}: merged in {shards} shards differs by {difference:.3e}, the adapter changes {effect:.3e}")
    print(f"merged: {len(work)} models, {N_PROMPTS} prompts each, {failed} failed, worst {worst:.3e} (tolerance {TOLERANCE:.0e})")
    return 0 if failed == 0 and folders else 3


if __name__ == "__main__":
    sys.exit(main())
