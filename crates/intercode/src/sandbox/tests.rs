mod escapes;
mod landlocked;
mod leftovers;
mod refusal;

use std::time::{Duration, Instant};

use super::*;
use crate::tree::{Modified, Node};

/// A sandbox of the strong tier; `None` where the kernel grants user namespaces to nobody.
fn namespaces() -> Option<Sandbox> {
    let mut config = SandboxConfig::new(std::env::temp_dir());
    config.command_limit = Duration::from_secs(5);
    let sandbox = Sandbox::new(config).unwrap();
    if sandbox.isolation().tier == Tier::Namespaces {
        return Some(sandbox);
    }
    let unshare = std::process::Command::new("unshare").args(["-Ur", "true"]).status();
    assert!(
        !unshare.is_ok_and(|status| status.success()),
        "unshare works here, and yet: {}",
        sandbox.isolation()
    );
    None
}

fn trusted() -> Sandbox {
    let config = SandboxConfig { strongest: Tier::TrustedOnly, ..SandboxConfig::new(std::env::temp_dir()) };
    Sandbox::new(config).unwrap()
}

/// A temporary folder that everybody can enter.
fn public_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let everybody = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(everybody).tempdir().unwrap()
}

/// `/testbed` with a file of three lines and an old one.
fn small_tree() -> Tree {
    let mut tree = Tree::default();
    tree.insert("/testbed", Node::directory(Modified::SecondsAgo(7200)));
    tree.insert("/testbed/a.txt", Node::file("one\ntwo\nthree\n", 0o640, Modified::SecondsAgo(3600)));
    tree.insert("/testbed/old.log", Node::file("x", 0o644, Modified::SecondsAgo(10 * 86_400)));
    tree
}

#[test]
fn both_tiers_see_the_same_tree() {
    for sandbox in [Some(trusted()), namespaces()].into_iter().flatten() {
        let session = sandbox.open(&small_tree()).unwrap();
        let see = |command: &str| session.run_from_root(command).unwrap().text;
        assert_eq!(see("wc -l < /testbed/a.txt"), "3\n");
        assert_eq!(see("find /testbed -mtime -1 -type f"), "/testbed/a.txt\n");
        assert_eq!(see("stat -c '%a %n' /testbed/a.txt /testbed"), "640 /testbed/a.txt\n755 /testbed\n");
        assert_eq!(see("comm -12 <(echo b) <(echo b)"), "b\n", "process substitution");
        assert_eq!(session.capture(&["/testbed"]).unwrap().len(), 3);
    }
}

#[test]
fn the_tier_is_said() {
    assert_eq!(trusted().isolation().to_string(), "shell sandbox: trusted commands only");
    if let Some(sandbox) = namespaces() {
        assert_eq!(sandbox.isolation().to_string(), "shell sandbox: namespaces");
    }
}

#[test]
fn outside_of_namespaces_no_models_text_runs() {
    let sandbox = trusted();
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let mut session = sandbox.open(&small_tree()).unwrap();
    let refused = session.execute(&format!("touch {}", mark.display()), Author::Model);
    assert!(matches!(refused, Err(Error::NoSandbox { .. })), "{refused:?}");
    assert!(!mark.exists());
}

#[test]
fn observations_follow_the_evaluator() {
    let Some(sandbox) = namespaces() else { return };
    let mut session = sandbox.open(&small_tree()).unwrap();
    let mut see = |action: &str| session.execute(action, Author::Model).unwrap().text;
    assert_eq!(see("echo out; echo err >&2"), "out\n");
    assert_eq!(see("echo err >&2"), "err\n");
    assert_eq!(see("nonsense"), "/bin/bash: line 1: nonsense: command not found\n");
    assert_eq!(see("export A=1; echo $A"), "1\n");
    assert_eq!(see("echo [$A]"), "[]\n", "exports do not persist");
    assert_eq!(see("printf 'a\\xffb'"), "a\u{fffd}b");
    assert_eq!(see("yes | head -n 1"), "y\n");
    assert_eq!(see("echo \0"), "Malformed command");
    assert_eq!(see("pwd"), "/\n");
    assert_eq!(see("cd testbed"), "");
    assert_eq!(see("pwd"), "/testbed\n");
    assert_eq!(see("cd nowhere"), "/bin/bash: line 1: cd: /testbed/nowhere: No such file or directory\n");
    assert_eq!(see("pwd"), "/testbed\n");
    assert_eq!(see("cd .. && ls -d testbed"), "testbed\n");
    assert_eq!(see("ls"), "Malformed command", "the folder is now called `.. && ls -d testbed`");
    assert_eq!(see("cd /"), "");
    assert_eq!(see("ls -d testbed"), "testbed\n");
}

#[test]
fn a_slow_command_is_cut_off_and_leaves_the_session_usable() {
    for mut sandbox in [Some(trusted()), namespaces()].into_iter().flatten() {
        sandbox.config.command_limit = Duration::from_millis(300);
        let mut session = sandbox.open(&small_tree()).unwrap();
        for slow in ["sleep 100", "exec >&- 2>&-; sleep 100", "sleep 100 & sleep 100"] {
            let started = Instant::now();
            assert_eq!(session.execute(slow, Author::Ours).unwrap().text, "Command timed out", "{slow}");
            assert!(started.elapsed() < Duration::from_secs(5), "{slow}");
        }
        assert_eq!(session.execute("echo here", Author::Ours).unwrap().text, "here\n");
    }
}
