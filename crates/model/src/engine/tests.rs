//! The engine as its callers see it.

mod batching;

use burn::tensor::Device;
use futures::executor::block_on;
use futures::future::join_all;

use super::*;
use crate::config::Arch;
use crate::decoder::TokenBatch;
use crate::lora::LoraConfig;
use crate::test_support::pico;
use crate::weights::host_values;

const STOP: u32 = 3;

fn model(seed: u64) -> LanguageModel {
    pico(Arch::Qwen2, seed, &Device::flex())
}

fn free(prompt: &[u32], seed: u64) -> GenerateRequest {
    GenerateRequest {
        stop_tokens: vec![STOP],
        ..GenerateRequest::new(prompt.to_vec(), Sampling::default(), seed)
    }
}

fn constrained(prompt: &[u32], candidates: &[&[u32]], seed: u64) -> GenerateRequest {
    let candidates = candidates.iter().map(|candidate| candidate.to_vec()).collect();
    GenerateRequest { candidates: Some(candidates), ..free(prompt, seed) }
}

/// Every kind of request, with shared and ragged prompts.
fn mixture() -> Vec<GenerateRequest> {
    let tree: [&[u32]; 4] = [&[10, 20, STOP], &[10, 21, 30, STOP], &[10, 21, 31, STOP], &[11, STOP]];
    let mut requests = vec![
        free(&[7; 12], 1),
        free(&[1, 2, 3], 2),
        free(&[1, 2, 3], 3),
        constrained(&[1, 2, 3], &tree, 4),
        constrained(&[9; 5], &tree, 5),
        constrained(&[9; 5], &[&[10, STOP]], 6),
        constrained(&[8], &[&[10, STOP], &[11, STOP], &[12, STOP]], 7),
    ];
    requests[1].sampling.max_new_tokens = 3;
    requests[2].sampling.top_p = 0.9;
    requests[0].sampling.temperature = 0.0;
    requests
}

/// Tokens and log-probs, bit by bit.
fn bits(generation: &Generation) -> (Vec<u32>, Vec<u32>) {
    (generation.token_ids.clone(), generation.logprobs.iter().map(|logprob| logprob.to_bits()).collect())
}

fn one(model: &LanguageModel, request: &GenerateRequest) -> Result<Generation> {
    generate_batch(model, std::slice::from_ref(request), 0).remove(0)
}

#[test]
fn a_request_gets_the_same_tokens_whatever_else_is_in_the_batch() {
    let model = model(0);
    let requests = mixture();
    let together = generate_batch(&model, &requests, 0);
    let mut reversed: Vec<GenerateRequest> = requests.iter().rev().cloned().collect();
    reversed.extend((0..20).map(|seed| free(&[seed as u32 + 40; 9], seed)));
    let reversed = generate_batch(&model, &reversed, 0);
    for (idx, request) in requests.iter().enumerate() {
        let alone = one(&model, request).unwrap();
        let others = [together[idx].as_ref().unwrap(), reversed[requests.len() - 1 - idx].as_ref().unwrap()];
        for other in others {
            assert_eq!(bits(other), bits(&alone), "request {idx}");
            assert_eq!(other.loss_mask, alone.loss_mask, "request {idx}");
        }
    }
}

#[test]
fn seeds_draw_different_completions() {
    let model = model(0);
    let requests: Vec<GenerateRequest> = (0..8).map(|seed| free(&[1, 2, 3], seed)).collect();
    let mut drawn: Vec<Vec<u32>> =
        generate_batch(&model, &requests, 0).into_iter().map(|result| result.unwrap().token_ids).collect();
    drawn.sort();
    drawn.dedup();
    assert!(drawn.len() >= 7, "{} different of 8", drawn.len());
}

#[test]
fn logprobs_are_those_of_the_same_tokens_in_one_forward_pass() {
    let model = model(1);
    for request in mixture() {
        let generation = one(&model, &request).unwrap();
        let tokens: Vec<u32> = request.prompt.iter().chain(&generation.token_ids).copied().collect();
        let hidden = model.hidden(&TokenBatch::right_padded(&[&tokens]));
        let logits = host_values(model.lm_logits(hidden.squeeze_dim::<2>(0)));
        let vocab_size = model.config().vocab_size;
        for (position, &token) in generation.token_ids.iter().enumerate() {
            let row = request.prompt.len() + position - 1;
            let row = &logits[row * vocab_size..(row + 1) * vocab_size];
            let allowed: Vec<u32> = match generation.allowed_tokens.get(position) {
                Some(allowed) => allowed.clone(),
                None => (0..vocab_size as u32).collect(),
            };
            let picked: Vec<f32> = allowed.iter().map(|&token| row[token as usize]).collect();
            let at = allowed.iter().position(|&other| other == token).expect("an allowed token was drawn");
            let want = sampler::Distribution::new(&picked, &request.sampling).logprob(at);
            assert_eq!(generation.logprobs[position].to_bits(), want.to_bits(), "{request:?} at {position}");
        }
    }
}

#[test]
fn a_constrained_completion_is_always_a_candidate() {
    let model = model(2);
    let candidates: [&[u32]; 4] = [&[10, 20, STOP], &[10, 21, 30, STOP], &[10, 21, 31, STOP], &[11, STOP]];
    let mut requests: Vec<GenerateRequest> =
        (0..64).map(|seed| constrained(&[5, 6], &candidates, seed)).collect();
    for request in &mut requests {
        request.sampling.temperature = 4.0;
    }
    let mut seen = std::collections::BTreeSet::new();
    for result in generate_batch(&model, &requests, 9) {
        let generation = result.unwrap();
        assert!(candidates.contains(&generation.token_ids.as_slice()), "{:?}", generation.token_ids);
        assert_eq!(generation.finish, Finish::Stop);
        assert_eq!(generation.version, 9);
        for (allowed, (in_loss, logprob)) in
            generation.allowed_tokens.iter().zip(generation.loss_mask.iter().zip(&generation.logprobs))
        {
            assert_eq!(*in_loss == 1, allowed.len() > 1);
            assert!(*in_loss == 1 || *logprob == 0.0);
        }
        seen.insert(generation.token_ids);
    }
    assert_eq!(seen.len(), candidates.len(), "all candidates are reachable");
}

#[test]
fn a_single_candidate_needs_no_forward_pass() {
    let request = constrained(&[5, 6], &[&[10, 20, STOP]], 0);
    let (engine, thread) = Engine::spawn(model(0), 0, EngineConfig::default());
    let generation = block_on(engine.generate(request)).unwrap();
    assert_eq!(generation.token_ids, [10, 20, STOP]);
    assert_eq!((generation.loss_mask, generation.logprobs), (vec![0; 3], vec![0.0; 3]));
    let stats = engine.stats();
    assert_eq!((stats.requests, stats.prefill_tokens, stats.steps), (1, 0, 0));
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn a_free_completion_ends_at_a_stop_token_or_at_its_length() {
    let model = model(0);
    let mut request = free(&[1, 2, 3], 5);
    request.stop_tokens.clear();
    let whole = one(&model, &request).unwrap();
    assert_eq!(whole.finish, Finish::Length);
    assert_eq!(whole.token_ids.len(), request.sampling.max_new_tokens as usize);
    request.stop_tokens = vec![whole.token_ids[6]];
    let stopped = one(&model, &request).unwrap();
    assert_eq!(stopped.finish, Finish::Stop);
    let first = whole.token_ids.iter().position(|token| request.stop_tokens.contains(token)).unwrap();
    assert_eq!(stopped.token_ids, whole.token_ids[..=first], "the stop token is part of the completion");
}

#[test]
fn a_completion_never_runs_past_the_positions_of_the_model() {
    let model = model(0);
    let mut request = free(&[1; 500], 5);
    request.stop_tokens.clear();
    request.sampling.max_new_tokens = 100;
    assert_eq!(one(&model, &request).unwrap().token_ids.len(), 12);
}

#[test]
fn what_cannot_be_answered_is_refused_alone() {
    let model = model(0);
    let mut requests = vec![
        free(&[], 0),
        free(&[512], 0),
        free(&[1; 512], 0),
        constrained(&[1], &[&[4], &[4, 5]], 0),
        free(&[1], 0),
        free(&[1], 0),
        free(&[1], 0),
    ];
    requests[4].sampling.temperature = f32::NAN;
    requests[5].sampling.top_p = 0.0;
    let results = generate_batch(&model, &requests, 0);
    for (idx, result) in results.iter().enumerate() {
        assert_eq!(matches!(result, Err(Error::Refused { .. })), idx < 6, "request {idx}: {result:?}");
    }
}

#[test]
fn scores_are_the_probabilities_that_sampling_uses() {
    let model = model(4);
    let candidates: Vec<Vec<u32>> =
        vec![vec![10, 20, STOP], vec![10, 21, 30, STOP], vec![10, 21, 31, STOP], vec![11, STOP]];
    let request = |prompt: &[u32]| ScoreRequest { prompt: prompt.to_vec(), candidates: candidates.clone() };
    let requests = [request(&[5, 6]), request(&[7; 20]), request(&[5, 6])];
    let scores = candidate_logprobs(&model, &requests, 64).unwrap();
    assert_eq!(scores[0], scores[2]);
    for scores in &scores {
        let sum: f64 = scores.iter().map(|&score| f64::from(score).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }
    for seed in 0..8 {
        let drawn =
            one(&model, &GenerateRequest { candidates: Some(candidates.clone()), ..free(&[5, 6], seed) })
                .unwrap();
        let at = candidates.iter().position(|candidate| *candidate == drawn.token_ids).unwrap();
        let sum: f32 = drawn.logprobs.iter().sum();
        assert!((scores[0][at] - sum).abs() < 1e-5, "{} against {sum}", scores[0][at]);
    }
}

#[test]
fn the_thread_answers_as_the_batch_function_does() {
    let (engine, thread) = Engine::spawn(model(0), 3, EngineConfig::default());
    let requests = mixture();
    let answers = block_on(join_all(requests.iter().map(|request| engine.generate(request.clone()))));
    for (answer, want) in answers.into_iter().zip(generate_batch(&model(0), &requests, 3)) {
        let (answer, want) = (answer.unwrap(), want.unwrap());
        assert_eq!((answer.token_ids, answer.version), (want.token_ids, 3));
    }
    let stats = engine.stats();
    assert_eq!(stats.requests, 7);
    assert!(stats.prefill_tokens < stats.prompt_tokens, "shared prompts are read once: {stats:?}");
    assert!(stats.busy_time > std::time::Duration::ZERO);
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn new_weights_hold_for_what_is_sent_after_them() {
    let (engine, thread) = Engine::spawn(model(0), 1, EngineConfig::default());
    let request = free(&[1, 2, 3], 8);
    let adapted = crate::lora::tests::trained(model(0), &LoraConfig::all_linear(4, 32.0));
    let (before, handed_over, after) = block_on(async {
        futures::join!(
            engine.generate(request.clone()),
            engine.set_model(adapted.clone(), 2),
            engine.generate(request.clone())
        )
    });
    handed_over.unwrap();
    let (before, after) = (before.unwrap(), after.unwrap());
    assert_eq!((before.version, after.version), (1, 2));
    assert_eq!(before.token_ids, one(&model(0), &request).unwrap().token_ids);
    assert_eq!(after.token_ids, one(&adapted, &request).unwrap().token_ids);
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn a_withdrawn_request_does_not_hold_up_the_others() {
    let (engine, thread) = Engine::spawn(model(0), 0, EngineConfig::default());
    let mut endless = free(&[1, 2], 0);
    endless.stop_tokens.clear();
    endless.sampling.max_new_tokens = 400;
    block_on(async {
        let withdrawn = engine.generate(endless);
        // Polled once, so that it is sent, then dropped.
        futures::pin_mut!(withdrawn);
        assert!(futures::poll!(withdrawn.as_mut()).is_pending());
    });
    let answer = block_on(engine.generate(constrained(&[1], &[&[4, STOP], &[5, STOP]], 0))).unwrap();
    assert_eq!(answer.token_ids.len(), 2);
    assert!(engine.stats().requests <= 2);
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn a_dead_thread_is_an_error_and_never_a_hang() {
    let (commands, inbox) = mpsc::channel(4);
    let engine = Engine { commands, counters: Arc::default() };
    let pending = engine.generate(free(&[1], 0));
    block_on(async {
        futures::pin_mut!(pending);
        assert!(futures::poll!(pending.as_mut()).is_pending());
        // What a panic does: everything that the thread owns is dropped.
        drop(inbox);
        assert!(matches!(pending.await, Err(Error::EngineStopped)));
    });
    assert!(matches!(block_on(engine.generate(free(&[1], 0))), Err(Error::EngineStopped)));
    assert!(matches!(block_on(engine.candidate_logprobs(Vec::new())), Err(Error::EngineStopped)));
    assert!(matches!(block_on(engine.set_model(model(0), 1)), Err(Error::EngineStopped)));
}
