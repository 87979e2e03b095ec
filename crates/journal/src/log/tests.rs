//! What is appended is read back, whatever the moment of the kill.

use std::fs;

use serde::{Deserialize, Serialize};

use super::{Journal, read};
use crate::Error;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Start { seed: u64 },
    Step { step: u64, note: String },
}

fn events() -> Vec<Event> {
    let steps = (0..3).map(|step| Event::Step { step, note: "line\nbreak ♥".to_owned() });
    std::iter::once(Event::Start { seed: 7 }).chain(steps).collect()
}

fn written() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(folder.path().join("run/journal.jsonl")).unwrap();
    for event in events() {
        journal.append(&event).unwrap();
    }
    (folder, journal)
}

#[test]
fn events_come_back_in_order_while_the_journal_is_open() {
    let (_folder, mut journal) = written();
    assert_eq!(read::<Event>(journal.path()).unwrap(), events());
    journal.append(&Event::Start { seed: 8 }).unwrap();
    assert_eq!(read::<Event>(journal.path()).unwrap().len(), 5);
}

#[test]
fn a_journal_cut_at_any_byte_gives_its_whole_lines() {
    let (folder, journal) = written();
    let bytes = fs::read(journal.path()).unwrap();
    let cut = folder.path().join("cut.jsonl");
    for length in 0..=bytes.len() {
        fs::write(&cut, &bytes[..length]).unwrap();
        let whole = bytes[..length].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(read::<Event>(&cut).unwrap(), events()[..whole], "{length} bytes");
    }
}

#[test]
fn a_damaged_line_in_the_middle_is_named() {
    let (_folder, journal) = written();
    let text = fs::read_to_string(journal.path()).unwrap().replacen("\"step\":1", "\"step\":x", 1);
    fs::write(journal.path(), text).unwrap();
    let error = read::<Event>(journal.path()).unwrap_err();
    assert!(matches!(error, Error::Damaged { line: 3, .. }), "{error}");
}

#[test]
fn an_existing_journal_is_never_overwritten() {
    let (_folder, journal) = written();
    let error = Journal::create(journal.path()).unwrap_err();
    assert!(matches!(error, Error::File { verb: "create", .. }), "{error}");
    assert_eq!(read::<Event>(journal.path()).unwrap(), events());
}

#[test]
fn a_missing_journal_is_named() {
    let error = read::<Event>("/nowhere/journal.jsonl").unwrap_err();
    assert!(error.to_string().starts_with("cannot read journal `/nowhere/journal.jsonl`"), "{error}");
}
