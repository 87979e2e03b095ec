//! One draw at a time.

use super::*;

const LOGITS: [f32; 4] = [1.0, 3.0, 2.0, -1.0];

fn sampling(temperature: f32, top_k: u32, top_p: f32) -> Sampling {
    Sampling { temperature, top_k, top_p, max_new_tokens: 1 }
}

/// Share of each token in many draws.
fn shares(sampling: &Sampling, n: usize) -> Vec<f64> {
    let mut counts = [0.0; LOGITS.len()];
    for seed in 0..n {
        counts[draw(&LOGITS, sampling, seed as u64, 0).index] += 1.0 / n as f64;
    }
    counts.to_vec()
}

#[test]
fn draws_follow_the_distribution_that_their_logprobs_state() {
    for temperature in [0.5, 1.0, 2.0] {
        let shares = shares(&sampling(temperature, 0, 1.0), 20_000);
        for (share, logprob) in shares.iter().zip(log_softmax(&LOGITS, temperature)) {
            assert!(
                (share - f64::from(logprob).exp()).abs() < 0.01,
                "{temperature}: {share} against {logprob}"
            );
        }
    }
}

#[test]
fn greedy_takes_the_best_and_the_first_of_equals() {
    let best = draw(&LOGITS, &sampling(0.0, 0, 1.0), 0, 0);
    assert_eq!((best.index, best.logprob), (1, log_softmax(&LOGITS, 1.0)[1]));
    assert_eq!(draw(&[1.0, 2.0, 2.0], &sampling(0.0, 0, 1.0), 9, 9).index, 1);
}

#[test]
fn top_k_and_top_p_never_leave_their_tokens() {
    let top_k = shares(&sampling(1.0, 2, 1.0), 2_000);
    assert_eq!((top_k[0], top_k[3]), (0.0, 0.0));
    assert!(top_k[2] > 0.0);
    // The best token has 0.66 of the mass, the two best 0.9.
    let narrow = shares(&sampling(1.0, 0, 0.6), 200);
    assert!((narrow[1] - 1.0).abs() < 1e-9);
    let wide = shares(&sampling(1.0, 0, 0.8), 2_000);
    assert!(wide[2] > 0.0 && wide[0] == 0.0);
}

#[test]
fn logprobs_are_of_the_distribution_before_the_cut() {
    let cut = draw(&LOGITS, &sampling(1.0, 1, 1.0), 0, 0);
    assert_eq!(cut.logprob, log_softmax(&LOGITS, 1.0)[1]);
}

#[test]
fn the_uniform_number_depends_on_key_and_counter_alone() {
    let numbers: Vec<f64> = (0..4).map(|position| uniform(7, position)).collect();
    assert_eq!(numbers, (0..4).map(|position| uniform(7, position)).collect::<Vec<_>>());
    assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)));
    assert_ne!(uniform(7, 0), uniform(7, 1));
    assert_ne!(uniform(7, 0), uniform(8, 0));
}
