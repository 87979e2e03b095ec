//! Frees episodes behind everybody's back: a bounded queue of `/stop` requests, drained at shutdown.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::member::{Gate, Member};
use crate::stats::count;

/// `/stop` requests on their way at once, over all sidecars; each sidecar's in-flight limit applies besides.
const MAX_AT_ONCE: usize = 64;

/// An episode to free.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) member: Arc<Member>,
    pub(crate) episode: String,
}

impl Stop {
    async fn run(self) {
        let call = self.member.client.stop(&self.episode);
        let answer = self.member.request(Gate::IfUsed, call).await;
        let counters = &self.member.counters;
        count(if answer.is_ok() { &counters.stopped } else { &counters.stops_failed });
    }
}

/// Runs until the queue is closed and empty. `shutdown` closes it.
pub(crate) async fn run(mut queue: mpsc::Receiver<Stop>, shutdown: CancellationToken) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            stop = queue.recv(), if running.len() < MAX_AT_ONCE => match stop {
                Some(stop) => drop(running.spawn(stop.run())),
                None => break,
            },
            Some(_) = running.join_next() => {}
            () = shutdown.cancelled(), if !queue.is_closed() => queue.close(),
        }
    }
    while running.join_next().await.is_some() {}
}
