//! Native equivalents of the stock templates: what a worker recognised in a source, computed without Python.
//!
//! Equal to Python to the bit, or silent: where a completion holds characters about which the Unicode versions of
//! Python and of this program may differ, there is no native score and Python is asked.

mod ascii;
mod distinct;
mod keywords;
mod pattern;
mod words;

use std::time::{Duration, Instant};

use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use serde::Deserialize;
use serde_json::Value;

use ascii::{Block, blocks};
use keywords::Term;
use pattern::Pattern;
use words::{Text, View};

/// Completions that go through all functions together: their texts fit into a core's first cache.
const PART: usize = 16;

/// What one function makes of the completions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// `None` where only Python can tell.
    pub(crate) values: Vec<Option<f64>>,
    /// Time in the function, added over all threads.
    pub(crate) busy: Duration,
}

/// A column for each function, on all cores.
pub(crate) fn score(functions: &[&Native], completions: &[String]) -> Vec<Column> {
    let columns = |part: &[String]| {
        let views: Vec<View> = part.iter().map(|one| View::new(one)).collect();
        functions.iter().map(|one| one.column(&views)).collect::<Vec<_>>()
    };
    let parts: Vec<Vec<Column>> = completions.par_chunks(PART).map(columns).collect();
    let mut whole = vec![Column::default(); functions.len()];
    for part in parts {
        for (whole, part) in whole.iter_mut().zip(part) {
            whole.values.extend(part.values);
            whole.busy += part.busy;
        }
    }
    whole
}

/// A recognised function.
#[derive(Clone, Debug)]
pub(crate) struct Native {
    shape: Shape,
    number: Number,
    metric: Metric,
}

/// How a metric becomes a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    /// `-abs(number - metric)`
    Distance,
    /// `number * metric`
    Times,
}

/// A literal of the source. Python's integers have no negative zero.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Number {
    Int(i64),
    Float(f64),
}

#[derive(Clone, Debug)]
enum Metric {
    Chars(Text),
    Words(Text),
    Pieces(Text, Keep),
    UniqueRatio { text: Text, empty: f64 },
    Keywords(Vec<Term>),
    Pattern { text: Text, pattern: Box<Pattern>, hit: f64, miss: f64 },
}

/// Which pieces of `re.split('[.!?]+', text)` count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Keep {
    All,
    /// Those that are not empty.
    Filled,
    /// Those that are more than white space.
    Visible,
}

/// A metric as `recognise.py` describes it.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Description {
    Chars { text: Text },
    Words { text: Text },
    Pieces { text: Text, keep: Keep },
    UniqueRatio { text: Text, empty: Number },
    Keywords { terms: Vec<Term> },
    Pattern { text: Text, how: pattern::How, pattern: String, flags: String, hit: Number, miss: Number },
}

#[derive(Debug, Deserialize)]
struct Recognised {
    shape: Shape,
    number: Number,
    metric: Description,
}

impl Native {
    /// What a worker recognised, or `None` if this program has no equal of it.
    pub(crate) fn of_description(description: &Value) -> Option<Self> {
        let Recognised { shape, number, metric } = Recognised::deserialize(description).ok()?;
        let metric = match metric {
            Description::Chars { text } => Metric::Chars(text),
            Description::Words { text } => Metric::Words(text),
            Description::Pieces { text, keep } => Metric::Pieces(text, keep),
            Description::UniqueRatio { text, empty } => Metric::UniqueRatio { text, empty: empty.value() },
            Description::Keywords { terms } => Metric::Keywords(terms),
            Description::Pattern { text, how, pattern, flags, hit, miss } => {
                let pattern = Box::new(Pattern::translate(&pattern, &flags, how)?);
                Metric::Pattern { text, pattern, hit: hit.value(), miss: miss.value() }
            }
        };
        Some(Self { shape, number, metric })
    }

    fn column(&self, completions: &[View]) -> Column {
        let start = Instant::now();
        let values = completions.iter().map(|one| self.score(one)).collect();
        Column { values, busy: start.elapsed() }
    }

    /// The score of one completion, or `None` if only Python can tell.
    fn score(&self, completion: &View) -> Option<f64> {
        let metric = self.metric.of(completion)?;
        let score = match self.shape {
            Shape::Distance => -(self.number.value() - metric).abs(),
            Shape::Times => self.number.value() * metric,
        };
        let whole = matches!(self.number, Number::Int(_)) && score == 0.0;
        Some(if whole { 0.0 } else { score })
    }

    /// `word_count`, … for people.
    pub(crate) fn name(&self) -> &'static str {
        match (&self.metric, self.shape) {
            (Metric::Chars(_), Shape::Distance) => "char_count",
            (Metric::Chars(_), Shape::Times) => "completion_length",
            (Metric::Words(_), _) => "word_count",
            (Metric::Pieces(..), _) => "sentence_count",
            (Metric::UniqueRatio { .. }, _) => "unique_word_ratio",
            (Metric::Keywords(_), _) => "keyword_presence",
            (Metric::Pattern { .. }, _) => "regex_format",
        }
    }
}

impl Number {
    fn value(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl Metric {
    fn of(&self, completion: &View) -> Option<f64> {
        Some(match self {
            Self::Chars(text) => text.of(completion)?.text.chars().count() as f64,
            Self::Words(text) => words::n_words(&text.of(completion)?) as f64,
            Self::Pieces(text, keep) => n_pieces(&text.of(completion)?, *keep) as f64,
            Self::UniqueRatio { text, empty } => words::unique_ratio(&text.of(completion)?).unwrap_or(*empty),
            Self::Keywords(terms) => {
                let mut sum = 0;
                for term in terms {
                    sum += term.count(completion)?;
                }
                sum as f64
            }
            Self::Pattern { text, pattern, hit, miss } => {
                if pattern.is_match(&text.of(completion)?)? {
                    *hit
                } else {
                    *miss
                }
            }
        })
    }
}

/// Pieces between runs of `.`, `!` and `?`.
fn n_pieces(View { text, is_ascii }: &View, keep: Keep) -> usize {
    if keep == Keep::All {
        let ends = |byte: &u8| matches!(byte, b'.' | b'!' | b'?');
        let runs = text.as_bytes().chunk_by(|a, b| ends(a) == ends(b));
        return runs.filter(|run| ends(&run[0])).count() + 1;
    }
    if *is_ascii {
        return n_pieces_of_ascii(text, keep);
    }
    let shows = |piece: &&str| match keep {
        Keep::Visible => !words::strip(piece).is_empty(),
        _ => !piece.is_empty(),
    };
    text.split(['.', '!', '?']).filter(shows).count()
}

/// A piece counts at its first byte that shows: the first one behind an end, with nothing but bytes between that do not.
fn n_pieces_of_ascii(text: &str, keep: Keep) -> usize {
    let (mut n, mut open, mut left) = (0, 1, text.len());
    blocks(text.as_bytes()).for_each(|Block { spaces, ends }| {
        let inside = if left < 64 { (1 << left) - 1 } else { u64::MAX };
        left = left.saturating_sub(64);
        let hidden = if keep == Keep::Visible { spaces } else { !inside };
        // What follows an end runs on over hidden bytes, as a carry does over ones.
        let start = ends << 1 | open;
        let (carried, over) = hidden.overflowing_add(start & hidden);
        let first = carried & !hidden | start & !hidden;
        n += (first & !hidden & !ends & inside).count_ones() as usize;
        open = u64::from(over) | ends >> 63;
    });
    n
}
