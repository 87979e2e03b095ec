//! LoRA adapters as PEFT 0.21 writes and reads them: `adapter_config.json` and `adapter_model.safetensors`.
//!
//! What the side path here cannot represent is refused when reading, by the name of the option.

mod foreign;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

pub use foreign::write_foreign_floor;

use crate::config::{Arch, DecoderConfig};
use crate::decoder::LanguageModel;
use crate::lora::{LoraConfig, LoraPair, Target, fresh_pairs, lora_places, present_targets};
use crate::weights::{HostTensor, TensorFiles, host_values, write_atomically, write_tensors};
use crate::{Error, Result};

/// Of every tensor name in an adapter file.
const PREFIX: &str = "base_model.model.";

/// Options that change the function and that no adapter of ours has. Absent, null, false and empty values are fine.
const REFUSED: [&str; 13] = [
    "modules_to_save",
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "layers_to_transform",
    "layers_pattern",
    "layer_replication",
    "exclude_modules",
    "target_parameters",
    "trainable_token_indices",
    "arrow_config",
    "alora_invocation_tokens",
];

#[derive(Deserialize)]
struct PeftConfig {
    peft_type: String,
    r: usize,
    lora_alpha: f32,
    target_modules: TargetModules,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    rank_pattern: Option<BTreeMap<String, usize>>,
    #[serde(default)]
    alpha_pattern: Option<BTreeMap<String, f32>>,
    #[serde(default)]
    bias: Option<String>,
    /// Of `target_modules`.
    #[serde(skip)]
    targets: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TargetModules {
    Pattern(String),
    Names(Vec<String>),
}

impl PeftConfig {
    fn from_dir(dir: &Path) -> Result<Self> {
        let path = dir.join("adapter_config.json");
        let refuse = |reason: String| Error::Adapter { path: dir.to_owned(), reason };
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        if let Some(option) = REFUSED.into_iter().find(|option| !is_unset(value.get(option))) {
            let hint = match option {
                "modules_to_save" => ": it replaces whole modules; merge the adapter with PEFT first",
                _ => "",
            };
            return Err(refuse(format!("`{option}` is not supported{hint}")));
        }
        let mut config: Self = serde_json::from_value(value).map_err(|error| refuse(error.to_string()))?;
        if config.peft_type != "LORA" {
            return Err(refuse(format!("peft_type `{}` is not LORA", config.peft_type)));
        }
        if let Some(bias) = config.bias.as_ref().filter(|bias| *bias != "none") {
            return Err(refuse(format!("bias `{bias}` is not supported")));
        }
        let ranks = config.rank_pattern.iter().flatten().map(|(_, rank)| *rank);
        if ranks.chain([config.r]).any(|rank| rank == 0) {
            return Err(refuse("r is 0".to_owned()));
        }
        let patterns = config.rank_pattern.iter().flatten().map(|(pattern, _)| pattern);
        let patterns = patterns.chain(config.alpha_pattern.iter().flatten().map(|(pattern, _)| pattern));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if let Some(pattern) = patterns.into_iter().find(|pattern| !pattern.chars().all(is_plain)) {
            return Err(refuse(format!("`{pattern}` in rank_pattern or alpha_pattern is more than a name")));
        }
        config.targets = match &config.target_modules {
            TargetModules::Pattern(pattern) if pattern == "all-linear" => Target::ALL.to_vec(),
            TargetModules::Pattern(pattern) => {
                return Err(refuse(format!("target_modules as a pattern, `{pattern}`, is not supported")));
            }
            TargetModules::Names(names) => parse_targets(names).map_err(refuse)?,
        };
        Ok(config)
    }

    /// One rank and one scale for all: the largest rank, the scale of a map without a pattern. The function is the same;
    /// see [`LanguageModel::with_adapter`].
    fn uniform(&self) -> LoraConfig {
        let rank = self.rank_pattern.iter().flatten().map(|(_, rank)| *rank).fold(self.r, usize::max);
        let alpha = match rank == self.r && !self.use_rslora {
            true => self.lora_alpha,
            false => self.scale(self.r, self.lora_alpha) * rank as f32,
        };
        LoraConfig { rank, alpha, targets: self.targets.clone() }
    }

    fn scale(&self, rank: usize, alpha: f32) -> f32 {
        if self.use_rslora { alpha / (rank as f32).sqrt() } else { alpha / rank as f32 }
    }

    /// Rank and scale of the map at a path, named as in files.
    ///
    /// # Errors
    /// The pattern, if two that match say something else: PEFT would take whichever comes first in the file.
    fn of(&self, name: &str) -> Result<(usize, f32), String> {
        let rank = matching(self.rank_pattern.as_ref(), name)?.unwrap_or(self.r);
        let alpha = matching(self.alpha_pattern.as_ref(), name)?.unwrap_or(self.lora_alpha);
        Ok((rank, self.scale(rank, alpha)))
    }
}

/// The value of the patterns that a name ends in.
fn matching<T: Copy + PartialEq>(
    patterns: Option<&BTreeMap<String, T>>,
    name: &str,
) -> Result<Option<T>, String> {
    let mut found: Option<(&str, T)> = None;
    for (pattern, value) in patterns.into_iter().flatten() {
        let start = name.strip_suffix(pattern.as_str());
        if !start.is_some_and(|start| start.is_empty() || start.ends_with('.')) {
            continue;
        }
        if found.is_some_and(|(_, other)| other != *value) {
            return Err(format!("`{pattern}` and another pattern say something else of `{name}`"));
        }
        found = Some((pattern, *value));
    }
    Ok(found.map(|(_, value)| value))
}

impl LoraConfig {
    /// Reads `adapter_config.json` of an adapter's folder.
    ///
    /// # Errors
    /// If the file is missing or malformed, or asks for something other than LoRA on linear maps.
    pub fn from_dir(dir: &Path) -> Result<Self> {
        Ok(PeftConfig::from_dir(dir)?.uniform())
    }

    /// The text of `adapter_config.json`.
    fn to_peft_json(&self, config: &DecoderConfig, base_model: &str) -> Value {
        let targets = Target::names_in_peft(&self.targets, &present_targets(config), config.arch);
        peft_json(self, &json!(targets), config.arch == Arch::Gpt2, base_model)
    }
}

/// The fields that PEFT 0.21 writes. With `fan_in_fan_out` the weights are `[in, out]`; A and B are as ever.
fn peft_json(lora: &LoraConfig, targets: &Value, fan_in_fan_out: bool, base_model: &str) -> Value {
    json!({
        "alora_invocation_tokens": null,
        "alpha_pattern": {},
        "arrow_config": null,
        "auto_mapping": null,
        "base_model_name_or_path": base_model,
        "bias": "none",
        "corda_config": null,
        "ensure_weight_tying": false,
        "eva_config": null,
        "exclude_modules": null,
        "fan_in_fan_out": fan_in_fan_out,
        "inference_mode": true,
        "init_lora_weights": true,
        "layer_replication": null,
        "layers_pattern": null,
        "layers_to_transform": null,
        "loftq_config": {},
        "lora_alpha": alpha_json(lora.alpha),
        "lora_bias": false,
        "lora_dropout": 0.0,
        "megatron_config": null,
        "megatron_core": "megatron.core",
        "modules_to_save": null,
        "peft_type": "LORA",
        "peft_version": "0.21.2",
        "qalora_group_size": 16,
        "r": lora.rank,
        "rank_pattern": {},
        "revision": null,
        "target_modules": targets,
        "target_parameters": null,
        "task_type": "CAUSAL_LM",
        "trainable_token_indices": null,
        "use_dora": false,
        "use_qalora": false,
        "use_rslora": false,
    })
}

impl LanguageModel {
    /// Adds the adapter in `dir`; from here on only the adapter asks for gradients.
    ///
    /// Ranks and scales that differ from map to map become one of each: smaller ranks are filled up, and B is rescaled.
    ///
    /// # Errors
    /// If the adapter is unreadable, not plain LoRA, or made for another shape of model.
    pub fn with_adapter(self, dir: &Path) -> Result<Self> {
        let peft = PeftConfig::from_dir(dir)?;
        let lora = peft.uniform().on(self.config());
        let files = TensorFiles::open(dir, "adapter_model")?;
        let places = lora_places(self.config(), &lora);
        if files.names().count() != 2 * places.len() {
            let reason = format!("{} tensors, {} expected", files.names().count(), 2 * places.len());
            return Err(Error::Adapter { path: dir.to_owned(), reason });
        }
        let mut pairs: Vec<LoraPair> = fresh_pairs(self.config(), &lora, 0).collect();
        for pair in &mut pairs {
            let name = self.config.name_in_files(&pair.name);
            let refuse = |reason| Error::Adapter { path: dir.to_owned(), reason };
            let (rank, scale) = peft.of(&name).map_err(refuse)?;
            let (n_in, n_out) = (pair.shape.n_in, pair.shape.n_out);
            let a = matrix(&files, &format!("{PREFIX}{name}.lora_A.weight"), [rank, n_in])?;
            let b = matrix(&files, &format!("{PREFIX}{name}.lora_B.weight"), [n_out, rank])?;
            if rank == lora.rank && scale == lora.scale() {
                (pair.a, pair.b) = (a, b);
                continue;
            }
            // Directions beyond its own rank stay fresh: B is zero there.
            pair.a[..rank * n_in].copy_from_slice(&a);
            for (row, own) in pair.b.chunks_mut(lora.rank).zip(b.chunks(rank)) {
                row.iter_mut().zip(own).for_each(|(to, from)| *to = from * scale / lora.scale());
            }
        }
        Ok(self.with_lora_pairs(&lora, pairs))
    }

    /// Writes the adapter to `dir`, in f32. The configuration comes last: a folder with one is complete.
    ///
    /// # Errors
    /// If the model has no adapter, or a file cannot be written.
    pub fn save_adapter(&self, dir: &Path, base_model: &str) -> Result<()> {
        let Some(lora) = self.lora() else {
            return Err(Error::Adapter {
                path: dir.to_owned(),
                reason: "the model has no adapter".to_owned(),
            });
        };
        let mut tensors = Vec::new();
        for (idx, layer) in self.model.layers.iter().enumerate() {
            for target in &lora.targets {
                let Some(linear) = layer.linear(*target) else { continue };
                let (Some(a), Some(b)) = (&linear.lora_a, &linear.lora_b) else { continue };
                let path = format!("model.layers.{idx}.{}", target.path());
                let name = format!("{PREFIX}{}", self.config.name_in_files(&path));
                for (part, matrix) in [("lora_A", a.val()), ("lora_B", b.val())] {
                    let shape = matrix.dims();
                    let tensor = HostTensor::from_f32(&host_values(matrix), &shape);
                    tensors.push((format!("{name}.{part}.weight"), tensor));
                }
            }
        }
        write_adapter(dir, &lora.to_peft_json(self.config(), base_model), tensors)
    }
}

/// Writes an adapter that changes nothing, from the model's configuration alone: the artifact to fall back on, ready
/// before any weight is read.
///
/// # Errors
/// If a file cannot be written.
pub fn write_floor_adapter(
    dir: &Path,
    config: &DecoderConfig,
    lora: &LoraConfig,
    base_model: &str,
    seed: u64,
) -> Result<()> {
    let lora = &lora.on(config);
    let tensors = fresh_pairs(config, lora, seed).flat_map(|LoraPair { name, a, b, shape }| {
        let a = HostTensor::from_f32(&a, &[lora.rank, shape.n_in]);
        let b = HostTensor::from_f32(&b, &[shape.n_out, lora.rank]);
        let name = config.name_in_files(&name);
        [(format!("{PREFIX}{name}.lora_A.weight"), a), (format!("{PREFIX}{name}.lora_B.weight"), b)]
    });
    write_adapter(dir, &lora.to_peft_json(config, base_model), tensors.collect())
}

fn write_adapter(dir: &Path, config: &Value, tensors: Vec<(String, HostTensor)>) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
    write_tensors(&dir.join("adapter_model.safetensors"), tensors)?;
    let text = format!("{config:#}\n");
    write_atomically(&dir.join("adapter_config.json"), text.as_bytes())
}

fn matrix(files: &TensorFiles, name: &str, shape: [usize; 2]) -> Result<Vec<f32>> {
    let (values, found) = files.get_f32(name)?;
    if found != shape {
        return Err(files.error(format!("`{name}` has shape {found:?}, the model asks for {shape:?}")));
    }
    Ok(values)
}

fn parse_targets(names: &[String]) -> Result<Vec<Target>, String> {
    let parse = |name: &String| {
        Target::named(name).map_err(|_| format!("target module `{name}` is not a linear map of a layer"))
    };
    let targets: Vec<Vec<Target>> = names.iter().map(parse).collect::<Result<_, _>>()?;
    let mut targets = targets.concat();
    targets.sort_unstable();
    targets.dedup();
    if targets.is_empty() { Err("target_modules is empty".to_owned()) } else { Ok(targets) }
}

fn is_unset(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    }
}

/// PEFT types alpha as an integer.
fn alpha_json(alpha: f32) -> Value {
    if alpha.fract() == 0.0 { json!(alpha as i64) } else { json!(alpha) }
}

#[cfg(test)]
mod tests;
