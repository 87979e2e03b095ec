"""Do PEFT or transformers load what a text task has left, and is it finite in half precision?

    python scripts/check_artifact.py ROOT...

ROOT is the folder of an examples/run_*_task.sh: cache/models holds the base, app/checkpoints/TASK/REPO the artifact.
Exit codes: 0 all load, 1 one does not.
"""

import pathlib
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def check(root):
    (base_dir,) = (root / "cache/models").iterdir()
    (artifact,) = (root / "app/checkpoints").glob("*/repo")
    kind = "adapter" if (artifact / "adapter_config.json").exists() else "whole model"
    names = sorted(path.name for path in artifact.iterdir())
    assert not (kind == "adapter" and "model.safetensors" in names), names
    base = AutoModelForCausalLM.from_pretrained(base_dir if kind == "adapter" else artifact, dtype=torch.float16)
    model = PeftModel.from_pretrained(base, artifact) if kind == "adapter" else base
    ids = AutoTokenizer.from_pretrained(base_dir)("Sort: king queen jack", return_tensors="pt")
    with torch.no_grad():
        logits = model.eval()(**ids).logits
    assert torch.isfinite(logits).all(), "not finite in half precision"
    print(f"{root.name}: {kind}, {', '.join(names)}")


for root in sys.argv[1:]:
    check(pathlib.Path(root))
