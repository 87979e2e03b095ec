use super::*;

fn close(found: &[f64], expected: &[f64]) {
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(found.len() == expected.len() && worst < 1e-9, "{found:?} is not {expected:?}");
}

#[test]
fn functions_are_brought_to_a_common_scale() {
    close(&scaled(&[2.0, 4.0, 1.0]), &[0.5, 1.0, 0.25]);
    close(&scaled(&[2.0, 4.0]), &[0.5, 1.0]);
    close(&scaled(&[-2.0, 2.0, 0.0]), &[0.0, 1.0, 0.5]);
    close(&scaled(&[-2.0, 9.0]), &[0.25, 0.75]);
    close(&scaled(&[-2.0, -3.0]), &[0.75, 0.25]);
    close(&scaled(&[-2.0, -2.0]), &[0.5, 0.5]);
    close(&scaled(&[0.0, 0.0, 0.0]), &[1.0, 1.0, 1.0]);
    close(&scaled(&[-1.0, -1.0, -1.0]), &[1.0, 1.0, 1.0]);
    let means = [vec![1.0, -4.0], vec![2.0, -2.0]];
    close(&common_scale(&means, &[0.6, 0.4]), &[0.6 * 0.5 + 0.4 * 0.25, 0.6 + 0.4 * 0.75]);
}

#[test]
fn the_trainers_term_is_noise_of_lengths_and_the_weighed_divergence() {
    // Equal lengths: what one of a pair gains the other loses.
    close(&[trainer_loss(&[1.0, 0.0, 3.0, 3.0], &[5, 5, 2, 2], &[], 0.0)], &[0.0]);
    // The longer one of the pair is better.
    let advantage = 0.5 / (0.5_f64.sqrt() + 1e-4);
    close(&[trainer_loss(&[1.0, 0.0], &[30, 10], &[], 0.0)], &[-advantage * 20.0 / 40.0]);
    let pulled = trainer_loss(&[1.0, 1.0], &[30, 10], &[3.0, 1.0], 0.5);
    close(&[pulled], &[0.5 * 4.0 / 40.0]);
    // A batch of sixteen and one of four: each by its own tokens, weighed by completions.
    let mut lengths = vec![10; 16];
    lengths.extend([1, 1, 1, 1]);
    let kl: Vec<f64> = vec![1.0; 20];
    let expected = 0.8 * 16.0 / 160.0 + 0.2 * 4.0 / 4.0;
    close(&[trainer_loss(&[1.0; 20], &lengths, &kl, 1.0)], &[expected]);
}
