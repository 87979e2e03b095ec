//! (temporary)
use games::{Game, State};
#[derive(Debug)]
pub(crate) struct AveragePolicy;
impl AveragePolicy {
    pub(crate) fn probabilities(&self, state: &dyn State) -> Vec<f64> {
        let mut l = Vec::new();
        state.legal_actions(&mut l);
        vec![1.0 / l.len() as f64; l.len()]
    }
}
pub(crate) fn solve(_: &dyn Game, _: usize) -> AveragePolicy {
    AveragePolicy
}
