//! The head of a language model in plain tensor operations, a block of predictors at a time.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{IndexingUpdateOp, Shape, Slice};

use super::{column, flat, linear, narrowed, scalar, softmax_stats, softmax_stats_backward, widened};
use crate::head::{Expected, LogitScale};
use crate::ops::HeadCall;

/// Predictors whose logits are there at the same time.
const HEAD_ROWS: usize = 1024;

pub(crate) fn head<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    tokens: IntTensor<B>,
    call: HeadCall,
) -> FloatTensor<B> {
    let (mut sums, mut entropies, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    for part in blocks::<B>(&x) {
        let (logits, slope) = logits::<B>(part, weight.clone(), call.scale);
        let stats = softmax_stats::<B>(logits.clone());
        sums.push(flat::<B>(column::<B>(&stats, 0)));
        entropies.push(flat::<B>(column::<B>(&stats, 1)));
        if call.expected == Expected::Summed {
            let p = B::float_exp(B::float_sub(logits, column::<B>(&stats, 0)));
            let p = narrowed::<B>(slope.times::<B>(p), &weight);
            expected.push(flat::<B>(widened::<B>(B::float_matmul(p, weight.clone()))));
        }
    }
    let chosen = B::float_mul(chosen_rows::<B>(&x, &tokens, 0), chosen_rows::<B>(&weight, &tokens, 1));
    let (chosen, _) = bent::<B>(B::float_sum_dim(widened::<B>(chosen), 1), call.scale);
    let all = sums.into_iter().chain(entropies).chain([flat::<B>(chosen)]).chain(expected);
    B::float_cat(all.collect(), 0)
}

pub(crate) fn head_backward_expected<B: Backend>(
    weight: FloatTensor<B>,
    tokens: IntTensor<B>,
    stats: FloatTensor<B>,
    grad: FloatTensor<B>,
    call: HeadCall,
) -> FloatTensor<B> {
    let (width, n) = (weight.shape()[1], tokens.shape()[0]);
    let p = (stats.shape()[0] - n) / (width + 2);
    let expected = part::<B>(&stats, 2 * p + n, [p, width]);
    let d_x = B::float_mul(expected, part::<B>(&grad, 0, [p, 1]));
    let of_chosen = of_chosen::<B>(&stats, &grad, (p, n), call.scale);
    let rows = B::float_mul(widened::<B>(chosen_rows::<B>(&weight, &tokens, 1)), of_chosen);
    narrowed::<B>(added_rows::<B>(d_x, &tokens, 0, rows), &weight)
}

pub(crate) fn head_backward<B: Backend>(
    (x, weight): (FloatTensor<B>, FloatTensor<B>),
    tokens: IntTensor<B>,
    stats: FloatTensor<B>,
    grad: FloatTensor<B>,
    call: HeadCall,
    for_weight: bool,
) -> FloatTensor<B> {
    let (p, n) = (x.shape()[0], tokens.shape()[0]);
    let (mut d_x, mut d_weight, mut start) = (Vec::new(), None, 0);
    for block in blocks::<B>(&x) {
        let rows = block.shape()[0];
        let (logits, slope) = logits::<B>(block.clone(), weight.clone(), call.scale);
        let pair = |all: &FloatTensor<B>| {
            let columns = [start, p + start].map(|from| part::<B>(all, from, [rows, 1]));
            B::float_cat(columns.into(), 1)
        };
        let d_logits = softmax_stats_backward::<B>(logits, pair(&stats), pair(&grad));
        let d_logits = narrowed::<B>(slope.times::<B>(d_logits), &weight);
        d_x.push(widened::<B>(B::float_matmul(d_logits.clone(), weight.clone())));
        if for_weight {
            let part = widened::<B>(B::float_matmul(B::float_transpose(d_logits), block));
            d_weight = Some(match d_weight {
                Some(sum) => B::float_add(sum, part),
                None => part,
            });
        }
        start += rows;
    }
    let of_chosen = of_chosen::<B>(&stats, &grad, (p, n), call.scale);
    let scaled = |rows: FloatTensor<B>| B::float_mul(widened::<B>(rows), of_chosen.clone());
    let d_x =
        added_rows::<B>(B::float_cat(d_x, 0), &tokens, 0, scaled(chosen_rows::<B>(&weight, &tokens, 1)));
    let d_weight =
        d_weight.map(|sum| added_rows::<B>(sum, &tokens, 1, scaled(chosen_rows::<B>(&x, &tokens, 0))));
    let all = [Some(d_x), d_weight].into_iter().flatten().map(|sum| flat::<B>(narrowed::<B>(sum, &x)));
    B::float_cat(all.collect(), 0)
}

/// Gradients of the products of the chosen tokens, `[N, 1]`.
fn of_chosen<B: Backend>(
    stats: &FloatTensor<B>,
    grad: &FloatTensor<B>,
    (p, n): (usize, usize),
    scale: LogitScale,
) -> FloatTensor<B> {
    let grad = part::<B>(grad, 2 * p, [n, 1]);
    let slope = Slope::of::<B>(scale, part::<B>(stats, 2 * p, [n, 1]));
    slope.times::<B>(grad)
}

/// Parts of at most [`HEAD_ROWS`] rows.
fn blocks<B: Backend>(x: &FloatTensor<B>) -> Vec<FloatTensor<B>> {
    let n = x.shape()[0];
    let block = |start: usize| {
        let rows = Slice::new(start as isize, Some((start + HEAD_ROWS).min(n) as isize), 1);
        B::float_slice(x.clone(), &[rows, Slice::new(0, None, 1)])
    };
    (0..n).step_by(HEAD_ROWS).map(block).collect()
}

/// Logits in f32, and what they move when their products do.
fn logits<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    scale: LogitScale,
) -> (FloatTensor<B>, Slope<FloatTensor<B>>) {
    bent::<B>(widened::<B>(linear::<B>(x, weight)), scale)
}

fn bent<B: Backend>(z: FloatTensor<B>, scale: LogitScale) -> (FloatTensor<B>, Slope<FloatTensor<B>>) {
    let LogitScale { scale: factor, soft_cap, temperature } = scale;
    if soft_cap == 0.0 {
        let factor = factor / temperature;
        let z = if factor == 1.0 { z } else { B::float_mul_scalar(z, scalar(factor)) };
        return (z, Slope::Constant(factor));
    }
    let t = B::float_tanh(B::float_mul_scalar(z, scalar(factor / soft_cap)));
    let logits = B::float_mul_scalar(t, scalar(soft_cap / temperature));
    (logits.clone(), Slope::of::<B>(scale, logits))
}

/// The derivative of logits by their products.
enum Slope<T> {
    Constant(f32),
    Each(T),
}

impl<T> Slope<T> {
    fn of<B: Backend<FloatTensorPrimitive = T>>(scale: LogitScale, logits: T) -> Self
    where
        T: Clone,
    {
        let factor = scale.scale / scale.temperature;
        if scale.soft_cap == 0.0 {
            return Self::Constant(factor);
        }
        let t = B::float_mul_scalar(logits, scalar(scale.temperature / scale.soft_cap));
        let square = B::float_mul(t.clone(), t);
        let slope = B::float_mul_scalar(square, scalar(-factor));
        Self::Each(B::float_add_scalar(slope, scalar(factor)))
    }

    fn times<B: Backend<FloatTensorPrimitive = T>>(self, x: T) -> T {
        match self {
            Self::Constant(1.0) => x,
            Self::Constant(factor) => B::float_mul_scalar(x, scalar(factor)),
            Self::Each(slope) => B::float_mul(x, slope),
        }
    }
}

/// Rows that the tokens name in one of their two fields, `[N, D]`.
fn chosen_rows<B: Backend>(x: &FloatTensor<B>, tokens: &IntTensor<B>, field: isize) -> FloatTensor<B> {
    B::float_select(x.clone(), 0, token_field::<B>(tokens, field))
}

fn added_rows<B: Backend>(
    sum: FloatTensor<B>,
    tokens: &IntTensor<B>,
    field: isize,
    rows: FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_select_assign(sum, 0, token_field::<B>(tokens, field), rows, IndexingUpdateOp::Add)
}

fn token_field<B: Backend>(tokens: &IntTensor<B>, field: isize) -> IntTensor<B> {
    let n = tokens.shape()[0];
    let field = Slice::new(field, Some(field + 1), 1);
    let field = B::int_slice(tokens.clone(), &[Slice::new(0, None, 1), field]);
    B::int_reshape(field, Shape::new([n]))
}

fn part<B: Backend>(all: &FloatTensor<B>, from: usize, shape: [usize; 2]) -> FloatTensor<B> {
    let to = from + shape[0] * shape[1];
    let part = B::float_slice(all.clone(), &[Slice::new(from as isize, Some(to as isize), 1)]);
    B::float_reshape(part, Shape::new(shape))
}
