//! The graph on its own: padding, gradients, and what is frozen.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::*;
use crate::config::{Arch, DecoderConfig};
use crate::lora::LoraConfig;
use crate::test_support::pico;
use crate::weights::host_values;

fn cross_entropy(model: &LanguageModel, rows: &[&[u32]]) -> Tensor<1> {
    let batch = TokenBatch::right_padded(rows);
    let [b, t, d] = [batch.n_rows(), batch.n_cols(), model.config().hidden_size];
    let logits = model.lm_logits(model.hidden(&batch).narrow(1, 0, t - 1).reshape([b * (t - 1), d]));
    let targets: Vec<i32> = rows.iter().flat_map(|row| row[1..].iter().map(|&id| id as i32)).collect();
    let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [b * (t - 1), 1]), &model.device());
    activation::log_softmax(logits, 1).gather(1, targets).mean().neg()
}

fn scalar(tensor: Tensor<1>) -> f32 {
    host_values(tensor)[0]
}

const ROWS: [&[u32]; 2] = [&[5, 9, 100, 3, 7], &[1, 2, 3, 4, 5]];

#[test]
fn padding_on_either_side_leaves_real_tokens_alone() {
    let model = pico(Arch::Mistral, 0, &Device::flex());
    let alone = host_values(model.hidden(&TokenBatch::right_padded(&[[5u32, 9, 100]])));
    let right = model.hidden(&TokenBatch::right_padded(&[vec![5u32, 9, 100], vec![1; 6]]));
    let right = host_values(right.narrow(0, 0, 1).narrow(1, 0, 3));
    let mask = [false, false, false, true, true, true];
    let left = model.hidden(&TokenBatch::masked(vec![0, 0, 0, 5, 9, 100], &mask, 6));
    let left = host_values(left.narrow(1, 3, 3));
    for ((alone, right), left) in alone.iter().zip(&right).zip(&left) {
        assert!((alone - right).abs() < 1e-5 && (alone - left).abs() < 1e-5, "{alone} {right} {left}");
    }
}

#[test]
fn the_last_token_alone_is_the_last_of_all() {
    for arch in Arch::ALL {
        let mut config = DecoderConfig::preset(arch, crate::Size::Pico);
        config.windows[1] = Some(3);
        let model = LanguageModel::fresh(&config, 2, &Device::flex());
        let rows: [&[u32]; 3] = [&[5, 9, 100, 3, 7, 8], &[1, 2], &[4]];
        let batch = TokenBatch::right_padded(&rows);
        let all = model.hidden(&batch);
        let last = model.last_hidden(&batch);
        for (row, tokens) in rows.iter().enumerate() {
            let want = host_values(all.clone().narrow(0, row, 1).narrow(1, tokens.len() - 1, 1));
            let got = host_values(last.clone().narrow(0, row, 1));
            assert!(want.iter().zip(&got).all(|(a, b)| (a - b).abs() < 1e-5), "{arch} row {row}");
        }
    }
}

#[test]
fn a_row_of_padding_stays_finite() {
    let model = pico(Arch::Qwen3, 0, &Device::flex());
    let rows: [&[u32]; 2] = [&[1, 2], &[]];
    let hidden = host_values(model.hidden(&TokenBatch::right_padded(&rows)));
    assert!(hidden.iter().all(|value| value.is_finite()));
    let hidden =
        host_values(model.hidden(&TokenBatch::masked(vec![1, 2, 0, 0], &[true, true, false, false], 2)));
    assert!(hidden.iter().all(|value| value.is_finite()));
}

#[test]
fn gradients_agree_with_finite_differences() {
    for arch in Arch::ALL {
        let model = pico(arch, 1, &Device::flex().autodiff());
        let grads = cross_entropy(&model, &ROWS).backward();
        for (layer, target) in
            [(0, Target::QProj), (1, Target::VProj), (1, Target::QkvProj), (0, Target::DownProj)]
        {
            let Some(linear) = model.model.layers[layer].linear(target) else { continue };
            let grad = linear.weight.val().grad(&grads).expect("a trained weight has a gradient");
            // Along the gradient itself, where the difference is largest against rounding.
            let norm = scalar(grad.clone().square().sum()).sqrt();
            let direction = grad.div_scalar(norm);
            // gemma4 does not scale its scores: its loss bends sooner.
            let step = if arch.is_gemma4() { 2e-3 } else { 2e-2 };
            let loss_at = |t: f32| {
                let mut moved = model.valid();
                let slot = &mut moved.model.layers[layer].linear_mut(target).unwrap().weight;
                *slot = slot.clone().map(|weight| weight + direction.clone().mul_scalar(t));
                scalar(cross_entropy(&moved, &ROWS))
            };
            let slope = (loss_at(step) - loss_at(-step)) / (2.0 * step);
            assert!((slope - norm).abs() <= 0.02 * norm + 1e-4, "{arch} {target}: {slope} against {norm}");
        }
    }
}

#[test]
fn with_an_adapter_only_the_adapter_has_gradients() {
    let model =
        pico(Arch::Qwen2, 1, &Device::flex().autodiff()).with_fresh_lora(&LoraConfig::all_linear(4, 8.0), 0);
    let grads = cross_entropy(&model, &ROWS).backward();
    for layer in &model.model.layers {
        let linear = layer.linear(Target::KProj).unwrap();
        assert!(linear.weight.val().grad(&grads).is_none());
        assert!(linear.bias.as_ref().unwrap().val().grad(&grads).is_none());
        let b = linear.lora_b.as_ref().unwrap().val().grad(&grads).expect("B learns first");
        assert!(scalar(b.abs().sum()) > 0.0);
        assert!(linear.lora_a.as_ref().unwrap().val().grad(&grads).is_some());
    }
    assert!(model.model.embed_tokens.weight.val().grad(&grads).is_none());
    assert!(model.model.norm.weight.val().grad(&grads).is_none());
}

#[test]
fn the_inference_view_computes_the_same_without_a_graph() {
    let model = pico(Arch::Llama, 3, &Device::flex().autodiff());
    let valid = model.valid();
    assert!(model.device().is_autodiff() && !valid.device().is_autodiff());
    let batch = TokenBatch::right_padded(&ROWS);
    // Not bit for bit: with autodiff burn composes softmax of smaller operations.
    let values = host_values(model.hidden(&batch)).into_iter().zip(host_values(valid.hidden(&batch)));
    let worst = values.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 5e-6, "{worst}");
}

#[test]
fn cache_rows_can_be_repeated_dropped_and_reordered() {
    let model = pico(Arch::Qwen2, 5, &Device::flex());
    let prompts: [&[u32]; 2] = [&[1, 2, 3, 4], &[9, 8]];
    let mut cache = KvCache::new(&model, 2, 4);
    model.extend(&TokenBatch::right_padded(&prompts), &mut cache);
    cache.select_rows(&[1, 0, 1]);
    assert_eq!(cache.lengths(), [2, 4, 2]);
    let hidden = model.extend(&TokenBatch::right_padded(&[[7u32], [6], [5]]), &mut cache);
    for (row, tokens) in [[9, 8, 7].as_slice(), &[1, 2, 3, 4, 6], &[9, 8, 5]].into_iter().enumerate() {
        let whole =
            host_values(model.hidden(&TokenBatch::right_padded(&[tokens])).narrow(1, tokens.len() - 1, 1));
        let cached = host_values(hidden.clone().narrow(0, row, 1));
        assert!(whole.iter().zip(&cached).all(|(a, b)| (a - b).abs() < 1e-5), "row {row}");
    }
}
