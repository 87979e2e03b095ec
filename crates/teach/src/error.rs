//! Why there is no player, or no answer.

/// A player could not be made, or could not read its turn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody teaches this game.
    #[error("game `{name}` has no teacher: choose one of {known}")]
    NoTeacher {
        /// What was given.
        name: String,
        /// The games that have one.
        known: String,
    },
    /// There is no such bot.
    #[error("there is no bot `{name}`: choose one of {known}")]
    NoBot {
        /// What was given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The state's text is not the game's.
    #[error("the state text of {game} does not say {what}: `{text}`")]
    Unreadable {
        /// The game the player plays.
        game: &'static str,
        /// What was looked for.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// A turn without a legal action.
    #[error("a turn of {game} offers no legal action")]
    NothingLegal {
        /// The game of the turn.
        game: String,
    },
    /// A game could not be made.
    #[error(transparent)]
    Game(#[from] games::Error),
}
