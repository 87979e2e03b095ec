//! Safetensors of the reference folder, on the host.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::Error;

/// A small tensor.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HostTensor {
    pub(super) shape: Vec<usize>,
    /// Row-major; integers as they are (all are small).
    pub(super) values: Vec<f32>,
}

impl HostTensor {
    /// The rows of a matrix.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks(self.shape.last().copied().unwrap_or(1).max(1))
    }
}

/// All tensors of a file by name.
#[derive(Clone, Debug)]
pub(super) struct Tensors {
    path: std::path::PathBuf,
    by_name: BTreeMap<String, HostTensor>,
}

impl Tensors {
    /// Reads a file of F32 and I32 tensors.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Reference { path: path.to_owned(), reason };
        let bytes = fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| unusable(error.to_string()))?;
        let mut by_name = BTreeMap::new();
        for (name, view) in file.tensors() {
            let words = view.data().chunks_exact(4).map(|word| [word[0], word[1], word[2], word[3]]);
            let values = match view.dtype() {
                Dtype::F32 => words.map(f32::from_le_bytes).collect(),
                Dtype::I32 => words.map(|word| i32::from_le_bytes(word) as f32).collect(),
                other => return Err(unusable(format!("`{name}` has type {other:?}"))),
            };
            by_name.insert(name, HostTensor { shape: view.shape().to_vec(), values });
        }
        Ok(Self { path: path.to_owned(), by_name })
    }

    /// The tensor called `name`.
    pub(super) fn get(&self, name: &str) -> Result<&HostTensor, Error> {
        let missing = || Error::Reference { path: self.path.clone(), reason: format!("`{name}` is missing") };
        self.by_name.get(name).ok_or_else(missing)
    }

    /// Names and tensors whose name starts with `prefix`, without it.
    pub(super) fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a HostTensor)> {
        self.by_name.iter().filter_map(move |(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)))
    }
}
