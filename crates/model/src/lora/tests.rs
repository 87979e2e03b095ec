//! Adapters in memory.

use burn::tensor::Device;

use super::*;
use crate::config::Arch;
use crate::decoder::TokenBatch;
use crate::test_support::pico;
use crate::weights::{host_values, normal_values};

fn logits(model: &LanguageModel) -> Vec<f32> {
    let hidden = model.hidden(&TokenBatch::right_padded(&[[3u32, 1, 4, 1, 5]]));
    host_values(model.lm_logits(hidden.squeeze_dim::<2>(0)))
}

/// An adapter whose B is not zero.
pub(crate) fn trained(model: LanguageModel, lora: &LoraConfig) -> LanguageModel {
    let pairs = fresh_pairs(model.config(), lora, 1).map(|mut pair| {
        pair.b = normal_values(&mut tensor_rng(2, &pair.name), 0.1, pair.b.len());
        pair
    });
    let pairs = pairs.collect();
    model.with_lora_pairs(lora, pairs)
}

fn worst(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_fresh_adapter_changes_nothing() {
    let model = pico(Arch::Qwen2, 0, &Device::flex());
    let base = logits(&model);
    assert_eq!(logits(&model.with_fresh_lora(&LoraConfig::all_linear(8, 16.0), 0)), base);
}

#[test]
fn merging_is_the_side_path_up_to_rounding() {
    for targets in [Target::ALL.to_vec(), vec![Target::QProj, Target::DownProj]] {
        let model = pico(Arch::Qwen3, 0, &Device::flex());
        let base = logits(&model);
        let model = trained(model, &LoraConfig { rank: 4, alpha: 8.0, targets });
        let side = logits(&model);
        assert!(worst(&side, &base) > 0.1, "the adapter does something");
        assert_eq!(logits(&model.clone().without_lora()), base);
        let merged = model.merged();
        assert!(merged.lora().is_none());
        assert!(worst(&logits(&merged), &side) < 2e-5 * 10.0, "{}", worst(&logits(&merged), &side));
    }
}

#[test]
fn targets_are_parsed_by_name() {
    for target in Target::ALL {
        assert!(Target::named(target.name()).unwrap().contains(&target));
    }
    assert_eq!(Target::named("c_attn").unwrap(), [Target::QkvProj]);
    assert_eq!(Target::named("c_proj").unwrap(), [Target::OProj, Target::DownProj]);
    assert_eq!(Target::named("attn.c_proj").unwrap(), [Target::OProj]);
    assert_eq!(Target::named("dense").unwrap(), [Target::OProj]);
    assert_eq!(Target::named("fc1").unwrap(), [Target::UpProj]);
    assert!(Target::named("lm_head").unwrap_err().to_string().contains("lm_head"));
}
