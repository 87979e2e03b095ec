//! Workers are isolated as well as the kernel allows, say how well that is, and run in any case.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reward::{Batch, FaultKind, Function, Pool, PoolConfig, Scores, Tier};
use tempfile::TempDir;

/// An interpreter that first does what `prelude` says, as a container's profile would.
fn python_after(dir: &TempDir, prelude: &str) -> PathBuf {
    let path = dir.path().join("python");
    let isolate = include_str!("../src/worker/isolate.py");
    let start = "os.execvp('python3', ['python3', *sys.argv[1:]])";
    std::fs::write(&path, format!("#!/usr/bin/env python3\n{isolate}\n{prelude}\n{start}\n"))
        .expect("a temporary file can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        .expect("a temporary file can be written");
    path
}

fn score(pool: &Pool, source: &str) -> Scores {
    pool.score(&[Function::new("test.py", source)], &Batch::new(vec!["a".to_owned()])).remove(0)
}

fn assert_scores(pool: &Pool) {
    assert_eq!(
        score(pool, "def f(completions, **k):\n    return [7 - len(c) // 1 for c in completions]").values,
        [6.0]
    );
}

fn start(config: PoolConfig) -> Pool {
    Pool::start(PoolConfig { time_limit: Duration::from_secs(10), ..config }).expect("python3 runs")
}

#[test]
fn a_worker_says_which_tier_it_got_and_never_a_stronger_one_than_asked_for() {
    for strongest_tier in [Tier::Namespaces, Tier::Seccomp, Tier::Limits] {
        let pool = start(PoolConfig { strongest_tier, ..PoolConfig::default() });
        let isolation = pool.isolation();
        assert!(isolation.tier <= strongest_tier, "{isolation:?}");
        assert!(isolation.tier == strongest_tier || !isolation.refused.is_empty(), "{isolation:?}");
        assert_scores(&pool);
    }
}

#[test]
fn a_profile_that_refuses_unshare_costs_a_tier_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let python = python_after(&dir, "install_filter({'unshare': EPERM})");
    let pool = start(PoolConfig { python, ..PoolConfig::default() });
    assert_eq!(pool.isolation().tier, Tier::Seccomp, "{:?}", pool.isolation());
    assert!(pool.isolation().refused[0].starts_with("namespaces: "), "{:?}", pool.isolation());
    assert_scores(&pool);
}

#[test]
fn a_profile_that_refuses_filters_too_leaves_limits() {
    let dir = tempfile::tempdir().unwrap();
    let prctl = "SYSCALLS_EVERYWHERE['prctl'] = {'x86_64': 157, 'aarch64': 167}[os.uname().machine]";
    let python =
        python_after(&dir, &format!("{prctl}\ninstall_filter({{'unshare': EPERM, 'prctl': EPERM}})"));
    let pool = start(PoolConfig { python, ..PoolConfig::default() });
    assert_eq!(pool.isolation().tier, Tier::Limits, "{:?}", pool.isolation());
    assert_scores(&pool);
    let memory = score(&pool, "def f(completions, **k):\n    return bytearray(100 << 30)");
    assert_eq!(memory.faults[0].kind, FaultKind::Memory);
}

#[test]
fn there_is_no_network_and_no_second_process() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!(
        "import socket\ndef f(completions, **k):\n    socket.create_connection(('127.0.0.1', {port}), 1)\n    return [1.0]"
    );
    let fork = "import os\ndef f(completions, **k):\n    os.fork()\n    return [1.0]";
    let run = "import subprocess\ndef f(completions, **k):\n    subprocess.run(['true'])\n    return [1.0]";
    let kill = "import os\ndef f(completions, **k):\n    os.kill(-1, 9)\n    return [1.0]";
    for strongest_tier in [Tier::Namespaces, Tier::Seccomp] {
        let pool = start(PoolConfig { strongest_tier, ..PoolConfig::default() });
        if !pool.isolation().filters {
            println!("skipped: {:?}", pool.isolation());
            continue;
        }
        for (source, attempt) in [(connect.as_str(), "network"), (fork, "forks"), (run, "forks"), (kill, "")]
        {
            let function = Function::new("test.py", source);
            let observed = pool.observe(&function, &Batch::new(vec!["a".to_owned()]));
            assert_eq!(observed.scores.faults[0].kind, FaultKind::Raises, "{source}: {observed:?}");
            assert!(attempt.is_empty() || observed.attempts.contains(&attempt.to_owned()), "{observed:?}");
        }
        let threads = "import threading\ndef f(completions, **k):\n    out = []\n    t = threading.Thread(target=out.append, args=(2.0,))\n    t.start()\n    t.join()\n    return out";
        assert_eq!(score(&pool, threads).values, [2.0], "threads are no processes");
    }
}

#[test]
fn children_of_a_worker_end_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let note = dir.path().join("pid");
    let source = format!(
        "import os, time\ndef f(completions, **k):\n    child = os.fork()\n    if child:\n        open({note:?}, 'w').write(str(child))\n    time.sleep(600)"
    );
    let config = PoolConfig { strongest_tier: Tier::Limits, ..PoolConfig::default() };
    let pool = Pool::start(PoolConfig { time_limit: Duration::from_secs(2), ..config }).unwrap();
    assert_eq!(score(&pool, &source).faults[0].kind, FaultKind::Hangs);
    let child = PathBuf::from("/proc").join(std::fs::read_to_string(note).unwrap());
    assert_gone(&child);
    assert_scores(&pool);
}

#[test]
fn a_child_that_returns_into_the_worker_answers_nothing() {
    let config = PoolConfig { strongest_tier: Tier::Limits, ..PoolConfig::default() };
    let pool = start(config);
    let source = "import os\ndef f(completions, **k):\n    return [1.0 if os.fork() else 2.0]";
    for _ in 0..5 {
        assert_eq!(score(&pool, source).values, [1.0]);
    }
    assert_eq!(pool.stats().n_restarts, 0);
}

#[test]
fn credentials_do_not_reach_a_worker() {
    let dir = tempfile::tempdir().unwrap();
    let python = python_after(&dir, "os.environ.update(HF_TOKEN='secret', WANDB_API_KEY='secret', LANG='C')");
    let pool = start(PoolConfig { python, ..PoolConfig::default() });
    let source = "import os\ndef f(completions, **k):\n    return [('secret' in open('/proc/self/environ').read()) + 2 * ('LANG' in os.environ)]";
    assert_eq!(score(&pool, source).values, [2.0]);
}

#[test]
fn a_dropped_pool_leaves_no_process() {
    let source = "import os\ndef f(completions, **k):\n    return [float(os.getpid())]";
    let pool = start(PoolConfig { strongest_tier: Tier::Seccomp, ..PoolConfig::default() });
    let worker = PathBuf::from(format!("/proc/{}", score(&pool, source).values[0]));
    assert!(worker.exists());
    drop(pool);
    assert_gone(&worker);
}

/// A killed process is gone, or a zombie that nobody has waited for yet.
fn assert_gone(process: &Path) {
    let patience = Instant::now() + Duration::from_secs(10);
    let runs = || std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while runs() {
        assert!(Instant::now() < patience, "{} still runs", process.display());
        std::thread::yield_now();
    }
}
