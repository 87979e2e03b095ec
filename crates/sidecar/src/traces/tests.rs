//! The committed sample and the reference traces pass; any alteration fails without a panic.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::verify_traces_file;

#[test]
fn the_committed_sample_passes() {
    let table = [
        ("clobber_r5c6.jsonl.gz", 125),
        ("gin_rummy_h7k10.jsonl.gz", 467),
        ("gin_utils_cases.jsonl.gz", 201),
        ("goofspiel_at_once_n8.jsonl.gz", 134),
        ("goofspiel_n5.jsonl.gz", 196),
        ("kuhn_poker_exhaustive.json", 42),
        ("leduc_poker.jsonl.gz", 171),
        ("liars_dice_n5.jsonl.gz", 370),
        ("othello.jsonl.gz", 247),
    ];
    for (name, cases) in table {
        let report = verify_traces_file(&sample(name)).unwrap().expect("a kind of trace file");
        assert_eq!((report.cases, report.failed), (cases, 0), "{name}: {:?}", report.failures.first());
    }
}

#[test]
fn every_reference_trace_passes() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("CROUPIER_SHARED").map_or(workspace.join("../shared"), PathBuf::from);
    let Ok(folder) = fs::read_dir(shared.join("data/traces")) else {
        eprintln!("skipped: no reference data");
        return;
    };
    let (mut files, mut cases) = (0, 0);
    for path in folder.map(|entry| entry.unwrap().path()) {
        if let Some(report) = verify_traces_file(&path).unwrap() {
            assert_eq!(report.failed, 0, "{}: {:?}", path.display(), report.failures.first());
            files += 1;
            cases += report.cases;
        }
    }
    assert_eq!((files, cases), (18, 167_191));
}

#[test]
fn files_of_other_kinds_are_left_to_others() {
    for text in ["# Notes\n", "{\"task\":1}\n", "", "[1,2]\n", "{\"actions\":[]}\n"] {
        assert!(verify_text(text).is_none(), "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("binary");
    fs::write(&path, [0xff, 0xfe, 0x00, b'\n']).unwrap();
    assert!(verify_traces_file(&path).unwrap().is_none());
    assert!(verify_traces_file(&folder.path().join("absent")).is_err());
}

#[test]
fn an_altered_game_fails() {
    type Alter = fn(&mut Value);
    let alterations: [(&str, Alter); 12] = [
        ("a legal id", |game| game["states"][3]["legal"][0] = json!(2)),
        ("a missing legal id", |game| game["states"][3]["legal"] = json!([])),
        ("a character of the own view", |game| {
            replace_first(&mut game["states"][3]["info"], "Private", "private")
        }),
        ("a character of the other's view", |game| {
            replace_first(&mut game["states"][3]["info_other"], "Pot", "Put")
        }),
        ("a character of the state", |game| replace_first(&mut game["states"][3]["state"], "Money", "Honey")),
        ("a character of the observation", |game| {
            replace_first(&mut game["states"][3]["obs"], "Ante", "Anti")
        }),
        ("an action's name", |game| game["states"][3]["action_strings"][0] = json!("Check")),
        ("the player", |game| game["states"][3]["p"] = json!(0)),
        ("the number of outcomes", |game| game["states"][0]["n"] = json!(5)),
        ("a return", |game| game["returns"][0] = json!(0.5)),
        ("a character of the end", |game| replace_first(&mut game["terminal"]["info1"], "Pot", "Pat")),
        ("where a state is", |game| game["states"][3]["t"] = json!(100)),
    ];
    for (what, alter) in alterations {
        assert_eq!(failures(&altered("leduc_poker.jsonl.gz", alter)), 1, "{what}");
    }
}

#[test]
fn a_game_that_cannot_be_replayed_fails_and_does_not_panic() {
    type Alter = fn(&mut Value);
    let alterations: [(&str, Alter); 6] = [
        ("an illegal action", |game| game["actions"][2] = json!(0)),
        ("a card dealt twice", |game| game["actions"][1] = game["actions"][0].clone()),
        ("an action after the end", |game| game["actions"].as_array_mut().unwrap().push(json!(1))),
        ("a missing action", |game| drop(game["actions"].as_array_mut().unwrap().pop())),
        ("another actor", |game| game["actors"][2] = json!(1)),
        ("an unknown game", |game| game["game"] = json!("chess")),
    ];
    for (what, alter) in alterations {
        assert!(failures(&altered("leduc_poker.jsonl.gz", alter)) >= 1, "{what}");
    }
    for action in [0, 51, 54, 55, 56, 240, 241, 65_535] {
        let text = altered("gin_rummy_h7k10.jsonl.gz", |game| game["actions"][15] = json!(action));
        assert!(failures(&text) >= 1, "gin action {action}");
    }
    let text = text_of("leduc_poker.jsonl.gz");
    assert_eq!(failures(&format!("{text}not json\n")), 1);
}

#[test]
fn an_altered_hash_fails() {
    let text = text_of("gin_rummy_h7k10.jsonl.gz");
    for key in ["info_h", "state_h"] {
        let (before, after) =
            text.split_once(&format!("\"{key}\":\"")).expect("hashed games are in the sample");
        let digit = if after.starts_with('0') { "1" } else { "0" };
        assert_eq!(failures(&format!("{before}\"{key}\":\"{digit}{}", &after[1..])), 1, "{key}");
    }
}

#[test]
fn altered_gin_cases_fail() {
    type Alter = fn(&mut Value);
    let alterations: [(&str, Alter); 7] = [
        ("deadwood", |case| case["min_deadwood"] = json!(1)),
        ("melds of a knock", |case| case["legal_melds_knock"] = json!([3])),
        ("melds", |case| case["legal_melds_any"] = json!([184])),
        ("discards", |case| case["legal_discards"] = json!([51])),
        ("lay-offs", |case| case["layoffs"] = json!({"laid": [5], "chain": [[[], [2]]]})),
        ("an unknown meld", |case| case["layoffs"] = json!({"laid": [185], "chain": []})),
        ("a card twice", |case| case["hand"][0] = case["hand"][1].clone()),
    ];
    for (what, alter) in alterations {
        assert_eq!(failures(&altered("gin_utils_cases.jsonl.gz", alter)), 1, "{what}");
    }
    let text =
        text_of("gin_utils_cases.jsonl.gz").replace("[184,[47,48,49,50,51]]", "[184,[46,48,49,50,51]]");
    assert_eq!(failures(&text), 1, "the table of melds");
}

#[test]
fn altered_lists_fail() {
    type Alter = fn(&mut Value);
    let alterations: [(&str, Alter); 5] = [
        ("a return", |lists| lists["terminals"][3][1][0] = json!(7.0)),
        ("a missing terminal", |lists| drop(lists["terminals"].as_array_mut().unwrap().pop())),
        ("another history", |lists| lists["terminals"][0][0] = json!([0, 1, 2])),
        ("legal actions", |lists| lists["infosets"]["0"][1] = json!([0])),
        ("a further infoset", |lists| lists["infosets"]["3"] = json!([0, [0, 1]])),
    ];
    for (what, alter) in alterations {
        assert!(failures(&altered("kuhn_poker_exhaustive.json", alter)) >= 1, "{what}");
    }
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces").join(name)
}

fn text_of(name: &str) -> String {
    let bytes = fs::read(sample(name)).unwrap();
    let mut text = String::new();
    match name.strip_suffix(".gz") {
        Some(_) => GzDecoder::new(&bytes[..]).read_to_string(&mut text).map(drop).unwrap(),
        None => text = String::from_utf8(bytes).unwrap(),
    }
    text
}

/// A sample file whose first line is altered.
fn altered(name: &str, alter: impl Fn(&mut Value)) -> String {
    let text = text_of(name);
    let (first, rest) = text.split_once('\n').unwrap();
    let mut line: Value = serde_json::from_str(first).unwrap();
    alter(&mut line);
    format!("{line}\n{rest}")
}

fn replace_first(text: &mut Value, from: &str, to: &str) {
    let before = text.as_str().unwrap();
    assert!(before.contains(from));
    *text = json!(before.replacen(from, to, 1));
}

fn verify_text(text: &str) -> Option<schema::VerifyReport> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("altered.jsonl");
    fs::write(&path, text).unwrap();
    verify_traces_file(&path).unwrap()
}

fn failures(text: &str) -> u64 {
    verify_text(text).expect("still a trace file").failed
}
