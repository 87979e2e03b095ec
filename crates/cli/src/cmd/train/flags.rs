//! The tournament's flags, read leniently: unknown ones are tolerated, `--flag value` and `--flag=value` are the same.

use std::collections::BTreeMap;

/// What was given, by flag name without the dashes. A flag without a value is `true`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    given: BTreeMap<String, String>,
}

/// Flags that take no value.
const SWITCHES: [&str; 4] = ["container", "dry-run", "json", "help"];

impl Flags {
    pub(super) fn parse(words: &[String]) -> Self {
        let mut flags = Self::default();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else { continue };
            if let Some((name, value)) = name.split_once('=') {
                flags.given.insert(name.to_owned(), value.to_owned());
            } else if SWITCHES.contains(&name) {
                flags.given.insert(name.to_owned(), "true".to_owned());
            } else if let Some(value) = words.next_if(|next| !next.starts_with("--")) {
                flags.given.insert(name.to_owned(), value.clone());
            } else {
                flags.given.insert(name.to_owned(), "true".to_owned());
            }
        }
        flags
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// Names that nothing here reads.
    pub(super) fn unknown<'a>(&'a self, known: &'a [&str]) -> impl Iterator<Item = &'a str> {
        self.given.keys().map(String::as_str).filter(move |name| !known.contains(name))
    }
}

#[cfg(test)]
mod tests;
