use burn::module::Module;

use super::*;
use crate::test_support::{model, rows};
use crate::{Learner, LearnerConfig, ScoreSettings, row_logprobs};

#[test]
fn the_loss_is_the_mean_negative_logprob_and_items_replace_the_count() {
    let rows = rows();
    let model = model(3);
    let valid = model.valid();
    let logprobs = row_logprobs(&valid, &Batch::new(&rows, valid.beginnings(), &valid.device()), &rows, 1.0);
    let total: f32 = logprobs.iter().flatten().sum();
    let parts = vec![rows];
    let learner = Learner::new(model, LearnerConfig::default());
    let loss =
        |objective: CrossEntropy| learner.gradients(&parts, &objective, &ScoreSettings::default()).1.loss;
    let n_tokens = parts[0].iter().map(Row::n_loss_tokens).sum::<usize>();
    assert!((loss(CrossEntropy::mean(&parts)) + f64::from(total) / n_tokens as f64).abs() < 1e-5);
    assert!((loss(CrossEntropy::per_items(&parts, 40)) + f64::from(total) / 40.0).abs() < 1e-5);
}

#[test]
fn rows_weigh_the_same_in_the_row_mean() {
    let rows: Vec<Row> = rows().into_iter().take(3).collect();
    let model = model(3);
    let losses = crate::twin::row_losses(&model.valid(), &rows, 1000);
    let want = losses.iter().sum::<f64>() / losses.len() as f64;
    let learner = Learner::new(model, LearnerConfig::default());
    for parts in [vec![rows.clone()], rows.iter().map(|row| vec![row.clone()]).collect::<Vec<_>>()] {
        let loss = learner.gradients(&parts, &RowMean::new(&parts), &ScoreSettings::default()).1.loss;
        assert!((loss - want).abs() < 1e-5, "{loss} and {want}");
    }
}
