use model::LoraConfig;

use super::*;
use crate::sft::CrossEntropy;
use crate::test_support::{model, rows};
use crate::{Learner, LearnerConfig, ScoreSettings, named_parameters};

#[test]
fn the_mean_is_that_of_the_models_that_were_added() {
    let model = model(3).with_fresh_lora(&LoraConfig::all_linear(4, 4.0), 1);
    let parts = [rows()];
    let mut learner = Learner::new(model, LearnerConfig::default());
    let mut average = WeightAverage::default();
    let untouched = named_parameters(&average.applied_to(learner.model().clone()));
    assert_eq!(untouched, named_parameters(learner.model()));
    let mut seen = Vec::new();
    for _ in 0..3 {
        learner.step(&parts, &CrossEntropy::mean(&parts), &ScoreSettings::default(), 0.01).unwrap();
        average.add(learner.model());
        seen.push(named_parameters(learner.model()));
    }
    let mean = average.applied_to(learner.model().clone());
    let found = named_parameters(&mean);
    assert_eq!(found.len(), seen[0].len(), "the adapter, and nothing else, asks for gradients");
    for (idx, parameter) in found.iter().enumerate() {
        for (cell, value) in parameter.values.iter().enumerate() {
            let want = seen.iter().map(|step| step[idx].values[cell]).sum::<f32>() / 3.0;
            assert!((value - want).abs() < 1e-6, "{}: {value}, {want} by hand", parameter.name);
        }
    }
}
