//! Games by name: OpenSpiel's `name(key=value,…)`.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::{Error, Game, gin_rummy::GinRummy, kuhn::KuhnPoker, leduc::LeducPoker, liars_dice::LiarsDice};

/// Short names of the games that [`load_game`] knows.
pub const GAME_NAMES: [&str; 4] = [GinRummy::NAME, KuhnPoker::NAME, LeducPoker::NAME, LiarsDice::NAME];

/// The game that `spec` names, e.g. `gin_rummy(hand_size=7,knock_card=10)`.
///
/// Absent parameters take OpenSpiel 2.0.2's defaults; parameters may come in any order.
///
/// # Errors
/// [`Error`] names the known games, parameters or values where `spec` has others.
pub fn load_game(spec: &str) -> Result<Arc<dyn Game>, Error> {
    let (name, parameters) = split(spec)?;
    match name {
        GinRummy::NAME => {
            Ok(Arc::new(GinRummy::from_parameters(Parameters::new(GinRummy::NAME, parameters))?))
        }
        KuhnPoker::NAME => {
            Ok(Arc::new(KuhnPoker::from_parameters(Parameters::new(KuhnPoker::NAME, parameters))?))
        }
        LeducPoker::NAME => {
            Ok(Arc::new(LeducPoker::from_parameters(Parameters::new(LeducPoker::NAME, parameters))?))
        }
        LiarsDice::NAME => {
            Ok(Arc::new(LiarsDice::from_parameters(Parameters::new(LiarsDice::NAME, parameters))?))
        }
        _ => Err(Error::UnknownGame { name: name.to_owned(), known: GAME_NAMES.join(", ") }),
    }
}

/// Keys and values, as written.
type Pairs<'a> = Vec<(&'a str, &'a str)>;

fn split(spec: &str) -> Result<(&str, Pairs<'_>), Error> {
    let malformed = || Error::Malformed { spec: spec.to_owned() };
    let Some((name, rest)) = spec.trim().split_once('(') else {
        return Ok((spec.trim(), Vec::new()));
    };
    let inner = rest.strip_suffix(')').ok_or_else(malformed)?;
    let mut parameters = Vec::new();
    for part in inner.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(malformed)?;
        parameters.push((key.trim(), value.trim()));
    }
    Ok((name.trim(), parameters))
}

/// What stood between the parentheses; each game takes its own and then asks that nothing is left.
pub(crate) struct Parameters<'a> {
    game: &'static str,
    left: Pairs<'a>,
    known: Vec<&'static str>,
}

impl<'a> Parameters<'a> {
    fn new(game: &'static str, left: Pairs<'a>) -> Self {
        Self { game, left, known: Vec::new() }
    }

    /// The integer `name`, which must lie in `range`.
    pub(crate) fn int(
        &mut self,
        name: &'static str,
        default: i32,
        range: RangeInclusive<i32>,
    ) -> Result<i32, Error> {
        let Some(text) = self.take(name) else {
            return Ok(default);
        };
        match text.parse() {
            Ok(value) if range.contains(&value) => Ok(value),
            _ if range.start() == range.end() => Err(self.bad(name, text, range.start())),
            _ => Err(self.bad(name, text, format!("an integer from {} to {}", range.start(), range.end()))),
        }
    }

    /// The flag `name`, written as Python or C++ writes it.
    pub(crate) fn flag(&mut self, name: &'static str, default: bool) -> Result<bool, Error> {
        match self.take(name) {
            None => Ok(default),
            Some("True" | "true") => Ok(true),
            Some("False" | "false") => Ok(false),
            Some(text) => Err(self.bad(name, text, "True or False")),
        }
    }

    /// The word `name`, of which only the default is supported.
    pub(crate) fn only(&mut self, name: &'static str, value: &'static str) -> Result<(), Error> {
        match self.take(name) {
            Some(text) if text != value => Err(self.bad(name, text, value)),
            _ => Ok(()),
        }
    }

    /// Fails if a parameter is left that the game has not asked for.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.left.first() {
            None => Ok(()),
            Some((parameter, _)) => Err(Error::UnknownParameter {
                game: self.game,
                parameter: (*parameter).to_owned(),
                known: self.known.join(", "),
            }),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<&'a str> {
        self.known.push(name);
        let found = self.left.iter().rposition(|(key, _)| *key == name)?;
        let value = self.left[found].1;
        self.left.retain(|(key, _)| *key != name);
        Some(value)
    }

    fn bad(&self, parameter: &'static str, value: &str, expected: impl Display) -> Error {
        Error::BadValue {
            game: self.game,
            parameter,
            value: value.to_owned(),
            expected: expected.to_string(),
        }
    }
}
