//! Whole data files against the tokens and labels of the reference (`scripts/golden/text_rows.py OUT --sample`; the full
//! set is made and compared by `.ci/run`).

use std::path::Path;
use std::{fs, io};

use data::verify_rows;
use serde_json::Value;

fn sample() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rows"))
}

/// A copy of the sample whose `rows.json` is altered.
fn altered(change: impl FnOnce(&mut Value)) -> io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for entry in fs::read_dir(sample())? {
        let entry = entry?;
        fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
    }
    let path = folder.path().join("rows.json");
    let mut cases = serde_json::from_slice(&fs::read(&path)?)?;
    change(&mut cases);
    fs::write(&path, cases.to_string())?;
    Ok(folder)
}

fn case<'a>(cases: &'a mut Value, name: &str) -> &'a mut Value {
    let cases = cases["cases"].as_array_mut().expect("`cases` is a list");
    cases.iter_mut().find(|case| case["name"] == name).expect("the sample has the case")
}

#[test]
fn rows_become_the_tokens_and_labels_of_the_evaluator() {
    let report = verify_rows(sample()).unwrap();
    assert_eq!((report.failed, &report.failures), (0, &Vec::new()));
    assert!(report.cases >= 50, "{} cases", report.cases);
}

#[test]
fn one_token_one_label_or_one_row_more_is_noticed() {
    let failures = |change: fn(&mut Value)| {
        let report = verify_rows(altered(change).unwrap().path()).unwrap();
        assert!(!report.passed());
        report
            .failures
            .iter()
            .map(|failure| format!("{} {}", failure.case, failure.field))
            .collect::<Vec<_>>()
    };
    let token = failures(|cases| case(cases, "instruct")["rows"][1]["sequence"]["ids"][0] = 7.into());
    assert_eq!(token, ["instruct[1] sequence.ids"]);
    let label = failures(|cases| case(cases, "chat-own")["rows"][0]["sequence"]["spans"][0][0] = 1.into());
    assert_eq!(label, ["chat-own[0] sequence.spans"]);
    let row = failures(|cases| case(cases, "dpo")["rows"].as_array_mut().unwrap().clear());
    assert_eq!(row, ["dpo number of rows"]);
    let column = failures(|cases| case(cases, "grpo")["rows"][0]["columns"]["extra_data"] = "".into());
    assert_eq!(column, ["grpo[0] columns"]);
    let limit = failures(|cases| case(cases, "instruct-short-context")["max_positions"] = 104.into());
    assert!(limit.contains(&"instruct-short-context sequence_len".to_owned()), "{limit:?}");
}
