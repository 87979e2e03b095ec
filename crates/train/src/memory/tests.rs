use super::*;
use crate::named_parameters;
use crate::test_support::model;

fn estimate(activations: Activations) -> StepMemory {
    let model = model(2);
    let n_trained = named_parameters(&model).iter().map(|tensor| tensor.values.len()).sum();
    StepMemory::estimate(model.config(), 4, n_trained, activations)
}

#[test]
fn weights_and_optimizer_are_counted_by_the_parameter() {
    let model = model(2);
    let n_params: usize = named_parameters(&model).iter().map(|tensor| tensor.values.len()).sum();
    let memory = estimate(Activations::Kept);
    assert_eq!(memory.weights, 4 * n_params as u64);
    assert_eq!(memory.optimizer, 12 * n_params as u64);
    let half = StepMemory::estimate(model.config(), 2, n_params, Activations::Kept);
    assert_eq!(half.weights, 6 * n_params as u64, "a copy in f32 stands beside weights in bf16");
}

#[test]
fn a_budget_is_what_fits() {
    let memory = estimate(Activations::Kept);
    let available = memory.total(100) + memory.per_token / 2;
    assert_eq!(memory.token_budget(available), Some(100));
    assert_eq!(memory.token_budget(memory.weights), None);
    assert_eq!(memory.token_budget(memory.total(0)), None);
    let less = estimate(Activations::Recomputed);
    assert!(less.per_token < memory.per_token);
}
