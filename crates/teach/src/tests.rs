//! Names, and what unknown ones say.

use super::{BOTS, Error, Player, Utility, bot, match_game, random, teacher, turn_draw};
use crate::arena::play_out;
use crate::match_text::{Betting, Screen};

#[test]
fn every_listed_bot_exists_under_its_name() {
    for name in BOTS {
        assert_eq!(bot(name).unwrap().name(), name);
    }
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    assert!(matches!(bot("leduc_poker/best"), Err(Error::NoBot { known, .. }) if known.contains("tight")));
    let refused = teacher("chess", Utility::Outcome).err();
    assert!(matches!(refused, Some(Error::NoTeacher { known, .. }) if known.contains("gin_rummy")));
}

/// Random games of every variant: what each player answers at each turn is legal, and the same if it is asked again.
pub(crate) fn answers_are_legal(game: &str, players: &[&dyn Player], n_games: u32) {
    for seed in 1..=n_games {
        let rules = match_game(game, seed).unwrap();
        let mut screen = Screen::new(game, Betting::Shown);
        let played = play_out(rules.as_ref(), seed, |state, seat, turn| {
            let (seen, draw) = (screen.show(state).unwrap(), turn_draw(seed, seat, turn));
            for player in players {
                let answer = player.answer(seen, draw)?;
                let is_legal = seen.legal.iter().any(|(id, _)| *id == answer.action);
                assert!(is_legal, "{} answers {} at {state}", player.name(), answer.action);
                assert_eq!(player.answer(seen, draw)?, answer, "{} at {state}", player.name());
            }
            Ok(random(seen, draw)?.action)
        });
        played.unwrap();
    }
}
