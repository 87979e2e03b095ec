use schema::TaskType;

use super::*;
use crate::events::TextStepEvent;

fn asked(folder: &Path) -> RunAsked {
    RunAsked {
        task_id: "t1".to_owned(),
        task_type: TaskType::InstructTextTask,
        model: "org/base".to_owned(),
        model_dir: folder.join("base"),
        dataset: Some(folder.join("rows.json")),
        dataset_type: "{}".to_owned(),
        kl_coef: None,
        artifact: folder.join("artifact"),
        seed: 1,
        hours: Some(0.5),
        steps: None,
        device: "cpu".to_owned(),
    }
}

fn record(folder: &Path) -> RunRecord {
    let clock = RunClock { started: Instant::now(), started_unix_s: 1_700_000_000.0 };
    RunRecord::create(folder, asked(folder), &RunConfig::default(), clock, None).expect("created")
}

#[test]
fn what_happens_is_in_the_report_while_it_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut record = record(folder.path());
    let read = || RunReport::read(folder.path()).expect("a report");
    assert_eq!((read().status, read().result.artifact_kind.as_str()), (RunStatus::Running, "nothing"));
    fs::create_dir_all(folder.path().join("artifact")).expect("made");
    fs::write(folder.path().join("artifact/adapter_config.json"), "{}").expect("written");
    record.event(&Event::Published { step: 0, path: folder.path().join("artifact") });
    let loss = |loss| Event::TextStep(TextStepEvent { step: 4, loss, ..TextStepEvent::default() });
    record.event(&loss(1.5));
    for (step, loss) in [(4, 1.25), (5, 1.75)] {
        record.event(&Event::Evaluation { step, loss, base: 2.0, n: 8 });
    }
    let result = read().result;
    assert_eq!((result.base_loss, result.best_loss, result.steps), (Some(2.0), Some(1.25), 4));
    assert_eq!(result.evaluations, [(4, 1.25), (5, 1.75)]);
    assert_eq!((result.artifact_kind.as_str(), result.published_step), ("adapter", Some(0)));
    assert_eq!(record.fault(), None);
    record.finish(RunStatus::Failed, "no more memory", 1).expect("finished");
    assert_eq!((read().status, read().error.as_str()), (RunStatus::Failed, "no more memory"));

    let figures: Vec<Value> = journal::read(folder.path().join(METRICS_FILE)).expect("lines");
    assert_eq!(figures[0]["train/loss"], json!(1.5));
    assert_eq!((&figures[1]["eval/gain"], &figures[2]["eval/gain"]), (&json!(0.75), &json!(0.25)));
    let events: Vec<Value> = journal::read(folder.path().join(JOURNAL_FILE)).expect("lines");
    assert_eq!(events.len(), 5);
    assert_eq!(events[0]["run"]["seed"], json!(0), "the settings come first");
    assert_eq!(events[1]["event"]["event"], json!("published"));
}

#[test]
fn another_attempt_begins_anew_and_leaves_what_is_not_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    record(folder.path()).event(&Event::Evaluation { step: 1, loss: 1.0, base: 2.0, n: 1 });
    fs::write(folder.path().join("notes.txt"), "mine").expect("written");
    drop(record(folder.path()));
    assert_eq!(fs::read_to_string(folder.path().join(METRICS_FILE)).expect("there"), "");
    assert!(folder.path().join("notes.txt").exists());
    assert_eq!(RunReport::read(folder.path()).expect("a report").result.best_loss, None);
}

#[test]
fn a_folder_without_a_record_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = RunReport::read(folder.path()).expect_err("nothing there");
    assert!(bad.message.contains(REPORT_FILE), "{bad}");
    fs::write(folder.path().join(REPORT_FILE), "{}").expect("written");
    assert!(RunReport::read(folder.path()).expect_err("no report").message.contains("schema"));
}

#[test]
fn environments_are_told_before_and_after_and_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut record = record(folder.path());
    let exam = |step, against: &str, [wins, losses, forfeits]: [u64; 3]| {
        let tally = eval::arena::Tally { wins, losses, forfeits: [forfeits, 0], ..Default::default() };
        let (game, against, score) = ("leduc_poker".to_owned(), against.to_owned(), tally.score());
        Event::Exam { step, game, against, tally, score }
    };
    let lies_there = |step| Event::Published { step, path: folder.path().join("artifact") };
    record.event(&lies_there(0));
    for event in [
        exam(0, "random", [0, 10, 10]),
        exam(0, "tight", [2, 8, 6]),
        exam(50, "random", [8, 2, 0]),
        exam(50, "tight", [5, 5, 0]),
        lies_there(50),
        // The mean of the weights has the same number of steps, and is not handed over.
        exam(50, "random", [0, 10, 1]),
        exam(50, "tight", [0, 10, 0]),
        Event::ShellExam { step: 50, score: 0.75 },
    ] {
        record.event(&event);
    }
    let result = RunReport::read(folder.path()).expect("a report").result;
    record.finish(RunStatus::Done, "", 0).expect("finished");
    let leduc = &result.environments["leduc_poker"];
    assert_eq!((leduc.before, leduc.after), (0.1, 0.65));
    let exams: Vec<(u64, f64, u64, u64)> =
        leduc.exams.iter().map(|exam| (exam.step, exam.score, exam.games, exam.forfeited)).collect();
    assert_eq!(exams[..2], [(0, 0.1, 20, 16), (50, 0.65, 20, 0)]);
    let page = fs::read_to_string(folder.path().join(PAGE_FILE)).expect("a page");
    assert!(
        ["leduc_poker", "0.100", "0.650", "exam/leduc_poker/random"].iter().all(|part| page.contains(part))
    );
}
