//! The fast bodies on the CPU backend. What they cannot take (other types) goes to the reference bodies.

use std::cell::Cell;

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{DType, Shape, TensorData};
use half::bf16;

use crate::adamw::{self, AdamWStep};
use crate::attention::{self, Heads, Operands, Sight};
use crate::head::{self, Head, HeadGrad};
use crate::ops::{HeadCall, KernelOps};
use crate::product::{product_bf16, product_f32};
use crate::reference;
use crate::rows::{self, Gate};

type Float = FloatTensor<Flex>;
type Int = IntTensor<Flex>;

impl KernelOps for Flex {
    fn kernel_linear(x: Float, weight: Float) -> Float {
        let ([n_rows, n_in], [n_out, _]) = (x.shape().dims(), weight.shape().dims());
        if !takes(&[&x]) {
            return reference::linear::<Self>(x, weight);
        }
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let input = values(&x);
        let out = match weight.dtype() {
            DType::F32 => product_f32(input, values(&weight), n_in),
            DType::BF16 if n_in.is_multiple_of(2) => {
                let weight: &[bf16] = weight.as_slice().expect("contiguous bf16");
                product_bf16(input, weight, n_in)
            }
            _ => return reference::linear::<Self>(x, weight),
        };
        tensor(out, [n_rows, n_out], &x)
    }

    fn kernel_rms_norm(x: Float, weight: Float, eps: f32, offset: f32) -> Float {
        if !takes(&[&x, &weight]) {
            return reference::rms_norm::<Self>(x, weight, eps, offset);
        }
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let out = rows::rms_norm(values(&x), values(&weight), eps, offset);
        tensor(out, x.shape(), &x)
    }

    fn kernel_rms_norm_backward(x: Float, weight: Float, grad: Float, eps: f32, offset: f32) -> Float {
        if !takes(&[&x, &weight, &grad]) {
            return reference::rms_norm_backward::<Self>(x, weight, grad, eps, offset);
        }
        let [x, weight, grad] = [x, weight, grad].map(|tensor| tensor.to_contiguous());
        let operands = [values(&x), values(&weight), values(&grad)];
        let (mut d_x, d_weight) = rows::rms_norm_backward(operands, eps, offset);
        d_x.extend(d_weight);
        flat(d_x, &x)
    }

    fn kernel_gated(gate: Float, up: Float, kind: Gate) -> Float {
        if !takes(&[&gate, &up]) {
            return reference::gated::<Self>(gate, up, kind);
        }
        let (gate, up) = (gate.to_contiguous(), up.to_contiguous());
        let [_, width] = gate.shape().dims();
        tensor(rows::gated(kind, values(&gate), values(&up), width), gate.shape(), &gate)
    }

    fn kernel_gated_backward(gate: Float, up: Float, grad: Float, kind: Gate) -> Float {
        if !takes(&[&gate, &up, &grad]) {
            return reference::gated_backward::<Self>(gate, up, grad, kind);
        }
        let [gate, up, grad] = [gate, up, grad].map(|tensor| tensor.to_contiguous());
        let [n_rows, width] = gate.shape().dims();
        let operands = [values(&gate), values(&up), values(&grad)];
        let (mut d_gate, d_up) = rows::gated_backward(kind, operands, width);
        d_gate.extend(d_up);
        tensor(d_gate, [2 * n_rows, width], &gate)
    }

    fn kernel_softmax_stats(logits: Float) -> Float {
        if !takes(&[&logits]) {
            return reference::softmax_stats::<Self>(logits);
        }
        let logits = logits.to_contiguous();
        let [n_rows, width] = logits.shape().dims();
        tensor(rows::softmax_stats(values(&logits), width), [n_rows, 2], &logits)
    }

    fn kernel_softmax_stats_backward(logits: Float, stats: Float, grad: Float) -> Float {
        if !takes(&[&logits, &stats, &grad]) {
            return reference::softmax_stats_backward::<Self>(logits, stats, grad);
        }
        let [logits, stats, grad] = [logits, stats, grad].map(|tensor| tensor.to_contiguous());
        let [_, width] = logits.shape().dims();
        let operands = [values(&logits), values(&stats), values(&grad)];
        tensor(rows::softmax_stats_backward(operands, width), logits.shape(), &logits)
    }

    fn kernel_head(x: Float, weight: Float, tokens: Int, call: HeadCall) -> Float {
        if !takes(&[&x, &weight]) {
            return reference::head::<Self>(x, weight, tokens, call);
        }
        let ([x, weight], tokens) = ([x, weight].map(|x| x.to_contiguous()), integers(tokens));
        let stats = head::head_stats(head_of(&x, &weight, &tokens, call), call.expected);
        let mut all = stats.log_sum_exp;
        all.extend(stats.entropy);
        all.extend(stats.chosen);
        all.extend(stats.expected);
        flat(all, &x)
    }

    fn kernel_head_backward_expected(
        weight: Float,
        tokens: Int,
        stats: Float,
        grad: Float,
        call: HeadCall,
    ) -> Float {
        if !takes(&[&weight]) {
            return reference::head_backward_expected::<Self>(weight, tokens, stats, grad, call);
        }
        let [weight, stats, grad] = [weight, stats, grad].map(|x| x.to_contiguous());
        let tokens = integers(tokens);
        let [_, width] = weight.shape().dims();
        let n_tokens = tokens.len() / 2;
        let n_predictors = (values(&stats).len() - n_tokens) / (width + 2);
        let (sums, rest) = values(&stats).split_at(2 * n_predictors);
        let (chosen, expected) = rest.split_at(n_tokens);
        let of_sum = &values(&grad)[..n_predictors];
        let of_chosen = &values(&grad)[sums.len()..];
        let head = Head { x: &[], weight: values(&weight), tokens: &tokens, width, scale: call.scale };
        let d_x = head::head_backward_expected(head, (expected, chosen), (of_sum, of_chosen));
        tensor(d_x, [n_predictors, width], &weight)
    }

    fn kernel_head_backward(
        x: Float,
        weight: Float,
        tokens: Int,
        stats: Float,
        grad: Float,
        call: HeadCall,
        for_weight: bool,
    ) -> Float {
        if !takes(&[&x, &weight]) {
            return reference::head_backward::<Self>((x, weight), tokens, stats, grad, call, for_weight);
        }
        let [x, weight, stats, grad] = [x, weight, stats, grad].map(|x| x.to_contiguous());
        let tokens = integers(tokens);
        let [n_predictors, _] = x.shape().dims();
        let head = head_of(&x, &weight, &tokens, call);
        let (log_sum_exp, rest) = values(&stats).split_at(n_predictors);
        let (of_sum, of_rest) = values(&grad).split_at(n_predictors);
        let (of_entropy, of_chosen) = of_rest.split_at(n_predictors);
        let of = HeadGrad { log_sum_exp: of_sum, entropy: of_entropy, chosen: of_chosen };
        let (mut d_x, d_weight) = head::head_backward(head, (log_sum_exp, rest), &of, for_weight);
        d_x.extend(d_weight);
        flat(d_x, &x)
    }

    fn kernel_rotate(x: Float, cos: Float, sin: Float, half: usize, inverse: bool) -> Float {
        if !takes(&[&x, &cos, &sin]) {
            return reference::rotate::<Self>(x, cos, sin, half, inverse);
        }
        let [x, cos, sin] = [x, cos, sin].map(|tensor| tensor.to_contiguous());
        let [n_rows, n_tokens, n_heads, head_dim] = x.shape().dims();
        let shape = rows::RotaryShape { n_rows, n_tokens, n_heads, head_dim, half };
        let out = rows::rotate([values(&x), values(&cos), values(&sin)], shape, inverse);
        tensor(out, x.shape(), &x)
    }

    fn kernel_attention(q: Float, k: Float, v: Float, sight: Int, soft_cap: f32) -> Float {
        if !takes(&[&q, &k, &v]) {
            return reference::attention::<Self>(q, k, v, sight, soft_cap);
        }
        let [q, k, v] = [q, k, v].map(with_whole_heads);
        let shape = attention_shape(&q, &k);
        let sight = Sight::new(integers(sight), &shape);
        let call = Operands { q: heads(&q), k: heads(&k), v: heads(&v), sight: &sight, soft_cap, shape };
        tensor(attention::attention(call), q.shape(), &q)
    }

    fn kernel_attention_backward(
        q: Float,
        k: Float,
        v: Float,
        sight: Int,
        grad: Float,
        soft_cap: f32,
    ) -> Float {
        if !takes(&[&q, &k, &v, &grad]) {
            return reference::attention_backward::<Self>(q, k, v, sight, grad, soft_cap);
        }
        let [q, k, v] = [q, k, v].map(with_whole_heads);
        let grad = grad.to_contiguous();
        let shape = attention_shape(&q, &k);
        let sight = Sight::new(integers(sight), &shape);
        let call = Operands { q: heads(&q), k: heads(&k), v: heads(&v), sight: &sight, soft_cap, shape };
        flat(attention::attention_backward(call, values(&grad)).concat(), &q)
    }

    fn kernel_adam_moments(moments: Float, gradient: Float, step: AdamWStep) -> Float {
        if !takes(&[&moments, &gradient]) {
            return reference::adam_moments::<Self>(moments, gradient, step);
        }
        let (mut moments, gradient) = (whole(moments), gradient.to_contiguous());
        adamw::adam_moments(moments.storage_mut(), values(&gradient), step);
        moments
    }

    fn kernel_adamw(weights: Float, moments: Float, step: AdamWStep) -> Float {
        if !takes(&[&weights, &moments]) {
            return reference::adamw::<Self>(weights, moments, step);
        }
        let (mut weights, moments) = (whole(weights), moments.to_contiguous());
        adamw::adamw(weights.storage_mut(), values(&moments), step);
        weights
    }

    fn kernel_store(slab: Float, fresh: Float, places: Int) -> Float {
        if !takes(&[&slab, &fresh]) {
            return reference::store::<Self>(slab, fresh, places);
        }
        let [n_rows, n_columns, n_heads, head_dim] = slab.shape().dims();
        let (fresh, places) = (fresh.to_contiguous(), integers(places));
        let width = n_heads * head_dim;
        let mut slab = whole(slab);
        let stored: &mut [f32] = slab.storage_mut();
        for (vector, place) in values(&fresh).chunks(width).zip(places.chunks(2)) {
            let (row, column) = (place[0] as usize, place[1] as usize);
            assert!(row < n_rows && column < n_columns, "place {place:?} of [{n_rows}, {n_columns}]");
            let at = (row * n_columns + column) * width;
            stored[at..at + width].copy_from_slice(vector);
        }
        slab
    }
}

fn head_of<'a>(x: &'a Float, weight: &'a Float, tokens: &'a [i64], call: HeadCall) -> Head<'a> {
    let [_, width] = x.shape().dims();
    Head { x: values(x), weight: values(weight), tokens, width, scale: call.scale }
}

fn attention_shape(q: &Float, k: &Float) -> attention::Shape {
    let ([n_rows, n_queries, n_heads, head_dim], [n_key_rows, n_keys, n_kv_heads, _]) =
        (q.shape().dims(), k.shape().dims());
    attention::Shape { n_rows, n_heads, n_kv_heads, n_queries, n_key_rows, n_keys, head_dim }
}

/// Views of the first three dimensions are read where they are.
fn with_whole_heads(x: Float) -> Float {
    let strides = x.layout().strides();
    if strides[3] == 1 && strides.iter().all(|stride| *stride >= 0) { x } else { x.to_contiguous() }
}

fn heads(x: &Float) -> Heads<'_> {
    let strides = x.layout().strides();
    let strides = [strides[0], strides[1], strides[2]].map(|stride| stride as usize);
    let values: &[f32] = x.storage();
    Heads { values: &values[x.layout().start_offset()..], strides }
}

fn integers(x: Int) -> Vec<i64> {
    x.into_data().convert::<i64>().try_to_vec().expect("converted to i64 just now")
}

thread_local! {
    static REFERENCE_ONLY: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with the reference bodies instead of those here, on this thread.
pub(crate) fn with_reference_bodies<T>(work: impl FnOnce() -> T) -> T {
    REFERENCE_ONLY.set(true);
    let done = work();
    REFERENCE_ONLY.set(false);
    done
}

/// Whether the bodies here are to be run on these operands.
fn takes(tensors: &[&Float]) -> bool {
    tensors.iter().all(|tensor| tensor.dtype() == DType::F32) && !REFERENCE_ONLY.get()
}

fn values(x: &Float) -> &[f32] {
    x.as_slice().expect("a contiguous tensor of f32")
}

fn tensor(values: Vec<f32>, shape: impl Into<Shape>, like: &Float) -> Float {
    Flex::float_from_data(TensorData::new(values, shape), &like.device())
}

/// A tensor that is all of its storage, so that it can be changed there.
fn whole(x: Float) -> Float {
    if x.is_contiguous() && x.storage::<f32>().len() == x.shape().num_elements() {
        return x;
    }
    let copy = values(&x.to_contiguous()).to_vec();
    tensor(copy, x.shape(), &x)
}

fn flat(values: Vec<f32>, like: &Float) -> Float {
    let n = values.len();
    tensor(values, [n], like)
}
