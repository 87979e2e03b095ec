use super::*;
use crate::LossType;

#[test]
fn the_default_run_is_understood() {
    let config = GrpoConfig::from_run(&RunConfig::default()).unwrap();
    assert_eq!(config.loss.loss_type, LossType::Dapo);
    assert_eq!(config.advantages, AdvantageKind::BatchStd);
    assert_eq!(config.learner.max_grad_norm, 1.0);
}

#[test]
fn a_misspelt_setting_is_an_error() {
    let mut run = RunConfig::default();
    run.optimizer.schedule = "liner".to_owned();
    let error = GrpoConfig::from_run(&run).unwrap_err();
    assert_eq!(error.to_string(), "unknown schedule `liner`: expected constant, linear or cosine");
}
