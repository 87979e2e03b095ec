//! Playing a job: groups in flight, what failed played again, pauses until the client has caught up.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::{info, instrument, warn};

use super::job::{Job, JobState};
use crate::{EnvSource, Error, Group, GroupStream, Player, StreamConfig, stream};

/// Groups that may be lost beyond as many as are complete, before the job is given up.
const MAX_DROPPED: u64 = 16;
/// Groups that wait to be stored: the next ones are played meanwhile.
const BUFFER: usize = 2;

/// Why a job ends without all of its groups.
enum End {
    Cancelled,
    Failed(String),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Plays a job to its end, whatever that is. Dropping the future leaves the job as running.
#[instrument(skip_all, fields(job = %job.id))]
pub(super) async fn play_job(job: Arc<Job>, player: Player, source: Arc<dyn EnvSource>, capacity: usize) {
    let (state, error) = match play_groups(&job, &player, &source, capacity).await {
        Ok(()) => (JobState::Done, String::new()),
        Err(End::Cancelled) => (JobState::Cancelled, String::new()),
        Err(End::Failed(error)) => (JobState::Failed, error),
    };
    let counts = job.counts();
    info!(?state, ready = counts.ready, dropped = counts.dropped, "job");
    job.end(state, error);
}

async fn play_groups(
    job: &Arc<Job>,
    player: &Player,
    source: &Arc<dyn EnvSource>,
    capacity: usize,
) -> Result<(), End> {
    let request = &job.checked.request;
    let size = (request.group_size + request.over_sample).max(1) as usize;
    let bounds = StreamConfig { groups_in_flight: capacity.div_ceil(size) + 1, buffer: BUFFER };
    let ends = job.checked.deadline.map(|deadline| Instant::from_std(job.started) + deadline);
    let mut next = 0;
    while job.counts().ready < request.groups {
        // The first round has all groups, the others those that were lost.
        let numbers = next..next + (request.groups - job.counts().ready);
        next = numbers.end;
        let specs = numbers.map({
            let job = job.clone();
            move |group| job.checked.spec(group)
        });
        let mut groups = stream(player.clone(), source.clone(), specs, bounds, &job.cancel);
        while let Some(group) = next_group(job, &mut groups, ends).await? {
            keep(job, group, ends).await?;
        }
    }
    Ok(())
}

async fn next_group(
    job: &Job,
    groups: &mut GroupStream,
    ends: Option<Instant>,
) -> Result<Option<Group>, End> {
    tokio::select! {
        biased;
        () = job.cancel.cancelled() => Err(End::Cancelled),
        () = deadline(ends) => Err(late(job)),
        group = groups.next() => Ok(group),
    }
}

/// Stores a complete group, once there is room for it.
async fn keep(job: &Arc<Job>, group: Group, ends: Option<Instant>) -> Result<(), End> {
    if !group.is_complete() {
        return lose(job, &group);
    }
    tokio::select! {
        biased;
        () = job.cancel.cancelled() => return Err(End::Cancelled),
        () = deadline(ends) => return Err(late(job)),
        () = job.room() => {}
    }
    let storing = job.clone();
    let stored = tokio::task::spawn_blocking(move || storing.store(&group)).await;
    stored.map_err(|error| End::Failed(format!("the group's thread ended: {error}")))??;
    Ok(())
}

fn lose(job: &Job, group: &Group) -> Result<(), End> {
    job.count_dropped();
    let counts = job.counts();
    let lost = group.trajectories.iter().find(|trajectory| !trajectory.stop_reason.is_scored());
    let (reason, error) =
        lost.map_or_else(Default::default, |lost| (format!("{:?}", lost.stop_reason), lost.error.clone()));
    warn!(group = group.spec.group, %reason, %error, "a group is incomplete and is played again");
    if counts.dropped <= MAX_DROPPED + counts.ready {
        return Ok(());
    }
    Err(End::Failed(format!("{} groups lost an episode, the last by {reason}: {error}", counts.dropped)))
}

async fn deadline(ends: Option<Instant>) {
    match ends {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn late(job: &Job) -> End {
    let seconds = job.checked.request.limits.deadline_s.unwrap_or_default();
    End::Failed(format!("the job's deadline of {seconds} s has passed"))
}
