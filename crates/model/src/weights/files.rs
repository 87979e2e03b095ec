//! safetensors files: memory-mapped reading of one file or of shards, atomic writing.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::{Mmap, UncheckedAdvice};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::write::HostTensor;
use crate::{Error, Result};

/// The tensors of a folder: one `NAME.safetensors`, or the shards that `NAME.safetensors.index.json` lists.
#[derive(Debug)]
pub(crate) struct TensorFiles {
    shards: Vec<Shard>,
    tensors: HashMap<String, Entry>,
    path: PathBuf,
}

#[derive(Debug)]
struct Shard {
    map: Mmap,
    /// Where the tensors begin.
    data_start: usize,
}

#[derive(Debug)]
struct Entry {
    shard: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    range: (usize, usize),
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: HashMap<String, String>,
}

impl TensorFiles {
    /// Opens `dir/stem.safetensors`, or its shards.
    pub(crate) fn open(dir: &Path, stem: &str) -> Result<Self> {
        let single = dir.join(format!("{stem}.safetensors"));
        let index = dir.join(format!("{stem}.safetensors.index.json"));
        if single.exists() || !index.exists() {
            return Self::open_shards(single.clone(), &[single]);
        }
        let text = std::fs::read_to_string(&index).map_err(Error::io(&index))?;
        let parsed: ShardIndex = serde_json::from_str(&text)
            .map_err(|error| Error::Weights { path: index.clone(), reason: error.to_string() })?;
        let mut names: Vec<String> = parsed.weight_map.into_values().collect();
        names.sort_unstable();
        names.dedup();
        if let Some(name) = names.iter().find(|name| Path::new(name).components().count() != 1) {
            let reason = format!("the shard `{name}` lies outside the folder");
            return Err(Error::Weights { path: index, reason });
        }
        let shards: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
        Self::open_shards(index, &shards)
    }

    fn open_shards(path: PathBuf, files: &[PathBuf]) -> Result<Self> {
        let mut all = Self { shards: Vec::with_capacity(files.len()), tensors: HashMap::new(), path };
        for file in files {
            all.add_shard(file)?;
        }
        Ok(all)
    }

    fn add_shard(&mut self, path: &Path) -> Result<()> {
        let file = File::open(path).map_err(Error::io(path))?;
        #[expect(unsafe_code, reason = "memory-mapped weights: the map is read-only and dropped with `self`")]
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path))?;
        let malformed = |error: safetensors::SafeTensorError| Error::Weights {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let (header_len, metadata) = SafeTensors::read_metadata(&map).map_err(malformed)?;
        let shard = self.shards.len();
        for (name, info) in metadata.tensors() {
            let entry =
                Entry { shard, dtype: info.dtype, shape: info.shape.clone(), range: info.data_offsets };
            self.tensors.insert(name, entry);
        }
        self.shards.push(Shard { map, data_start: header_len + size_of::<u64>() });
        Ok(())
    }

    /// Names of all tensors, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The file, or the index of the shards.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Type, shape and bytes of a tensor.
    pub(crate) fn get(&self, name: &str) -> Option<(Dtype, &[usize], &[u8])> {
        let entry = self.tensors.get(name)?;
        let shard = &self.shards[entry.shard];
        let (start, end) = entry.range;
        Some((entry.dtype, &entry.shape, &shard.map[shard.data_start + start..shard.data_start + end]))
    }

    /// Gives back the memory that reading a tensor has filled with its file: otherwise a model that is being loaded
    /// counts twice. It may be read again.
    pub(crate) fn release(&self, name: &str) {
        let Some(Entry { shard, range: (start, end), .. }) = self.tensors.get(name) else { return };
        let Shard { map, data_start } = &self.shards[*shard];
        #[expect(
            unsafe_code,
            reason = "the pages of a read-only map of a file are read anew when they are missing"
        )]
        // Without effect it costs memory and nothing else.
        let _ =
            unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, data_start + start, end - start) };
    }

    /// As [`TensorFiles::get`], widened to f32.
    pub(crate) fn get_f32(&self, name: &str) -> Result<(Vec<f32>, &[usize])> {
        let (dtype, shape, bytes) =
            self.get(name).ok_or_else(|| self.error(format!("`{name}` is missing")))?;
        let values = match dtype {
            Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::BF16 => {
                bytes.as_chunks::<2>().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect()
            }
            Dtype::F16 => {
                bytes.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect()
            }
            other => return Err(self.error(format!("`{name}` is of type {other:?}, not f32, f16 or bf16"))),
        };
        Ok((values, shape))
    }

    pub(crate) fn error(&self, reason: String) -> Error {
        Error::Weights { path: self.path.clone(), reason }
    }
}

/// Writes a safetensors file with the metadata that transformers asks for.
pub(crate) fn write_tensors(path: &Path, tensors: Vec<(String, HostTensor)>) -> Result<()> {
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let partial = partial_name(path);
    safetensors::serialize_to_file(tensors, Some(metadata), &partial)
        .map_err(|error| Error::Weights { path: path.to_owned(), reason: error.to_string() })?;
    world_readable(&partial)?;
    sync_and_rename(&partial, path)
}

/// safetensors makes files for their owner alone; whoever uploads or serves a model may be someone else.
fn world_readable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).map_err(Error::io(path))
}

/// Writes a small file: temporary name, fsync, rename.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = partial_name(path);
    std::fs::write(&partial, bytes).map_err(Error::io(&partial))?;
    sync_and_rename(&partial, path)
}

/// Makes a finished temporary file the real one.
pub(crate) fn sync_and_rename(partial: &Path, path: &Path) -> Result<()> {
    File::open(partial).and_then(|file| file.sync_all()).map_err(Error::io(partial))?;
    std::fs::rename(partial, path).map_err(Error::io(path))?;
    if let Some(parent) = path.parent() {
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(Error::io(parent))?;
    }
    Ok(())
}

fn partial_name(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.partial"))
}
