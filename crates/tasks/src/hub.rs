//! Models that are not on this machine yet, from the Hugging Face hub. Never called in the container, which is offline.
//!
//! A file that breaks off is gone on with where it ended, by this process or a later one. Source of the cache's layout:
//! `huggingface_hub`, by way of hf-hub.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo};

use crate::BadInput;

/// What a run reads besides weights.
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
/// Of a model, and of an adapter. Fetched last: a snapshot that has one is complete.
const CONFIGS: [&str; 2] = ["config.json", "adapter_config.json"];
/// Times in a row that a file may break off without a byte, and the first wait; each next one is twice as long.
const ATTEMPTS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// A hub, and the folder that keeps what came from it, laid out as `huggingface_hub` does.
#[derive(Clone, Debug)]
pub struct Hub {
    /// For example `https://huggingface.co`.
    pub endpoint: String,
    /// Shared by all models.
    pub cache: PathBuf,
}

/// How far a file has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its name in the repository.
    pub file: String,
    /// Bytes that are here.
    pub bytes: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Why a model cannot be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Hub(#[from] ApiError),
    #[error("`{path}`: {source}")]
    Cache { path: PathBuf, source: io::Error },
    #[error("the repository has neither config.json nor adapter_config.json")]
    NoModel,
    #[error("`{file}` came with {bytes} bytes instead of {total}")]
    WrongLength { file: String, bytes: u64, total: u64 },
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

    /// Folder with the files of `id`, fetched where the cache does not have them; `watch` is told of every piece.
    ///
    /// # Errors
    /// [`BadInput`] if the hub cannot be reached, does not know the model, or keeps breaking off. What has come stays and
    /// is gone on with next time.
    pub fn fetch(&self, id: &str, watch: &mut dyn FnMut(&Fetched)) -> Result<PathBuf, BadInput> {
        let cache = Cache::new(self.cache.clone());
        let known = cache.repo(Repo::model(id.to_owned()));
        if let Some(config) = CONFIGS.iter().find_map(|name| known.get(name)) {
            return Ok(folder_of(&config));
        }
        let api = ApiBuilder::from_cache(cache.clone()).with_endpoint(self.endpoint.clone());
        let api = api.with_progress(false).build().map_err(FetchError::from);
        api.and_then(|api| fetch_all(&api, &cache, id, watch)).map_err(|error| {
            BadInput::new(
                format!("model `{id}` cannot be fetched from `{}`: {error}", self.endpoint),
                "give a model folder, or set HF_ENDPOINT to a hub that can be reached; what has come is kept",
            )
        })
    }
}

fn fetch_all(
    api: &Api,
    cache: &Cache,
    id: &str,
    watch: &mut dyn FnMut(&Fetched),
) -> Result<PathBuf, FetchError> {
    let repo = api.model(id.to_owned());
    let files: Vec<String> = repo.info()?.siblings.into_iter().map(|file| file.rfilename).collect();
    let config = CONFIGS.iter().find(|name| files.iter().any(|file| file == *name));
    let config = config.ok_or(FetchError::NoModel)?;
    let wanted = files.iter().filter(|file| is_needed(file)).map(String::as_str).chain([*config]);
    let known = cache.repo(Repo::model(id.to_owned()));
    let mut folder = PathBuf::new();
    for file in wanted {
        let path = match known.get(file) {
            Some(path) => path,
            None => fetch_file(api, &repo, cache, id, file, watch)?,
        };
        folder = folder_of(&path);
    }
    Ok(folder)
}

/// Weights in subfolders are other formats of the same model.
fn is_needed(file: &str) -> bool {
    TEXT_FILES.contains(&file) || (file.ends_with(".safetensors") && !file.contains('/'))
}

/// One file, in as many attempts as bring it further.
///
/// hf-hub's own retries are not used: after an attempt without a byte they begin at the file's start and append.
fn fetch_file(
    api: &Api,
    repo: &ApiRepo,
    cache: &Cache,
    id: &str,
    file: &str,
    watch: &mut dyn FnMut(&Fetched),
) -> Result<PathBuf, FetchError> {
    let (mut n_without, mut reached) = (0, 0);
    loop {
        let error = match attempt(api, repo, cache, id, file, watch) {
            Ok(path) => return Ok(path),
            Err((error, bytes)) => {
                n_without = if bytes > reached { 1 } else { n_without + 1 };
                reached = reached.max(bytes);
                error
            }
        };
        if n_without >= ATTEMPTS {
            return Err(error);
        }
        std::thread::sleep(FIRST_WAIT * 2_u32.pow(n_without - 1));
    }
}

/// The error comes with the number of bytes that are here.
fn attempt(
    api: &Api,
    repo: &ApiRepo,
    cache: &Cache,
    id: &str,
    file: &str,
    watch: &mut dyn FnMut(&Fetched),
) -> Result<PathBuf, (FetchError, u64)> {
    let metadata = api.metadata(&repo.url(file)).map_err(|error| (error.into(), 0))?;
    let total = metadata.size() as u64;
    let mut part = cache.repo(Repo::model(id.to_owned())).blob_path(metadata.etag());
    part.set_extension("part");
    let here = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    if here(&part) >= total {
        // Complete but never renamed, or of another file: there is nothing left to ask for.
        remove(&part).map_err(|error| (error, 0))?;
    }
    let seen = Seen { fetched: Fetched { file: file.to_owned(), bytes: 0, total }, watch };
    let path = repo.download_with_progress(file, seen).map_err(|error| (error.into(), here(&part)))?;
    let bytes = here(&path);
    if bytes == total {
        return Ok(path);
    }
    // A server that takes no ranges sends the whole file behind what was there.
    let blob = path.canonicalize().unwrap_or_else(|_| path.clone());
    for wrong in [&path, &blob] {
        remove(wrong).map_err(|error| (error, 0))?;
    }
    Err((FetchError::WrongLength { file: file.to_owned(), bytes, total }, 0))
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FetchError::Cache { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Counts what comes, on top of what was there.
struct Seen<'a> {
    fetched: Fetched,
    watch: &'a mut dyn FnMut(&Fetched),
}

impl Progress for Seen<'_> {
    /// Called once more before the rest of a file, whose beginning is then the first update.
    fn init(&mut self, _size: usize, _filename: &str) {
        self.fetched.bytes = 0;
    }

    fn update(&mut self, size: usize) {
        self.fetched.bytes += size as u64;
        (self.watch)(&self.fetched);
    }

    fn finish(&mut self) {}
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(file).to_owned()
}

#[cfg(test)]
mod tests;
