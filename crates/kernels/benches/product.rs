//! `cargo bench -p kernels`: products of a `small` and a 0.5B layer, ours against the `gemm` crate in turn.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant;

use burn::tensor::{DType, Device, Distribution, Tensor};

const RUNS: usize = 15;

fn main() {
    let device = Device::flex();
    let random = |shape: [usize; 2]| Tensor::<2>::random(shape, Distribution::Default, &device);
    for (n_in, n_out) in [(640, 1792), (1792, 640), (640, 640), (896, 4864)] {
        let weight = random([n_out, n_in]);
        let half = weight.clone().cast(DType::BF16);
        for rows in [1, 8, 32, 128, 512, 2048] {
            let x = random([rows, n_in]);
            let ours = || drop(kernels::linear(x.clone(), weight.clone()).into_data());
            let narrow = || drop(kernels::linear(x.clone(), half.clone()).into_data());
            let theirs = || drop(x.clone().matmul(weight.clone().transpose()).into_data());
            let [ours, narrow, theirs] = in_turn([&ours, &narrow, &theirs]);
            let flops = 2.0 * (rows * n_in * n_out) as f64;
            println!(
                "[{rows}, {n_in}] x [{n_out}, {n_in}]: f32 {:.1} GFLOP/s, bf16 {:.1}, gemm {:.1}; ratio {:.2}",
                flops / ours / 1e9,
                flops / narrow / 1e9,
                flops / theirs / 1e9,
                theirs / ours
            );
        }
    }
}

/// Median seconds of each, one run of each after the other.
fn in_turn<const N: usize>(work: [&dyn Fn(); N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..RUNS {
        for (work, times) in work.iter().zip(&mut times) {
            let started = Instant::now();
            work();
            times.push(started.elapsed().as_secs_f64());
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[RUNS / 2]
    })
}
