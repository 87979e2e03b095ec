//! The graph on its own: padding, gradients, and what is frozen.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::config::{Arch, DecoderConfig};
use crate::lora::{LoraConfig, Target};
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

/// The logits of a row, whatever rows stand beside it, and in whatever pieces it passes through the cache.
#[test]
fn a_row_gives_the_same_bits_in_200_random_batches() {
    let models: Vec<LanguageModel> = Arch::ALL
        .into_iter()
        .map(|arch| {
            let mut config = DecoderConfig::preset(arch, crate::Size::Pico);
            config.windows[1] = Some(5);
            let model = LanguageModel::fresh(&config, 2, &Device::flex());
            crate::lora::tests::trained(model, &LoraConfig::all_linear(4, 32.0))
        })
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for round in 0..200 {
        let model = &models[round % models.len()];
        let rows: Vec<Vec<u32>> = (0..random.random_range(1..6))
            .map(|_| (0..random.random_range(1..40)).map(|_| random.random_range(0..512)).collect())
            .collect();
        let alone: Vec<Vec<u32>> = rows
            .iter()
            .map(|row| bits(model, model.hidden(&TokenBatch::right_padded(&[row])), 0, row.len()))
            .collect();
        let together = model.hidden(&TokenBatch::right_padded(&rows));
        for (row, tokens) in rows.iter().enumerate() {
            let got = bits(model, together.clone(), row, tokens.len());
            assert_eq!(got, alone[row], "round {round}, row {row}");
        }
        let mut cache = KvCache::new(model, rows.len() + 2, 8);
        let mut left: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let mut cached: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
        while left.iter().any(|row| !row.is_empty()) {
            // Some rows feed a piece, in an order of their own.
            let mut fed: Vec<usize> =
                (0..rows.len()).filter(|&row| !left[row].is_empty() && random.random_bool(0.7)).collect();
            fed.sort_by_key(|_| random.random::<u32>());
            if fed.is_empty() {
                continue;
            }
            let pieces: Vec<&[u32]> = fed
                .iter()
                .map(|&row| {
                    let (piece, rest) = left[row].split_at(random.random_range(1..=left[row].len()));
                    left[row] = rest;
                    piece
                })
                .collect();
            let slots: Vec<usize> = fed.iter().map(|&row| rows.len() + 1 - row).collect();
            let hidden = model.extend(&TokenBatch::right_padded(&pieces), &slots, &mut cache);
            for (at, (&row, piece)) in fed.iter().zip(&pieces).enumerate() {
                cached[row].extend(bits(model, hidden.clone(), at, piece.len()));
            }
        }
        assert!(cached == alone, "round {round}: through the cache");
    }
}

/// Bits of the logits of the first `n` tokens of a row.
fn bits(model: &LanguageModel, hidden: Tensor<3>, row: usize, n: usize) -> Vec<u32> {
    let rows = hidden.narrow(0, row, 1).narrow(1, 0, n).squeeze_dim::<2>(0);
    host_values(model.lm_logits(rows)).into_iter().map(f32::to_bits).collect()
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
    assert!(model.model.norm.as_ref().unwrap().weight.val().grad(&grads).is_none());
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
fn slots_can_be_copied_shortened_and_reordered() {
    let model = pico(Arch::Qwen2, 5, &Device::flex());
    let prompts: [&[u32]; 2] = [&[1, 2, 3, 4], &[9, 8]];
    let mut cache = KvCache::new(&model, 4, 4);
    model.extend(&TokenBatch::right_padded(&prompts), &[3, 1], &mut cache);
    cache.copy(3, 0, 3);
    cache.copy(1, 2, 2);
    cache.truncate(1, 1);
    assert_eq!(cache.lengths(), [3, 1, 2, 4]);
    let hidden = model.extend(&TokenBatch::right_padded(&[[7u32], [6], [5], [4]]), &[2, 3, 0, 1], &mut cache);
    for (row, tokens) in
        [[9, 8, 7].as_slice(), &[1, 2, 3, 4, 6], &[1, 2, 3, 5], &[9, 4]].into_iter().enumerate()
    {
        let whole =
            host_values(model.hidden(&TokenBatch::right_padded(&[tokens])).narrow(1, tokens.len() - 1, 1));
        let cached = host_values(hidden.clone().narrow(0, row, 1));
        assert!(whole.iter().zip(&cached).all(|(a, b)| (a - b).abs() < 1e-5), "row {row}");
    }
}

#[test]
fn packed_sequences_do_not_see_each_other() {
    for arch in Arch::ALL {
        let mut config = DecoderConfig::preset(arch, crate::Size::Pico);
        config.windows[1] = Some(3);
        let model = LanguageModel::fresh(&config, 2, &Device::flex());
        let sequences: [&[u32]; 5] = [&[5, 9], &[1, 2, 3, 4, 5, 6], &[7], &[8, 9, 1], &[4]];
        let (batch, slots) = TokenBatch::packed(&sequences, model.beginnings());
        assert_eq!((batch.n_rows(), batch.n_cols()), (3, 6));
        let hidden = model.hidden(&batch);
        for (idx, tokens) in sequences.iter().enumerate() {
            let (row, col) = (slots.slot(idx, 0) / 6, slots.slot(idx, 0) % 6);
            let alone = host_values(model.hidden(&TokenBatch::right_padded(&[tokens])));
            let packed = host_values(hidden.clone().narrow(0, row, 1).narrow(1, col, tokens.len()));
            assert!(alone.iter().zip(&packed).all(|(a, b)| (a - b).abs() < 1e-5), "{arch} {tokens:?}");
        }
    }
}

#[test]
fn a_shared_beginning_is_read_as_if_it_were_ones_own() {
    let begins = |kind: u32, n: u32, then: &[u32]| -> Vec<u32> {
        (0..n).map(|idx| (7 * idx + 31 * kind) % 200).chain(then.iter().copied()).collect()
    };
    let sequences = [
        begins(1, 12, &[5, 9]),
        begins(2, 9, &[1, 2, 3, 4, 5, 6]),
        vec![7; 3],
        begins(1, 12, &[8]),
        begins(2, 9, &[2]),
        begins(1, 12, &[5, 8, 3, 2, 1]),
    ];
    for arch in Arch::ALL {
        let mut config = DecoderConfig::preset(arch, crate::Size::Pico);
        for window in [None, Some(4), Some(13)] {
            config.windows[1] = window;
            let model = LanguageModel::fresh(&config, 2, &Device::flex());
            let (batch, slots) = TokenBatch::packed(&sequences, model.beginnings());
            let hidden = model.hidden(&batch);
            let [b, t, d] = hidden.dims();
            let hidden = host_values(hidden);
            for (idx, tokens) in sequences.iter().enumerate() {
                let alone = host_values(model.hidden(&TokenBatch::right_padded(&[tokens])));
                for (position, alone) in alone.chunks(d).enumerate() {
                    let slot = slots.slot(idx, position);
                    assert_eq!(batch.ids()[slot], tokens[position], "{arch} {idx} {position} of {b}x{t}");
                    let shared = &hidden[slot * d..][..d];
                    let is_close = alone.iter().zip(shared).all(|(a, b)| (a - b).abs() < 1e-5);
                    assert!(is_close, "{arch} window {window:?} sequence {idx} position {position}");
                }
            }
        }
    }
}

#[test]
fn trees_of_different_sizes_are_packed_without_much_padding() {
    let begins = |kind: u32, n: u32, then: u32| -> Vec<u32> {
        (0..n).map(|idx| 1000 * kind + idx).chain([then]).collect()
    };
    let mut sequences: Vec<Vec<u32>> = (0..40).map(|then| begins(1, 60, then)).collect();
    sequences.extend((0..3).map(|then| begins(2, 20, then)));
    let (batch, slots) = TokenBatch::packed(&sequences, forest::UNBOUNDED);
    // Two trees of 100 and 23: in two rows they would take 200.
    assert_eq!((batch.n_rows(), batch.n_cols()), (1, 123));
    for (idx, tokens) in sequences.iter().enumerate() {
        assert!((0..tokens.len()).all(|position| batch.ids()[slots.slot(idx, position)] == tokens[position]));
    }
}
