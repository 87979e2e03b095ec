//! Running out of memory, and what to do about it: the same step in smaller parts.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::{Error, Row, RowUnit};

/// What `work` gives, or what the device said when it ran out of memory. Other panics go on.
///
/// burn has no errors for this: an allocation that fails on a device panics where its result is read.
pub(super) fn unless_out_of_memory<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| match message(panic.as_ref()) {
        Some(text) if is_out_of_memory(text) => text.lines().next().unwrap_or_default().to_owned(),
        _ => resume_unwind(panic),
    })
}

fn message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied())
}

/// The words of cubecl's `IoError` and `LaunchError`, and of the driver.
fn is_out_of_memory(text: &str) -> bool {
    [
        "out of memory",
        "out-of-memory",
        "out of device memory",
        "OutOfMemory",
        "OUT_OF_MEMORY",
        "can't allocate buffer",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// Parts of at most `limit` tokens, each unit whole.
pub(super) fn divided(parts: &[Vec<Row>], limit: usize, unit: RowUnit) -> Vec<Vec<Row>> {
    parts.iter().flat_map(|part| divide(part, limit, unit)).map(<[Row]>::to_vec).collect()
}

fn divide(part: &[Row], limit: usize, unit: RowUnit) -> Vec<&[Row]> {
    let n_units = part.len() / unit.size();
    if n_units < 2 || n_tokens(part) <= limit {
        return vec![part];
    }
    let (left, right) = part.split_at(n_units / 2 * unit.size());
    [divide(left, limit, unit), divide(right, limit, unit)].concat()
}

/// Half of the largest part that can still be divided; the error says that none can.
pub(super) fn smaller(parts: &[Vec<Row>], unit: RowUnit, reason: String) -> Result<usize, Error> {
    let largest = parts.iter().max_by_key(|part| n_tokens(part)).expect("a step has parts");
    if largest.len() < 2 * unit.size() {
        return Err(Error::OutOfMemory { n_rows: largest.len(), n_tokens: n_tokens(largest), reason });
    }
    Ok(n_tokens(largest) / 2)
}

fn n_tokens(part: &[Row]) -> usize {
    part.iter().map(Row::n_tokens).sum()
}
