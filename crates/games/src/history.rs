//! The moves of a board game so far, kept in place so that copying a state does not allocate.

use std::fmt;

use crate::Action;

/// Up to `CAPACITY` actions with ids below 256. Prints as OpenSpiel's history string: `19, 18, 17`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct History<const CAPACITY: usize> {
    actions: [u8; CAPACITY],
    len: u8,
}

impl<const CAPACITY: usize> History<CAPACITY> {
    /// Nothing has been played.
    pub(crate) const EMPTY: Self = Self { actions: [0; CAPACITY], len: 0 };

    /// Appends.
    pub(crate) fn push(&mut self, action: Action) {
        self.actions[usize::from(self.len)] =
            u8::try_from(action).expect("board games have at most 256 actions");
        self.len += 1;
    }
}

impl<const CAPACITY: usize> fmt::Display for History<CAPACITY> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, action) in self.actions[..usize::from(self.len)].iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{action}")?;
        }
        Ok(())
    }
}
