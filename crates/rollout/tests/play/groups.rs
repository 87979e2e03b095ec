//! Groups and their stream.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use futures::FutureExt;
use futures::future::BoxFuture;
use rollout::{
    Completion, EnvSource, GroupSpec, League, Player, Policy, PolicyError, RandomPolicy, Request,
    StreamConfig, play_group, stream,
};
use schema::{Opponent, OpponentKind, StopReason};
use tokio_util::sync::CancellationToken;

use crate::setup::{Answer, LEDUC, Script, in_process, player, random_player, start};

fn group(group: u64, size: u32, over_sample: u32) -> GroupSpec {
    GroupSpec { group, start: start(LEDUC, group), size, over_sample }
}

#[tokio::test]
async fn a_group_shares_its_deal_and_differs_in_its_sampling() {
    let (_, source) = in_process();
    let played = play_group(&random_player(), &source, group(7, 8, 0), &CancellationToken::new()).await;
    assert!(played.is_complete());
    let of = |member: &schema::Trajectory| (member.task_id, member.seed, member.turns[0].prompt.clone());
    assert_eq!(played.members().map(of).collect::<BTreeSet<_>>().len(), 1);
    let ids: Vec<_> = played.trajectories.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids[..3], ["test-g7-0", "test-g7-1", "test-g7-2"]);
    let play =
        |member: &schema::Trajectory| member.turns.iter().map(|turn| turn.action_id).collect::<Vec<_>>();
    assert!(played.members().map(play).collect::<BTreeSet<_>>().len() > 1);
}

/// Plays at random and counts how often it is asked.
struct Counted(Arc<AtomicUsize>);

impl Policy for Counted {
    fn name(&self) -> String {
        "counted".to_owned()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        self.0.fetch_add(1, Relaxed);
        RandomPolicy.generate(request)
    }
}

#[tokio::test]
async fn a_group_meets_one_member_of_the_league_from_one_seat() {
    let (_, source) = in_process();
    let asked = [0; 2].map(|_| Arc::new(AtomicUsize::new(0)));
    let [first, second] = asked.each_ref().map(|asked| player(Counted(asked.clone())));
    let league = Arc::new(League::new(source, first, 2));
    league.add(second);
    let learner = Player { league: Some(league), ..random_player() };
    let nowhere = Script::source([]);
    let mut seats = BTreeSet::new();
    for number in 0..24 {
        let before = asked.each_ref().map(|asked| asked.load(Relaxed));
        let mut spec = group(number, 4, 0);
        spec.start.opponent = Opponent::plain(OpponentKind::SelfPlay);
        let played = play_group(&learner, &nowhere, spec, &CancellationToken::new()).await;
        assert!(played.is_complete() && played.trajectories.len() == 4);
        assert!(played.members().all(|member| member.policy == "random"));
        let met = [0, 1].map(|rival| asked[rival].load(Relaxed) > before[rival]);
        assert_eq!(met.iter().filter(|met| **met).count(), 1, "one member a group");
        let seat = played.trajectories[0].player;
        assert!(played.members().all(|member| member.player == seat));
        seats.insert((met, seat));
    }
    assert_eq!(seats.len(), 4, "both members are met from both seats: {seats:?}");
}

#[tokio::test]
async fn stragglers_are_cut_off_and_accounted_for() {
    let (actor, source) = in_process();
    let stuck =
        player(StuckAfter { left: AtomicUsize::new(usize::MAX), hangs: |request| request.seed % 3 == 0 });
    let played = play_group(&stuck, &source, group(1, 4, 12), &CancellationToken::new()).await;
    assert!(played.is_complete());
    assert_eq!((played.trajectories.len(), played.members().count()), (16, 4));
    let reasons: BTreeSet<_> = played.trajectories.iter().map(|one| one.stop_reason).collect();
    assert_eq!(reasons, BTreeSet::from([StopReason::Done, StopReason::Cancelled]));
    assert_eq!(actor.open_episodes(), 0);
}

#[tokio::test]
async fn a_group_that_lost_a_member_is_not_complete() {
    let answers = || [Answer::Fail].into_iter().chain((0..3).flat_map(|_| [Answer::Go, Answer::End(1.0)]));
    let played =
        play_group(&random_player(), &Script::source(answers()), group(1, 4, 0), &CancellationToken::new())
            .await;
    assert!(!played.is_complete());
    assert_eq!(played.members().count(), 3);
    let played =
        play_group(&random_player(), &Script::source(answers()), group(1, 3, 1), &CancellationToken::new())
            .await;
    assert!(played.is_complete());
}

#[tokio::test]
async fn a_policy_that_panics_takes_only_its_episode_with_it() {
    let source: Arc<dyn EnvSource> = in_process().1;
    let played = play_group(&player(Panics), &source, group(1, 2, 0), &CancellationToken::new()).await;
    let errors: Vec<_> =
        played.trajectories.iter().map(|one| (one.rollout, one.stop_reason, one.error.as_str())).collect();
    let crashed = |rollout| (rollout, StopReason::PolicyError, "the episode crashed: no idea");
    assert_eq!(errors, [crashed(0), crashed(1)]);
}

#[tokio::test]
async fn a_stream_delivers_every_group_once_and_ends() {
    let (_, source) = in_process();
    let config = StreamConfig { groups_in_flight: 3, buffer: 1 };
    let mut groups =
        stream(random_player(), source, (0..10).map(|n| group(n, 4, 0)), config, &CancellationToken::new());
    let mut seen = BTreeSet::new();
    while let Some(group) = groups.next().await {
        assert!(group.is_complete());
        assert!(seen.insert(group.spec.group));
    }
    assert_eq!(seen.len(), 10);
}

#[tokio::test]
async fn no_more_groups_are_started_than_the_receiver_takes() {
    let (_, source) = in_process();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let specs = (0..1000).map(move |n| {
        counter.fetch_add(1, Relaxed);
        group(n, 1, 0)
    });
    let config = StreamConfig { groups_in_flight: 2, buffer: 1 };
    let mut groups = stream(random_player(), source, specs, config, &CancellationToken::new());
    for received in 1..=20 {
        groups.next().await.expect("there are more");
        assert!(taken.load(Relaxed) <= received + 4);
    }
}

#[tokio::test]
async fn a_cancelled_stream_delivers_what_is_in_play_and_ends() {
    let (actor, source) = in_process();
    let cancel = CancellationToken::new();
    let stuck = player(StuckAfter { left: AtomicUsize::new(40), hangs: |_| true });
    let mut groups = stream(stuck, source, (0..).map(|n| group(n, 4, 0)), StreamConfig::default(), &cancel);
    let mut n_trajectories = 0;
    while let Some(group) = groups.next().await {
        n_trajectories += group.trajectories.len();
        cancel.cancel();
    }
    assert!(n_trajectories >= 4 && n_trajectories % 4 == 0);
    assert_eq!(actor.open_episodes(), 0);
}

/// Random, but some requests are never answered once `left` were.
struct StuckAfter {
    left: AtomicUsize,
    hangs: fn(&Request) -> bool,
}

impl Policy for StuckAfter {
    fn name(&self) -> String {
        "stuck".to_owned()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        let is_free = self.left.load(Relaxed) != usize::MAX
            && self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if !is_free && (self.hangs)(&request) {
            return std::future::pending().boxed();
        }
        RandomPolicy.generate(request)
    }
}

struct Panics;

impl Policy for Panics {
    fn name(&self) -> String {
        "panics".to_owned()
    }

    fn generate(&self, _request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        async { panic!("no idea") }.boxed()
    }
}
