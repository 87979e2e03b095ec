//! The pool gives a score for every completion, whatever a function does.

use std::time::Duration;

use reward::{Batch, FaultKind, Function, Pool, PoolConfig, ScoredBy, Scores};
use serde_json::{Value, json};

fn pool() -> Pool {
    Pool::start(PoolConfig::default()).expect("python3 runs")
}

fn batch(completions: &[&str]) -> Batch {
    Batch::new(completions.iter().map(|&one| one.to_owned()).collect())
}

fn function(source: &str) -> Function {
    Function::new("test.py", source)
}

fn score(pool: &Pool, source: &str, batch: &Batch) -> Scores {
    pool.score(&[function(source)], batch).remove(0)
}

/// The kind and detail of the only fault.
fn fault(pool: &Pool, source: &str) -> (FaultKind, String) {
    let scores = score(pool, source, &batch(&["one", "two"]));
    assert_eq!(scores.values, [0.0, 0.0], "{source}");
    assert_eq!(scores.n_faulty, 2, "{source}");
    let [fault] = &scores.faults[..] else { panic!("{source}: {:?}", scores.faults) };
    (fault.kind, fault.detail.clone())
}

/// The pool still works.
fn assert_well(pool: &Pool) {
    let scores = score(
        pool,
        "def f(completions, **kwargs):\n    return [len(c) % 7 for c in completions]",
        &batch(&["abc"]),
    );
    assert_eq!((scores.values, scores.faults), (vec![3.0], vec![]));
}

#[test]
fn the_first_callable_of_the_namespace_is_the_function() {
    let pool = pool();
    let cases = [
        (
            "import math\nX = 3\ndef f(completions, **k):\n    return [1] * len(completions)\ndef g(c):\n    return [2]",
            1.0,
        ),
        ("f = lambda completions, **k: [4 for c in completions]", 4.0),
        ("class C:\n    def __new__(cls, completions, **k):\n        return [5.5]", 5.5),
        // Picked although nobody means it, exactly as `exec(source, namespace)` leaves the names.
        ("from statistics import mean\ndef f(completions, **k):\n    return [1.0]", f64::NAN),
    ];
    for (source, expected) in cases {
        let scores = score(&pool, source, &batch(&["a"]));
        if expected.is_nan() {
            assert_eq!(scores.n_faulty, 1, "mean(['a']) raises");
        } else {
            assert_eq!(scores.values, [expected], "{source}");
        }
    }
}

#[test]
fn two_functions_of_one_name_do_not_share_a_namespace() {
    let sources = [
        "K = 1\ndef reward_func(completions, **k):\n    return [K + len(completions) * 0]",
        "K = 2\ndef reward_func(completions, **k):\n    return [K + len(completions) * 0]",
    ];
    let scores = pool().score(&sources.map(function), &batch(&["a"]));
    assert_eq!((scores[0].values[0], scores[1].values[0]), (1.0, 2.0));
}

#[test]
fn keyword_arguments_arrive_and_a_type_error_drops_them() {
    let pool = pool();
    let batch = batch(&["a", "b"])
        .with_column("prompts", vec![json!("pp"), json!("p")])
        .unwrap()
        .with_column("extra_data", vec![json!("{\"k\": 1}"), json!("x")])
        .unwrap();
    let kwargs = "def f(completions, **kwargs):\n    return [len(p) + 10 * len(e) for p, e in zip(kwargs['prompts'], kwargs['extra_data'])]";
    assert_eq!(score(&pool, kwargs, &batch).values, [82.0, 11.0]);
    let named = "def f(completions, extra_data=None, **kwargs):\n    return [float(type(e) is str) for e in extra_data]";
    assert_eq!(score(&pool, named, &batch).values, [1.0, 1.0]);
    let alone = "def f(completions):\n    return [2 if c == 'b' else 1 for c in completions]";
    assert_eq!(score(&pool, alone, &batch).values, [1.0, 2.0]);
}

#[test]
fn trajectories_arrive_as_objects() {
    let line = |reward: f64| json!({"turns": [{"completion": "a", "legal": false}, {"completion": "b", "legal": true}], "reward": reward});
    let batch = Batch::of_trajectory_values(vec![line(0.5), line(-1.0)]);
    let source = "def f(completions, trajectories, **kwargs):\n    return [t['reward'] - sum(not turn['legal'] for turn in t['turns']) for t in trajectories]";
    assert_eq!(score(&pool(), source, &batch).values, [-0.5, -2.0]);
}

#[test]
fn numbers_of_any_kind_count_and_absent_ones_are_named() {
    let pool = pool();
    let scores = score(
        &pool,
        "def f(completions, **k):\n    return (True, 2, 0.1 + 0.2, None, float('nan'), float('inf'), 10 ** 400)",
        &batch(&["a"; 7]),
    );
    assert_eq!(scores.values, [1.0, 2.0, 0.1 + 0.2, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!((scores.missing, scores.n_faulty), (vec![3, 4, 5, 6], 0));
}

#[test]
fn every_failure_has_a_name() {
    let pool = pool();
    let cases = [
        ("def f(completions, **k)\n    pass", FaultKind::Syntax, "SyntaxError"),
        ("x = 1\nimport math", FaultKind::NoCallable, "nothing that can be called"),
        ("raise ValueError('at load')", FaultKind::Load, "ValueError: at load"),
        ("def f(a, b, c):\n    return []", FaultKind::Signature, "missing"),
        (
            "def f(completions, **k):\n    return [1 / 0]",
            FaultKind::Raises,
            "ZeroDivisionError: division by zero (line 2)",
        ),
        ("import sys\ndef f(completions, **k):\n    sys.exit(3)", FaultKind::Exits, "SystemExit: 3"),
        ("def f(completions, **k):\n    return bytearray(100 << 30)", FaultKind::Memory, "MemoryError"),
        ("def f(completions, **k):\n    return 'high'", FaultKind::WrongType, "returned str"),
        ("def f(completions, **k):\n    return ['high', 'low']", FaultKind::WrongType, "'high'"),
        ("def f(completions, **k):\n    return [[1], [2]]", FaultKind::WrongType, "list"),
        ("def f(completions, **k):\n    return [1.0]", FaultKind::WrongLength, "1 scores for 2 completions"),
        ("import os\ndef f(completions, **k):\n    os._exit(7)", FaultKind::Dies, "exited with code 7"),
        (
            "import ctypes\ndef f(completions, **k):\n    ctypes.string_at(0)",
            FaultKind::Dies,
            "killed by signal 11",
        ),
    ];
    for (source, kind, detail) in cases {
        let found = fault(&pool, source);
        assert_eq!(found.0, kind, "{source}: {}", found.1);
        assert!(found.1.contains(detail), "{source}: {}", found.1);
        assert_well(&pool);
    }
}

#[test]
fn a_function_that_hangs_costs_one_limit_and_is_not_called_again() {
    let pool =
        Pool::start(PoolConfig { time_limit: Duration::from_secs(1), ..PoolConfig::default() }).unwrap();
    let hang = "def f(completions, **k):\n    while True:\n        pass";
    let well = "def f(completions, **k):\n    return [1 + 0 * len(completions) for _ in completions]";
    let scores = pool.score(&[function(hang), function(well)], &batch(&["a", "b"]));
    assert_eq!(scores[0].faults[0].kind, FaultKind::Hangs);
    assert_eq!(scores[1].values, [1.0, 1.0], "the function after it gets its turn");
    assert_eq!(pool.stats().n_restarts, 1);
    let again = score(&pool, hang, &batch(&["a"]));
    assert_eq!((again.by, again.n_faulty, again.faults[0].kind), (ScoredBy::Nobody, 1, FaultKind::Hangs));
    assert_eq!((pool.stats().n_restarts, pool.stats().n_faulty_functions), (1, 1));
}

#[test]
fn a_source_that_hangs_while_loading_is_cut_off() {
    let config = PoolConfig { load_limit: Duration::from_secs(1), native: false, ..PoolConfig::default() };
    let pool = Pool::start(config).unwrap();
    assert_eq!(fault(&pool, "while True:\n    pass").0, FaultKind::Hangs);
    assert_well(&pool);
}

#[test]
fn what_a_function_prints_goes_nowhere() {
    let source = r#"
import os, sys
def f(completions, **kwargs):
    print("x" * 100_000)
    sys.stderr.write("y")
    os.write(1, b"\x05\x00\x00\x00hello")
    return [3.5 for c in completions]
"#;
    let pool = pool();
    let observed = pool.observe(&function(source), &batch(&["a"]));
    assert_eq!((observed.scores.values, observed.n_printed), (vec![3.5], 100_002));
    assert_well(&pool);
}

#[test]
fn a_large_batch_is_split_and_comes_back_in_order() {
    let completions: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    let prompts: Vec<Value> = (0..1_000).map(|n| json!(n)).collect();
    let batch = Batch::new(completions).with_column("prompts", prompts).unwrap().in_groups_of(8);
    let source = "def f(completions, prompts, **k):\n    assert len(completions) % 8 == 0\n    return [int(c) + 0.5 * p for c, p in zip(completions, prompts)]";
    let pool = Pool::start(PoolConfig { n_workers: 3, ..PoolConfig::default() }).unwrap();
    let expected: Vec<f64> = (0..1_000).map(|n| 1.5 * f64::from(n)).collect();
    assert_eq!(score(&pool, source, &batch).values, expected);
}

#[test]
fn arguments_that_a_function_changes_are_whole_for_the_next() {
    let spoil = "def f(completions, rows, **k):\n    rows[0].clear()\n    completions.reverse()\n    return [0.0 for c in completions]";
    let read = "def f(completions, rows, **k):\n    return [len(r) + 10 * int(c) for r, c in zip(rows, completions)]";
    let batch = batch(&["1", "2"]).with_column("rows", vec![json!([1, 2]), json!([3])]).unwrap();
    let pool = pool();
    assert!(pool.observe(&function(spoil), &batch).mutated);
    let scores = pool.score(&[function(spoil), function(read)], &batch);
    assert_eq!(scores[1].values, [12.0, 21.0]);
}

#[test]
fn a_cache_answers_for_completions_that_were_judged_before() {
    let pool = Pool::start(PoolConfig { cache_capacity: 100, ..PoolConfig::default() }).unwrap();
    // Counts its calls, so that an answer from the cache shows.
    let source = "n = [0]\ndef f(completions, **k):\n    n[0] += 1\n    return [n[0] if c != 'none' else None for c in completions]";
    assert_eq!(score(&pool, source, &batch(&["a", "b"])).values, [1.0, 1.0]);
    let second = score(&pool, source, &batch(&["b", "c", "none"]));
    assert_eq!((second.values, second.missing), (vec![1.0, 2.0, 0.0], vec![2]));
    assert_eq!(
        score(&pool, source, &batch(&["none"])).missing,
        [0],
        "a missing score is no score to remember"
    );
    assert_eq!(pool.stats().n_cached, 3);
}

#[test]
fn a_function_may_run_a_models_code() {
    let source = r#"
def f(completions, **kwargs):
    results = [restricted_execution(c, "21") for c in completions]
    return [float(out.strip() == "42" and err == "") - float("Error" in err) for out, err in results]
"#;
    let pool =
        Pool::start(PoolConfig { time_limit: Duration::from_secs(5), ..PoolConfig::default() }).unwrap();
    let jobs = ["print(2 * int(input()))", "print(41)", "raise ValueError()"];
    assert_eq!(score(&pool, source, &batch(&jobs)).values, [1.0, 0.0, -1.0]);
    let loops = score(&pool, source, &batch(&["while True: pass"; 20]));
    assert_eq!(loops.values, [-1.0; 20], "endless jobs share a budget within the function's limit");
    assert_well(&pool);
}

#[test]
fn an_interpreter_that_is_not_there_is_an_error() {
    let config = PoolConfig { python: "no-such-python".into(), ..PoolConfig::default() };
    let error = Pool::start(config).unwrap_err().to_string();
    assert!(error.contains("no-such-python"), "{error}");
    let config = PoolConfig { python: "false".into(), ..PoolConfig::default() };
    assert!(Pool::start(config).unwrap_err().to_string().contains("ended without a word"));
}
