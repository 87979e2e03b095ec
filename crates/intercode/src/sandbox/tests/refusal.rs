//! Where the kernel refuses namespaces, lessons are still made: behind Landlock, or as our own commands.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::*;
use crate::teacher;

/// Runs an ignored test of this file under a filter that refuses new namespaces.
#[expect(unsafe_code, reason = "a filter is installed between fork and exec")]
fn run_under_filter(test: &str) {
    let program = filter::program(filter::Company::Alone).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = format!("sandbox::tests::refusal::{test}");
    command.args(["--exact", name.as_str(), "--ignored", "--nocapture"]);
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

fn assert_lessons(sandbox: &Sandbox, scratch: &std::path::Path) {
    let isolation = sandbox.isolation();
    assert!(isolation.to_string().contains("make namespaces"), "{isolation}");
    let threads = std::num::NonZeroUsize::new(2).unwrap();
    let lessons = teacher::lessons(sandbox, 7, 40, threads).unwrap();
    assert!(lessons.len() >= 32, "{} of 40", lessons.len());
    assert_eq!(std::fs::read_dir(scratch).unwrap().count(), 0);
}

#[test]
fn under_a_filter_that_refuses_namespaces_our_own_commands_make_lessons() {
    run_under_filter("lessons_of_trusted_commands");
}

#[test]
fn under_a_filter_that_refuses_namespaces_landlock_takes_over() {
    run_under_filter("lessons_behind_landlock");
}

#[test]
#[ignore = "runs within a test above, under its filter"]
fn lessons_of_trusted_commands() {
    // A folder that nobody can enter: Landlock is refused too.
    let nobody_else = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let scratch = tempfile::Builder::new().permissions(nobody_else).tempdir().unwrap();
    let sandbox = Sandbox::new(SandboxConfig::new(scratch.path())).unwrap();
    assert_eq!(sandbox.isolation().tier, Tier::TrustedOnly, "{}", sandbox.isolation());
    assert_lessons(&sandbox, scratch.path());
}

#[test]
#[ignore = "runs within a test above, under its filter"]
fn lessons_behind_landlock() {
    let scratch = public_folder();
    let sandbox = Sandbox::new(SandboxConfig::new(scratch.path())).unwrap();
    let is_granted = rustix::process::getuid().is_root() && child::landlock_version().is_ok();
    let expected = if is_granted { Tier::Landlock } else { Tier::TrustedOnly };
    assert_eq!(sandbox.isolation().tier, expected, "{}", sandbox.isolation());
    assert_lessons(&sandbox, scratch.path());
}
