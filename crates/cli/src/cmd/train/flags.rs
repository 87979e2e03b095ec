//! The tournament's flags, read leniently: unknown ones are tolerated, `--flag value` and `--flag=value` are the same.

use std::collections::BTreeMap;

/// What was given, by flag name without the dashes. A flag without a value is `true`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// Not empty; most flags count only the last time.
    given: BTreeMap<String, Vec<String>>,
}

/// Flags that take no value.
const SWITCHES: [&str; 5] = ["container", "dry-run", "explain", "json", "help"];

impl Flags {
    pub(super) fn parse(words: &[String]) -> Self {
        let mut flags = Self::default();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else { continue };
            let (name, value) = if let Some((name, value)) = name.split_once('=') {
                (name, value.to_owned())
            } else if SWITCHES.contains(&name) {
                (name, "true".to_owned())
            } else if let Some(value) = words.next_if(|next| !next.starts_with("--")) {
                (name, value.clone())
            } else {
                (name, "true".to_owned())
            };
            flags.given.entry(name.to_owned()).or_default().push(value);
        }
        flags
    }

    /// The last value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    /// Every value, in order.
    pub(super) fn all(&self, name: &str) -> &[String] {
        self.given.get(name).map_or(&[], Vec::as_slice)
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
