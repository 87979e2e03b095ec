//! One job: what it was asked, how far it is, and the groups that wait for its client.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use schema::Trajectory;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::refusal::Refusal;
use super::remove;
use super::request::Checked;
use super::spool::{Lines, Spool};
use crate::{Error, Group};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Groups are being played, or the client is to fetch some first.
    Running,
    /// All groups are there.
    Done,
    /// Deleted, or the server stops.
    Cancelled,
    /// There will be no more groups; the error says why.
    Failed,
}

/// What a job has played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Groups that are there: the last cursor.
    pub ready: u64,
    /// Groups that lost an episode; others were played in their place.
    pub dropped: u64,
    /// Trajectories of the groups that are there.
    pub episodes: u64,
    /// Their turns.
    pub turns: u64,
    /// Their completion tokens.
    pub tokens: u64,
}

/// The answer to `GET /v1/jobs/ID`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Name of the job.
    pub id: String,
    /// Where it stands.
    pub state: JobState,
    /// Groups asked for.
    pub groups: u64,
    /// What was played.
    #[serde(flatten)]
    pub counts: JobCounts,
    /// The client said that it has everything up to this cursor.
    pub acknowledged: u64,
    /// Since the job was posted, until it ended.
    pub elapsed_s: f64,
    /// Why it failed; empty if it did not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// What changes while a job is played; those who wait for groups watch it.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) state: JobState,
    pub(super) counts: JobCounts,
    /// The job pauses until groups are acknowledged.
    pub(super) is_full: bool,
    elapsed: Option<Duration>,
    error: String,
}

/// See the module. The last to hold it removes its files.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) checked: Checked,
    pub(super) cancel: CancellationToken,
    pub(super) started: Instant,
    folder: PathBuf,
    max_unacknowledged: u64,
    spool: Mutex<Spool>,
    progress: watch::Sender<Progress>,
    acknowledged: Notify,
    touched: Mutex<Instant>,
}

/// One line of the answer to `GET /v1/jobs/ID/groups`.
#[derive(Serialize)]
struct Line<'a> {
    cursor: u64,
    group: Vec<&'a Trajectory>,
}

impl Job {
    /// A job without groups; makes its folder.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(super) fn create(
        id: String,
        checked: Checked,
        folder: PathBuf,
        max_unacknowledged: u64,
        cancel: CancellationToken,
    ) -> Result<Self, Error> {
        let spool = Spool::create(&folder).map_err(|source| Error::File { path: folder.clone(), source })?;
        let counts = JobCounts::default();
        let (state, is_full, elapsed, error) = (JobState::Running, false, None, String::new());
        let progress = Progress { state, counts, is_full, elapsed, error };
        Ok(Self {
            id,
            checked,
            cancel,
            started: Instant::now(),
            folder,
            max_unacknowledged,
            spool: Mutex::new(spool),
            progress: watch::Sender::new(progress),
            acknowledged: Notify::new(),
            touched: Mutex::new(Instant::now()),
        })
    }

    pub(super) fn status(&self) -> JobStatus {
        let Progress { state, counts, elapsed, error, .. } = self.progress.borrow().clone();
        JobStatus {
            id: self.id.clone(),
            state,
            groups: self.checked.request.groups,
            counts,
            acknowledged: self.spool().acknowledged(),
            elapsed_s: elapsed.unwrap_or_else(|| self.started.elapsed()).as_secs_f64(),
            error,
        }
    }

    /// For those who wait for groups.
    pub(super) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(super) fn is_running(&self) -> bool {
        self.progress.borrow().state == JobState::Running
    }

    /// Somebody asks about it.
    pub(super) fn touch(&self) {
        *self.touched.lock().expect("nothing panics while it is held") = Instant::now();
    }

    /// True if it is over and nobody has asked about it for that long.
    pub(super) fn is_forgotten(&self, idle_timeout: Duration) -> bool {
        let touched = *self.touched.lock().expect("nothing panics while it is held");
        !self.is_running() && touched.elapsed() >= idle_timeout
    }

    /// Frees the groups up to `after`, which the client has, and checks that those after it are there. Writes files.
    pub(super) fn acknowledge(&self, after: u64) -> Result<(), Refusal> {
        let mut spool = self.spool();
        if after > spool.last() {
            let message = format!("`after` is {after}, but the last group is {}", spool.last());
            return Err(Refusal::invalid(message, "send the cursor of the last line that was received"));
        }
        spool.acknowledge(after).map_err(|error| Refusal::failed(error.to_string()))?;
        if spool.is_freed(after) {
            return Err(Refusal::freed(after, spool.acknowledged()));
        }
        drop(spool);
        self.progress.send_if_modified(|progress| std::mem::take(&mut progress.is_full));
        self.acknowledged.notify_one();
        Ok(())
    }

    /// Lines after a cursor; `None` if they are freed. Reads files.
    pub(super) fn read(&self, after: u64, max_bytes: u64) -> std::io::Result<Option<Lines>> {
        self.spool().read(after, max_bytes)
    }

    /// Adds the members of a complete group. Writes files.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(super) fn store(&self, group: &Group) -> Result<(), Error> {
        let members: Vec<&Trajectory> = group.members().collect();
        let turns: u64 = members.iter().map(|member| member.turns.len() as u64).sum();
        let all_turns = members.iter().flat_map(|member| &member.turns);
        let tokens: u64 = all_turns.map(|turn| turn.completion_tokens.len() as u64).sum();
        let episodes = members.len() as u64;
        // Only the job's own task adds lines.
        let cursor = self.spool().last() + 1;
        let mut line =
            serde_json::to_vec(&Line { cursor, group: members }).expect("trajectories are plain data");
        line.push(b'\n');
        let stored = self.spool().append(&line);
        stored.map_err(|source| Error::File { path: self.folder.clone(), source })?;
        self.progress.send_modify(|progress| {
            let counts = &mut progress.counts;
            counts.ready = cursor;
            counts.episodes += episodes;
            counts.turns += turns;
            counts.tokens += tokens;
        });
        Ok(())
    }

    /// A group lost an episode.
    pub(super) fn count_dropped(&self) {
        self.progress.send_modify(|progress| progress.counts.dropped += 1);
    }

    pub(super) fn counts(&self) -> JobCounts {
        self.progress.borrow().counts
    }

    /// Waits until there is room for another group: until the client has acknowledged enough. Cancel safe.
    pub(super) async fn room(&self) {
        while self.spool().unacknowledged_bytes() >= self.max_unacknowledged {
            self.progress.send_modify(|progress| progress.is_full = true);
            self.acknowledged.notified().await;
        }
        self.progress.send_if_modified(|progress| std::mem::take(&mut progress.is_full));
    }

    /// Nothing more will be played.
    pub(super) fn end(&self, state: JobState, error: String) {
        self.progress.send_modify(|progress| {
            (progress.state, progress.error) = (state, error);
            (progress.is_full, progress.elapsed) = (false, Some(self.started.elapsed()));
        });
    }

    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().expect("nothing panics while it is held")
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}
