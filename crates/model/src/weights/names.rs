//! Names of tensors and linear maps in the files of families that do not call them as the module tree does.
//!
//! Paths of the module tree are llama's names; what another family calls its parts is listed here, once.

use crate::config::{Arch, DecoderConfig};
use crate::lora::Target;

/// What a family calls the parts of the module tree: ours, theirs.
struct Names {
    /// Outside of the layers, with their whole paths.
    model: &'static [(&'static str, &'static str)],
    /// The list of layers.
    layers: &'static str,
    /// Within a layer.
    layer: &'static [(&'static str, &'static str)],
}

const LLAMA: Names = Names { model: &[], layers: "model.layers", layer: &[] };

const GPT2: Names = Names {
    model: &[
        ("model.embed_tokens", "transformer.wte"),
        ("model.embed_positions", "transformer.wpe"),
        ("model.norm", "transformer.ln_f"),
    ],
    layers: "transformer.h",
    layer: &[
        ("input_layernorm", "ln_1"),
        ("post_attention_layernorm", "ln_2"),
        ("self_attn.qkv_proj", "attn.c_attn"),
        ("self_attn.o_proj", "attn.c_proj"),
        ("mlp.up_proj", "mlp.c_fc"),
        ("mlp.down_proj", "mlp.c_proj"),
    ],
};

const GPT_NEOX: Names = Names {
    model: &[
        ("model.embed_tokens", "gpt_neox.embed_in"),
        ("model.norm", "gpt_neox.final_layer_norm"),
        ("lm_head", "embed_out"),
    ],
    layers: "gpt_neox.layers",
    layer: &[
        ("self_attn.qkv_proj", "attention.query_key_value"),
        ("self_attn.o_proj", "attention.dense"),
        ("mlp.up_proj", "mlp.dense_h_to_4h"),
        ("mlp.down_proj", "mlp.dense_4h_to_h"),
    ],
};

const OPT: Names = Names {
    model: &[
        ("model.embed_tokens", "model.decoder.embed_tokens"),
        ("model.embed_positions", "model.decoder.embed_positions"),
        ("model.norm", "model.decoder.final_layer_norm"),
        ("model.project_in", "model.decoder.project_in"),
        ("model.project_out", "model.decoder.project_out"),
    ],
    layers: "model.decoder.layers",
    layer: &[
        ("input_layernorm", "self_attn_layer_norm"),
        ("post_attention_layernorm", "final_layer_norm"),
        ("self_attn.o_proj", "self_attn.out_proj"),
        ("mlp.up_proj", "fc1"),
        ("mlp.down_proj", "fc2"),
    ],
};

const LFM2: Names = Names {
    model: &[("model.norm", "model.embedding_norm")],
    layers: "model.layers",
    layer: &[
        ("input_layernorm", "operator_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.o_proj", "self_attn.out_proj"),
        ("self_attn.q_norm", "self_attn.q_layernorm"),
        ("self_attn.k_norm", "self_attn.k_layernorm"),
        ("mlp.gate_proj", "feed_forward.w1"),
        ("mlp.up_proj", "feed_forward.w3"),
        ("mlp.down_proj", "feed_forward.w2"),
    ],
};

impl Arch {
    fn part_names(self) -> &'static Names {
        match self {
            Self::Gpt2 => &GPT2,
            Self::GptNeox => &GPT_NEOX,
            Self::Opt => &OPT,
            Self::Lfm2 => &LFM2,
            _ => &LLAMA,
        }
    }

    /// What this family's files call the parameter or map at a path of the module tree.
    pub(crate) fn name_in_files(self, path: &str) -> String {
        let names = self.part_names();
        let in_layer = path.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.'));
        match in_layer {
            Some((idx, part)) => format!("{}.{idx}.{}", names.layers, replaced(part, names.layer)),
            None => replaced(path, names.model),
        }
    }

    /// The other names under which files of this family may have a parameter.
    pub(crate) fn other_names_in_files(self, path: &str) -> Vec<String> {
        let name = self.name_in_files(path);
        match self {
            // The first files of gpt2 hold the body alone.
            Self::Gpt2 => name.strip_prefix("transformer.").map(str::to_owned).into_iter().collect(),
            Self::GptNeox if name != path && path.starts_with("lm_head") => vec![path.to_owned()],
            _ => Vec::new(),
        }
    }

    /// True if files of this family hold the matrix at this path as `[in, out]`.
    pub(crate) fn is_transposed_in_files(self, path: &str) -> bool {
        self == Self::Gpt2 && path.starts_with("model.layers.") && path.ends_with("_proj.weight")
    }
}

impl DecoderConfig {
    /// What files of this family call the parameter at a path of the module tree.
    pub fn name_in_files(&self, path: &str) -> String {
        self.arch.name_in_files(path)
    }

    /// True if files of this family hold the matrix at a path of the module tree as `[in, out]`.
    pub fn is_transposed_in_files(&self, path: &str) -> bool {
        self.arch.is_transposed_in_files(path)
    }
}

impl Target {
    /// Its path within a layer, as files of a family have it.
    pub(crate) fn path_in_files(self, arch: Arch) -> String {
        replaced(&self.path(), arch.part_names().layer)
    }

    /// All targets that any family calls by `name`, or by a path that ends in it.
    pub(crate) fn called(name: &str) -> Vec<Self> {
        let ends =
            |path: String| path == name || path.strip_suffix(name).is_some_and(|start| start.ends_with('.'));
        let is_called = |target: &Self| Arch::ALL.into_iter().any(|arch| ends(target.path_in_files(arch)));
        Self::ALL.into_iter().filter(is_called).collect()
    }

    /// What PEFT's `target_modules` call some of the maps of a model: the last part of the path, with the part before
    /// it where the last is also another map's.
    pub(crate) fn names_in_peft(chosen: &[Self], present: &[Self], arch: Arch) -> Vec<String> {
        let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        let name = |target: &Self| {
            let path = target.path_in_files(arch);
            let short = last(&path);
            let mut same = present.iter().filter(|other| last(&other.path_in_files(arch)) == short);
            if same.all(|other| chosen.contains(other)) { short } else { path }
        };
        let mut names: Vec<String> = Vec::new();
        for target in chosen {
            let name = name(target);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

fn replaced(path: &str, names: &[(&str, &str)]) -> String {
    for (ours, theirs) in names {
        match path.strip_prefix(ours) {
            Some("") => return (*theirs).to_owned(),
            Some(rest) if rest.starts_with('.') => return format!("{theirs}{rest}"),
            _ => {}
        }
    }
    path.to_owned()
}
