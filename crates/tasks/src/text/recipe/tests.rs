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

#[test]
fn the_explanation_names_row_numbers_and_decision() {
    let config = DecoderConfig::preset(Arch::Qwen2, Size::Small);
    let said = |recipe: &dyn Recipe, objective, memory| {
        explain(recipe, &facts(&config, objective, memory)).join("\n")
    };
    let roomy = said(&Table, ObjectiveKind::Sft, 16 << 30);
    for part in
        ["model_type qwen2", "16.00 GiB", "every weight", "enough for 512", "up to 1 billion", "1.000e-4"]
    {
        assert!(roomy.contains(part), "no `{part}` in\n{roomy}");
    }
    let tight = said(&Table, ObjectiveKind::Sft, 1 << 30);
    assert!(tight.contains("adapter of rank 128") && tight.contains("too few for 512"), "{tight}");
    assert_eq!(tight.contains("half of the width"), config.hidden_size < 256, "{tight}");
    let preferences = said(&Table, ObjectiveKind::Dpo, 1 << 30);
    assert!(preferences.contains("times 5") && preferences.contains("6.750e-5"), "{preferences}");
    let tied = ObjectiveKind::SftWithKl(0.5);
    assert!(said(&Table, tied, 16 << 30).contains("without it, at no cost"));
    assert!(said(&Table, ObjectiveKind::Grpo, 16 << 30).contains("how far each step moves"));

    /// A fork's recipe.
    #[derive(Debug)]
    struct Slower;
    impl Recipe for Slower {
        fn learning_rate(&self, facts: &Facts<'_>, method: Method) -> f64 {
            0.5 * Table.learning_rate(facts, method)
        }
    }
    let own = said(&Slower, ObjectiveKind::Sft, 16 << 30);
    assert!(own.contains("5.000e-5") && own.contains("by the recipe itself"), "{own}");
    assert!(!roomy.contains("by the recipe itself"));
}
