use std::path::PathBuf;

use super::verify_transcripts;

fn shared() -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared =
        std::env::var_os("CROUPIER_SHARED").map_or_else(|| workspace.join("../shared"), PathBuf::from);
    let path = shared.join("data/traces/sidecar_transcripts.jsonl.gz");
    path.exists().then_some(path)
}

#[test]
fn every_recorded_episode_goes_the_same_way_here() {
    let Some(path) = shared() else {
        eprintln!("skipped: no reference data");
        return;
    };
    let report = verify_transcripts(&path).unwrap().expect("a file of transcripts");
    for note in &report.notes {
        eprintln!("{note}");
    }
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert!(
        report.passed(),
        "{}\n{}",
        report.last_line("transcripts"),
        failures.join("\n")
    );
    assert_eq!(report.cases, 157 + 4);
}
