//! What is answered where, and the table of jobs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::groups::Pull;
use super::job::{Job, JobStatus};
use super::play::play_job;
use super::refusal::Refusal;
use super::request::{Checked, JobRequest};
use super::{Served, ServerConfig};
use crate::{Player, RunInfo};

/// For a request to be read and its answer to begin; a stream of groups then has a deadline of its own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What all requests share.
pub(super) struct App {
    config: ServerConfig,
    served: Served,
    /// Folder of this server's jobs.
    spool: PathBuf,
    /// Random part of the jobs' ids.
    life: u64,
    stopping: CancellationToken,
    playing: TaskTracker,
    jobs: Mutex<BTreeMap<String, Arc<Job>>>,
    n_posted: AtomicU64,
    streams: Arc<Semaphore>,
}

impl App {
    pub(super) fn new(
        config: ServerConfig,
        served: Served,
        spool: PathBuf,
        life: u64,
        stopping: CancellationToken,
        playing: TaskTracker,
    ) -> Self {
        let streams = Arc::new(Semaphore::new(config.max_streams));
        let (jobs, n_posted) = (Mutex::default(), AtomicU64::new(0));
        Self { config, served, spool, life, stopping, playing, jobs, n_posted, streams }
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Job>>> {
        self.jobs.lock().expect("nothing panics while it is held")
    }

    fn job(&self, id: &str) -> Result<Arc<Job>, Refusal> {
        let job = self.jobs().get(id).cloned().ok_or_else(|| Refusal::no_job(id))?;
        job.touch();
        Ok(job)
    }

    /// A new job in the table, if there is a place for it.
    fn admit(&self, checked: Checked) -> Result<Arc<Job>, Refusal> {
        let ServerConfig { max_jobs, max_running, max_unacknowledged, idle_timeout, .. } = self.config;
        let mut jobs = self.jobs();
        if jobs.len() >= max_jobs {
            jobs.retain(|_, job| !job.is_forgotten(idle_timeout));
        }
        if jobs.len() >= max_jobs {
            let message = format!("{max_jobs} jobs are kept already");
            return Err(Refusal::busy(message, "DELETE /v1/jobs/ID those that are done"));
        }
        if jobs.values().filter(|job| job.is_running()).count() >= max_running {
            let message = format!("{max_running} jobs are being played already");
            return Err(Refusal::busy(message, "wait for one of them, or delete it"));
        }
        let id = format!("{:016x}-{}", self.life, self.n_posted.fetch_add(1, Relaxed));
        let (folder, cancel) = (self.spool.join(&id), self.stopping.child_token());
        let job = Job::create(id.clone(), checked, folder, max_unacknowledged, cancel);
        let job = Arc::new(job.map_err(|error| Refusal::failed(error.to_string()))?);
        jobs.insert(id, job.clone());
        Ok(job)
    }

    /// Who plays a job.
    fn player(&self, checked: &Checked) -> Result<Player, Refusal> {
        let request = &checked.request;
        let format = (self.served.formats)(&request.format);
        let format =
            format.map_err(|error| Refusal::invalid(error.to_string(), "`format`: compact or sidecar"))?;
        let run = RunInfo::new(format!("job-{}", request.seed), request.seed);
        let mut player = Player::new(self.served.policy.clone(), format, run);
        (player.sampling, player.decoding) = (request.sampling(), checked.decoding);
        player.limits.max_turns = request.limits.max_turns;
        player.limits.max_invalid = request.limits.max_invalid;
        player.limits.max_context = self.served.max_context;
        player.limits.episode_timeout = checked.episode_timeout;
        Ok(player)
    }
}

pub(super) fn router(app: Arc<App>) -> axum::Router {
    let max_body = app.config.max_body;
    axum::Router::new()
        .route("/healthz", get(health))
        .route("/v1/jobs", post(post_job))
        .route("/v1/jobs/{id}", get(status).delete(delete_job))
        .route("/v1/jobs/{id}/groups", get(groups))
        .fallback(async || Refusal::no_route())
        .method_not_allowed_fallback(async || Refusal::method())
        .layer(DefaultBodyLimit::max(max_body))
        .layer(from_fn(in_time))
        .with_state(app)
}

/// Gives up on a client that does not send what it announced.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answered.unwrap_or_else(|_| Refusal::late(REQUEST_TIMEOUT).into_response())
}

async fn health(State(app): State<Arc<App>>) -> Json<Value> {
    let jobs = app.jobs();
    let running = jobs.values().filter(|job| job.is_running()).count();
    let games: Vec<&str> = app.served.envs.iter().map(|env| env.as_str()).collect();
    Json(json!({"status": "ok", "policy": app.served.policy.name(), "envs": games,
                "jobs": jobs.len(), "running": running}))
}

async fn post_job(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(app.config.max_body),
        _ => Refusal::invalid(rejection.body_text(), "send the job as JSON"),
    })?;
    let request: JobRequest = serde_json::from_slice(&body).map_err(|error| {
        let hint = r#"e.g. {"envs":["leduc_poker"],"groups":100,"group_size":8,"seed":1}"#;
        Refusal::invalid(format!("the job cannot be read: {error}"), hint)
    })?;
    let checked = request.check(&app.served.envs)?;
    let player = app.player(&checked)?;
    let job = app.admit(checked)?;
    let id = job.id.clone();
    app.playing.spawn(play_job(job, player, app.served.source.clone(), app.served.capacity));
    Ok((StatusCode::CREATED, Json(json!({"id": id}))).into_response())
}

async fn status(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<JobStatus>, Refusal> {
    Ok(Json(app.job(&id)?.status()))
}

async fn delete_job(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<JobStatus>, Refusal> {
    let job = app.jobs().remove(&id).ok_or_else(|| Refusal::no_job(&id))?;
    job.cancel.cancel();
    Ok(Json(job.status()))
}

async fn groups(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let after = cursor(query.as_deref().unwrap_or_default())?;
    let job = app.job(&id)?;
    let busy = |_| Refusal::busy("too many streams of groups are open", "close one of them");
    let place = app.streams.clone().try_acquire_owned().map_err(busy)?;
    let freed = job.clone();
    let freed = tokio::task::spawn_blocking(move || freed.acknowledge(after)).await;
    freed.map_err(|error| Refusal::failed(error.to_string()))??;
    let (progress, stopping) = (job.watch(), app.stopping.clone());
    let ends = Instant::now() + app.config.stream_deadline;
    let pull = Pull { job, after, progress, stopping, ends, _place: place };
    let body = Body::from_stream(pull.into_stream());
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// The value of `after` in a query; 0 if there is none.
fn cursor(query: &str) -> Result<u64, Refusal> {
    let mut after = 0;
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let wrong = || Refusal::invalid(format!("`{key}={value}` in the query"), "groups?after=CURSOR");
        if key != "after" {
            return Err(wrong());
        }
        after = value.parse().map_err(|_| wrong())?;
    }
    Ok(after)
}
