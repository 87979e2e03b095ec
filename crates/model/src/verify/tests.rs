//! Against the committed reference model, and the larger ones where they are.

use std::path::Path;

use burn::tensor::Device;

use super::*;
use crate::test_support::reference_dir;

const MODELS: [&str; 9] = [
    "nano-qwen2",
    "nano-qwen2-untied",
    "nano-qwen3",
    "nano-llama",
    "nano-llama3rope",
    "nano-mistral",
    "nano-gemma2",
    "nano-gemma3",
    "nano-phi3",
];

fn assert_passed(model: &str, checks: &[Check]) {
    assert!(!checks.is_empty(), "{model}: nothing was compared");
    let worst = checks.iter().map(Check::diff).fold(0.0, f64::max);
    eprintln!("{model}: {} checks, worst {worst:.2e}", checks.len());
    for check in checks {
        assert!(check.passed(), "{model}: {check:?} differs by {:.3e}", check.diff());
    }
}

/// Of `tests/data`.
fn micro() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/micro-qwen2")
}

#[test]
fn the_committed_model_agrees_with_transformers_and_with_itself() {
    assert_passed("micro-qwen2", &verify_logits(&micro(), true, &Device::flex()).unwrap());
    assert_passed("micro-qwen2", &verify_decode(&micro(), &Device::flex()).unwrap());
}

#[test]
fn logits_and_hidden_states_agree_with_transformers() {
    let Some(models) = reference_dir("data/models") else {
        return;
    };
    for model in MODELS {
        let checks = verify_logits(&models.join(model), true, &Device::flex()).unwrap();
        assert_passed(model, &checks);
    }
}

#[test]
fn padding_and_cache_do_not_change_the_logits() {
    let Some(models) = reference_dir("data/models") else {
        return;
    };
    for model in MODELS {
        assert_passed(model, &verify_decode(&models.join(model), &Device::flex()).unwrap());
    }
}

#[test]
fn an_altered_value_fails_and_so_does_one_that_is_not_a_number() {
    let check = |got: f32| Check::worst("row 0", "logits", &[1.0, got], &[1.0, 2.0], 2, 1e-4).unwrap();
    assert!(check(2.00005).passed());
    let altered = check(2.5);
    assert!(!altered.passed());
    assert_eq!(altered.field, "logits[0,1]");
    assert!(!check(f32::NAN).passed());
}
