//! Games by name: OpenSpiel's `name(key=value,…)`.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::clobber::Clobber;
use crate::gin_rummy::GinRummy;
use crate::goofspiel::{Form, Goofspiel};
use crate::kuhn::KuhnPoker;
use crate::leduc::LeducPoker;
use crate::liars_dice::LiarsDice;
use crate::othello::Othello;
use crate::{Error, Game};

/// Short names of the games that [`load_game`] knows; the last wraps goofspiel into turns.
pub const GAME_NAMES: [&str; 8] = [
    Clobber::NAME,
    GinRummy::NAME,
    Goofspiel::NAME,
    KuhnPoker::NAME,
    LeducPoker::NAME,
    LiarsDice::NAME,
    Othello::NAME,
    Goofspiel::IN_TURNS,
];

/// The game that `spec` names, e.g. `gin_rummy(hand_size=7,knock_card=10)`.
///
/// Absent parameters take OpenSpiel 2.0.2's defaults; parameters may come in any order.
///
/// # Errors
/// [`Error`] names the known games, parameters or values where `spec` has others.
pub fn load_game(spec: &str) -> Result<Arc<dyn Game>, Error> {
    let (name, parameters) = split(spec)?;
    let Some(name) = GAME_NAMES.into_iter().find(|known| *known == name) else {
        return Err(Error::UnknownGame { name: name.to_owned(), known: GAME_NAMES.join(", ") });
    };
    let mut parameters = Parameters::new(name, parameters);
    let game: Arc<dyn Game> = match name {
        Clobber::NAME => Arc::new(Clobber::from_parameters(parameters)?),
        GinRummy::NAME => Arc::new(GinRummy::from_parameters(parameters)?),
        Goofspiel::NAME => Arc::new(Goofspiel::from_parameters(parameters, Form::Simultaneous)?),
        KuhnPoker::NAME => Arc::new(KuhnPoker::from_parameters(parameters)?),
        LeducPoker::NAME => Arc::new(LeducPoker::from_parameters(parameters)?),
        LiarsDice::NAME => Arc::new(LiarsDice::from_parameters(parameters)?),
        Othello::NAME => Arc::new(Othello::from_parameters(parameters)?),
        _ => {
            let wrapped = parameters.wrapped(Goofspiel::NAME)?;
            parameters.finish()?;
            Arc::new(Goofspiel::from_parameters(wrapped, Form::Turns)?)
        }
    };
    Ok(game)
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
    for part in outer_parts(inner).map(str::trim).filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(malformed)?;
        parameters.push((key.trim(), value.trim()));
    }
    Ok((name.trim(), parameters))
}

/// Parts between commas; those within parentheses belong to a value.
fn outer_parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    })
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

    /// Parameters of the game that `game=…` names, which must be `only`.
    pub(crate) fn wrapped(&mut self, only: &'static str) -> Result<Self, Error> {
        let text = self.take("game").unwrap_or_default();
        match split(text)? {
            (name, inner) if name == only => Ok(Self::new(only, inner)),
            _ => Err(self.bad("game", text, format!("{only}(…)"))),
        }
    }

    /// Fails if a parameter is left that the game has not asked for.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.left.first() {
            None => Ok(()),
            Some((parameter, _)) => Err(Error::UnknownParameter {
                game: self.game,
                parameter: (*parameter).to_owned(),
                known: if self.known.is_empty() { "(none)".to_owned() } else { self.known.join(", ") },
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
