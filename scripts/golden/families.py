"""Tiny random models of families that the reference data lacks, with the logits that transformers computes for them.

    python scripts/golden/families.py OUT [NAME ...]

Writes OUT/NAME/{config.json, model.safetensors, reference_logits.safetensors} for `croupier verify logits|decode`.
Every parameter is drawn, norms and biases too, so that a part left out or misplaced shows in the logits. Sequences
outgrow the windows and the original contexts, so that masks and stretched positions show as well.
"""

import math
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

COMMON = {
    "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1,
}
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 16}
LONG = {
    "rope_type": "longrope", "rope_theta": 1e4,
    "short_factor": [1.0, 1.1, 1.3, 1.6, 2.0, 2.5], "long_factor": [1.0, 1.5, 2.5, 4.0, 6.0, 8.0],
}
GEMMA4 = {"num_hidden_layers": 6, "layer_types": ["sliding_attention", "full_attention"] * 3, "sliding_window": 7, "head_dim": 16, "global_head_dim": 24}
# name -> (model_type, what differs from COMMON)
FAMILIES = {
    "llama-yarn": ("llama", {"rope_parameters": YARN, "tie_word_embeddings": True}),
    "llama-linear": ("llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}, "attention_bias": True, "mlp_bias": True}),
    "ministral3": ("ministral3", {"head_dim": 24, "rope_parameters": {**YARN, "mscale": 1.0, "mscale_all_dim": 0.5, "beta_fast": 4.0, "llama_4_scaling_beta": 0.3}}),
    "mistral-window": ("mistral", {"sliding_window": 7, "head_dim": 24}),
    "phi3-long": ("phi3", {"sliding_window": 20, "original_max_position_embeddings": 1, "rope_parameters": {
        **LONG, "partial_rotary_factor": 0.75, "original_max_position_embeddings": 1, "attention_factor": 1.2}}),
    "phi3-short": ("phi3", {"original_max_position_embeddings": 64, "rope_parameters": {
        **LONG, "partial_rotary_factor": 0.75, "original_max_position_embeddings": 64}}),
    "granite": ("granite", {"embedding_multiplier": 12.0, "residual_multiplier": 0.22, "attention_multiplier": 0.1, "logits_scaling": 4.0, "tie_word_embeddings": True}),
    "olmo3": ("olmo3", {"sliding_window": 7, "rope_parameters": {"full_attention": YARN, "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}}),
    "gemma2": ("gemma2", {"sliding_window": 7, "head_dim": 24, "query_pre_attn_scalar": 20}),
    "gemma3": ("gemma3_text", {"sliding_window": 7, "head_dim": 24, "query_pre_attn_scalar": 20, "rope_parameters": {
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}}),
    # Shared, wide and key-only layers, and inputs of each layer's own; then without any of them.
    "gemma4": ("gemma4_text", {**GEMMA4, "num_kv_shared_layers": 2, "use_double_wide_mlp": True, "attention_k_eq_v": True,
        "num_global_key_value_heads": 1, "hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": 256, "final_logit_softcapping": 5.0}),
    "gemma4-plain": ("gemma4_text", {**GEMMA4, "hidden_size_per_layer_input": 0}),
    "gemma4-unified": ("gemma4_unified_text", {**GEMMA4, "num_kv_shared_layers": 3}),
    "gpt2": ("gpt2", {"n_inner": 96}),
    "gpt-neox": ("gpt_neox", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5}}),
    "gpt-neox-serial": ("gpt_neox", {"use_parallel_residual": False, "hidden_act": "gelu_fast", "tie_word_embeddings": True}),
    "opt": ("opt", {"ffn_dim": 96}),
    "opt-350m": ("opt", {"ffn_dim": 96, "do_layer_norm_before": False, "word_embed_proj_dim": 32, "enable_bias": False}),
    "lfm2": ("lfm2", {"layer_types": ["conv", "full_attention", "conv", "conv"], "block_auto_adjust_ff_dim": False}),
    "lfm2-bias": ("lfm2", {"full_attn_idxs": [1, 3], "conv_bias": True, "conv_L_cache": 4, "block_multiple_of": 48, "block_ffn_dim_multiplier": 1.2}),
    "qwen3": ("qwen3", {"head_dim": 24, "use_sliding_window": True, "sliding_window": 7, "max_window_layers": 2}),
}
LENGTHS = [40, 29, 5, 1]


def draw(model, generator):
    """Fills all parameters: projections by 1/sqrt(fan_in), norms around what they do by default."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() > 1:
            parameter.data = noise / math.sqrt(parameter.shape[-1])
        elif name.endswith("bias"):
            parameter.data = 0.1 * noise
        else:
            parameter.data = parameter.data + 0.2 * noise
        # gemma4 does not scale its scores: with neutral norms they would be so large that rounding decides.
        if "gemma4" in model.config.model_type and name.endswith("q_norm.weight"):
            parameter.data *= 0.3
    for name, buffer in model.named_buffers():
        if name.endswith("layer_scalar"):
            buffer += 0.2 * torch.randn(buffer.shape, generator=generator)


def reference(model, generator):
    """The tensors of reference_logits.safetensors: rows alone, then put at the end of a left-padded batch."""
    config, n_cols = model.config, max(LENGTHS)
    rows = [torch.randint(2, config.vocab_size, (length,), generator=generator) for length in LENGTHS]
    shape = (len(rows), n_cols)
    ids, mask, position_ids = torch.zeros(shape, dtype=torch.int32), torch.zeros(shape, dtype=torch.int32), torch.zeros(shape, dtype=torch.int32)
    logits, entropy = torch.zeros(*shape, config.vocab_size), torch.zeros(shape)
    logprobs = torch.zeros(len(rows), n_cols - 1)
    tensors = {}
    for index, row in enumerate(rows):
        with torch.no_grad():
            out = model(input_ids=row[None], output_hidden_states=index == 0, use_cache=False)
        start, found = n_cols - len(row), out.logits[0].float()
        distribution = torch.log_softmax(found, -1)
        ids[index, start:], mask[index, start:] = row.int(), 1
        position_ids[index, start:] = torch.arange(len(row))
        logits[index, start:], entropy[index, start:] = found, -(distribution.exp() * distribution).sum(-1)
        logprobs[index, start:] = distribution[:-1].gather(-1, row[1:, None])[:, 0]
        for layer, hidden in enumerate(out.hidden_states or ()):
            tensors[f"hidden.{layer}"] = hidden[0].float().contiguous()
    return {**tensors, "input_ids": ids, "attention_mask": mask, "position_ids": position_ids, "logits": logits, "logprobs": logprobs, "entropy": entropy}


def build(name):
    """The model of that name, and the generator that has drawn its parameters."""
    model_type, own = FAMILIES[name]
    config = AutoConfig.for_model(model_type, **{**COMMON, **own})
    generator = torch.Generator().manual_seed(sum(name.encode()))
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    draw(model, generator)
    return model, generator


def write(name, folder):
    model, generator = build(name)
    model.save_pretrained(folder)
    save_file(reference(model, generator), folder / "reference_logits.safetensors", metadata={"model_type": model.config.model_type, "dtype": "float32"})
    print(f"{name}: {model.num_parameters()} parameters")


def main():
    out, names = pathlib.Path(sys.argv[1]), sys.argv[2:] or list(FAMILIES)
    torch.set_num_threads(1)
    for name in names:
        write(name, out / name)


if __name__ == "__main__":
    main()
