//! A session that is over has never been.

use std::fs;

use super::*;

/// Command lines of all processes of the machine.
pub(super) fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let read = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).ok();
    processes.filter_map(read).map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " ")).collect()
}

fn n_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn no_process_mount_or_descriptor_outlives_a_session() {
    let Some(sandbox) = namespaces() else { return };
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let descriptors = n_descriptors();
    // A duration that nobody else sleeps for.
    let marker = format!("987{}", std::process::id());
    for _ in 0..5 {
        let mut session = sandbox.open(&small_tree()).unwrap();
        let daemon =
            format!("setsid nohup sleep {marker} >/dev/null 2>&1 & (sleep {marker} &) ; echo started");
        assert_eq!(session.execute(&daemon, Author::Model).unwrap().text, "started\n");
    }
    let left: Vec<String> = command_lines().into_iter().filter(|line| line.contains(&marker)).collect();
    assert_eq!(left, [""; 0]);
    assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
    assert_eq!(n_descriptors(), descriptors);
}

#[test]
fn a_scratch_folder_goes_with_its_session() {
    let parent = tempfile::tempdir().unwrap();
    let config = SandboxConfig { strongest: Tier::TrustedOnly, ..SandboxConfig::new(parent.path()) };
    let sandbox = Sandbox::new(config).unwrap();
    let session = sandbox.open(&small_tree()).unwrap();
    session.run_from_root("mkdir /testbed/new; sleep 60 >/dev/null 2>&1 &").unwrap();
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    drop(session);
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}
