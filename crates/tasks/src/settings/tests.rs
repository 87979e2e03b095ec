use grpo::LossType;

use super::*;

#[test]
fn the_default_run_is_understood() {
    let config = grpo_config(&RunConfig::default()).unwrap();
    assert_eq!(config.loss.loss_type, LossType::Dapo);
    assert_eq!(config.advantages, AdvantageKind::BatchStd);
    assert_eq!(config.learner.max_grad_norm, 1.0);
}

#[test]
fn a_misspelt_setting_is_named_with_what_it_could_be() {
    let mut run = RunConfig::default();
    run.optimizer.schedule = "liner".to_owned();
    let message = grpo_config(&run).unwrap_err().to_string();
    assert!(message.contains("[optimizer] schedule"), "{message}");
    assert!(message.contains("`liner`: expected constant, linear or cosine"), "{message}");
}
