use burn::module::Module;

use super::*;
use crate::dpo::Dpo;
use crate::test_support::{model, rows};
use crate::{Learner, LearnerConfig, ScoreSettings};

#[test]
fn a_row_s_loss_does_not_depend_on_what_goes_through_with_it() {
    let model = model(2).valid();
    let rows: Vec<Row> = rows().into_iter().take(3).collect();
    let together = row_losses(&model, &rows, 1000);
    let apart = row_losses(&model, &rows, 1);
    for (a, b) in together.iter().zip(&apart) {
        assert!((a - b).abs() < 1e-6 && *a > 0.0, "{a} and {b}");
    }
    let alone = row_losses(&model, &rows[1..2], 1000);
    assert!((alone[0] - together[1]).abs() < 1e-6);
}

#[test]
fn the_twin_of_pairs_is_the_loss_that_is_trained() {
    let reference = model(3).valid();
    let rows: Vec<Row> = rows().into_iter().take(2).collect();
    let logprobs = logprobs_of_rows(&reference, &rows, 1000);
    let rows: Vec<Row> =
        rows.into_iter().zip(logprobs).map(|(row, logprobs)| row.with_ref_logprobs(logprobs)).collect();
    let settings = DpoSettings::default();
    let same = pair_losses_of(&reference, &rows, &settings, 1000);
    assert!((same[0] - 2.0_f64.ln()).abs() < 1e-6, "nothing learnt is ln 2");
    let policy = model(2);
    let twin = pair_losses_of(&policy.valid(), &rows, &settings, 1000);
    let parts = vec![rows];
    let learner = Learner::new(policy, LearnerConfig::default());
    let (_, report) = learner.gradients(&parts, &Dpo::new(&parts, settings), &ScoreSettings::default());
    assert!((twin[0] - report.loss).abs() < 1e-6, "{} and {}", twin[0], report.loss);
}
