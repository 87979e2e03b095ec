use schema::Sampling;

use super::*;

/// Ids 0, 1, 12 as digits with 99 as end of turn.
fn request(seed: u64) -> Request {
    let candidate = |action_id, tokens: &[u32]| Candidate { action_id, tokens: tokens.to_vec() };
    Request {
        prompt: vec![7, 8],
        text: "1 or 12".to_owned(),
        candidates: vec![candidate(0, &[0, 99]), candidate(1, &[1, 99]), candidate(12, &[1, 2, 99])],
        decoding: Decoding::Constrained,
        sampling: Sampling::default(),
        stop_tokens: vec![99],
        seed,
    }
}

async fn play(policy: &dyn Policy, seed: u64) -> Completion {
    policy.generate(request(seed)).await.expect("there are candidates")
}

#[tokio::test]
async fn random_is_uniform_over_actions_and_a_function_of_the_seed() {
    let mut counts = std::collections::BTreeMap::new();
    for seed in 0..3000 {
        let completion = play(&RandomPolicy, seed).await;
        assert_eq!(completion, play(&RandomPolicy, seed).await);
        *counts.entry(completion.token_ids).or_insert(0_u32) += 1;
    }
    assert_eq!(counts.len(), 3);
    assert!(counts.values().all(|count| count.abs_diff(1000) < 120), "{counts:?}");
}

#[tokio::test]
async fn token_probabilities_of_random_multiply_to_one_in_n() {
    for seed in 0..20 {
        let completion = play(&RandomPolicy, seed).await;
        let sum: f32 = completion.logprobs.iter().sum();
        assert!((sum - (1.0_f32 / 3.0).ln()).abs() < 1e-6);
        let n = completion.token_ids.len();
        assert_eq!(
            [completion.logprobs.len(), completion.loss_mask.len(), completion.allowed_tokens.len()],
            [n; 3]
        );
        for (mask, allowed) in completion.loss_mask.iter().zip(&completion.allowed_tokens) {
            assert_eq!(*mask == 1, allowed.len() > 1);
        }
    }
}

#[tokio::test]
async fn the_mask_of_a_longer_id_knows_where_there_was_a_choice() {
    let completion = play(&ScriptedPolicy::last_legal(), 0).await;
    assert_eq!(completion.token_ids, [1, 2, 99]);
    assert_eq!(completion.allowed_tokens, [vec![0, 1], vec![2, 99], vec![99]]);
    assert_eq!(completion.loss_mask, [1, 1, 0]);
}

#[tokio::test]
async fn scripts_choose_by_id_or_speak_freely() {
    let chosen = async |name: &str| play(policy_by_name(name).expect("known").as_ref(), 0).await.token_ids;
    assert_eq!(chosen("first-legal").await, [0, 99]);
    assert_eq!(chosen("prefer:5,12,1").await, [1, 2, 99]);
    assert_eq!(chosen("prefer:5").await, [0, 99]);
    let codec = Arc::new(crate::ByteCodec);
    let speaker =
        ScriptedPolicy::says(codec.clone(), |prompt| prompt.split(' ').next_back().unwrap_or("").to_owned());
    assert_eq!(codec.decode(&play(&speaker, 0).await.token_ids), "12");
}

#[tokio::test]
async fn without_legal_actions_nothing_can_be_chosen() {
    for policy in
        [&RandomPolicy as &dyn Policy, &ScriptedPolicy::first_legal(), &ScriptedPolicy::last_legal()]
    {
        let request = Request { candidates: Vec::new(), ..request(0) };
        let error = policy.generate(request).await.expect_err("nothing to choose");
        assert!(matches!(error, PolicyError::Refused { n_tokens: 2, .. }));
    }
    assert!(policy_by_name("clever").is_err());
}
