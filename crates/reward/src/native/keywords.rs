//! Counts of fixed lists of words.

use serde::Deserialize;

use super::words::{self, Text, View};

/// One list and how it is counted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Term {
    how: How,
    text: Text,
    words: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    /// Listed words that occur in the text.
    Present,
    /// Occurrences of listed words in the text, not overlapping.
    Occurrences,
    /// Words of the text that are listed.
    Words,
}

impl Term {
    /// The count in a completion, or `None` if only Python can tell.
    pub(super) fn count(&self, completion: &View) -> Option<usize> {
        let text = self.text.of(completion)?.text;
        Some(match self.how {
            How::Present => self.words.iter().filter(|word| text.contains(word.as_str())).count(),
            How::Occurrences => self.words.iter().map(|word| text.matches(word.as_str()).count()).sum(),
            How::Words => words::split(&text).filter(|word| self.words.iter().any(|one| one == word)).count(),
        })
    }
}
