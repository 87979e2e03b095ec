use super::*;

fn bot(name: &str) -> Arc<dyn Contestant> {
    Arc::new(ScriptedContestant(teach::bot(name).unwrap()))
}

#[tokio::test]
async fn a_seed_gives_the_same_result_however_many_games_run_at_once() {
    let sides = [bot("liars_dice/threshold"), bot("random")];
    let play = |at_once| {
        let (sides, cancel) = (sides.clone(), CancellationToken::new());
        async move {
            let config = MatchConfig { at_once, ..MatchConfig::of_pairs(7, 100) };
            play_match("liars_dice", [&sides[0], &sides[1]], &config, &cancel).await.unwrap()
        }
    };
    let (one, many) = (play(1).await, play(64).await);
    assert_eq!(one, many);
    assert_eq!(one.games(), 200);
    assert!(one.score() > 0.8, "{one:?}");
}

#[tokio::test]
async fn the_same_player_on_both_sides_draws_the_match() {
    let side = bot("leduc_poker/always-raise");
    let config = MatchConfig::of_pairs(1, 64);
    let tally = play_match("leduc_poker", [&side, &side], &config, &CancellationToken::new()).await.unwrap();
    assert_eq!((tally.score(), tally.forfeits), (0.5, [0, 0]));
}

/// Never has a move to offer.
struct Silent;

impl Contestant for Silent {
    fn name(&self) -> String {
        "silent".to_owned()
    }

    fn answer<'a>(&'a self, _: Question<'a>) -> BoxFuture<'a, Result<MatchMove, Forfeit>> {
        Box::pin(std::future::ready(Err(Forfeit("says nothing".to_owned()))))
    }
}

#[tokio::test]
async fn whoever_offers_no_legal_move_loses_the_game() {
    let sides: [Arc<dyn Contestant>; 2] = [bot("random"), Arc::new(Silent)];
    let config = MatchConfig::of_pairs(1, 10);
    let cancel = CancellationToken::new();
    let tally = play_match("liars_dice", [&sides[0], &sides[1]], &config, &cancel).await.unwrap();
    assert_eq!((tally.wins, tally.forfeits), (20, [0, 20]));
}

/// Folds at once, but for what its notes say.
struct Learner;

impl Contestant for Learner {
    fn name(&self) -> String {
        "learner".to_owned()
    }

    fn answer<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<MatchMove, Forfeit>> {
        assert!(question.view.memory.working.iter().all(String::is_empty), "notes of the last game");
        let note = &question.view.memory.long_term[0];
        let answer = if note.is_empty() { Err(Forfeit("knows nothing yet".to_owned())) } else { Ok(()) };
        let action = question.view.legal.last().expect("somebody can move").0;
        Box::pin(std::future::ready(answer.map(|()| MatchMove::plain(action))))
    }

    fn reflect<'a>(&'a self, after: &'a Reflection, _: u64) -> BoxFuture<'a, Vec<MemoryEdit>> {
        let won = after.result == rollout::MatchResult::Win;
        Box::pin(std::future::ready(vec![MemoryEdit {
            notes: schema::Notes::LongTerm,
            mode: schema::EditMode::Rewrite,
            slot: 1,
            content: format!("{} {won}", after.state),
        }]))
    }

    fn remember(&self, memory: &mut Memory, edits: &[MemoryEdit]) {
        for edit in edits {
            memory.long_term[edit.slot - 1].clone_from(&edit.content);
        }
    }
}

#[tokio::test]
async fn what_is_noted_after_a_game_is_there_in_the_next_but_not_for_who_forfeited() {
    let config = MatchConfig::of_pairs(1, 8);
    let cancel = CancellationToken::new();
    let learner: Arc<dyn Contestant> = Arc::new(Learner);
    // It forfeits its first game and is not asked what it makes of it, so the second goes the same way.
    let lost = play_match("liars_dice", [&learner, &bot("random")], &config, &cancel).await.unwrap();
    assert_eq!((lost.losses, lost.forfeits), (16, [16, 0]));
    // Where the other forfeits first, it is asked, and plays the second.
    let silent: Arc<dyn Contestant> = Arc::new(Silent);
    let tally = play_match("liars_dice", [&silent, &learner], &config, &cancel).await.unwrap();
    assert_eq!((tally.losses, tally.forfeits), (16, [16, 0]));
}

#[tokio::test]
async fn a_clear_match_ends_early() {
    let sides = [bot("liars_dice/threshold"), bot("random")];
    let config = MatchConfig { bar: Some(0.5), ..MatchConfig::of_pairs(1, 10_000) };
    let cancel = CancellationToken::new();
    let tally = play_match("liars_dice", [&sides[0], &sides[1]], &config, &cancel).await.unwrap();
    assert!(tally.games() <= 4 * WAVE && tally.interval().low > 0.5, "{tally:?}");
}

#[test]
fn intervals_are_those_of_wilson() {
    let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 5e-4, "{found} is not {wanted}");
    let interval = wilson(81.0, 263.0);
    close(interval.low, 0.2553);
    close(interval.high, 0.3662);
    assert_eq!(wilson(0.0, 0.0), Interval { low: 0.0, high: 1.0 });
}

#[test]
fn ratings_follow_the_points() {
    // Ten to one is 400 points, but for the half game that is drawn against everybody.
    let ratings = elo_ratings(&[vec![0.0, 10_000.0], vec![1000.0, 0.0]]);
    assert!((ratings[0] - ratings[1] - 400.0).abs() < 1.0, "{ratings:?}");
    let untested = elo_ratings(&[vec![0.0, 5.0, 0.0], vec![5.0, 0.0, 0.0], vec![0.0; 3]]);
    assert!(untested.iter().all(|rating| rating.abs() < 1e-6), "{untested:?}");
}

#[test]
fn quantiles_share_places_among_equals() {
    assert_eq!(rank_quantiles(&[0.5, 0.9, 0.5, 0.1]), [0.5, 1.0, 0.5, 0.0]);
    assert_eq!(rank_quantiles(&[0.7]), [0.0]);
}
