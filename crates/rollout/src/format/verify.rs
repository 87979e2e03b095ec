//! `croupier verify prompts`: our layout against requests of the evaluator's own modules, byte for byte.
//!
//! A golden file holds the tools of a turn, the system prompts of turns and reflections by game, and the shell
//! environment's. The prose is a pack's, or taken from the file itself: then what is compared is all that the code adds.

use std::path::Path;

use schema::{Memory, VerifyReport};
use serde_json::Value;

use super::{PromptPack, match_layout};
use crate::Error;

/// The report of a golden file, or `None` if the file is of another kind; `pack` is used instead of the file's own prose.
///
/// A case is a system prompt or a tool. Everything must be equal: the tolerance is 0.
///
/// # Errors
/// [`Error::Data`] if the file cannot be read.
pub fn verify_prompts_file(path: &Path, pack: Option<&PromptPack>) -> Result<Option<VerifyReport>, Error> {
    let first = data::read_records(path, 1).map_err(Error::Data)?;
    let golden = first.iter().find(|value| value["turn_system_prompt"].is_object());
    Ok(golden.map(|golden| verify(golden, pack)))
}

fn verify(golden: &Value, pack: Option<&PromptPack>) -> VerifyReport {
    let mut report = VerifyReport::new(0.0);
    let captured;
    let pack = match pack {
        Some(pack) => pack,
        None => match PromptPack::capture_value(golden) {
            Ok(pack) => {
                captured = pack;
                &captured
            }
            Err(error) => {
                report.cases = 1;
                report.equal("prose", "text", error.to_string().as_str(), "what can be taken from the file");
                return report;
            }
        },
    };
    let prose = &pack.match_play;
    for (kind, ending) in [("turn", &prose.guidance), ("reflection", &prose.reflection)] {
        let key = format!("{kind}_system_prompt");
        for (game, want) in golden[&key].as_object().into_iter().flatten() {
            let got = match_layout::system(pack, game, &Memory::default(), ending);
            compare(
                &mut report,
                &format!("{kind}/{game}"),
                &got.unwrap_or_else(|error| error.to_string()),
                want,
            );
        }
    }
    let legal = golden["legal_actions_used"].as_array().into_iter().flatten();
    let legal: Vec<u16> = legal.filter_map(|id| u16::try_from(id.as_u64()?).ok()).collect();
    let got = match_layout::turn_tools(&prose.tools, &legal);
    let want = golden["tools"].as_array().cloned().unwrap_or_default();
    report.equal("tools", "number", &got.len(), &want.len());
    for (got, want) in got.iter().zip(&want) {
        let name = format!("tools/{}", want["function"]["name"].as_str().unwrap_or("without a name"));
        // As text: templates show the keys in their order.
        compare(&mut report, &name, &got.to_string(), &Value::String(want.to_string()));
    }
    if let Some(want) = golden.get("intercode_system_prompt") {
        compare(&mut report, "intercode/system", &pack.intercode.system, want);
    }
    report
}

/// Compares a text; a difference is shown from where it begins.
fn compare(report: &mut VerifyReport, case: &str, got: &str, want: &Value) {
    report.cases += 1;
    let want = want.as_str().unwrap_or_default();
    let n_same = got.chars().zip(want.chars()).take_while(|(got, want)| got == want).count();
    let from = |text: &str| text.chars().skip(n_same.saturating_sub(10)).collect::<String>();
    if got != want {
        report.equal(case, &format!("text from character {n_same}"), from(got).as_str(), &from(want));
    }
}

#[cfg(test)]
mod tests;
