//! The rows of a file while it is read, in the order of the file.

use std::collections::BTreeSet;
use std::path::Path;

use super::quarantine::Quarantine;
use super::records::Record;
use super::{Counts, Dataset, Outcome, Refusal};
use crate::Error;
use crate::split::{self, Fingerprint};

/// Column names that are remembered for the message about a missing one.
const MAX_COLUMN_NAMES: usize = 64;

/// Rows so far, and what the split will need to know about them.
pub(super) struct Gathered<'a, T> {
    items: Vec<T>,
    lengths: Vec<usize>,
    fingerprints: Vec<Fingerprint>,
    columns: BTreeSet<String>,
    counts: Counts,
    quarantine: Quarantine<'a>,
    /// Records that gave rows: one may give several.
    n_used: usize,
}

impl<'a, T> Gathered<'a, T> {
    pub(super) fn new(quarantine: Option<&'a Path>) -> Self {
        Self {
            items: Vec::new(),
            lengths: Vec::new(),
            fingerprints: Vec::new(),
            columns: BTreeSet::new(),
            counts: Counts::default(),
            quarantine: Quarantine::new(quarantine),
            n_used: 0,
        }
    }

    /// Takes what a record has become.
    pub(super) fn take(&mut self, record: &Record, outcome: Outcome<T>) -> Result<(), Error> {
        self.counts.read += 1;
        self.counts.coerced += usize::from(outcome.coerced);
        self.counts.rewritten += usize::from(outcome.rewritten);
        if self.columns.len() < MAX_COLUMN_NAMES {
            self.columns.extend(outcome.columns);
        }
        match outcome.rows {
            Ok(rows) => {
                self.n_used += 1;
                for row in rows {
                    self.items.push(row.item);
                    self.lengths.push(row.n_tokens);
                    self.fingerprints.push(row.fingerprint);
                }
            }
            Err(Refusal::Row(reason, detail)) => {
                self.counts.leave_out(reason);
                self.quarantine.add(record, reason, detail);
            }
            Err(Refusal::Dataset(error)) => return Err(error),
        }
        Ok(())
    }

    /// Writes the quarantine file and finds near-equal prompts.
    pub(super) fn finish(mut self) -> Result<Dataset<T>, Error> {
        self.quarantine.write()?;
        let groups = split::groups(&self.fingerprints);
        let n_groups = groups.iter().collect::<BTreeSet<_>>().len();
        self.counts.kept = self.items.len();
        self.counts.near_duplicates = self.n_used.saturating_sub(n_groups);
        self.counts.columns = self.columns.into_iter().collect();
        let keys = split::keys(&self.lengths, &groups, &self.fingerprints);
        Ok(Dataset { rows: self.items, counts: self.counts, sequence_len: None, keys })
    }
}
