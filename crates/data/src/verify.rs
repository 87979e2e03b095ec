//! `croupier verify rows`: whole data files through the loaders, against the tokens and masks of a reference.
//!
//! A folder holds a tokenizer, data files, and `rows.json` with the cases: task type, card, file, the model's positions, and
//! what the reference makes of the file, as `scripts/golden/text_rows.py` writes it.

use std::path::Path;

use schema::{DatasetType, TaskType, VerifyReport};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Encoded, Error, SequenceLimit, Source, Tokenizer, files, load_chat, load_dpo, load_grpo, load_instruct,
};

/// TRL's length where a model names none.
const DPO_MAX_LENGTH: usize = 8192;

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    task_type: TaskType,
    dataset_type: Value,
    file: String,
    max_positions: Option<usize>,
    /// Limit that the reference came to; absent where there is none.
    sequence_len: Option<usize>,
    rows: Vec<RowFields>,
}

/// A row in the reference's form.
type RowFields = Map<String, Value>;
/// Rows, and the limit they were kept under.
type Found = (Vec<RowFields>, Option<usize>);

/// A sequence as the reference writes it: runs of learnt tokens by first and last-but-one index.
#[derive(Debug, Deserialize, PartialEq)]
struct Sequence {
    ids: Vec<u32>,
    spans: Vec<(usize, usize)>,
}

impl Sequence {
    fn of(encoded: &Encoded) -> Self {
        let spans = encoded.loss_spans().into_iter().map(|span| (span.start, span.end)).collect();
        Self { ids: encoded.token_ids().to_vec(), spans }
    }
}

/// Compares every case of `folder`; each row of the reference counts as a case.
///
/// # Errors
/// If the folder cannot be read. A data set that is refused is a difference like any other.
pub fn verify_rows(folder: &Path) -> Result<VerifyReport, Error> {
    let path = folder.join("rows.json");
    let invalid = |reason: String| Error::Invalid { path: path.clone(), reason };
    let cases: Cases =
        serde_json::from_slice(&files::read(&path)?).map_err(|error| invalid(error.to_string()))?;
    let tokenizer = Tokenizer::from_dir(folder)?;
    let mut report = VerifyReport::new(0.0);
    for case in &cases.cases {
        let card = DatasetType::parse(case.task_type, &case.dataset_type.to_string())
            .map_err(|error| invalid(error.to_string()))?;
        report.cases += case.rows.len().max(1) as u64;
        match found(folder, case, &card, &tokenizer) {
            Ok((rows, sequence_len)) => compare(&mut report, case, &rows, sequence_len),
            // The reference may have nothing left of a file; then nothing may be left here either.
            Err(_) if case.rows.is_empty() => {}
            Err(error) => report.equal(&case.name, "rows", error.to_string().as_str(), "a data set"),
        }
    }
    Ok(report)
}

/// What the loaders make of a case's file, in the reference's form.
fn found(folder: &Path, case: &Case, card: &DatasetType, tokenizer: &Tokenizer) -> Result<Found, Error> {
    let file = folder.join(&case.file);
    let source = Source { file: &file, quarantine: None };
    let limit = SequenceLimit::of_model(case.max_positions, tokenizer.model_max_length());
    let sequences = |loaded: crate::Dataset<Encoded>| {
        let rows = loaded.rows.iter().map(|row| object([("sequence", sequence(row))]));
        (rows.collect(), loaded.sequence_len)
    };
    Ok(match card {
        DatasetType::Instruct(card) => sequences(load_instruct(source, card, tokenizer, limit)?),
        DatasetType::Chat(card) => sequences(load_chat(source, card, tokenizer, limit)?),
        DatasetType::Dpo(card) => {
            let loaded = load_dpo(source, card, tokenizer, case.max_positions.unwrap_or(DPO_MAX_LENGTH))?;
            let rows = loaded.rows.iter().map(|pair| {
                object([("chosen", sequence(&pair.chosen)), ("rejected", sequence(&pair.rejected))])
            });
            (rows.collect(), loaded.sequence_len)
        }
        DatasetType::Grpo(card) => {
            let loaded = load_grpo(source, card, tokenizer)?;
            let rows = loaded.rows.into_iter().map(|prompt| {
                let columns = Value::Object(prompt.columns);
                object([("text", prompt.text.into()), ("ids", prompt.token_ids.into()), ("columns", columns)])
            });
            (rows.collect(), loaded.sequence_len)
        }
        DatasetType::Env(_) => (Vec::new(), None),
    })
}

fn compare(report: &mut VerifyReport, case: &Case, found: &[RowFields], sequence_len: Option<usize>) {
    if case.sequence_len.is_some() {
        report.equal(&case.name, "sequence_len", &sequence_len, &case.sequence_len);
    }
    report.equal(&case.name, "number of rows", &found.len(), &case.rows.len());
    for (idx, (got, want)) in found.iter().zip(&case.rows).enumerate() {
        let name = format!("{}[{idx}]", case.name);
        for (field, want) in want {
            let got = got.get(field).unwrap_or(&Value::Null);
            // Ids and masks apart, so that a failure says which of them differs.
            match (Sequence::deserialize(got), Sequence::deserialize(want)) {
                (Ok(got), Ok(want)) => {
                    report.equal(&name, &format!("{field}.ids"), &got.ids, &want.ids);
                    report.equal(&name, &format!("{field}.spans"), &got.spans, &want.spans);
                }
                _ => report.equal(&name, field, got, want),
            }
        }
    }
}

fn sequence(encoded: &Encoded) -> Value {
    let Sequence { ids, spans } = Sequence::of(encoded);
    serde_json::json!({"ids": ids, "spans": spans})
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> RowFields {
    fields.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}
