use futures::FutureExt;
use futures::future::BoxFuture;
use games::TabularPolicy;
use rollout::{ByteCodec, Compact, PolicyError};
use std::sync::Arc;

use crate::{ActionProbabilities, ExactGame, Query, card_sensitivity, tabulate};

/// Raises with a king, folds a jack, calls otherwise, by what the compact prompt shows first.
struct ByCard;

impl ActionProbabilities for ByCard {
    fn action_probabilities(&self, queries: Vec<Query>) -> BoxFuture<'_, Result<Vec<Vec<f64>>, PolicyError>> {
        let answer = |query: Query| {
            let wanted = match query.prompt.first().and_then(|&byte| char::from_u32(byte)) {
                Some('K') => 2,
                Some('J') => 0,
                _ => 1,
            };
            let ids: Vec<u32> = query.candidates.iter().map(|candidate| candidate.action_id).collect();
            let chosen = if ids.contains(&wanted) { wanted } else { 1 };
            ids.into_iter().map(|id| f64::from(u8::from(id == chosen))).collect()
        };
        futures::future::ready(Ok(queries.into_iter().map(answer).collect())).boxed()
    }
}

fn leduc() -> ExactGame {
    ExactGame::new("leduc_poker(players=2)").expect("leduc is small")
}

#[test]
fn small_liars_dice_is_solved_and_a_policy_is_asked_at_every_infoset() {
    let game = ExactGame::new("liars_dice(dice_sides=3)").expect("it is small");
    let solved = game.figures(game.equilibrium());
    assert!(solved.nash_conv < 0.02 && solved.card_sensitivity > 0.1, "{solved:?}");
    let uniform = game.figures(&TabularPolicy::uniform());
    assert!(uniform.card_sensitivity == 0.0 && uniform.nash_conv > 0.5, "{uniform:?}");
    let format = Compact::new(Arc::new(ByteCodec));
    let asked = tabulate(&game, &format, &ByCard).now_or_never().expect("it does not wait").expect("asked");
    // ByCard knows no dice: it answers by an action's number alone, and so not at random.
    let figures = game.figures(&asked);
    assert!(figures.nash_conv > solved.nash_conv && figures != uniform, "{figures:?}");
}

#[test]
fn uniform_play_in_leduc_has_the_figures_of_open_spiel() {
    let figures = leduc().figures(&TabularPolicy::uniform());
    assert!((figures.nash_conv - 4.747_222).abs() < 1e-6, "{figures:?}");
    assert!((figures.exploitability() - 2.373_611).abs() < 1e-6, "{figures:?}");
    assert_eq!(figures.card_sensitivity, 0.0);
    assert!(figures.value_vs_uniform.abs() < 1e-9, "{figures:?}");
    assert!((figures.value_vs_cfr + 0.72).abs() < 0.02, "{figures:?}");
}

#[test]
fn the_equilibrium_is_hard_to_exploit_and_looks_at_its_cards() {
    let game = leduc();
    let figures = game.figures(game.equilibrium());
    assert!(figures.nash_conv < 0.02, "{figures:?}");
    assert!(figures.value_vs_uniform > 0.5, "{figures:?}");
    assert!(figures.card_sensitivity > 0.2, "{figures:?}");
}

#[tokio::test]
async fn a_policy_is_asked_with_the_prompts_that_it_would_get_in_play() {
    let game = leduc();
    let policy = tabulate(&game, &Compact::new(Arc::new(ByteCodec)), &ByCard).await.expect("it answers");
    let king = game.tree().infosets().iter().find(|infoset| infoset.key.contains("[Private: 4]"));
    let king = king.expect("there is a king");
    assert_eq!(policy.probabilities(king.state.as_ref()).last(), Some(&1.0), "{}", king.key);
    let sensitivity = card_sensitivity(game.tree(), &policy);
    assert!(sensitivity > 0.6, "{sensitivity}");
}

#[test]
fn kuhn_has_a_private_card_too() {
    let game = ExactGame::new("kuhn_poker(players=2)").expect("kuhn is small");
    let figures = game.figures(&TabularPolicy::uniform());
    assert!((figures.nash_conv - 0.916_667).abs() < 1e-6, "{figures:?}");
    assert_eq!(figures.card_sensitivity, 0.0);
    assert!(game.figures(game.equilibrium()).card_sensitivity > 0.3);
}
