use model::{Arch, DecoderConfig, Size};

use super::*;

fn facts(config: &DecoderConfig, objective: ObjectiveKind, memory: u64) -> Facts<'_> {
    Facts { config, objective, n_examples: 1000, longest: 512, memory }
}

#[test]
fn a_model_is_trained_whole_where_it_fits_and_may_be() {
    let config = DecoderConfig::preset(Arch::Qwen2, Size::Small);
    assert_eq!(Table.method(&facts(&config, ObjectiveKind::Sft, 16 << 30)), Method::Full);
    let small = Table.method(&facts(&config, ObjectiveKind::Sft, 1 << 30));
    assert!(matches!(small, Method::Lora { .. }), "a gigabyte does not hold gradients and moments");
    let tied = Table.method(&facts(&config, ObjectiveKind::SftWithKl(0.5), 16 << 30));
    assert!(matches!(tied, Method::Lora { .. }), "the base must stay at hand");
}

#[test]
fn rates_fall_with_size_and_preferences_take_smaller_ones() {
    let rate = |size, objective, method| {
        let config = DecoderConfig::preset(Arch::Qwen2, size);
        Table.learning_rate(&facts(&config, objective, 1 << 40), method)
    };
    let lora = Method::Lora { rank: 8, alpha: 16.0 };
    assert!(rate(Size::Nano, ObjectiveKind::Sft, lora) >= rate(Size::Q05b, ObjectiveKind::Sft, lora));
    let full = Method::Full;
    assert!(rate(Size::Nano, ObjectiveKind::Dpo, full) < rate(Size::Nano, ObjectiveKind::Sft, full));
    assert!(rate(Size::Nano, ObjectiveKind::Dpo, lora) > rate(Size::Nano, ObjectiveKind::Dpo, full));
}
