//! CPU time of this process, and of sidecars that tell theirs.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use url::Url;

/// A sidecar that tells its CPU time does so at once.
const STATS_TIMEOUT: Duration = Duration::from_secs(5);

/// User and system time of all threads so far.
pub fn cpu_of_this_process() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Sum of `cpu_s` in the sidecars' `GET /stats`, in seconds; `None` if one of them does not tell.
pub(super) async fn of_servers(urls: &[Url]) -> Option<f64> {
    let client = reqwest::Client::builder().no_proxy().timeout(STATS_TIMEOUT).build().ok()?;
    let mut sum = 0.0;
    for url in urls {
        let answer = client.get(url.join("stats").ok()?).send().await.ok()?;
        sum += answer.json::<serde_json::Value>().await.ok()?["cpu_s"].as_f64()?;
    }
    Some(sum)
}
