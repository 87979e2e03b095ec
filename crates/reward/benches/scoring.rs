//! What 10,000 completions cost three stock functions: `cargo bench -p reward` prints one line per way.
//!
//! A serial loop in one Python process, the pool with two workers without native equivalents, and the native ones; in
//! turn within each round, so that a busy machine is busy for all three. The loop's time is taken inside Python and
//! does not count handing it the completions; the pool's does.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use reward::{Batch, Function, Pool, PoolConfig, ScoredBy};

const N_COMPLETIONS: usize = 10_000;
const ROUNDS: usize = 15;
const FUNCTIONS: [&str; 3] = [
    "def reward_word_count(completions, **kwargs):\n    return [-abs(120 - len(c.split())) for c in completions]",
    "import re\ndef reward_sentence_count(completions, **kwargs):\n    out = []\n    for c in completions:\n        pieces = [s for s in re.split(r'[.!?]+', c) if s.strip()]\n        out.append(-abs(8 - len(pieces)))\n    return out",
    "def reward_unique_word_ratio(completions, **kwargs):\n    out = []\n    for c in completions:\n        words = c.lower().split()\n        out.append(len(set(words)) / len(words) if words else 0.0)\n    return out",
];
const LOOP: &str = r#"
import json, sys, time
sources, completions = json.loads(sys.stdin.readline())
functions = []
for source in sources:
    namespace = {}
    exec(source, namespace)
    functions.append(next(value for value in namespace.values() if callable(value)))
for _ in sys.stdin:
    start = time.perf_counter()
    scores = [function(completions) for function in functions]
    print(json.dumps([time.perf_counter() - start, sum(map(sum, scores))]), flush=True)
"#;

fn main() {
    let completions = completions();
    let characters: usize = completions.iter().map(|one| one.chars().count()).sum();
    let functions = FUNCTIONS.map(|source| Function::new("stock", source));
    let start = |native| Pool::start(PoolConfig { native, ..PoolConfig::default() }).expect("python3 runs");
    let (python, native) = (start(false), start(true));
    let mut serial = Serial::start(&completions);
    let batch = Batch::new(completions);
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for round in 0..=ROUNDS {
        let (loop_s, loop_sum) = serial.round();
        let (pool_s, pool_sum) = timed(&python, &functions, &batch, ScoredBy::Python);
        let (native_s, native_sum) = timed(&native, &functions, &batch, ScoredBy::Native);
        assert!((loop_sum - pool_sum).abs() < 1e-6 && (loop_sum - native_sum).abs() < 1e-6);
        if round > 0 {
            seconds.iter_mut().zip([loop_s, pool_s, native_s]).for_each(|(all, one)| all.push(one));
        }
    }
    println!(
        "{N_COMPLETIONS} completions of {} characters, 3 functions, median of {ROUNDS} rounds",
        characters / N_COMPLETIONS
    );
    let [serial, pool, native] = seconds.map(median_and_least);
    for (way, one) in [("serial Python loop", serial), ("pool, 2 workers", pool), ("native", native)] {
        let times = [0, 1].map(|idx| serial[idx] / one[idx]);
        println!(
            "{way:20} {:9.2} ms {:6.2} x   least {:9.2} ms {:6.2} x",
            1e3 * one[0],
            times[0],
            1e3 * one[1],
            times[1]
        );
    }
}

fn timed(pool: &Pool, functions: &[Function], batch: &Batch, by: ScoredBy) -> (f64, f64) {
    let start = Instant::now();
    let scores = pool.score(functions, batch);
    let seconds = start.elapsed().as_secs_f64();
    assert!(scores.iter().all(|one| one.by == by && one.faults.is_empty()), "{:?}", scores[0].faults);
    (seconds, scores.iter().flat_map(|one| &one.values).sum())
}

/// About 900 characters each: what 256 tokens of English come to.
fn completions() -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let syllables = [
        "ba", "con", "der", "e", "fi", "gra", "ho", "in", "ly", "mo", "ne", "or", "per", "re", "sta", "ti",
        "un", "ver",
    ];
    let mut completion = || {
        let mut text = String::new();
        for word in 0..rng.random_range(60..220) {
            let length = rng.random_range(1..4);
            (0..length).for_each(|_| text.push_str(syllables[rng.random_range(0..syllables.len())]));
            text.push_str(if word % 12 == 11 { ". The " } else { " " });
        }
        text
    };
    (0..N_COMPLETIONS).map(|_| completion()).collect()
}

/// The least is what a quiet moment of a busy machine gives.
fn median_and_least(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [values[values.len() / 2], values[0]]
}

/// The loop that a trainer in Python would run.
struct Serial {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Serial {
    fn start(completions: &[String]) -> Self {
        let mut child = Command::new("python3")
            .args(["-c", LOOP])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut serial = Self { child, lines };
        serial.say(&serde_json::json!([FUNCTIONS, completions]).to_string());
        serial
    }

    fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        stdin.write_all(line.as_bytes()).and_then(|()| stdin.write_all(b"\n")).expect("it reads");
    }

    /// Seconds and the sum of all scores.
    fn round(&mut self) -> (f64, f64) {
        self.say("again");
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).expect("two numbers")
    }
}

impl Drop for Serial {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}
