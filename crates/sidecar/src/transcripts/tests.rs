use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use schema::VerifyReport;

use super::verify_transcripts;

/// Part of the reference file, committed without the prose of its rules.
const EXCERPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/transcripts.jsonl.gz");

fn verify(path: &Path) -> VerifyReport {
    verify_transcripts(path).unwrap().expect("a file of transcripts")
}

fn assert_passed(report: &VerifyReport) {
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert!(report.passed(), "{}\n{}", report.last_line("transcripts"), failures.join("\n"));
}

/// Report on the excerpt with one piece of text replaced.
fn verify_altered(from: &str, to: &str) -> VerifyReport {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(EXCERPT).unwrap()).read_to_string(&mut text).unwrap();
    assert!(text.contains(from), "{from}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.replacen(from, to, 1).as_bytes()).unwrap();
    verify(file.path())
}

#[test]
fn every_recorded_episode_goes_the_same_way_here() {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared =
        std::env::var_os("CROUPIER_SHARED").map_or_else(|| workspace.join("../shared"), PathBuf::from);
    let path = shared.join("data/traces/sidecar_transcripts.jsonl.gz");
    if !path.exists() {
        eprintln!("skipped: no reference data");
        return;
    }
    let report = verify(&path);
    assert_passed(&report);
    assert_eq!(report.cases, 157 + 4, "episodes, protocol errors, and a match rate per game and search");
    assert_eq!(report.notes.len(), 6, "{:?}", report.notes);
}

#[test]
fn the_committed_excerpt_goes_the_same_way_here() {
    let report = verify(Path::new(EXCERPT));
    assert_passed(&report);
    for note in &report.notes {
        assert!(note.contains("(100.0 %)") && note.ends_with("first difference: none"), "{note}");
    }
}

#[test]
fn an_altered_value_is_found_and_named() {
    for (from, to, field) in [
        (r#""reward":-0.01"#, r#""reward":-0.02"#, ".reward"),
        ("Your dice: [", "Your dice:  [", ".observation"),
        (r#""step_count":3"#, r#""step_count":4"#, ".info.step_count"),
        (r#""last_opponent_action":1"#, r#""last_opponent_action":2"#, ".info.last_opponent_action"),
        ("Final Returns: [1.0, -1.0]", "Final Returns: [1.0, -2.0]", ".observation"),
        (r#""type":"episode_done""#, r#""type":"episode_over""#, ".info.error.type"),
        (r#""stopped":true"#, r#""stopped":false"#, ".stopped"),
        (r#""error":{"type":"no_episode_id","#, r#""error":{"#, ".info.error"),
        (r#""history":[2,"#, r#""history":[3,"#, "history"),
    ] {
        let report = verify_altered(from, to);
        assert!(!report.passed() && report.failed <= 2, "{from}: {}", report.last_line("transcripts"));
        assert!(
            report.failures.iter().any(|failure| failure.field.ends_with(field)),
            "{from}: {:?}",
            report.failures
        );
    }
}

#[test]
fn another_kind_of_file_is_left_to_others() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{\"game\":\"kuhn_poker\",\"actions\":[]}\n").unwrap();
    assert_eq!(verify_transcripts(file.path()).unwrap(), None);
    assert!(
        verify_transcripts(Path::new("/no/such/file")).unwrap_err().to_string().contains("/no/such/file")
    );
}
