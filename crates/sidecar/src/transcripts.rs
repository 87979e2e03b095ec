//! Recorded episodes of the original sidecar, played again on ours.
//!
//! Every reply is compared as JSON, except for the episode's id and the prose of the rules. Episodes against the
//! random opponent must be the same throughout. Where our MCTS moves differently, the episode is played once more with
//! the recorded moves, so that texts and rewards are compared all the same, and the share of equal moves is reported.

mod host;
mod rates;
mod record;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use schema::VerifyReport;
use serde_json::{Map, Value, json};

use self::host::Host;
use self::rates::MatchRates;
use self::record::Record;
use crate::Error;
use crate::actor::RecordedEpisode;

/// First bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Replays a file of transcripts; `None` if the file holds something else.
///
/// Starts a server on a free port and a runtime of its own for it; not to be called from async code.
///
/// # Errors
/// [`Error::Read`] if the file cannot be read, [`Error::Listen`] if there is no port.
pub fn verify_transcripts(path: &Path) -> Result<Option<VerifyReport>, Error> {
    let Some(lines) = read(path).map_err(|source| Error::Read { path: path.to_owned(), source })? else {
        return Ok(None);
    };
    let host = Host::start()?;
    let (mut report, mut rates) = (VerifyReport::new(0.0), MatchRates::default());
    for (index, line) in lines.iter().enumerate() {
        match line {
            Line::Episode(record) => {
                verify_episode(record, &format!("transcript {index}"), &host, &mut report, &mut rates)?
            }
            Line::ProtocolErrors(recorded) => verify_protocol_errors(recorded, &host, &mut report)?,
        }
    }
    rates.report(&mut report);
    Ok(Some(report))
}

fn verify_episode(
    record: &Record,
    case: &str,
    host: &Host,
    report: &mut VerifyReport,
    rates: &mut MatchRates,
) -> Result<(), Error> {
    report.cases += 1;
    let mut replies = record.replay(|method, kwargs| host.call(method, kwargs))?;
    let recorded_moves = match record.opponent_moves() {
        Ok(moves) => moves,
        Err(problem) => {
            report.fail(case, "history", problem, "a legal game".to_owned(), 1.0, 0.0);
            return Ok(());
        }
    };
    let mut episode = RecordedEpisode::new(&record.request, recorded_moves)?;
    let with_recorded_moves = record.replay(|method, kwargs| Ok(episode.call(method, kwargs)))?;
    if record.is_against_mcts() {
        rates.add(record, case, &episode);
        if replies != record.replies {
            replies = with_recorded_moves;
        }
    }
    for ((field, got), (_, want)) in replies.iter().zip(&record.replies) {
        compare(report, case, field, got, want);
    }
    report.equal(case, "history", episode.history(), record.history.as_slice());
    Ok(())
}

/// Calls without an episode, whose replies the last line of the file holds.
fn verify_protocol_errors(
    recorded: &Map<String, Value>,
    host: &Host,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    let calls = [
        ("step_no_episode", "step", json!({ "action": "1" })),
        ("step_unknown", "step", json!({ "action": "1", "episode_id": "nope" })),
        ("state_no_episode", "state", json!({})),
        ("state_unknown", "state", json!({ "episode_id": "nope" })),
        ("stop_none", "stop", json!({})),
    ];
    report.cases += 1;
    for (name, want) in recorded {
        match calls.iter().find(|(known, ..)| known == name) {
            Some((_, method, kwargs)) => {
                compare(report, "protocol_errors", name, &host.call(method, kwargs.clone())?, want)
            }
            None => report.skipped += 1,
        }
    }
    Ok(())
}

/// Compares leaf by leaf, so that a failure names the field that differs.
fn compare(report: &mut VerifyReport, case: &str, field: &str, got: &Value, want: &Value) {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            for (key, want) in want {
                compare(report, case, &format!("{field}.{key}"), got.get(key).unwrap_or(&Value::Null), want);
            }
            for key in got.keys().filter(|&key| !want.contains_key(key)) {
                report.equal(case, field, key.as_str(), "(no such field)");
            }
            for key in want.keys().filter(|&key| !got.contains_key(key)) {
                report.equal(case, field, "(no such field)", key.as_str());
            }
        }
        (Value::Number(got), Value::Number(want)) => report.equal(case, field, &got.as_f64(), &want.as_f64()),
        (Value::String(got), Value::String(want)) => report.equal(case, field, got, want),
        _ => report.equal(case, field, got, want),
    }
}

/// One line of the file.
enum Line {
    Episode(Box<Record>),
    ProtocolErrors(Map<String, Value>),
}

/// The lines of a file of transcripts, packed or not; `None` if the first line is none.
fn read(path: &Path) -> io::Result<Option<Vec<Line>>> {
    let mut file = BufReader::new(File::open(path)?);
    let is_gzip = file.fill_buf()?.starts_with(&GZIP);
    let text: Box<dyn Read> = if is_gzip { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let mut lines = Vec::new();
    for (index, text) in BufReader::new(text).lines().enumerate() {
        let line = text.as_deref().ok().and_then(|text| serde_json::from_str(text).ok()).and_then(line);
        match line {
            Some(line) => lines.push(line),
            None if index == 0 => return Ok(None),
            None => {
                text?;
                let message = format!("line {} is no transcript", index + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
    Ok((!lines.is_empty()).then_some(lines))
}

fn line(value: Value) -> Option<Line> {
    match value {
        Value::Object(mut fields) if fields.contains_key("protocol_errors") => {
            match fields.remove("protocol_errors") {
                Some(Value::Object(errors)) => Some(Line::ProtocolErrors(errors)),
                _ => None,
            }
        }
        other => Record::from_json(other).map(|record| Line::Episode(Box::new(record))),
    }
}

#[cfg(test)]
mod tests;
