//! Where the kernel refuses namespaces, our own commands still make lessons.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::*;
use crate::teacher;

const INNER: &str = "sandbox::tests::refusal::lessons_without_namespaces";

#[test]
#[expect(unsafe_code, reason = "a filter is installed between fork and exec")]
fn under_a_filter_that_refuses_namespaces_lessons_are_made_all_the_same() {
    let program = filter::program().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", INNER, "--ignored", "--nocapture"]);
    // SAFETY: two system calls on a value made before.
    unsafe {
        command.pre_exec(move || {
            rustix::thread::set_no_new_privs(true)?;
            Ok(child::install_filter(&program)?)
        });
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "runs within the test above, under its filter"]
fn lessons_without_namespaces() {
    let scratch = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(SandboxConfig::new(scratch.path())).unwrap();
    let isolation = sandbox.isolation();
    assert_eq!(isolation.tier, Tier::TrustedOnly, "{isolation}");
    assert!(isolation.to_string().contains("make namespaces"), "{isolation}");
    let threads = std::num::NonZeroUsize::new(2).unwrap();
    let lessons = teacher::lessons(&sandbox, 7, 40, threads).unwrap();
    assert!(lessons.len() >= 32, "{} of 40", lessons.len());
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}
