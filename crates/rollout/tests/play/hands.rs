//! Hands of a person who is a script: every game to its end, bad input, hints, leaving.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::expect;
use rollout::local_play::{CfrAdvisor, Console, Hand, play_hand};
use rollout::{RandomPolicy, Start};
use schema::{EnvName, Opponent, OpponentKind, StopReason, Trajectory};
use tokio_util::sync::CancellationToken;

use crate::setup::{in_process, player};

/// What was shown.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("held briefly").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A hand that a script plays: its trajectories, and all that was shown.
async fn play(hand: Hand, script: &str) -> (Vec<Trajectory>, String) {
    let (actor, source) = in_process();
    let heard = Heard::default();
    let console = Console::spawn(Cursor::new(script.to_owned()), heard.clone());
    let played = play_hand(&hand, source.as_ref(), &console, &CancellationToken::new()).await;
    // Texts are shown after the hand has gone on.
    console.flush(Duration::from_secs(60)).await;
    assert_eq!(actor.open_episodes(), 0);
    let shown = String::from_utf8(heard.0.lock().expect("held briefly").clone()).expect("text");
    (played, shown)
}

fn hand(env: EnvName, seed: u64, opponent: OpponentKind) -> Hand {
    let task_id = env.task_ids().expect("a game").start;
    let start = Start { task_id, seed, opponent: Opponent::plain(opponent) };
    Hand { start, group: 0, against: None, advisors: Vec::new() }
}

/// Tries every id in turn, over and over, and some words.
fn stubborn() -> String {
    let round = (0..241).map(|id| format!("{id}\n")).collect::<String>();
    format!("no idea\n{round}").repeat(200)
}

#[tokio::test]
async fn a_script_plays_a_hand_of_every_game() {
    for env in [EnvName::LeducPoker, EnvName::LiarsDice, EnvName::KuhnPoker, EnvName::GinRummy] {
        for seed in 0..2 {
            let (played, shown) = play(hand(env, seed, OpponentKind::Random), &stubborn()).await;
            let [own] = played.as_slice() else { panic!("one trajectory, not {}", played.len()) };
            assert_eq!((own.stop_reason, own.env.as_str()), (StopReason::Done, env.as_str()), "{shown}");
            assert_eq!((own.policy.as_str(), own.format.as_str()), ("person", "person"));
            assert_eq!(own.player, Some(seed as u8));
            assert!(!own.turns.is_empty() && own.turns.iter().all(|turn| turn.legal));
            assert!(own.turns[0].prompt.contains("# Game Rules") && !shown.contains("# Game Rules"));
            assert!(shown.contains(&format!("Your return is {:+}", own.raw_return.expect("it ended"))));
            let line = serde_json::to_string(own).expect("plain data");
            assert_eq!(&serde_json::from_str::<Trajectory>(&line).expect("a trajectory"), own);
        }
    }
}

#[tokio::test]
async fn bad_input_gets_a_clear_message_and_is_asked_again() {
    let advisor = CfrAdvisor::solve("kuhn_poker(players=2)").expect("kuhn is small");
    let mut hand = hand(EnvName::KuhnPoker, 2, OpponentKind::Random);
    hand.advisors.push(Arc::new(advisor));
    let (played, shown) = play(hand, "fold\n\n7\nhint\npa\nbet\nbet\n").await;
    assert_eq!(played[0].stop_reason, StopReason::Done);
    let shown = shown.replace("> \n", ">\n");
    expect![[r#"

        Game: kuhn_poker
        You are Player 0.

        Current State:
        Your card: Q
        Pot size: 2 chips
        Your turn to act

        Legal Actions:
          0 -> Pass
          1 -> Bet
        > `fold` is no action here. Legal are 0, 1; or type `help`.
        > Type an action, or `help`.
        > 7 is not legal now. Legal are 0, 1.
        > CFR+:
          100.0 %    0 Pass  ##############################
            0.0 %    1 Bet
        >
        The hand is over: you lose. Your return is -1, your score 0.250.
    "#]]
    .assert_eq(&shown);
}

#[tokio::test]
async fn leaving_and_the_end_of_the_input_end_the_hand_as_cancelled() {
    for script in ["help\nquit\n", "", "nonsense"] {
        let (played, shown) = play(hand(EnvName::LeducPoker, 0, OpponentKind::Random), script).await;
        let [own] = played.as_slice() else { panic!("one trajectory") };
        assert_eq!((own.stop_reason, own.truncated, own.turns.len()), (StopReason::Cancelled, true, 0));
        assert!(shown.ends_with("You left the table.\n"), "{shown}");
        assert_eq!(shown.contains("leave the table\n"), script.starts_with("help"));
    }
}

#[tokio::test]
async fn somebody_else_can_have_the_other_seat() {
    for seat in [0, 1] {
        let mut hand = hand(EnvName::LeducPoker, 7, OpponentKind::SelfPlay);
        hand.against = Some((player(RandomPolicy), seat));
        let (played, shown) = play(hand, &stubborn()).await;
        let [own, other] = played.as_slice() else { panic!("a trajectory for each seat") };
        assert_eq!((own.policy.as_str(), other.policy.as_str()), ("person", "random"));
        assert_eq!((own.format.as_str(), other.format.as_str()), ("person", "compact"));
        assert_eq!((own.player, other.player), (Some(seat), Some(1 - seat)));
        assert_eq!(own.raw_return.map(|value| -value), other.raw_return);
        assert!(shown.contains(&format!("You are Player {seat}.")));
        assert!(!shown.contains(&format!("You are Player {}.", 1 - seat)), "nobody sees the other's cards");
    }
}

#[tokio::test]
async fn a_cancelled_hand_ends_although_nobody_types() {
    let (_, source) = in_process();
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let console = Console::spawn(std::io::BufReader::new(reader), Heard::default());
    let (hand, cancel) = (hand(EnvName::LeducPoker, 0, OpponentKind::Random), CancellationToken::new());
    let playing = play_hand(&hand, source.as_ref(), &console, &cancel);
    tokio::pin!(playing);
    assert!(futures::poll!(&mut playing).is_pending());
    cancel.cancel();
    // The console's thread still waits for a line; the ending waits for nobody.
    assert_eq!(playing.await[0].stop_reason, StopReason::Cancelled);
}
