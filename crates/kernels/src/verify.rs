//! The operations on a device, with their gradients, against the reference bodies on the CPU; and what upstream has got
//! wrong before.
//!
//! Every operand is rounded to bf16 before either side sees it, so that only the arithmetic differs.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::flex::with_reference_bodies;
use crate::{
    AdamWStep, EntropyGradient, Gate, LogitScale, adamw, attention, gated, head_stats, linear, rms_norm,
    rotate, softmax_stats, store,
};

/// One result of an operation, or one gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Operation and type.
    pub case: String,
    /// `value`, or the operand that the gradient is for.
    pub field: String,
    /// Largest difference, as a share of the largest value (at least 1).
    pub difference: f64,
    /// What is accepted.
    pub tolerance: f64,
}

/// On a GPU products of f32 may go through TF32, which has ten bits.
const TOLERANCE_F32: f64 = 2e-3;
/// Eight bits, and some operations in a row.
const TOLERANCE_BF16: f64 = 3e-2;

/// Every operation on `device` in f32 and in bf16, and every fault that upstream has open.
pub fn verify(device: &Device) -> Vec<Comparison> {
    let (f32, bf16) = ((DType::F32, TOLERANCE_F32), (DType::BF16, TOLERANCE_BF16));
    let both = operations().into_iter().flat_map(|operation| {
        let types: &[_] = if operation.has_gradient { &[f32, bf16] } else { &[f32] };
        types
            .iter()
            .flat_map(|(dtype, tolerance)| operation.compare(*dtype, *tolerance, device))
            .collect::<Vec<_>>()
    });
    both.collect()
}

/// Of flat operands, to which the operation gives their shapes.
type Body = fn(&[Tensor<1>], &Device) -> Tensor<1>;

struct Operation {
    name: &'static str,
    /// Elements of each operand.
    operands: &'static [usize],
    body: Body,
    /// What has no gradient changes state, which is f32.
    has_gradient: bool,
}

impl Operation {
    fn compare(&self, dtype: DType, tolerance: f64, device: &Device) -> Vec<Comparison> {
        let ours = self.differentiated(dtype, device);
        let plain = with_reference_bodies(|| self.differentiated(DType::F32, &Device::flex()));
        let names = (0..self.operands.len()).map(|idx| format!("gradient of operand {idx}"));
        let fields = std::iter::once("value".to_owned()).chain(names);
        let compared = ours.iter().zip(&plain).zip(fields).map(|((ours, plain), field)| Comparison {
            case: format!("{} {dtype:?}", self.name),
            field,
            difference: difference(ours, plain),
            tolerance,
        });
        compared.collect()
    }

    /// Value, and the gradients of a weighted sum over it; empty for an operand that none flows into.
    fn differentiated(&self, dtype: DType, device: &Device) -> Vec<Vec<f32>> {
        let device = device.clone().autodiff();
        let leaf = |idx: usize| floats(idx as u32 + 1, self.operands[idx], &device).require_grad();
        let leaves: Vec<Tensor<1>> = (0..self.operands.len()).map(leaf).collect();
        let operands: Vec<Tensor<1>> = leaves.iter().map(|leaf| leaf.clone().cast(dtype)).collect();
        let value = (self.body)(&operands, &device).cast(DType::F32);
        if !self.has_gradient {
            return vec![host(value)];
        }
        let weighted = value.clone() * floats(99, value.dims()[0], &device);
        let values = host(value.inner());
        let gradients = weighted.sum().backward();
        let gradient = |leaf: &Tensor<1>| leaf.grad(&gradients).map_or_else(Vec::new, host);
        std::iter::once(values).chain(leaves.iter().map(gradient)).collect()
    }
}

/// Sizes that divide into no tile.
fn operations() -> Vec<Operation> {
    let operation = |name, operands, body| Operation { name, operands, body, has_gradient: true };
    let update = |name, operands, body| Operation { name, operands, body, has_gradient: false };
    vec![
        operation("linear", &[33 * 70, 130 * 70], |x, _| {
            flat(linear(x[0].clone().reshape([33, 70]), x[1].clone().reshape([130, 70])))
        }),
        operation("rms_norm", &[40 * 1000, 1000], |x, _| {
            flat(rms_norm(x[0].clone().reshape([40, 1000]), x[1].clone(), 1e-3, 1.0))
        }),
        operation("gated silu", &[37 * 600; 2], |x, _| gate(x, Gate::Silu)),
        operation("gated gelu", &[37 * 600; 2], |x, _| gate(x, Gate::GeluTanh)),
        operation("softmax_stats", &[7 * 1000], |x, _| {
            let (sum, entropy) = softmax_stats(x[0].clone().reshape([7, 1000]));
            flat(Tensor::cat(vec![sum, entropy], 1))
        }),
        operation("head_stats", &[70 * 33, 1100 * 33], |x, device| head(x, EntropyGradient::Tracked, device)),
        operation("head_stats, frozen", &[70 * 33, 1100 * 33], |x, device| {
            head(&[x[0].clone(), x[1].clone().detach()], EntropyGradient::Detached, device)
        }),
        operation("rotate", &[2 * 7 * 3 * 24], |x, device| {
            let table = |seed| floats(seed, 14 * 24, device).cast(x[0].dtype()).reshape([2, 7, 1, 24]);
            flat(rotate(x[0].clone().reshape([2, 7, 3, 24]), table(5), table(6), 12))
        }),
        operation("attention", &[2 * 70 * 4 * 24, 2 * 70 * 2 * 24, 2 * 70 * 2 * 24], |x, device| {
            attend(x, None, device)
        }),
        operation("attention, capped", &[2 * 70 * 4 * 24, 2 * 70 * 2 * 24, 2 * 70 * 2 * 24], |x, device| {
            attend(x, Some(1.5), device)
        }),
        update("adamw", &[5000, 10_000, 5000], |x, _| {
            let [weights, moments, gradient] = [0, 1, 2].map(|idx| x[idx].clone().detach());
            let moments = moments.square().reshape([2, 5000]);
            let (weights, moments) = adamw(weights, moments, gradient, STEP);
            Tensor::cat(vec![weights, flat(moments)], 0)
        }),
        update("store", &[4 * 6 * 2 * 8, 3 * 2 * 8], |x, device| {
            let places = Tensor::from_data(TensorData::new(vec![2, 0, 2, 1, 0, 5], [3, 2]), device);
            let (slab, fresh) = (x[0].clone().detach(), x[1].clone().detach());
            flat(store(slab.reshape([4, 6, 2, 8]), fresh.reshape([3, 2, 8]), places))
        }),
        // cubecl #1053: a sum kept in bf16 stands still at 256.
        operation("products of bf16 are summed in f32 (cubecl 1053)", &[2], |x, _| {
            let ones = x[0].clone().narrow(0, 0, 1).mul_scalar(0.0).add_scalar(1.0).expand([4096]);
            flat(linear(ones.clone().reshape([1, 4096]), ones.reshape([1, 4096]))).div_scalar(4096.0)
        }),
        // burn #5122: columns cut from a fused result.
        operation("columns of a product (burn 5122)", &[65 * 30, 2 * 30], |x, _| {
            let both = linear(x[0].clone().reshape([65, 30]), x[1].clone().reshape([2, 30])).add_scalar(1.0);
            let (first, second) = (both.clone().narrow(1, 0, 1), both.narrow(1, 1, 1));
            flat(first.tanh() * second.exp())
        }),
        // burn #4366: exponentials of differences of running sums.
        operation("running sums (burn 4366)", &[20 * 50], |x, _| {
            let sums = x[0].clone().mul_scalar(0.1).reshape([20, 50]).cumsum(1);
            let first = sums.clone().narrow(1, 0, 1);
            flat((sums - first).exp())
        }),
    ]
}

pub(crate) const STEP: AdamWStep = AdamWStep {
    gradient_factor: 0.5,
    beta_1: 0.9,
    beta_2: 0.99,
    epsilon: 1e-3,
    rate: 0.1,
    root_factor: 3.0,
    kept: 0.95,
};

fn gate(x: &[Tensor<1>], kind: Gate) -> Tensor<1> {
    let [gate, up] = [0, 1].map(|idx| x[idx].clone().reshape([37, 600]));
    flat(gated(gate, up, kind))
}

fn head(x: &[Tensor<1>], entropy: EntropyGradient, device: &Device) -> Tensor<1> {
    let tokens: Vec<i32> = (1..70).flat_map(|row| [row, row * 7 % 1100, row, 1099 - row]).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [138, 2]), device);
    let scale = LogitScale { scale: 1.0, soft_cap: 3.0, temperature: 0.7 };
    let (x, weight) = (x[0].clone().reshape([70, 33]), x[1].clone().reshape([1100, 33]));
    let stats = head_stats(x, weight, tokens, scale, entropy);
    Tensor::cat(vec![stats.log_sum_exp, stats.entropy, stats.chosen], 0)
}

/// Two rows of 70 columns, sequences of 31 within them that all see the first five too, four heads on two.
fn attend(x: &[Tensor<1>], soft_cap: Option<f64>, device: &Device) -> Tensor<1> {
    let seen = |row: i32, column: i32| {
        let first = column - column % 31;
        [row, first, column + 1, 0, first.min(5)]
    };
    let sight: Vec<i32> = (0..140).flat_map(|idx| seen(idx / 70, idx % 70)).collect();
    let sight = Tensor::<3, Int>::from_data(TensorData::new(sight, [2, 70, 5]), device);
    let q = x[0].clone().reshape([2, 70, 4, 24]);
    let [k, v] = [1, 2].map(|idx| x[idx].clone().reshape([2, 70, 2, 24]));
    flat(attention(q, k, v, sight, soft_cap))
}

fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    x.flatten(0, D - 1)
}

/// Values in −1 … 1 that bf16 holds, without a pattern, the same each time.
fn floats(seed: u32, n: usize, device: &Device) -> Tensor<1> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        half::bf16::from_f32(state as f32 / u32::MAX as f32 * 2.0 - 1.0).to_f32()
    };
    let values: Vec<f32> = (0..n).map(|_| next()).collect();
    Tensor::from_data(TensorData::new(values, [n]), device)
}

fn host(x: Tensor<1>) -> Vec<f32> {
    x.into_data_dtype(DType::F32).try_to_vec().expect("converted to f32 just now")
}

/// As a share of the largest reference value, at least 1; infinite where lengths differ or something is not finite.
fn difference(ours: &[f32], plain: &[f32]) -> f64 {
    if ours.len() != plain.len() || ours.iter().any(|x| !x.is_finite()) {
        return f64::INFINITY;
    }
    let most = plain.iter().fold(1.0_f32, |most, x| most.max(x.abs()));
    let worst = ours.iter().zip(plain).fold(0.0_f32, |worst, (a, b)| worst.max((a - b).abs()));
    f64::from(worst / most)
}

#[cfg(test)]
mod tests;
