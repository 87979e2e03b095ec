//! Which file each tensor of a model goes to.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::tensor_shapes;
use crate::config::DecoderConfig;

/// One file of a model.
pub(super) struct Shard {
    pub(super) file: String,
    /// Paths in the module tree of the tensors in it.
    pub(super) paths: HashSet<String>,
}

/// The files of a model, filled in the order of the tensors, and their index, if there are several.
pub(super) fn shards(
    config: &DecoderConfig,
    bytes_per_value: usize,
    max_bytes: usize,
) -> (Vec<Shard>, Option<Value>) {
    let mut groups: Vec<HashSet<String>> = Vec::new();
    let (mut filled, mut total) = (max_bytes, 0);
    for (path, shape) in tensor_shapes(config) {
        let size = shape.iter().product::<usize>() * bytes_per_value;
        if groups.is_empty() || filled + size > max_bytes {
            groups.push(HashSet::new());
            filled = 0;
        }
        filled += size;
        total += size;
        groups.last_mut().expect("pushed for the first tensor").insert(path);
    }
    let n = groups.len();
    if n <= 1 {
        let paths = groups.pop().unwrap_or_default();
        return (vec![Shard { file: "model.safetensors".to_owned(), paths }], None);
    }
    let name = |idx: usize| format!("model-{:05}-of-{n:05}.safetensors", idx + 1);
    let named = groups.into_iter().enumerate().map(|(idx, paths)| Shard { file: name(idx), paths });
    let shards: Vec<Shard> = named.collect();
    let mut weight_map = Map::new();
    for shard in &shards {
        let entries =
            shard.paths.iter().map(|path| (config.name_in_files(path), Value::from(shard.file.as_str())));
        weight_map.extend(entries);
    }
    (shards, Some(json!({ "metadata": { "total_size": total }, "weight_map": weight_map })))
}
