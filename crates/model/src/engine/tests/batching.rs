//! What is in a batch, what is in the cache, and who comes when: none of it shows in an answer.

use std::time::{Duration, Instant};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;

/// A small engine, so that everything happens: prompts in pieces, waiting for slots, slots taken over.
fn cramped() -> EngineConfig {
    EngineConfig { max_rows: 5, max_prefill_tokens: 24, ..EngineConfig::default() }
}

/// A request like those of a rollout: shared beginnings, some constrained, all lengths.
fn random_request(rng: &mut ChaCha8Rng) -> GenerateRequest {
    let shared = rng.random_range(0..3) * 20;
    let mut prompt: Vec<u32> = (0..shared).map(|at| 5 + at % 40).collect();
    let n_own = rng.random_range(1..30);
    prompt.extend((0..n_own).map(|_| rng.random_range(0..500u32)));
    let tree: [&[u32]; 4] = [&[10, 20, STOP], &[10, 21, 30, 30, STOP], &[10, 21, 31, STOP], &[11, STOP]];
    let mut request = match rng.random_range(0..4) {
        0 => constrained(&prompt, &tree, rng.random()),
        1 => constrained(&prompt, &[&[10, STOP], &[11, STOP], &[200, STOP]], rng.random()),
        _ => free(&prompt, rng.random()),
    };
    request.sampling.max_new_tokens = rng.random_range(1..12);
    request.sampling.temperature = [0.0, 0.7, 1.0][rng.random_range(0..3)];
    request.sampling.top_p = [0.9, 1.0][rng.random_range(0..2)];
    request.top_logprobs = rng.random_range(0..3);
    request
}

#[test]
fn two_hundred_random_batches_give_every_request_the_bits_that_it_gets_alone() {
    let model = model(5);
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let requests: Vec<GenerateRequest> = (0..40).map(|_| random_request(&mut rng)).collect();
    let alone: Vec<Generation> =
        requests.iter().map(|request| Generation { version: 7, ..one(&model, request).unwrap() }).collect();
    let (engine, thread) = Engine::spawn(model.clone(), 7, cramped());
    for batch in 0..200 {
        // Every other batch finds nothing that earlier ones have left.
        if batch % 2 == 0 {
            block_on(engine.set_model(model.clone(), 7)).unwrap();
        }
        let n = rng.random_range(1..16);
        let chosen: Vec<usize> = (0..n).map(|_| rng.random_range(0..requests.len())).collect();
        let answers = join_all(chosen.iter().map(|&idx| engine.generate(requests[idx].clone())));
        for (&idx, answer) in chosen.iter().zip(block_on(answers)) {
            let answer = answer.unwrap();
            assert_eq!(bits(&answer), bits(&alone[idx]), "request {idx} of batch {batch}");
            assert_eq!(answer, alone[idx], "request {idx} of batch {batch}");
        }
    }
    let stats = engine.stats();
    assert!(stats.cached_tokens > 0 && stats.prefill_tokens < stats.prompt_tokens, "{stats:?}");
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn a_group_reads_its_prompt_once() {
    let (engine, thread) = Engine::spawn(model(0), 0, EngineConfig::default());
    let prompt: Vec<u32> = (0..100).collect();
    let group = (0..16).map(|seed| engine.generate(free(&prompt, seed)));
    let drawn = block_on(join_all(group));
    assert_eq!(engine.stats().prefill_tokens, 100);
    let again = block_on(engine.generate(free(&prompt, 3))).unwrap();
    assert_eq!(bits(&again), bits(drawn[3].as_ref().unwrap()));
    assert_eq!(engine.stats().prefill_tokens, 100, "whoever comes later draws from the same logits");
    let longer: Vec<u32> = (0..110).collect();
    block_on(engine.generate(free(&longer, 3))).unwrap();
    assert_eq!(engine.stats().prefill_tokens, 110, "a longer prompt continues where this one was");
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn what_the_cache_holds_is_forgotten_with_the_weights() {
    let (engine, thread) = Engine::spawn(model(0), 0, EngineConfig::default());
    let request = free(&(0..100).collect::<Vec<_>>(), 3);
    block_on(engine.generate(request.clone())).unwrap();
    block_on(engine.set_model(model(1), 1)).unwrap();
    let answer = block_on(engine.generate(request.clone())).unwrap();
    assert_eq!(bits(&answer), bits(&one(&model(1), &request).unwrap()));
    assert_eq!(engine.stats().cached_tokens, 0);
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn a_longer_request_makes_the_slots_longer_and_nobody_notices() {
    let (engine, thread) = Engine::spawn(model(0), 0, cramped());
    let mut slow = free(&[1, 2, 3], 1);
    (slow.stop_tokens, slow.sampling.max_new_tokens) = (Vec::new(), 100);
    let mut long = free(&[4; 300], 2);
    (long.stop_tokens, long.sampling.max_new_tokens) = (Vec::new(), 20);
    let (first, second) = block_on(async {
        let mut stream = engine.stream(slow.clone()).await.unwrap();
        assert!(matches!(stream.next().await.unwrap(), Event::Token(_)), "it is under way");
        let second = engine.generate(long.clone()).await.unwrap();
        loop {
            if let Event::End(first) = stream.next().await.unwrap() {
                return (first, second);
            }
        }
    });
    assert_eq!(bits(&first), bits(&one(&model(0), &slow).unwrap()));
    assert_eq!(bits(&second), bits(&one(&model(0), &long).unwrap()));
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn a_stream_gives_the_tokens_of_the_whole_answer() {
    let (engine, thread) = Engine::spawn(model(0), 4, EngineConfig::default());
    for mut request in mixture() {
        request.top_logprobs = 2;
        let whole = block_on(engine.generate(request.clone())).unwrap();
        let (mut tokens, mut end) = (Vec::new(), None);
        block_on(async {
            let mut stream = engine.stream(request.clone()).await.unwrap();
            while end.is_none() {
                match stream.next().await.unwrap() {
                    Event::Token(token) => tokens.push(token),
                    Event::End(generation) => end = Some(generation),
                }
            }
            assert!(matches!(stream.next().await, Err(Error::EngineStopped)), "nothing comes after the end");
        });
        assert_eq!(end.as_ref(), Some(&whole));
        assert_eq!(tokens.iter().map(|token| token.token_id).collect::<Vec<_>>(), whole.token_ids);
        assert_eq!(tokens.iter().map(|token| token.logprob).collect::<Vec<_>>(), whole.logprobs);
        let top: Vec<_> = tokens.into_iter().map(|token| token.top_logprobs).collect();
        assert_eq!(top, whole.top_logprobs);
    }
    let refused = block_on(async { engine.stream(free(&[], 0)).await.unwrap().next().await });
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn the_most_probable_tokens_come_best_first_and_with_their_logprobs() {
    let mut request = free(&[1, 2, 3], 2);
    request.top_logprobs = 4;
    let generation = one(&model(0), &request).unwrap();
    assert_eq!(generation.top_logprobs.len(), generation.token_ids.len());
    for ((top, token), logprob) in
        generation.top_logprobs.iter().zip(&generation.token_ids).zip(&generation.logprobs)
    {
        assert!(top.len() == 4 && top.is_sorted_by(|a, b| a.1 >= b.1), "{top:?}");
        assert!(top.iter().all(|(other, stated)| other != token || stated == logprob));
        assert!(top.iter().any(|(other, _)| other == token) || *logprob <= top[3].1);
    }
}

#[test]
fn a_deadline_ends_a_completion_as_it_is() {
    let (engine, thread) = Engine::spawn(model(0), 0, EngineConfig::default());
    let mut request = free(&[1, 2, 3], 5);
    request.stop_tokens.clear();
    let whole = block_on(engine.generate(request.clone())).unwrap();
    request.deadline = Some(Instant::now());
    let late = block_on(engine.generate(request.clone())).unwrap();
    assert_eq!((late.finish, late.token_ids.len()), (Finish::Deadline, 0));
    request.deadline = Some(Instant::now() + Duration::from_secs(3600));
    assert_eq!(block_on(engine.generate(request)).unwrap(), whole);
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn a_dropped_stream_gives_its_slot_to_the_next() {
    let config = EngineConfig { max_rows: 1, ..EngineConfig::default() };
    let (engine, thread) = Engine::spawn(model(0), 0, config);
    let mut endless = free(&[1, 2], 0);
    (endless.stop_tokens, endless.sampling.max_new_tokens) = (Vec::new(), 500);
    block_on(async {
        let mut stream = engine.stream(endless).await.unwrap();
        assert!(matches!(stream.next().await, Ok(Event::Token(_))));
        drop(stream);
        engine.generate(free(&[7; 9], 1)).await.unwrap();
    });
    assert_eq!(engine.stats().requests, 1, "the withdrawn one was never answered");
    drop(engine);
    thread.join().unwrap();
}

#[test]
fn what_exceeds_the_memory_of_the_cache_is_refused_and_the_rest_waits_for_its_turn() {
    let model = model(0);
    // Room for two sequences of 128 tokens.
    let kv_memory = 256 * crate::KvCache::bytes_per_token(&model);
    let config = EngineConfig { kv_memory, ..EngineConfig::default() };
    let (engine, thread) = Engine::spawn(model.clone(), 0, config);
    let requests: Vec<GenerateRequest> = (0..6).map(|seed| free(&[seed as u32; 20], seed)).collect();
    let answers = block_on(join_all(requests.iter().map(|request| engine.generate(request.clone()))));
    for (answer, request) in answers.into_iter().zip(&requests) {
        assert_eq!(bits(&answer.unwrap()), bits(&one(&model, request).unwrap()));
    }
    let refused = block_on(engine.generate(free(&[1; 250], 0)));
    assert!(matches!(refused, Err(Error::Refused { n_tokens: 250, .. })), "{refused:?}");
    drop(engine);
    thread.join().unwrap();
}
