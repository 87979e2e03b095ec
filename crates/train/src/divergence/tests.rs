use burn::module::Module;

use super::*;
use crate::sft::CrossEntropy;
use crate::test_support::{model, rows};
use crate::{Learner, LearnerConfig, ScoreSettings, named_gradients};

fn free_rows() -> Vec<Row> {
    rows().into_iter().take(3).map(Row::with_whole_input).collect()
}

/// Mean over all scored tokens.
fn mean(values: &[Vec<f64>]) -> f64 {
    let n: usize = values.iter().map(Vec::len).sum();
    values.iter().flatten().sum::<f64>() / n as f64
}

#[test]
fn a_model_has_not_moved_from_itself_and_moves_by_a_positive_amount_from_another() {
    let (ours, theirs) = (model(2).valid(), model(3).valid());
    let rows = free_rows();
    let same = row_divergences(&ours, &ours, &rows, Direction::FromBase, 1000);
    assert!(same.iter().flatten().all(|value| value.abs() < 1e-6), "{same:?}");
    for direction in [Direction::FromBase, Direction::ToBase] {
        let moved = row_divergences(&ours, &theirs, &rows, direction, 1000);
        assert!(moved.iter().flatten().all(|value| *value > 0.0));
        let counts: Vec<usize> = moved.iter().map(Vec::len).collect();
        assert_eq!(counts, [3, 2, 2]);
        let in_parts = row_divergences(&ours, &theirs, &rows, direction, 6);
        assert!((mean(&moved) - mean(&in_parts)).abs() < 1e-6);
    }
}

#[test]
fn the_position_is_that_of_the_token_not_of_its_predictor() {
    let (ours, theirs) = (model(2).valid(), model(3).valid());
    let one = vec![Row::new(vec![3, 4], vec![5])];
    let found = row_divergences(&ours, &theirs, &one, Direction::FromBase, 100)[0][0];
    // What both say after [3, 4, 5], by hand.
    let log_probs = |model: &model::LanguageModel| {
        let batch = Batch::new(&[Row::new(vec![3, 4, 5], vec![6])], model.beginnings(), &model.device());
        let (weight, scale) = model.lm_head();
        host(log_softmax(chosen(model.hidden(&batch.tokens), &[2]), weight, scale).flatten(0, 1))
    };
    let (p, q) = (log_probs(&ours), log_probs(&theirs));
    let want: f32 = p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum();
    assert!((found - f64::from(want)).abs() < 1e-5, "{found} and {want}");
}

/// Loss with a tie, and its gradients.
fn with_tie(ours: &model::LanguageModel, coef: f64) -> (f64, Vec<crate::NamedTensor>) {
    let parts = vec![free_rows()];
    let base = model(3).valid();
    let learner = Learner::new(ours.clone(), LearnerConfig::default()).with_tie(Tie { base, coef });
    let (gradients, report) =
        learner.gradients(&parts, &CrossEntropy::mean(&parts), &ScoreSettings::default());
    (report.loss, named_gradients(learner.model(), &gradients))
}

#[test]
fn the_term_is_the_mean_divergence_and_its_gradient_is_a_difference_quotient() {
    let ours = model(2);
    let (plain, _) = with_tie(&ours, 0.0);
    let (tied, gradients) = with_tie(&ours, 0.7);
    let rows = free_rows();
    let base = model(3).valid();
    let want = 0.7 * mean(&row_divergences(&ours.valid(), &base, &rows, Direction::FromBase, 1000));
    assert!((tied - plain - want).abs() < 1e-5, "{tied} − {plain}, {want}");
    // Along its own gradient a function grows by the square of the gradient's norm.
    let norm_square: f64 =
        gradients.iter().flat_map(|tensor| &tensor.values).map(|value| f64::from(*value).powi(2)).sum();
    let step = 2e-3 / norm_square.sqrt();
    let shifted = |by: f64| {
        let mut parameters = gradients.iter();
        let moved = ours.clone().map(&mut Shift { by, gradients: &mut parameters });
        with_tie(&moved, 0.7).0
    };
    let slope = (shifted(step) - shifted(-step)) / (2.0 * step);
    assert!((slope / norm_square - 1.0).abs() < 2e-2, "{slope} instead of {norm_square}");
}

/// Adds a multiple of the gradients to the parameters, in their order.
struct Shift<'a, 'b> {
    by: f64,
    gradients: &'a mut std::slice::Iter<'b, crate::NamedTensor>,
}

impl burn::module::ModuleMapper for Shift<'_, '_> {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<Tensor<D>>,
    ) -> burn::module::Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let gradient = self.gradients.next().expect("a gradient for each parameter");
        let shape = tensor.shape();
        let data = TensorData::new(gradient.values.clone(), shape);
        let gradient = Tensor::<D>::from_data(data, &tensor.device().without_autodiff());
        let moved = tensor.inner() + gradient.mul_scalar(self.by);
        burn::module::Param::from_mapped_value(id, Tensor::from_inner(moved).require_grad(), mapper)
    }
}

#[test]
fn a_sequence_counts_all_its_positions() {
    let (ours, theirs) = (model(2).valid(), model(3).valid());
    let sequences = vec![vec![3, 4, 5, 6], vec![7], vec![8, 9]];
    let means = sequence_divergences(&ours, &theirs, &sequences, Direction::ToBase, 100);
    let in_parts = sequence_divergences(&ours, &theirs, &sequences, Direction::ToBase, 1);
    assert!(means.iter().zip(&in_parts).all(|(a, b)| (a - b).abs() < 1e-6), "{means:?} and {in_parts:?}");
    // All but the first position are those of a row's tokens.
    let row = vec![Row::new(vec![3], vec![4, 5, 6])];
    let later = row_divergences(&ours, &theirs, &row, Direction::ToBase, 100).concat();
    let first = sequence_divergences(&ours, &theirs, &[vec![3]], Direction::ToBase, 100)[0];
    let want = (first + later.iter().sum::<f64>()) / 4.0;
    assert!((means[0] - want).abs() < 1e-6, "{} and {want}", means[0]);
}
