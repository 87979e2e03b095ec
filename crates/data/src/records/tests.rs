use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;

use super::*;

/// A file with one column of strings.
fn write_parquet(path: &Path, values: &[&str]) {
    let schema = parse_message_type("message rows { required binary messages (UTF8); }").unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file =
        SerializedFileWriter::new(File::create(path).unwrap(), Arc::new(schema), properties).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<ByteArray> = values.iter().map(|value| ByteArray::from(*value)).collect();
    let ColumnWriter::ByteArrayColumnWriter(writer) = column.untyped() else { panic!("a column of strings") };
    writer.write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.close().unwrap();
}

#[test]
fn files_below_a_folder_are_read_in_order_of_their_names_whatever_their_kind() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("data")).unwrap();
    std::fs::write(at("a.json"), r#"[{"n": 1}, {"n": 2}]"#).unwrap();
    std::fs::write(at("b.jsonl"), "{\"n\": 3}\nno JSON\n{\"n\": 4}\n").unwrap();
    std::fs::write(at("c.json"), r#"{"n": 5}"#).unwrap();
    std::fs::write(at("README.md"), "not data").unwrap();
    write_parquet(&at("data/train.parquet"), &["x", "é"]);
    let all = read_records(dir.path(), usize::MAX).unwrap();
    let numbers: Vec<Value> = (1..=5).map(|n| json!({"n": n})).collect();
    assert_eq!(all[..5], numbers);
    assert_eq!(all[5..], [json!({"messages": "x"}), json!({"messages": "é"})]);
    assert_eq!(read_records(dir.path(), 3).unwrap(), numbers[..3]);
    assert_eq!(read_records(&at("b.jsonl"), 1).unwrap(), numbers[2..3]);
}

#[test]
fn a_damaged_parquet_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.parquet");
    std::fs::write(&path, b"PAR1 and nothing else").unwrap();
    let error = read_records(&path, 1).unwrap_err();
    assert!(error.to_string().contains("x.parquet"), "{error}");
}
