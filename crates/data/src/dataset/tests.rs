//! Files as people and tournaments write them, and what is said about those that cannot be used.

use std::fs;

use expect_test::{Expect, expect};
use serde_json::Value;

use super::{Cells, Counts, Dataset, Reason, Refusal, Row, Source, load};
use crate::split::Fingerprint;

/// Rows with a column `text`, which must not be `bad`.
fn texts(cells: &mut Cells<'_>) -> Result<Vec<Row<String>>, Refusal> {
    let text = cells.required("text")?;
    if text == "bad" {
        return Err(Reason::TooLong.into());
    }
    Ok(vec![Row { n_tokens: text.len(), fingerprint: Fingerprint::of(&text), item: text.into_owned() }])
}

fn read(content: impl AsRef<[u8]>) -> Dataset<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.json");
    fs::write(&file, content).unwrap();
    load(Source { file: &file, quarantine: None }, texts).unwrap()
}

fn check(content: &str, rows: &[&str], left_out: &[(Reason, usize)]) {
    let loaded = read(content);
    assert_eq!(loaded.rows, rows, "{content}");
    assert_eq!(loaded.counts.left_out.into_iter().collect::<Vec<_>>(), left_out, "{content}");
}

#[test]
fn the_layout_is_told_by_the_content() {
    check(r#"[{"text":"a"},{"text":"b"}]"#, &["a", "b"], &[]);
    check("{\"text\":\"a\"}\n\n{\"text\":\"b\"}", &["a", "b"], &[]);
    check("\u{FEFF} \n [\n  {\n    \"text\": \"a, ] b\\\"\"\n  }\n]\nignored", &["a, ] b\""], &[]);
    check(r#"[{"text":"a","list":[1,{"x":"}"}]},{"text":"b"},]"#, &["a", "b"], &[]);
    check("", &[], &[]);
    check("[]", &[], &[]);
}

#[test]
fn a_broken_record_costs_only_itself() {
    let not_json = [(Reason::NotJson, 1)];
    check(r#"[{"text":"a"},{"text":oops},{"text":"b"}]"#, &["a", "b"], &not_json);
    check("{\"text\":\"a\"}\n{\"text\":\"half\n{\"text\":\"b\"}\n", &["a", "b"], &not_json);
    check(r#"[{"text":"a"},{"text":"cut off"#, &["a"], &not_json);
    check(r#"[{"text":"a"},5,"x",null]"#, &["a"], &[(Reason::NotAnObject, 3)]);
}

#[test]
fn values_that_are_no_strings_are_taken_as_python_writes_them_or_left_out() {
    let loaded = read(r#"[{"text":7},{"text":2.5},{"text":true},{"text":null},{"text":["a"]},{"other":1}]"#);
    assert_eq!(loaded.rows, ["7", "2.5", "True", ""]);
    assert_eq!(loaded.counts.coerced, 3);
    assert_eq!(loaded.counts.of(Reason::NotText), 1);
    assert_eq!(loaded.counts.of(Reason::MissingColumn), 1);
    assert_eq!(loaded.counts.columns, ["other", "text"]);
}

#[test]
fn a_giant_record_is_passed_over_and_the_next_is_found() {
    let giant = "x".repeat(9 << 20);
    let loaded = read(format!(r#"[{{"text":"a"}},{{"text":"{giant}"}},{{"text":"b"}}]"#));
    assert_eq!(loaded.rows, ["a", "b"]);
    assert_eq!(loaded.counts.of(Reason::Giant), 1);
    let loaded = read(format!("{{\"text\":\"{giant}\"}}\n{{\"text\":\"b\"}}"));
    assert_eq!((loaded.rows.len(), loaded.counts.of(Reason::Giant)), (1, 1));
}

#[test]
fn the_order_is_the_files_and_near_copies_are_counted() {
    let n = 1500;
    let lines = (0..n).map(|idx| format!("{{\"text\":\"row {}\"}}\n", idx / 2)).collect::<String>();
    let loaded = read(lines);
    assert!(loaded.rows.iter().enumerate().all(|(idx, text)| *text == format!("row {}", idx / 2)));
    let Counts { read, kept, near_duplicates, .. } = loaded.counts;
    assert_eq!((read, kept, near_duplicates), (n, n, n / 2));
}

#[test]
fn the_quarantine_file_says_which_row_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let (file, quarantine) = (folder.path().join("rows.json"), folder.path().join("left_out.jsonl"));
    fs::write(&file, r#"[{"text":"a"}, {"text":"bad"}, {"text":{}}, {nonsense}]"#).unwrap();
    load(Source { file: &file, quarantine: Some(&quarantine) }, texts).unwrap();
    let text = fs::read_to_string(&quarantine).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<String> =
        lines.iter().map(|line| format!("{} {} {}", line["row"], line["reason"], line["text"])).collect();
    expect![[r#"
        1 "too_long" "{\"text\":\"bad\"}"
        2 "not_text" "{\"text\":{}}"
        3 "not_json" "{nonsense}""#]]
    .assert_eq(&told.join("\n"));
    assert_eq!(lines[1]["detail"], "column `text`");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file stays");
}

fn check_unusable(content: &str, sequence_len: Option<usize>, expected: Expect) {
    let mut loaded = read(content);
    loaded.sequence_len = sequence_len;
    let error = loaded.checked("rows.json".as_ref(), &["text"]).unwrap_err();
    expected.assert_eq(&format!("{error}\nhint: {}", error.hint().unwrap_or_default()));
}

#[test]
fn a_file_without_a_usable_row_says_what_is_wrong() {
    check_unusable(
        "[ ]",
        None,
        expect![[r#"
            `rows.json` holds no rows
            hint: a JSON array of objects, or one object per line (JSON Lines)"#]],
    );
    check_unusable(
        r#"[{"Txt":"a"},{"id":1}]"#,
        None,
        expect![[r#"
            no row of `rows.json` has a column `text`: the columns are `Txt`, `id`
            hint: did you mean `Txt`? name the columns in --dataset-type"#]],
    );
    check_unusable(
        "text,label\na,b\n",
        None,
        expect![[r#"
            `rows.json` is not usable: it is neither a JSON array of objects nor one JSON object per line
            hint: "#]],
    );
    check_unusable(
        r#"[{"text":"bad"},{"text":"bad"}]"#,
        Some(4096),
        expect![[r#"
            all 2 rows of `rows.json` are longer than 4096 tokens
            hint: the limit comes from max_position_embeddings in the model's config.json"#]],
    );
    check_unusable(
        r#"[{"text":"bad"},{"text":[]},{}]"#,
        None,
        expect![[r#"
            none of the 3 rows of `rows.json` is usable: 1 missing_column, 1 not_text, 1 too_long
            hint: the quarantine file shows the first rows and why"#]],
    );
}

#[test]
fn a_missing_file_is_named() {
    let source = Source { file: "/nowhere/rows.json".as_ref(), quarantine: None };
    let error = load(source, texts).unwrap_err();
    assert!(error.to_string().starts_with("cannot read `/nowhere/rows.json`"), "{error}");
}
