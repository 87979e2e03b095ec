//! The columns of one row as text, forgiving about how they are written.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Reason, Refusal};

/// One row while it is read, and what was noticed about it.
pub(crate) struct Cells<'a> {
    row: &'a Map<String, Value>,
    /// A number or truth value was taken as text.
    pub(super) coerced: bool,
    /// A chat template wrote an earlier turn otherwise once later ones followed.
    pub(crate) rewritten: bool,
}

impl<'a> Cells<'a> {
    pub(super) fn new(row: &'a Map<String, Value>) -> Self {
        Self { row, coerced: false, rewritten: false }
    }

    /// The row as it is.
    pub(crate) fn row(&self) -> &'a Map<String, Value> {
        self.row
    }

    /// The value of a column, if the row has it.
    pub(crate) fn value(&self, column: &str) -> Option<&'a Value> {
        self.row.get(column)
    }

    /// The text of a column; `null` is empty, numbers and truth values are written as Python writes them.
    pub(crate) fn text(&mut self, column: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        let text = match self.row.get(column) {
            None => return Ok(None),
            Some(Value::String(text)) => return Ok(Some(Cow::Borrowed(text))),
            Some(Value::Null) => return Ok(Some(Cow::Borrowed(""))),
            Some(Value::Bool(true)) => "True".to_owned(),
            Some(Value::Bool(false)) => "False".to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Array(_) | Value::Object(_)) => {
                return Err(Refusal::Row(Reason::NotText, format!("column `{column}`")));
            }
        };
        self.coerced = true;
        Ok(Some(Cow::Owned(text)))
    }

    /// The text of a column that every row needs.
    pub(crate) fn required(&mut self, column: &str) -> Result<Cow<'a, str>, Refusal> {
        let missing = || Refusal::Row(Reason::MissingColumn, format!("column `{column}`"));
        self.text(column)?.ok_or_else(missing)
    }
}
