//! Texts that a function is tried on: plausible ones, edge cases, and ones that only pretend.

use serde_json::{Value, json};

use crate::Batch;

/// Sentences that plausible completions are put together from.
const SENTENCES: [&str; 12] = [
    "The harbour was quiet before the storm, and the boats lay close together.",
    "A function returns a value; a procedure changes something.",
    "Why does bread rise? Because yeast turns sugar into gas.",
    "We measured the beam twice and found the same length both times!",
    "First, separate the known quantities from the unknown ones.",
    "However, the second experiment did not confirm the result.",
    "She opened the window, listened for a moment, and closed it again.",
    "In 1869 the table had 63 elements, and gaps for several more.",
    "Light travels about 300,000 kilometres in one second.",
    "It is tempting to guess, but a proof needs every step.",
    "Therefore the answer is 42, as the check in the last line shows.",
    "Small models learn quickly when the reward is dense and honest.",
];

/// Completions that a model could have written: many lengths, several formats.
pub(super) fn plausible() -> Vec<String> {
    let texts = (0..48_usize).map(|idx| {
        let n = [1, 2, 3, 5, 8, 13][idx % 6];
        let sentences: Vec<&str> = (0..n).map(|at| SENTENCES[(idx * 5 + at * 7) % SENTENCES.len()]).collect();
        dress(&sentences, idx / 6)
    });
    texts.collect()
}

/// Sentences in one of eight formats.
fn dress(sentences: &[&str], format: usize) -> String {
    let prose = sentences.join(" ");
    match format {
        1 => {
            let answer = if sentences.len() % 2 == 1 { "42" } else { sentences[0] };
            format!("<think>{prose}</think>\n<answer>{answer}</answer>")
        }
        2 => {
            let lines = sentences.iter().enumerate().map(|(idx, line)| format!("{}. {line}\n", idx + 1));
            lines.collect()
        }
        3 => format!("{prose}\n\nIn conclusion, {}", sentences[0].to_lowercase()),
        4 => format!("{prose}\n\n```python\ndef answer():\n    return {}\n```", prose.len()),
        5 => format!("# Notes\n\n- {}", sentences.join("\n- ")),
        6 => prose.to_uppercase(),
        _ => prose,
    }
}

/// Completions that models do write now and then, by name.
pub(super) fn edge_cases() -> Vec<(&'static str, String)> {
    vec![
        ("an empty completion", String::new()),
        ("one space", " ".to_owned()),
        ("line feeds only", "\n\n\n".to_owned()),
        ("one letter", "a".to_owned()),
        ("punctuation only", "?!... --".to_owned()),
        ("a NUL character", "a\0b".to_owned()),
        ("no ASCII at all", "日本語 — ñandú 👩‍👩‍👧 ٣٤".to_owned()),
        ("unclosed tags", "<think>so <answer>".to_owned()),
        ("brackets and backslashes", "\\(a{b}[c]%s {0} $1".to_owned()),
        ("20,000 words without an end", "word ".repeat(20_000)),
        ("100,000 letters without a space", "a".repeat(100_000)),
    ]
}

/// Texts without content that some functions like, by name.
pub(super) fn pretenders() -> Vec<(&'static str, String)> {
    vec![
        ("an empty completion", String::new()),
        ("one word", "word".to_owned()),
        ("one word over and over", "word ".repeat(200)),
        ("empty tags", "<think></think><answer></answer>".to_owned()),
        ("an empty list item", "1. ".to_owned()),
        ("a fence around nothing", "```\n\n```".to_owned()),
        ("`In conclusion` alone", "In conclusion".to_owned()),
    ]
}

/// A text with more and more filler behind it.
pub(super) fn growing() -> Vec<Vec<String>> {
    let filler = ["and so on ", "This is worth saying. ", "na "];
    let grow = |filler: &str| {
        [1, 4, 16, 64, 256].map(|times| format!("{} {}", SENTENCES[1], filler.repeat(times))).to_vec()
    };
    filler.into_iter().map(grow).collect()
}

/// The texts with every keyword argument that a function may want, trajectories included.
pub(super) fn batch(completions: Vec<String>) -> Batch {
    let lines = completions.iter().enumerate().map(|(idx, completion)| trajectory(idx, completion)).collect();
    Batch::of_trajectory_values(lines)
}

fn trajectory(idx: usize, completion: &str) -> Value {
    let reward = [0.0, 1.0, 0.5, 0.25][idx % 4];
    let turn = |completion: &str, reward: f64| {
        json!({"prompt": format!("Question {idx}: what follows?"), "prompt_tokens": [1, 2], "completion": completion,
               "completion_tokens": [5, 6, 7], "logprobs": [-0.5, -0.25, -1.0], "loss_mask": [1, 1, 1],
               "finish": "stop", "policy_version": 1, "action": completion, "action_id": idx % 3,
               "legal_ids": [0, 1, 2], "legal": idx % 5 != 4, "reward": reward, "env_ms": 0.5, "generate_ms": 2.0})
    };
    json!({"schema": schema::TRAJECTORY_SCHEMA, "id": format!("probe-g{}-{}", idx / 4, idx % 4), "run": "probe",
           "group": idx / 4, "rollout": idx % 4, "env": "text", "task_id": idx, "seed": idx, "player": 0,
           "turns": [turn(completion, reward)], "reward": reward, "raw_return": reward, "rewards": {"env": reward},
           "stop_reason": "done", "truncated": false, "policy_versions": [1, 1], "started_ms": 0, "elapsed_ms": 3,
           "scores": [], "extra": {"extra_data": "{\"answer\": 42}"}})
}
