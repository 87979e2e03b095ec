//! Rewards for those who are scored by wins: who won counts most, by how much only a little.
//!
//! With wins alone all episodes of a group that is won or lost whole would have the same reward, and nothing to tell.

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::{Env, EnvError, EnvSource, Start, StepResult};

/// Share of the reward that winning makes; the rest is the environment's own score.
///
/// # Source
/// The blend of a public tournament entry, spec/recipes.md §1.4.
const OUTCOME_SHARE: f64 = 0.7;

/// Environments whose last reward is mostly who won.
#[derive(Clone)]
pub struct OutcomeSource<S>(pub S);

impl<S: EnvSource> EnvSource for OutcomeSource<S> {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Env>, EnvError>> {
        async { Ok(Box::new(OutcomeEnv(self.0.acquire().await?)) as Box<dyn Env>) }.boxed()
    }
}

struct OutcomeEnv(Box<dyn Env>);

impl Env for OutcomeEnv {
    fn location(&self) -> String {
        self.0.location()
    }

    fn reset(&mut self, start: Start) -> BoxFuture<'_, Result<StepResult, EnvError>> {
        async move { Ok(blended(self.0.reset(start).await?)) }.boxed()
    }

    fn step<'a>(&'a mut self, action: &'a str) -> BoxFuture<'a, Result<StepResult, EnvError>> {
        async move { Ok(blended(self.0.step(action).await?)) }.boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

/// The end of a game with its return; other steps stay as they are.
fn blended(mut step: StepResult) -> StepResult {
    if let Some(raw) = step.raw_return.filter(|_| step.done) {
        let outcome = if raw > 0.0 {
            1.0
        } else if raw < 0.0 {
            0.0
        } else {
            0.5
        };
        step.reward = OUTCOME_SHARE * outcome + (1.0 - OUTCOME_SHARE) * step.reward;
    }
    step
}

#[cfg(test)]
mod tests;
