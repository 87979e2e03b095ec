//! What became of the rows of a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why a row is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its text is no JSON.
    NotJson,
    /// It is JSON, and no object.
    NotAnObject,
    /// It is so large that it is not even parsed.
    Giant,
    /// It lacks a column that the task needs.
    MissingColumn,
    /// A column holds a list or an object where text is needed.
    NotText,
    /// It asks nothing.
    EmptyPrompt,
    /// It answers nothing.
    EmptyOutput,
    /// A conversation of fewer than two usable messages.
    TooFewMessages,
    /// The chat template refuses it.
    TemplateRefused,
    /// It has no token that could be learnt.
    NothingTrained,
    /// More tokens than the evaluator scores.
    TooLong,
    /// Fewer than two tokens.
    TooShort,
}

/// What was read, kept and left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Records of the file, good or bad.
    pub read: usize,
    /// Rows that came of them.
    pub kept: usize,
    /// Records in which a number or truth value was taken as text.
    pub coerced: usize,
    /// Records with a prompt nearly equal to one before.
    pub near_duplicates: usize,
    /// Conversations whose earlier turns the chat template writes otherwise once later ones follow.
    pub rewritten: usize,
    /// Records left out, by reason.
    pub left_out: BTreeMap<Reason, usize>,
    /// Names of the columns.
    pub columns: Vec<String>,
}

impl Counts {
    /// How many were left out for `reason`.
    pub fn of(&self, reason: Reason) -> usize {
        self.left_out.get(&reason).copied().unwrap_or(0)
    }

    pub(super) fn leave_out(&mut self, reason: Reason) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    /// `3 not_json, 1 too_long`.
    pub fn reasons(&self) -> String {
        let one = |(reason, n): (&Reason, &usize)| {
            let name = serde_json::to_value(reason).ok();
            format!("{n} {}", name.as_ref().and_then(serde_json::Value::as_str).unwrap_or("other"))
        };
        self.left_out.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}
