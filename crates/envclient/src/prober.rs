//! Asks `/health` of a sidecar whose breaker is open: at the start, and again after every cool-down.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::member::Member;

/// Runs until `shutdown`.
pub(crate) async fn run(member: Arc<Member>, shutdown: CancellationToken) {
    let forever = async {
        loop {
            member.probe_due().await;
            let answer = member.client.health().await;
            member.probed(answer);
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = forever => {}
    }
}
