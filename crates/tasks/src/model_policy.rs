//! A model folder as a player: tokenizer, weights, adapter, engine.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::{DType, Device};
use eval::{ActionProbabilities, Query};
use futures::FutureExt;
use futures::future::BoxFuture;
use grpo::EnginePolicy;
use model::{Engine, EngineConfig, LanguageModel, ScoreRequest};
use rollout::{Policy, PolicyError};

/// A loaded model that plays.
#[derive(Clone)]
pub struct ModelPolicy {
    tokenizer: Arc<data::Tokenizer>,
    engine: Engine,
    name: String,
}

impl ModelPolicy {
    /// Loads a model folder and, if given, an adapter, and starts an engine for it.
    ///
    /// # Errors
    /// If something in the folders cannot be read.
    pub fn load(dir: &Path, adapter: Option<&Path>, device: &Device) -> anyhow::Result<Self> {
        let tokenizer = Arc::new(data::Tokenizer::from_dir(dir)?);
        let mut model = LanguageModel::load(dir, DType::F32, device)?;
        if let Some(adapter) = adapter {
            model = model.with_adapter(adapter)?;
        }
        let name = dir.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
        Ok(Self::start(model, tokenizer, &name))
    }

    /// Starts an engine for a model in memory.
    pub fn start(model: LanguageModel, tokenizer: Arc<data::Tokenizer>, name: &str) -> Self {
        let (engine, _thread) = Engine::spawn(model, 0, EngineConfig::default());
        Self { tokenizer, engine, name: name.to_owned() }
    }

    /// What encodes its prompts.
    pub fn tokenizer(&self) -> &Arc<data::Tokenizer> {
        &self.tokenizer
    }

    /// The engine's handle.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// For episodes.
    pub fn policy(&self) -> Arc<dyn Policy> {
        Arc::new(EnginePolicy::new(self.engine.clone(), &self.name))
    }

    /// For exact evaluation.
    pub fn odds(&self) -> EngineOdds {
        EngineOdds(self.engine.clone())
    }
}

/// An engine that is asked for probabilities.
#[derive(Clone, Debug)]
pub struct EngineOdds(Engine);

impl ActionProbabilities for EngineOdds {
    fn action_probabilities(&self, queries: Vec<Query>) -> BoxFuture<'_, Result<Vec<Vec<f64>>, PolicyError>> {
        let request = |query: Query| {
            let candidates = query.candidates.into_iter().map(|candidate| candidate.tokens).collect();
            ScoreRequest { prompt: query.prompt, candidates }
        };
        let requests = queries.into_iter().map(request).collect();
        async move {
            let scored = self.0.candidate_logprobs(requests).await;
            let scored = scored.map_err(|error| PolicyError::Stopped(error.to_string()))?;
            Ok(scored
                .into_iter()
                .map(|row| row.into_iter().map(|logprob| f64::from(logprob).exp()).collect())
                .collect())
        }
        .boxed()
    }
}
