//! What can go wrong between files and tokens.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

/// Errors of this crate, by what the caller can do about them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is missing or cannot be read or written.
    #[error("cannot {verb} `{path}`: {source}")]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is there and is not what it should be.
    #[error("`{path}` is not usable: {reason}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A model folder without a chat template was asked to render a chat.
    #[error("`{folder}` has no chat template")]
    NoChatTemplate {
        /// The model folder.
        folder: PathBuf,
    },
    /// The template refuses these messages, or is written for another engine.
    #[error("the chat template failed: {reason}")]
    ChatTemplate {
        /// The template's own words, if it raised an exception.
        reason: String,
    },
    /// A tokenizer that cannot be trained as asked.
    #[error("cannot train a tokenizer of {vocab_size} entries: {reason}")]
    Train {
        /// As asked.
        vocab_size: usize,
        /// Why.
        reason: String,
    },
    /// No row of a data set has the column.
    #[error("no row of `{path}` has a column `{column}`: the columns are {}", quoted(columns))]
    MissingColumn {
        /// The data set.
        path: PathBuf,
        /// As the card names it.
        column: String,
        /// Those that the rows have.
        columns: Vec<String>,
    },
    /// A data set without rows.
    #[error("`{path}` holds no rows")]
    EmptyDataset {
        /// The data set.
        path: PathBuf,
    },
    /// No row is short enough to be scored.
    #[error("all {n_rows} rows of `{path}` are longer than {sequence_len} tokens")]
    AllTooLong {
        /// The data set.
        path: PathBuf,
        /// How many it has.
        n_rows: usize,
        /// The longest that is allowed.
        sequence_len: usize,
    },
    /// Rows are there, and each has something that rules it out.
    #[error("none of the {n_rows} rows of `{path}` is usable: {reasons}")]
    NoUsableRows {
        /// The data set.
        path: PathBuf,
        /// How many it has.
        n_rows: usize,
        /// Counts by reason.
        reasons: String,
    },
    /// A prompt format that Python's `str.format` would not take, or not with these fields.
    #[error("the format `{format}` cannot be filled in: {reason}")]
    Format {
        /// As the card gives it.
        format: String,
        /// Why.
        reason: String,
    },
    /// A chat template that is neither built in nor Jinja.
    #[error("chat template `{name}` is not known")]
    UnknownTemplate {
        /// As the card gives it.
        name: String,
    },
}

impl Error {
    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::MissingColumn { column, columns, .. } => match nearest(column, columns) {
                Some(near) => format!("did you mean `{near}`? name the columns in --dataset-type"),
                None => "name the columns in --dataset-type".to_owned(),
            },
            Self::EmptyDataset { .. } => {
                "a JSON array of objects, or one object per line (JSON Lines)".to_owned()
            }
            Self::AllTooLong { .. } => {
                "the limit comes from max_position_embeddings in the model's config.json".to_owned()
            }
            Self::NoUsableRows { .. } => "the quarantine file shows the first rows and why".to_owned(),
            Self::Format { .. } => {
                "formats know {instruction} and {input}, system_format knows {system}; {{ and }} are braces"
                    .to_owned()
            }
            Self::UnknownTemplate { .. } => {
                "chatml, llama3, tokenizer_default, tokenizer_default_fallback_chatml, Jinja or a path to it"
                    .to_owned()
            }
            Self::NoChatTemplate { .. } => {
                "chat_template tokenizer_default_fallback_chatml takes ChatML where the model has none"
                    .to_owned()
            }
            Self::File { .. } | Self::Invalid { .. } | Self::ChatTemplate { .. } | Self::Train { .. } => {
                return None;
            }
        })
    }
}

fn quoted(columns: &[String]) -> String {
    if columns.is_empty() {
        return "none".to_owned();
    }
    columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ")
}

/// The column that is spelled most alike, if one is alike at all.
fn nearest<'a>(wanted: &str, columns: &'a [String]) -> Option<&'a String> {
    let wanted = wanted.to_lowercase();
    let distance = |column: &String| edit_distance(&wanted, &column.to_lowercase());
    let near = columns.iter().min_by_key(|column| distance(column))?;
    let lower = near.to_lowercase();
    let contains = !lower.is_empty() && (lower.contains(&wanted) || wanted.contains(&lower));
    (contains || distance(near) <= wanted.chars().count().div_ceil(2)).then_some(near)
}

/// Levenshtein's distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            let nearest = changed.min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], nearest);
        }
    }
    row[b.len()]
}
