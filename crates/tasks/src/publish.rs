//! The output folder: at every moment after [`Publisher::floor`] it holds one valid adapter, or one valid model.
//!
//! What is handed over is staged beside the folder and its files are renamed into it, weights first. An adapter's rank and
//! targets do not change during a run, so the configuration fits the weights at every moment in between. Where a whole
//! model takes the floor adapter's place, the folder counts as an adapter until `adapter_config.json` is gone, which
//! happens when everything else is there. The shards of a large model are replaced one by one: whoever reads in between
//! gets layers of two neighbouring steps.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::DType;
use model::{DecoderConfig, LanguageModel, LoraConfig, SaveOptions};
use schema::{Artifact, ArtifactKind};

use crate::BadInput;

/// Games are scored with weights in half precision: beyond this a number is infinite there.
const MAX_HALF: f32 = 65_504.0;

/// The files of an adapter, in the order of renaming.
const ADAPTER_FILES: [&str; 2] = ["adapter_model.safetensors", "adapter_config.json"];

/// Hands adapters over.
#[derive(Clone, Debug)]
pub struct Publisher {
    out: PathBuf,
    stage: PathBuf,
    base_model: String,
    base_dir: Option<PathBuf>,
}

impl Publisher {
    /// Makes the output folder; `base_model` is what the adapter says it belongs to.
    ///
    /// # Errors
    /// [`BadInput`] if the folder cannot be made or written to.
    pub fn new(out: &Path, base_model: &str) -> Result<Self, BadInput> {
        let name = out.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
        let stage = out.with_file_name(format!(".stage-{name}"));
        let unwritable = |error: io::Error| {
            let message = format!("output `{}` cannot be written: {error}", out.display());
            BadInput::new(message, "give a folder that this user may write to")
        };
        fs::create_dir_all(out).map_err(unwritable)?;
        // What an attempt that was killed has staged is no part of this one.
        let _ = fs::remove_dir_all(&stage);
        fs::create_dir_all(&stage).map_err(unwritable)?;
        let probe = out.join(".probe");
        fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(unwritable)?;
        Ok(Self { out: out.to_owned(), stage, base_model: base_model.to_owned(), base_dir: None })
    }

    /// Where configuration and tokenizer of whole models come from.
    pub fn of_base(mut self, model_dir: &Path) -> Self {
        self.base_dir = Some(model_dir.to_owned());
        self
    }

    /// Publishes an adapter that changes nothing, from the model's configuration alone, and clears away what an earlier
    /// attempt left in the folder.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn floor(&self, config: &DecoderConfig, lora: &LoraConfig, seed: u64) -> anyhow::Result<Artifact> {
        model::write_floor_adapter(&self.stage, config, lora, &self.base_model, seed)?;
        let artifact = self.move_in(0)?;
        self.clear_leftovers()?;
        Ok(artifact)
    }

    /// As [`Publisher::floor`], for a model of a family that is not ours.
    ///
    /// # Errors
    /// If no linear map is recognised among its weights, or a file cannot be written.
    pub fn foreign_floor(&self, model_dir: &Path, lora: &LoraConfig, seed: u64) -> anyhow::Result<Artifact> {
        model::write_foreign_floor(&self.stage, model_dir, lora, &self.base_model, seed)?;
        let artifact = self.move_in(0)?;
        self.clear_leftovers()?;
        Ok(artifact)
    }

    /// Publishes the adapter of `model` as it is after `step` optimizer steps.
    ///
    /// # Errors
    /// If the model has no adapter, a weight is not finite, what was written computes something else (what lies there
    /// stays), or a file cannot be written.
    pub fn adapter(&self, model: &LanguageModel, step: u64) -> anyhow::Result<Artifact> {
        model.save_adapter(&self.stage, &self.base_model)?;
        check_finite(&self.stage.join(ADAPTER_FILES[0]))?;
        model.check_adapter(&self.stage)?;
        self.move_in(step)
    }

    /// Publishes `model` after `step` optimizer steps: its adapter if it has one, else all of it.
    ///
    /// # Errors
    /// As [`Publisher::adapter`].
    pub fn publish(&self, model: &LanguageModel, step: u64) -> anyhow::Result<Artifact> {
        if model.lora().is_some() { self.adapter(model, step) } else { self.merged(model, step) }
    }

    /// Publishes a whole model in the type that the base is stored in, with the base's configuration and tokenizer.
    ///
    /// # Errors
    /// As [`Publisher::adapter`].
    pub fn merged(&self, model: &LanguageModel, step: u64) -> anyhow::Result<Artifact> {
        let stage = self.stage.join("merged");
        let dtype = self.stored_dtype()?;
        let options = SaveOptions { dtype, companions: self.base_dir.clone(), ..SaveOptions::default() };
        model.save(&stage, &options)?;
        model.clone().rounded_to(dtype).check_saved(&stage)?;
        let mut names: Vec<_> = fs::read_dir(&stage)?.flatten().map(|entry| entry.file_name()).collect();
        names.sort_by_key(|name| !name.to_string_lossy().ends_with(".safetensors"));
        for name in names {
            let (from, to) = (stage.join(&name), self.out.join(&name));
            fs::rename(&from, &to)
                .with_context(|| format!("moving `{}` to `{}`", from.display(), to.display()))?;
        }
        sync_dir(&self.out);
        for name in ADAPTER_FILES.into_iter().rev() {
            match fs::remove_file(self.out.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => sync_dir(&self.out),
            }
        }
        Ok(Artifact { path: self.out.clone(), kind: ArtifactKind::Merged, step })
    }

    /// The type in which whole models are handed over: the base's.
    ///
    /// # Errors
    /// If the base has no readable weights.
    pub fn stored_dtype(&self) -> anyhow::Result<DType> {
        Ok(self.base_dir.as_deref().map(model::stored_dtype).transpose()?.unwrap_or(DType::F32))
    }

    /// The output folder.
    pub fn path(&self) -> &Path {
        &self.out
    }

    fn move_in(&self, step: u64) -> anyhow::Result<Artifact> {
        for name in ADAPTER_FILES {
            let (from, to) = (self.stage.join(name), self.out.join(name));
            fs::rename(&from, &to)
                .with_context(|| format!("moving `{}` to `{}`", from.display(), to.display()))?;
        }
        sync_dir(&self.out);
        Ok(Artifact { path: self.out.clone(), kind: ArtifactKind::Adapter, step })
    }

    fn clear_leftovers(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.out)?.flatten() {
            if ADAPTER_FILES.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.with_context(|| format!("clearing `{}`", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // What is staged has been moved; an unfinished one is worth nothing.
        let _ = fs::remove_dir_all(&self.stage);
    }
}

/// True if `dir` holds an adapter or a model whose files can be read.
pub fn holds_artifact(dir: &Path) -> bool {
    if dir.join(ADAPTER_FILES[1]).exists() {
        return LoraConfig::from_dir(dir).is_ok() && check_finite(&dir.join(ADAPTER_FILES[0])).is_ok();
    }
    DecoderConfig::from_dir(dir).is_ok() && model::stored_dtype(dir).is_ok()
}

fn check_finite(path: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
    let tensors = safetensors::SafeTensors::deserialize(&bytes)?;
    for (name, tensor) in tensors.tensors() {
        let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        anyhow::ensure!(
            values.into_iter().all(|value| value.abs() <= MAX_HALF),
            "`{name}` in `{}` has a value that is not finite in half precision",
            path.display()
        );
    }
    Ok(())
}

/// Makes the renames durable, where the file system lets a directory be opened.
fn sync_dir(dir: &Path) {
    if let Ok(handle) = fs::File::open(dir) {
        let _ = handle.sync_all();
    }
}

#[cfg(test)]
mod tests;
