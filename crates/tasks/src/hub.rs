//! Models that are not on this machine yet, from the Hugging Face hub. Never called in the container, which is offline.

use std::path::{Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, Repo};

use crate::BadInput;

/// What a run reads besides weights. `config.json` is fetched last: a snapshot that has it is complete.
const TEXT_FILES: [&str; 7] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    INDEX,
];
const INDEX: &str = "model.safetensors.index.json";
const CONFIG: &str = "config.json";

/// A hub, and the folder that keeps what came from it, laid out as `huggingface_hub` does.
#[derive(Clone, Debug)]
pub struct Hub {
    /// For example `https://huggingface.co`.
    pub endpoint: String,
    /// Shared by all models.
    pub cache: PathBuf,
}

impl Hub {
    /// True if `model` reads like `org/name`, which a hub may know.
    pub fn is_id(model: &str) -> bool {
        let part = |text: &str| {
            !text.is_empty()
                && !text.starts_with('.')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        model.split_once('/').is_some_and(|(org, name)| part(org) && part(name))
    }

    /// Folder with the files of `id`, fetched where the cache does not have them.
    ///
    /// # Errors
    /// [`BadInput`] if the hub cannot be reached or does not know the model.
    pub fn fetch(&self, id: &str) -> Result<PathBuf, BadInput> {
        let cache = Cache::new(self.cache.clone());
        if let Some(config) = cache.repo(Repo::model(id.to_owned())).get(CONFIG) {
            return Ok(folder_of(&config));
        }
        let api =
            ApiBuilder::from_cache(cache).with_endpoint(self.endpoint.clone()).with_progress(false).build();
        api.and_then(|api| fetch_all(&api, id)).map_err(|error| {
            BadInput::new(
                format!("model `{id}` cannot be fetched from `{}`: {error}", self.endpoint),
                "give a model folder, or set HF_ENDPOINT to a hub that can be reached",
            )
        })
    }
}

fn fetch_all(api: &Api, id: &str) -> Result<PathBuf, ApiError> {
    let repo = api.model(id.to_owned());
    let files = repo.info()?.siblings.into_iter().map(|file| file.rfilename);
    for file in files.filter(|file| is_needed(file)) {
        repo.get(&file)?;
    }
    Ok(folder_of(&repo.get(CONFIG)?))
}

/// Weights in subfolders are other formats of the same model.
fn is_needed(file: &str) -> bool {
    TEXT_FILES.contains(&file) || (file.ends_with(".safetensors") && !file.contains('/'))
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(file).to_owned()
}

#[cfg(test)]
mod tests;
