//! One draw at a time.

use super::*;

const LOGITS: [f32; 4] = [1.0, 3.0, 2.0, -1.0];

fn sampling(temperature: f32, top_k: u32, top_p: f32) -> Sampling {
    Sampling { temperature, top_k, top_p, ..Sampling::default() }
}

fn draw(logits: &[f32], sampling: &Sampling, seed: u64, position: usize) -> Draw {
    Distribution::new(logits, sampling).draw(seed, position)
}

/// Share of each token in many draws.
fn shares(sampling: &Sampling, n: usize) -> Vec<f64> {
    let distribution = Distribution::new(&LOGITS, sampling);
    let mut counts = [0.0; LOGITS.len()];
    for seed in 0..n {
        counts[distribution.draw(seed as u64, 0).index] += 1.0 / n as f64;
    }
    counts.to_vec()
}

/// The tokens that are left, best first.
fn left(logits: &[f32], sampling: Sampling) -> Vec<usize> {
    Distribution::new(logits, &sampling).top(usize::MAX).into_iter().map(|draw| draw.index).collect()
}

#[test]
fn draws_follow_the_distribution_that_their_logprobs_state() {
    let cut = Sampling { min_p: 0.2, ..sampling(1.0, 3, 0.95) };
    for sampling in [sampling(0.5, 0, 1.0), sampling(1.0, 0, 1.0), sampling(2.0, 0, 1.0), cut] {
        let shares = shares(&sampling, 20_000);
        let stated = Distribution::new(&LOGITS, &sampling).top(usize::MAX);
        let total: f64 = stated.iter().map(|draw| f64::from(draw.logprob).exp()).sum();
        assert!((total - 1.0).abs() < 1e-6, "{sampling:?}: {total}");
        for Draw { index, logprob } in stated {
            let share = shares[index];
            assert!(
                (share - f64::from(logprob).exp()).abs() < 0.01,
                "{sampling:?}: {share} against {logprob}"
            );
        }
    }
}

#[test]
fn without_a_cut_the_logprobs_are_the_softmax() {
    for temperature in [0.5, 1.0, 2.0] {
        let want = log_softmax(&LOGITS, temperature);
        for Draw { index, logprob } in Distribution::new(&LOGITS, &sampling(temperature, 0, 1.0)).top(4) {
            assert!((logprob - want[index]).abs() < 1e-6, "{temperature}: {logprob} against {}", want[index]);
        }
    }
}

#[test]
fn greedy_takes_the_best_and_the_first_of_equals() {
    let best = draw(&LOGITS, &sampling(0.0, 1, 0.1), 0, 0);
    assert_eq!(best.index, 1);
    assert!((best.logprob - log_softmax(&LOGITS, 1.0)[1]).abs() < 1e-6, "no cut, and temperature 1");
    assert_eq!(draw(&[1.0, 2.0, 2.0], &sampling(0.0, 0, 1.0), 9, 9).index, 1);
}

#[test]
fn cuts_leave_the_best_tokens() {
    // Probabilities: 0.09, 0.66, 0.24, 0.01.
    assert_eq!(left(&LOGITS, sampling(1.0, 2, 1.0)), [1, 2]);
    assert_eq!(left(&LOGITS, sampling(1.0, 9, 1.0)), [1, 2, 0, 3]);
    assert_eq!(left(&LOGITS, sampling(1.0, 0, 0.6)), [1]);
    assert_eq!(left(&LOGITS, sampling(1.0, 0, 0.8)), [1, 2]);
    assert_eq!(left(&LOGITS, Sampling { min_p: 0.1, ..sampling(1.0, 0, 1.0) }), [1, 2, 0]);
    assert_eq!(left(&LOGITS, Sampling { min_p: 1.0, ..sampling(1.0, 0, 1.0) }), [1]);
    // The best has 0.73 of what top-k leaves.
    assert_eq!(left(&LOGITS, sampling(1.0, 2, 0.7)), [1]);
    assert_eq!(left(&[2.0, 2.0, 2.0], sampling(1.0, 2, 1.0)), [0, 1], "of equals the first");
}

#[test]
fn a_flat_distribution_is_cut_where_its_mass_is_reached() {
    let flat = vec![0.0; 1000];
    assert_eq!(left(&flat, sampling(1.0, 0, 0.5)), (0..500).collect::<Vec<_>>());
    assert_eq!(left(&flat, sampling(1.0, 700, 0.5)).len(), 350);
}

#[test]
fn the_uniform_number_depends_on_key_and_counter_alone() {
    let numbers: Vec<f64> = (0..4).map(|position| uniform(7, position)).collect();
    assert_eq!(numbers, (0..4).map(|position| uniform(7, position)).collect::<Vec<_>>());
    assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)));
    assert_ne!(uniform(7, 0), uniform(7, 1));
    assert_ne!(uniform(7, 0), uniform(8, 0));
}
