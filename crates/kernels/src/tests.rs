//! Every operation and its gradients against the reference bodies, at sizes that do not divide into vectors.

use std::sync::Mutex;

use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, AutodiffBackend, Flex, TensorMetadata};
use burn::tensor::{DType, Slice, TensorData};

use crate::head::{Expected, LogitScale};
use crate::ops::{EntropyGradient, HeadCall, KernelOps};
use crate::reference;
use crate::rows::Gate;

type A = Autodiff<Flex>;
type Float = FloatTensor<A>;

/// Values in −1 … 1 without a pattern, the same each time.
fn leaf(seed: u32, shape: &[usize]) -> Float {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
    constant(values, shape).require_grad()
}

fn constant(values: Vec<f32>, shape: &[usize]) -> Float {
    A::float_from_data(TensorData::new(values, shape), &Default::default())
}

fn host(x: FloatTensor<Flex>) -> Vec<f32> {
    x.into_data().try_to_vec().unwrap()
}

/// Value, and gradients of the leaves of a weighted sum over it.
fn differentiated(leaves: &[Float], f: impl Fn(&[Float]) -> Float) -> Vec<Vec<f32>> {
    let value = f(leaves);
    let shape: Vec<usize> = burn::backend::TensorMetadata::shape(&value).to_vec();
    let loss = A::float_sum(A::float_mul(value.clone(), A::float_detach(leaf(99, &shape))));
    let grads = A::backward(loss);
    let grad = |leaf: &Float| host(A::grad(leaf, &grads).expect("the leaf has a gradient"));
    std::iter::once(host(value.into_primitive())).chain(leaves.iter().map(grad)).collect()
}

/// The kernel against the reference body and its derivative, then against the reference body of its gradient.
fn compare(leaves: &[Float], kernel: impl Fn(&[Float]) -> Float, plain: impl Fn(&[Float]) -> Float) {
    let (ours, theirs) = (differentiated(leaves, kernel), differentiated(leaves, plain));
    for (which, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_close(ours, theirs, &format!("result {which}"));
    }
}

fn assert_close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let most = theirs.iter().fold(1.0_f32, |most, x| most.max(x.abs()));
    for (idx, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 5e-6 * most, "{what}[{idx}]: {a}, {b} by the reference");
    }
}

fn copies(x: &[Float]) -> Vec<FloatTensor<Flex>> {
    x.iter().map(|x| x.primitive().clone()).collect()
}

#[test]
fn linear_is_a_product_with_the_transpose() {
    for (m, k, n) in [(1, 7, 5), (1, 640, 401), (3, 33, 9), (7, 100, 130), (16, 257, 31), (17, 20, 6)] {
        let leaves = [leaf(1, &[m, k]), leaf(2, &[n, k])];
        compare(
            &leaves,
            |x| A::kernel_linear(x[0].clone(), x[1].clone()),
            |x| reference::linear::<A>(x[0].clone(), x[1].clone()),
        );
    }
}

#[test]
fn linear_reads_a_weight_in_bf16_as_the_numbers_it_holds() {
    for (m, k, n) in [(1, 640, 401), (2, 30, 5), (4, 66, 7), (9, 126, 10), (16, 8, 3), (20, 8, 3), (2, 7, 3)]
    {
        let x = leaf(1, &[m, k]).into_primitive();
        let weight = Flex::float_cast(leaf(2, &[n, k]).into_primitive(), DType::BF16.into());
        let widened = Flex::float_cast(weight.clone(), DType::F32.into());
        let ours = host(Flex::kernel_linear(x.clone(), weight));
        assert_close(&ours, &host(reference::linear::<Flex>(x, widened)), &format!("{m}x{k}x{n}"));
    }
}

#[test]
fn a_frozen_weight_in_bf16_gives_the_gradient_of_its_numbers() {
    let (x, weight) = (leaf(1, &[9, 30]), leaf(2, &[14, 30]).into_primitive());
    let weight = Flex::float_cast(weight, DType::BF16.into());
    let widened = A::from_inner(Flex::float_cast(weight.clone(), DType::F32.into()));
    let weight = A::from_inner(weight);
    compare(
        &[x],
        |x| A::kernel_linear(x[0].clone(), weight.clone()),
        |x| reference::linear::<A>(x[0].clone(), widened.clone()),
    );
}

#[test]
fn tensor_cores_are_given_operands_of_one_type() {
    let (x, weight) = (leaf(1, &[9, 30]).into_primitive(), leaf(2, &[14, 30]).into_primitive());
    let weight = Flex::float_cast(weight, DType::BF16.into());
    let ours = reference::linear_in_type_of_weight::<Flex>(x.clone(), weight.clone());
    assert_eq!(ours.dtype(), DType::F32);
    let [x, weight] = [x, weight].map(|x| Flex::float_cast(x, DType::BF16.into()));
    let rounded = Flex::float_cast(reference::linear::<Flex>(x, weight), DType::F32.into());
    assert_eq!(host(ours), host(rounded));
}

#[test]
fn rms_norm_divides_by_the_root_mean_square() {
    for (shape, offset) in [(vec![3, 5], 0.0), (vec![40, 1000], 1.0), (vec![2, 3, 4, 24], 0.0)] {
        let leaves = [leaf(1, &shape), leaf(2, &shape[shape.len() - 1..])];
        compare(
            &leaves,
            |x| A::kernel_rms_norm(x[0].clone(), x[1].clone(), 1e-3, offset),
            |x| reference::rms_norm::<A>(x[0].clone(), x[1].clone(), 1e-3, offset),
        );
        let [x, weight, grad] = [1, 2, 3].map(|seed| match seed {
            2 => leaf(2, &shape[shape.len() - 1..]).into_primitive(),
            _ => leaf(seed, &shape).into_primitive(),
        });
        let ours = Flex::kernel_rms_norm_backward(x.clone(), weight.clone(), grad.clone(), 1e-3, offset);
        let plain = reference::rms_norm_backward::<Flex>(x, weight, grad, 1e-3, offset);
        assert_close(&host(ours), &host(plain), "gradient");
    }
}

#[test]
fn the_gate_multiplies() {
    for kind in [Gate::Silu, Gate::GeluTanh] {
        for shape in [[3, 5], [37, 600]] {
            let leaves = [leaf(1, &shape), leaf(2, &shape)];
            compare(
                &leaves,
                |x| A::kernel_gated(x[0].clone(), x[1].clone(), kind),
                |x| reference::gated::<A>(x[0].clone(), x[1].clone(), kind),
            );
            let x = copies(&[leaf(1, &shape), leaf(2, &shape), leaf(3, &shape)]);
            let [gate, up, grad] = x.try_into().unwrap();
            let ours = Flex::kernel_gated_backward(gate.clone(), up.clone(), grad.clone(), kind);
            let plain = reference::gated_backward::<Flex>(gate, up, grad, kind);
            assert_close(&host(ours), &host(plain), "gradient");
        }
    }
}

#[test]
fn softmax_stats_are_the_normaliser_and_the_entropy() {
    for shape in [[3, 5], [7, 1000]] {
        compare(
            &[leaf(1, &shape)],
            |x| A::kernel_softmax_stats(x[0].clone()),
            |x| reference::softmax_stats::<A>(x[0].clone()),
        );
        let logits = leaf(1, &shape).into_primitive();
        let stats = Flex::kernel_softmax_stats(logits.clone());
        let grad = leaf(3, &[shape[0], 2]).into_primitive();
        let ours = Flex::kernel_softmax_stats_backward(logits.clone(), stats.clone(), grad.clone());
        let plain = reference::softmax_stats_backward::<Flex>(logits, stats, grad);
        assert_close(&host(ours), &host(plain), "gradient");
    }
    let masked = constant(vec![1.0, -1e30, 1.0, -1e30], &[1, 4]).into_primitive();
    let stats = host(Flex::kernel_softmax_stats(masked));
    assert_close(&stats, &[1.0 + 2.0_f32.ln(), 2.0_f32.ln()], "two tokens that can be drawn");
}

/// `P`, `V`, `D`, and what happens to the products.
const HEADS: [(usize, usize, usize, LogitScale); 4] = [
    (3, 5, 7, LogitScale { scale: 1.0, soft_cap: 0.0, temperature: 1.0 }),
    (9, 2100, 20, LogitScale { scale: 0.5, soft_cap: 0.0, temperature: 1.3 }),
    (300, 1100, 18, LogitScale { scale: 1.0, soft_cap: 2.0, temperature: 1.0 }),
    (5, 1030, 33, LogitScale { scale: 3.0, soft_cap: 1.5, temperature: 0.7 }),
];

/// Two tokens of each predictor but the first.
fn tokens_of_head(p: usize, v: usize) -> IntTensor<Flex> {
    let pairs = (1..p).flat_map(|row| [(row, row * 7 % v), (row, (v - 1).saturating_sub(row))]);
    let pairs: Vec<i32> = pairs.flat_map(|(row, token)| [row as i32, token as i32]).collect();
    let n = pairs.len() / 2;
    integers(pairs, &[n, 2])
}

#[test]
fn the_head_says_what_its_logits_would() {
    for (p, v, d, scale) in HEADS {
        let tokens = tokens_of_head(p, v);
        let leaves = [leaf(1, &[p, d]), leaf(2, &[v, d])];
        let call = HeadCall { scale, entropy: EntropyGradient::Tracked, expected: Expected::LeftOut };
        compare(
            &leaves,
            |x| A::kernel_head(x[0].clone(), x[1].clone(), tokens.clone(), call),
            |x| reference::head::<A>(x[0].clone(), x[1].clone(), tokens.clone(), call),
        );
        let logits =
            reference::linear::<Flex>(leaves[0].clone().into_primitive(), leaves[1].clone().into_primitive());
        if scale == LogitScale::default() {
            let stats = host(reference::softmax_stats::<Flex>(logits));
            let all = host(Flex::kernel_head(
                leaves[0].clone().into_primitive(),
                leaves[1].clone().into_primitive(),
                tokens.clone(),
                call,
            ));
            let columns: Vec<f32> = [0, 1]
                .into_iter()
                .flat_map(|column| stats.iter().skip(column).step_by(2).copied().collect::<Vec<_>>())
                .collect();
            assert_close(&all[..2 * p], &columns, "stats");
        }
        let [x, weight] = leaves.map(|leaf| leaf.into_primitive());
        let summed = HeadCall { expected: Expected::Summed, ..call };
        let ours = Flex::kernel_head(x.clone(), weight.clone(), tokens.clone(), summed);
        let plain = reference::head::<Flex>(x.clone(), weight.clone(), tokens.clone(), summed);
        assert_close(&host(ours.clone()), &host(plain), "with expected rows");
        let n = 2 * p + tokens.shape()[0];
        let grad = leaf(5, &[n]).into_primitive();
        let ours_back = Flex::kernel_head_backward_expected;
        let plain_back = reference::head_backward_expected::<Flex>;
        assert_close(
            &host(ours_back(weight.clone(), tokens.clone(), ours.clone(), grad.clone(), summed)),
            &host(plain_back(weight.clone(), tokens.clone(), ours.clone(), grad.clone(), summed)),
            "from expected rows",
        );
        for for_weight in [false, true] {
            let operands = || (x.clone(), weight.clone(), tokens.clone(), ours.clone(), grad.clone());
            let (x, weight, tokens, stats, grad) = operands();
            let ours = Flex::kernel_head_backward(x, weight, tokens, stats, grad, call, for_weight);
            let (x, weight, tokens, stats, grad) = operands();
            let plain = reference::head_backward::<Flex>((x, weight), tokens, stats, grad, call, for_weight);
            assert_close(&host(ours), &host(plain), "from logits");
        }
    }
}

#[test]
fn a_frozen_head_gives_the_same_gradients_without_a_second_pass() {
    for (p, v, d, scale) in HEADS {
        let tokens = tokens_of_head(p, v);
        let weight = A::float_detach(leaf(2, &[v, d]));
        let used = |all: Float| {
            let range = |from: usize, to: Option<isize>| Slice::new(from as isize, to, 1);
            let (sums, chosen) = (range(0, Some(p as isize)), range(2 * p, None));
            A::float_cat(vec![A::float_slice(all.clone(), &[sums]), A::float_slice(all, &[chosen])], 0)
        };
        let call = HeadCall { scale, entropy: EntropyGradient::Detached, expected: Expected::LeftOut };
        compare(
            &[leaf(1, &[p, d])],
            |x| used(A::kernel_head(x[0].clone(), weight.clone(), tokens.clone(), call)),
            |x| used(reference::head::<A>(x[0].clone(), weight.clone(), tokens.clone(), call)),
        );
    }
}

#[test]
fn rotation_turns_pairs_and_leaves_the_rest() {
    for (rows, half) in [(1, 12), (2, 12), (2, 9)] {
        let (cos, sin) = (leaf(5, &[rows, 7, 1, 24]), leaf(6, &[rows, 7, 1, 24]));
        let (cos, sin) = (A::float_detach(cos), A::float_detach(sin));
        // Beyond the rotated part a table of sines is zero.
        let mut values = host(sin.into_primitive());
        values.chunks_mut(24).for_each(|row| row[2 * half..].fill(0.0));
        let sin = constant(values, &[rows, 7, 1, 24]);
        compare(
            &[leaf(1, &[2, 7, 3, 24])],
            |x| A::kernel_rotate(x[0].clone(), cos.clone(), sin.clone(), half, false),
            |x| reference::rotate::<A>(x[0].clone(), cos.clone(), sin.clone(), half, false),
        );
        let x = leaf(1, &[2, 7, 3, 24]).into_primitive();
        let (cos, sin) = (cos.into_primitive(), sin.into_primitive());
        let ours = Flex::kernel_rotate(x.clone(), cos.clone(), sin.clone(), half, true);
        assert_close(&host(ours), &host(reference::rotate::<Flex>(x, cos, sin, half, true)), "inverse");
    }
}

/// What `t` queries at the end of `s` columns see, `[rows, T, 5]`: causal in sequences of `length`, with a window.
fn sight(rows: usize, t: usize, s: usize, window: usize, length: usize) -> IntTensor<Flex> {
    branches(rows, t, s, window, length, 0..0)
}

/// The same, where sequences that begin behind the `trunk` continue it.
fn branches(
    rows: usize,
    t: usize,
    s: usize,
    window: usize,
    length: usize,
    trunk: std::ops::Range<usize>,
) -> IntTensor<Flex> {
    let place = |row: usize, query: usize| {
        let column = query + s - t;
        let first = (column - column % length).max((column + 1).saturating_sub(window));
        let trunk = if column - column % length >= trunk.end { trunk.clone() } else { 0..0 };
        [row, first, column + 1, trunk.start, trunk.end].map(|field| field as i32)
    };
    let places = (0..rows).flat_map(|row| (0..t).map(move |query| (row, query)));
    integers(places.flat_map(|(row, query)| place(row, query)).collect(), &[rows, t, 5])
}

fn integers(values: Vec<i32>, shape: &[usize]) -> IntTensor<Flex> {
    Flex::int_from_data(TensorData::new(values, shape), &Default::default())
}

#[test]
fn attention_reads_what_is_in_sight() {
    let cases = [
        (2, 4, 2, 9, 9, 8, sight(2, 9, 9, 100, 100), 0.0),
        (1, 2, 2, 150, 150, 16, sight(1, 150, 150, 40, 1000), 0.0),
        (2, 6, 2, 3, 70, 20, sight(2, 3, 70, 100, 100), 0.0),
        (1, 4, 1, 1, 33, 24, sight(1, 1, 33, 20, 100), 0.0),
        (2, 3, 1, 100, 100, 72, sight(2, 100, 100, 100, 37), 0.0),
        (2, 2, 1, 70, 80, 10, sight(2, 70, 80, 100, 30), 1.5),
        // Branches that begin in the block of their trunk, right behind it, and far from it.
        (2, 4, 2, 30, 30, 8, branches(2, 30, 30, 100, 7, 2..7), 0.0),
        (1, 2, 2, 300, 300, 16, branches(1, 300, 300, 1000, 50, 0..50), 0.0),
        (2, 4, 2, 300, 300, 24, branches(2, 300, 300, 1000, 75, 3..71), 1.5),
        (1, 3, 1, 250, 250, 20, branches(1, 250, 250, 20, 40, 70..80), 0.0),
    ];
    for (b, h, h_kv, t, s, d, sight, soft_cap) in cases {
        let leaves = [leaf(1, &[b, t, h, d]), leaf(2, &[b, s, h_kv, d]), leaf(3, &[b, s, h_kv, d])];
        let sight = &sight;
        compare(
            &leaves,
            |x| A::kernel_attention(x[0].clone(), x[1].clone(), x[2].clone(), sight.clone(), soft_cap),
            |x| reference::attention::<A>(x[0].clone(), x[1].clone(), x[2].clone(), sight.clone(), soft_cap),
        );
        let mut operands = leaves.to_vec();
        operands.push(leaf(4, &[b, t, h, d]));
        let [q, k, v, grad] = copies(&operands).try_into().unwrap();
        let (ours, plain) = (Flex::kernel_attention_backward, reference::attention_backward::<Flex>);
        let ours = ours(q.clone(), k.clone(), v.clone(), sight.clone(), grad.clone(), soft_cap);
        let plain = plain(q, k, v, sight.clone(), grad, soft_cap);
        assert_close(&host(ours), &host(plain), "gradient");
    }
}

#[test]
fn views_are_read_where_they_are() {
    let [q, k, v] =
        [(1, 4), (2, 2), (3, 2)].map(|(seed, heads)| leaf(seed, &[2, heads, 11, 8]).into_primitive());
    let [q, k, v] = [q, k, v].map(|x| Flex::float_swap_dims(x, 1, 2));
    let sight = sight(2, 11, 11, 100, 100);
    let ours = Flex::kernel_attention(q.clone(), k.clone(), v.clone(), sight.clone(), 0.0);
    assert_close(&host(ours), &host(reference::attention::<Flex>(q, k, v, sight, 0.0)), "swapped");
}

#[test]
fn a_slab_holds_what_was_stored_and_is_read_by_row() {
    let (q, fresh) = (leaf(1, &[2, 1, 4, 8]).into_primitive(), leaf(2, &[3, 2, 8]).into_primitive());
    let slab = leaf(3, &[4, 6, 2, 8]).into_primitive();
    let places = integers(vec![2, 0, 2, 1, 0, 5], &[3, 2]);
    let stored = Flex::kernel_store(slab.clone(), fresh.clone(), places.clone());
    let plain = reference::store::<Flex>(slab, fresh, places);
    assert_eq!(host(stored.clone()), host(plain));
    let sight = integers(vec![2, 0, 2, 0, 0, 0, 3, 6, 0, 0], &[2, 1, 5]);
    let ours = Flex::kernel_attention(q.clone(), stored.clone(), stored.clone(), sight.clone(), 0.0);
    let plain = reference::attention::<Flex>(q, stored.clone(), stored, sight, 0.0);
    assert_close(&host(ours), &host(plain), "by row");
}

#[test]
fn adamw_moves_as_its_reference_does() {
    let step = crate::verify::STEP;
    for n in [5, 30_011] {
        let [weights, gradient] = [1, 2].map(|seed| leaf(seed, &[n]).into_primitive());
        let moments = leaf(3, &[2, n]).into_primitive();
        let moments = Flex::float_mul(moments.clone(), moments);
        let ours = Flex::kernel_adam_moments(moments.clone(), gradient.clone(), step);
        let plain = reference::adam_moments::<Flex>(moments.clone(), gradient, step);
        assert_close(&host(ours.clone()), &host(plain), "moments");
        let moved = Flex::kernel_adamw(weights.clone(), ours.clone(), step);
        assert_close(&host(moved), &host(reference::adamw::<Flex>(weights, ours, step)), "weights");
    }
}

/// Held while vectors must keep their width: tests of one process run side by side.
static WIDTH: Mutex<()> = Mutex::new(());

#[test]
fn a_query_gives_the_same_bits_in_any_company() {
    let _guard = WIDTH.lock().unwrap();
    check_bits_of_attention();
}

/// Decoding, prefill in chunks and the whole sequence, with and without a window.
fn check_bits_of_attention() {
    let (t, h, h_kv, d) = (150, 6, 2, 40);
    let [q, k, v] = [(1, h), (2, h_kv), (3, h_kv)].map(|(seed, heads)| {
        let x: FloatTensor<Flex> = leaf(seed, &[3, t, heads, d]).into_primitive();
        x
    });
    for window in [1000, 37] {
        let whole =
            Flex::kernel_attention(q.clone(), k.clone(), v.clone(), sight(3, t, t, window, 1000), 0.0);
        let whole = host(whole);
        for (row, from, n) in
            [(0_usize, 149_usize, 1), (1, 77, 1), (2, 30, 50), (1, 0, 100), (0, 64, 86), (2, 3, 2)]
        {
            let part = |x: &FloatTensor<Flex>, rows: usize, from: usize, to: usize| {
                let slice = |from: usize, to: usize| Slice::new(from as isize, Some(to as isize), 1);
                Flex::float_slice(x.clone(), &[slice(rows, rows + 1), slice(from, to)])
            };
            let places = (from..from + n).flat_map(|column| {
                [row as i32, (column + 1).saturating_sub(window) as i32, column as i32 + 1, 0, 0]
            });
            let places = integers(places.collect(), &[1, n, 5]);
            let ours =
                Flex::kernel_attention(part(&q, row, from, from + n), k.clone(), v.clone(), places, 0.0);
            let start = (row * t + from) * h * d;
            let want = &whole[start..start + n * h * d];
            assert!(host(ours).iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits()), "{row} {from} {n}");
        }
    }
}

#[test]
fn all_of_it_holds_without_vector_instructions() {
    let _guard = WIDTH.lock().unwrap();
    crate::force_scalar(true);
    linear_is_a_product_with_the_transpose();
    linear_reads_a_weight_in_bf16_as_the_numbers_it_holds();
    rms_norm_divides_by_the_root_mean_square();
    the_gate_multiplies();
    softmax_stats_are_the_normaliser_and_the_entropy();
    the_head_says_what_its_logits_would();
    a_frozen_head_gives_the_same_gradients_without_a_second_pass();
    rotation_turns_pairs_and_leaves_the_rest();
    attention_reads_what_is_in_sight();
    check_bits_of_attention();
    crate::force_scalar(false);
}
