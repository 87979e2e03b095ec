//! The body of `GET /v1/jobs/ID/groups`: lines as they come, until there will be no more.

use std::io;
use std::sync::Arc;

use futures::Stream;
use futures::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::job::{Job, JobState, Progress};

/// Bytes of lines that are read at once.
const MAX_CHUNK: u64 = 1 << 20;

/// A client that pulls groups.
pub(super) struct Pull {
    pub(super) job: Arc<Job>,
    /// Cursor of the last line that it has.
    pub(super) after: u64,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) stopping: CancellationToken,
    /// When it is to ask again.
    pub(super) ends: Instant,
    pub(super) _place: OwnedSemaphorePermit,
}

impl Pull {
    /// Whole lines. Ends when the job is over and all of its lines are delivered; and before that if the job pauses for
    /// an acknowledgement, the deadline passes or the server stops: then the client asks again.
    pub(super) fn into_stream(self) -> impl Stream<Item = io::Result<Vec<u8>>> + Send {
        unfold(Some(self), |pull| async move {
            let mut pull = pull?;
            match pull.next().await {
                Ok(Some(lines)) => Some((Ok(lines), Some(pull))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let progress = self.progress.borrow_and_update().clone();
            if self.stopping.is_cancelled() || self.ends <= Instant::now() {
                return Ok(None);
            }
            if progress.counts.ready > self.after {
                return self.read().await.map(Some);
            }
            if progress.is_full || progress.state != JobState::Running {
                return Ok(None);
            }
            tokio::select! {
                () = self.stopping.cancelled() => return Ok(None),
                () = tokio::time::sleep_until(self.ends) => return Ok(None),
                // The job outlives its streams, and with it the sender.
                _ = self.progress.changed() => {}
            }
        }
    }

    async fn read(&mut self) -> io::Result<Vec<u8>> {
        let (job, after) = (self.job.clone(), self.after);
        let lines = tokio::task::spawn_blocking(move || job.read(after, MAX_CHUNK)).await;
        let lines = lines.map_err(io::Error::other)??;
        let lines = lines.ok_or_else(|| io::Error::other("another client has acknowledged these groups"))?;
        self.after = lines.last;
        Ok(lines.bytes)
    }
}
