//! A model to a folder in HF's layout.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use safetensors::{Dtype, View};

use super::files::{write_atomically, write_tensors};
use super::read::transposed;
use super::shards::{Shard, shards};
use crate::config::Arch;
use crate::decoder::LanguageModel;
use crate::{Error, Result};

/// Files beside the weights that make a folder usable: copied byte for byte, where they are.
const COMPANIONS: [&str; 13] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "tokenizer.model",
    "chat_template.json",
    "preprocessor_config.json",
    "processor_config.json",
    "merges.txt",
];

/// Of transformers 4, and below the limit of every hub and file system.
const MAX_SHARD_SIZE: usize = 5_000_000_000;

/// How [`LanguageModel::save`] writes.
#[derive(Clone, Debug)]
pub struct SaveOptions {
    /// F32, F16 or BF16.
    pub dtype: DType,
    /// A model folder whose configuration and tokenizer are copied; otherwise only config.json is written.
    pub companions: Option<PathBuf>,
    /// Bytes of tensors in one file; a model with more is written in several, with an index.
    pub max_shard_size: usize,
}

impl Default for SaveOptions {
    /// F32 as in training, without companions.
    fn default() -> Self {
        Self { dtype: DType::F32, companions: None, max_shard_size: MAX_SHARD_SIZE }
    }
}

impl LanguageModel {
    /// Writes `model.safetensors`, or shards of it with their index, and config.json. An adapter is not part of it: merge it first, or save it on its own.
    ///
    /// # Errors
    /// If a file cannot be written, or `dtype` is not a type of weights.
    pub fn save(&self, dir: &Path, options: &SaveOptions) -> Result<()> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
        self.save_weights(dir, options)?;
        match &options.companions {
            Some(from) => copy_companions(from, dir)?,
            None => {
                let text = format!("{:#}\n", self.config().to_json());
                write_atomically(&dir.join("config.json"), text.as_bytes())?;
            }
        }
        Ok(())
    }

    /// The model as it is read back after [`LanguageModel::save`] in `dtype`: every weight rounded, and f32 again.
    pub fn rounded_to(self, dtype: DType) -> Self {
        if dtype == DType::F32 { self } else { self.map(&mut Rounded(dtype)) }
    }

    /// The model as it is read back after it was handed over in `dtype`: as [`LanguageModel::rounded_to`] if it is whole, as it
    /// is if it is an adapter, which is kept in f32.
    pub fn read_back_in(&self, dtype: DType) -> Self {
        let model = self.clone();
        if model.lora().is_some() { model } else { model.rounded_to(dtype) }
    }

    /// A shard at a time is on the host, in the order of the module tree.
    fn save_weights(&self, dir: &Path, options: &SaveOptions) -> Result<()> {
        let (shards, index) = shards(&self.config, options.dtype.size(), options.max_shard_size);
        for Shard { file, paths } in shards {
            let mut collected = Collected {
                wanted: paths,
                path: Vec::new(),
                tensors: Vec::new(),
                dtype: options.dtype,
                arch: self.config.arch,
            };
            self.visit(&mut collected);
            write_tensors(&dir.join(file), collected.tensors)?;
        }
        match index {
            Some(index) => {
                let text = format!("{index:#}\n");
                write_atomically(&dir.join("model.safetensors.index.json"), text.as_bytes())
            }
            None => Ok(()),
        }
    }
}

struct Rounded(DType);

impl ModuleMapper for Rounded {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let (tracked, dtype) = (tensor.is_require_grad(), tensor.dtype());
        let rounded = Tensor::from_inner(tensor.inner().cast(self.0).cast(dtype));
        Param::from_mapped_value(id, rounded.set_require_grad(tracked), mapper)
    }
}

/// Copies configuration and tokenizer files from one model folder to another, byte for byte.
///
/// # Errors
/// If a file cannot be read or written; files that are not there are left out.
pub fn copy_companions(from: &Path, to: &Path) -> Result<()> {
    for name in COMPANIONS {
        let source = from.join(name);
        if source.exists() {
            let bytes = std::fs::read(&source).map_err(Error::io(&source))?;
            write_atomically(&to.join(name), &bytes)?;
        }
    }
    Ok(())
}

/// The values of a tensor on the host, in row-major order.
pub(crate) fn host_values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data_dtype(DType::F32);
    data.try_to_vec::<f32>().expect("the data was converted to f32")
}

/// Some of the base's tensors under their names in files of the family.
struct Collected {
    /// By their paths in the module tree.
    wanted: HashSet<String>,
    path: Vec<String>,
    tensors: Vec<(String, HostTensor)>,
    dtype: DType,
    arch: Arch,
}

impl ModuleVisitor for Collected {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        if !self.wanted.contains(&path) {
            return;
        }
        let mut tensor = HostTensor::from_tensor(param.val(), self.dtype);
        if self.arch.is_transposed_in_files(&path) {
            tensor = tensor.transposed();
        }
        self.tensors.push((self.arch.name_in_files(&path), tensor));
    }
}

/// A tensor on its way to a file.
pub(crate) struct HostTensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl HostTensor {
    pub(crate) fn from_f32(values: &[f32], shape: &[usize]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    /// A matrix with rows and columns exchanged.
    fn transposed(self) -> Self {
        let &[rows, cols] = self.shape.as_slice() else { return self };
        let size = self.bytes.len() / (rows * cols).max(1);
        Self { bytes: transposed(&self.bytes, [rows, cols], size), shape: vec![cols, rows], ..self }
    }

    fn from_tensor<const D: usize>(tensor: Tensor<D>, dtype: DType) -> Self {
        let shape = tensor.dims().to_vec();
        let bytes = tensor.into_data_dtype(dtype).into_bytes().to_vec();
        let dtype = match dtype {
            DType::F16 => Dtype::F16,
            DType::BF16 => Dtype::BF16,
            DType::F32 => Dtype::F32,
            other => panic!("weights are f32, f16 or bf16, not {other:?}"),
        };
        Self { dtype, shape, bytes }
    }
}

impl View for HostTensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
