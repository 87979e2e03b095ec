"""Gradients that PyTorch computes for tiny random models, of all weights and of an adapter's.

    python scripts/golden/gradients.py OUT [NAME ...]

Writes OUT/NAME/{model, adapter, grads.safetensors} for `croupier verify gradients`; NAME is one of families.py. The loss
is the mean cross-entropy of some tokens of a right-padded batch. grads.safetensors holds the batch (`input_ids`,
`attention_mask`, `loss_mask`: 1 for a target), `full.loss`, `lora.loss` and `full.NAME`, `lora.NAME` for each parameter,
by its name in files.
"""

import pathlib
import sys

import torch
from families import FAMILIES, build
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers.pytorch_utils import Conv1D

NAMES = ["llama-linear", "gemma2", "gemma3", "gemma4", "phi3-short", "gpt2", "gpt-neox", "opt-350m", "lfm2"]
LENGTHS, PROMPTS = [24, 11, 17], [6, 1, 9]


def batch(vocab_size, generator):
    shape = (len(LENGTHS), max(LENGTHS))
    ids, mask, loss_mask = (torch.zeros(shape, dtype=torch.int32) for _ in range(3))
    for row, (length, prompt) in enumerate(zip(LENGTHS, PROMPTS)):
        ids[row, :length] = torch.randint(2, vocab_size, (length,), generator=generator).int()
        mask[row, :length], loss_mask[row, prompt:length] = 1, 1
    loss_mask[0, 12] = 0  # a hole, as of a token that the environment wrote
    return {"input_ids": ids, "attention_mask": mask, "loss_mask": loss_mask}


def gradients(model, batch):
    """The loss and the gradient of every parameter that has one."""
    logits = model(input_ids=batch["input_ids"].long(), attention_mask=batch["attention_mask"].long(), use_cache=False).logits
    logprobs = torch.log_softmax(logits[:, :-1].float(), -1).gather(-1, batch["input_ids"].long()[:, 1:, None])[..., 0]
    targets = batch["loss_mask"][:, 1:].float()
    loss = -(logprobs * targets).sum() / targets.sum()
    loss.backward()
    named = {name: parameter.grad.clone().contiguous() for name, parameter in model.named_parameters() if parameter.grad is not None}
    # transformers renames gpt_neox's head when it loads and saves.
    named = {("embed_out.weight" if "NeoX" in type(model).__name__ and name == "lm_head.weight" else name): grad for name, grad in named.items()}
    return loss.detach().reshape(1), named


def with_adapter(model, generator):
    """PEFT's model with LoRA on every linear map of the layers, none of it zero."""
    linears = [name for name, module in model.named_modules() if isinstance(module, (torch.nn.Linear, Conv1D))]
    targets = sorted({name.rsplit(".", 1)[1] for name in linears if ".layers." in name or ".h." in name})
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=10, target_modules=targets, task_type="CAUSAL_LM"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


def write(name, folder):
    model, generator = build(name)
    model.save_pretrained(folder / "model")
    tensors = batch(model.config.vocab_size, generator)
    for mode in ["full", "lora"]:
        if mode == "lora":
            model.zero_grad()
            model = with_adapter(model, generator)
            model.save_pretrained(folder / "adapter")
        loss, named = gradients(model, tensors)
        tensors[f"{mode}.loss"] = loss
        tensors.update({f"{mode}.{key}": gradient for key, gradient in named.items()})
    save_file(tensors, folder / "grads.safetensors")
    print(f"{name}: {len(tensors) - 5} gradients")


def main():
    out, names = pathlib.Path(sys.argv[1]), sys.argv[2:] or NAMES
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for name in names:
        if name not in FAMILIES:
            sys.exit(f"`{name}` is not one of {', '.join(FAMILIES)}")
        write(name, out / name)


if __name__ == "__main__":
    main()
