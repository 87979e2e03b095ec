//! config.json in both styles.

use super::*;
use crate::Error;

const QWEN2_V4: &str = r#"{
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": "silu", "hidden_size": 896,
    "intermediate_size": 4864, "num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2,
    "norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768, "max_window_layers": 21,
    "use_sliding_window": false, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "vocab_size": 151936,
    "max_position_embeddings": 32768, "eos_token_id": 151645
}"#;

fn with_fields(fields: &str) -> crate::Result<DecoderConfig> {
    let mut config: serde_json::Value = serde_json::from_str(QWEN2_V4).unwrap();
    let fields: serde_json::Value = serde_json::from_str(fields).unwrap();
    config.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    DecoderConfig::from_json(&config.to_string())
}

#[test]
fn transformers_4_style_is_read() {
    let config = DecoderConfig::from_json(QWEN2_V4).unwrap();
    assert_eq!(config.arch, Arch::Qwen2);
    assert_eq!((config.head_dim, config.n_kv_heads, config.n_heads), (64, 2, 14));
    assert_eq!(config.rope, RopeConfig::plain(1e6));
    assert_eq!(config.windows, vec![None; 24], "the window is switched off");
    assert_eq!(config.eos_token_ids, [151_645]);
    assert!(config.qkv_bias && !config.output_bias && config.qk_norm == QkNorm::None);
}

#[test]
fn transformers_5_style_is_read() {
    let config = with_fields(
        r#"{"model_type": "llama", "rope_theta": null, "eos_token_id": [1, 2], "rope_parameters": {
            "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}"#,
    )
    .unwrap();
    let llama3 = Llama3Rope {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position: 8192.0,
    };
    assert_eq!(config.rope, RopeConfig { theta: 5e5, scaling: RopeScaling::Llama3(llama3) });
    assert_eq!(config.eos_token_ids, [1, 2]);
    assert!(!config.qkv_bias);
}

#[test]
fn windows_follow_the_architecture() {
    let windows = |fields: &str| with_fields(fields).unwrap().windows;
    assert_eq!(windows(r#"{"model_type": "mistral", "sliding_window": 24}"#), vec![Some(24); 24]);
    assert_eq!(windows(r#"{"model_type": "mistral", "sliding_window": null}"#), vec![None; 24]);
    let old_style = windows(r#"{"use_sliding_window": true, "sliding_window": 8, "max_window_layers": 22}"#);
    assert_eq!(&old_style[21..], [None, Some(8), Some(8)]);
    let new_style = windows(
        r#"{"num_hidden_layers": 2, "use_sliding_window": true, "sliding_window": 8,
            "layer_types": ["sliding_attention", "full_attention"]}"#,
    );
    assert_eq!(new_style, [Some(8), None]);
}

#[test]
fn what_is_not_supported_is_named() {
    let error = DecoderConfig::from_json(r#"{"model_type": "mamba2"}"#).unwrap_err();
    assert!(
        matches!(&error, Error::UnsupportedModelType { model_type } if model_type == "mamba2"),
        "{error}"
    );
    for (fields, message) in [
        (r#"{"rope_scaling": {"type": "dynamic", "factor": 4.0}}"#, "`rope_type` = `dynamic`"),
        (r#"{"hidden_act": "quick_gelu"}"#, "`hidden_act` = `quick_gelu`"),
        (r#"{"num_key_value_heads": 3}"#, "`num_key_value_heads` = `3 with 14 attention heads`"),
        (r#"{"rope_parameters": {"rope_type": "llama3", "factor": 8.0}}"#, "llama3 without its factors"),
    ] {
        let error = with_fields(fields).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn gemma4_says_which_layers_differ() {
    let gemma4 = r#""model_type": "gemma4_text", "num_hidden_layers": 4, "head_dim": 16, "num_attention_heads": 4,
        "vocab_size_per_layer_input": 151936, "attention_k_eq_v": true, "sliding_window": 8,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "sliding_attention"]"#;
    let with = |fields: &str| with_fields(&format!("{{{gemma4}, {fields}}}"));
    let old_style = r#""global_head_dim": 24, "num_global_key_value_heads": 1, "num_kv_shared_layers": 2"#;
    let config = with(old_style).unwrap();
    assert_eq!(config.windows, [Some(8), None, Some(8), None], "the last layer sees everything");
    assert_eq!(config.variants.full_heads, Some(Heads { n_kv_heads: 1, head_dim: 24 }));
    let sources: Vec<KvSource> = (0..4).map(|layer| config.kv_source(layer)).collect();
    assert_eq!(sources, [KvSource::Own, KvSource::KeysAlone, KvSource::Earlier, KvSource::Earlier]);
    let of_layer = r#"{ "head_dim": 24, "num_key_value_heads": 1 }"#;
    let new_style =
        |layers: &str| with(&format!(r#""num_kv_shared_layers": 2, "per_layer_config": {layers}"#));
    assert_eq!(new_style(&format!(r#"{{"1": {of_layer}, "3": {of_layer}}}"#)).unwrap(), config);
    for (fields, message) in [
        (r#""enable_moe_block": true"#, "enable_moe_block"),
        (r#""use_bidirectional_attention": "all""#, "use_bidirectional_attention"),
        (r#""num_kv_shared_layers": 3"#, "num_kv_shared_layers"),
        (r#""vocab_size_per_layer_input": 7"#, "vocab_size_per_layer_input"),
        (r#""per_layer_config": {"0": {"head_dim": 24}}"#, "per_layer_config"),
        (r#""per_layer_config": {"1": {"hidden_size": 24}, "3": {"hidden_size": 24}}"#, "per_layer_config"),
    ] {
        let error = with(fields).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn fields_of_gpt2_and_opt_have_names_of_their_own() {
    let gpt2 = r#""model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 32, "vocab_size": 9"#;
    let config = DecoderConfig::from_json(&format!("{{{gpt2}, \"n_inner\": null}}")).unwrap();
    let sizes =
        (config.hidden_size, config.intermediate_size, config.max_position_embeddings, config.head_dim);
    assert_eq!(sizes, (64, 256, 32, 16));
    assert_eq!(config.first_position_row, Some(0));
    assert!(config.tie_word_embeddings && config.qkv_bias && config.mlp_bias);
    let opt = r#""model_type": "opt", "hidden_size": 64, "ffn_dim": 96, "num_hidden_layers": 2, "vocab_size": 9,
        "num_attention_heads": 4, "max_position_embeddings": 32"#;
    let config = DecoderConfig::from_json(&format!("{{{opt}, \"do_layer_norm_before\": false}}")).unwrap();
    assert_eq!((config.norm_placement, config.final_norm), (NormPlacement::OnStream, false));
    for (base, option) in [
        (gpt2, r#""add_cross_attention": true"#),
        (gpt2, r#""scale_attn_by_inverse_layer_idx": true"#),
        (opt, r#""layer_norm_elementwise_affine": false"#),
    ] {
        let error = DecoderConfig::from_json(&format!("{{{base}, {option}}}")).unwrap_err().to_string();
        assert!(error.contains(option.split('"').nth(1).unwrap()), "{error}");
    }
}

#[test]
fn malformed_text_is_an_error_with_a_reason() {
    for text in ["", "[]", "{", r#"{"model_type": "qwen2"}"#] {
        DecoderConfig::from_json(text).unwrap_err();
    }
}

#[test]
fn every_preset_survives_its_own_config_json() {
    for arch in Arch::ALL {
        for size in Size::ALL {
            let mut config = DecoderConfig::preset(arch, size);
            config.eos_token_ids = vec![3];
            config.pad_token_id = Some(4);
            assert_eq!(
                DecoderConfig::from_json(&config.to_json().to_string()).unwrap(),
                config,
                "{arch} {size}"
            );
        }
    }
}

#[test]
fn windows_and_stretched_positions_survive_config_json() {
    let mut config = DecoderConfig::preset(Arch::Qwen3, Size::Pico);
    config.windows = vec![None, Some(8)];
    config.rope.scaling = RopeScaling::Llama3(Llama3Rope {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position: 256.0,
    });
    config.window_rope = config.rope.clone();
    assert_eq!(DecoderConfig::from_json(&config.to_json().to_string()).unwrap(), config);
}

#[test]
fn sizes_have_the_parameters_they_are_known_by() {
    let millions = |size| DecoderConfig::preset(Arch::Qwen2, size).n_params() as f64 / 1e6;
    assert_eq!(millions(Size::Q05b).round(), 494.0);
    assert_eq!(millions(Size::Small).round(), 64.0);
    assert!((1.0..1.2).contains(&millions(Size::Nano)));
    assert!((0.08..0.15).contains(&millions(Size::Pico)));
}
