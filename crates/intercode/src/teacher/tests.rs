use std::collections::BTreeSet;

use super::*;
use crate::sandbox::{SandboxConfig, Tier};

fn sandbox(scratch: &std::path::Path) -> Sandbox {
    Sandbox::new(SandboxConfig::new(scratch)).unwrap()
}

fn eight() -> NonZeroUsize {
    NonZeroUsize::new(8).unwrap()
}

#[test]
fn two_hundred_episodes_eight_at_a_time_leave_nothing_behind() {
    let scratch = tempfile::tempdir().unwrap();
    let sandbox = sandbox(scratch.path());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let lessons = lessons(&sandbox, 2024, 200, eight()).unwrap();
    assert!(lessons.len() >= 180, "{} of 200", lessons.len());
    let templates: BTreeSet<&str> = lessons.iter().map(|lesson| lesson.template.as_str()).collect();
    assert!(templates.len() >= 40, "{templates:?}");

    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
    assert_eq!(std::fs::read_dir("/proc/self/fd").unwrap().count(), descriptors);
    // Forked children share this process's command line until they become bash, and are its descendants.
    let own = std::process::id().to_string();
    let children = std::process::Command::new("pgrep").args(["-P", &own]).output().unwrap();
    let others: Vec<&str> =
        std::str::from_utf8(&children.stdout).unwrap().lines().filter(|pid| !pid.is_empty()).collect();
    // pgrep itself is a child while it looks, and leaves itself out.
    assert_eq!(others, [""; 0]);
}

#[test]
fn lessons_end_with_the_answer_and_a_submission() {
    let scratch = tempfile::tempdir().unwrap();
    let sandbox = sandbox(scratch.path());
    let lessons = lessons(&sandbox, 5, 40, eight()).unwrap();
    let corrected = lessons.iter().filter(|lesson| !lesson.turns[0].history.is_empty()).count();
    assert!(corrected >= 10, "{corrected} of {} correct themselves", lessons.len());
    for lesson in &lessons {
        let [answer, submission] = lesson.turns.as_slice() else { panic!("{lesson:?}") };
        assert!(matches!(answer.call, ToolCall::ExecuteBash { .. }));
        assert_eq!(submission.call, ToolCall::Submit {});
        assert_eq!(submission.history.len(), answer.history.len() + 1);
        assert!(lesson.reward.total >= FULL_REWARD);
    }
}

#[test]
fn lessons_are_reproducible_and_alike_in_both_tiers() {
    let scratch = tempfile::tempdir().unwrap();
    let strong = sandbox(scratch.path());
    let config = SandboxConfig { strongest: Tier::TrustedOnly, ..SandboxConfig::new(scratch.path()) };
    let weak = Sandbox::new(config).unwrap();
    let questions = |sandbox: &Sandbox| -> Vec<(String, Vec<Turn>)> {
        let lessons = lessons(sandbox, 9, 24, eight()).unwrap();
        lessons.into_iter().map(|lesson| (lesson.question, lesson.turns)).collect()
    };
    let first = questions(&strong);
    assert_eq!(first, questions(&strong));
    let (asked, other): (BTreeSet<_>, BTreeSet<_>) = (
        first.into_iter().map(|(question, _)| question).collect(),
        questions(&weak).into_iter().map(|(question, _)| question).collect(),
    );
    assert_eq!(asked, other);
}

#[test]
fn submitting_at_once_is_worth_something_and_answering_is_worth_more() {
    let scratch = tempfile::tempdir().unwrap();
    let sandbox = sandbox(scratch.path());
    let idle = benchmark(&sandbox, 5, 60, eight(), &no_op).unwrap();
    let mean = idle.iter().map(|reward| reward.total).sum::<f64>() / idle.len() as f64;
    assert!((0.55..0.85).contains(&mean), "{mean}");
}
