//! Rollouts over faulty sidecars: they end, and every episode is accounted for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use envclient::{BreakerState, ClientConfig, PoolConfig};
use rollout::{GroupSpec, StreamConfig, stream};
use schema::StopReason;
use sidecar::Faults;
use tokio_util::sync::CancellationToken;

use crate::setup::{LEDUC, over_http, random_player, server, start};

const GROUPS: u64 = 60;
const SIZE: u32 = 8;

fn config() -> PoolConfig {
    let client = ClientConfig {
        read_timeout: Duration::from_secs(1),
        step_timeout: Duration::from_secs(1),
        stop_timeout: Duration::from_secs(1),
        backoff: Duration::from_millis(5),
        ..ClientConfig::default()
    };
    PoolConfig { client, in_flight: 8, workers: 8, ..PoolConfig::default() }
}

#[tokio::test]
async fn hangs_errors_and_a_killed_sidecar_lose_no_episode() {
    let faults = Faults { hang_rate: 0.02, error_rate: 0.05, drop_rate: 0.02, ..Faults::default() };
    let mut servers = Vec::new();
    for seed in 5..8 {
        servers.push(server(Some(Faults { seed, ..faults })).await);
    }
    let (pool, source) = over_http(&servers, config()).await;
    let specs =
        (0..GROUPS).map(|group| GroupSpec { group, start: start(LEDUC, group), size: SIZE, over_sample: 2 });
    let in_flight = StreamConfig { groups_in_flight: 4, buffer: 4 };
    let mut groups = stream(random_player(), source, specs, in_flight, &CancellationToken::new());
    let (mut reasons, mut errors, mut complete, mut received) = (BTreeMap::new(), BTreeSet::new(), 0, 0);
    while let Some(group) = groups.next().await {
        assert_eq!(group.trajectories.len() as u32, SIZE + 2, "every dispatched episode has a trajectory");
        for one in &group.trajectories {
            *reasons.entry(one.stop_reason).or_insert(0) += 1;
            errors.insert(format!("{} after {} turns", one.error, one.turns.len()));
        }
        (complete, received) = (complete + u64::from(group.is_complete()), received + 1);
        if received == GROUPS / 3 {
            servers.remove(1).kill().await;
        }
    }
    assert_eq!(received, GROUPS);
    assert!(
        complete >= GROUPS * 9 / 10,
        "{complete} of {GROUPS} groups are complete: {reasons:?} {errors:#?}"
    );
    assert!(reasons[&StopReason::Done] >= complete * u64::from(SIZE));

    let stats = pool.shutdown().await;
    let (BreakerState::Open { reason } | BreakerState::HalfOpen { reason }) = &stats.sidecars[1].state else {
        panic!("{stats:#?}")
    };
    assert!(reason.contains("Connection refused"), "{reason}");
    assert!(stats.sidecars.iter().map(|one| one.recovered_steps).sum::<u64>() > 0);
    assert!(stats.sidecars.iter().all(|one| one.stops_dropped == 0));
}
