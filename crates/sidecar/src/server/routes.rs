//! The routes, and what stands between a request and the actor: arguments, faults, threads for computing.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use schema::EnvName;
use schema::env_api::{Envelope, ResetRequest};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::trace;

use super::ServeConfig;
use super::kwargs::{Arguments, CallBody, EpisodeKwargs, Method, StepKwargs};
use crate::Error;
use crate::actor::{Actor, Weight};
use crate::evaluate::{EvaluateRequest, Evaluator, Patience, ShellEvaluator, ShellRequest};
use crate::faults::{Fate, Faults, Outcome};

/// The original gives a call this much more than the `timeout` among its arguments.
const CALL_GRACE: Duration = Duration::from_secs(10);
/// Calls of shell episodes at once: all that may be open play at the same time, and others free theirs.
const MAX_PROCESS_CALLS: usize = 128;

/// What all connections share.
#[derive(Debug)]
pub(super) struct App {
    actor: Arc<Actor>,
    faults: Option<Faults>,
    compute: Arc<Semaphore>,
    processes: Arc<Semaphore>,
    evaluator: Evaluator,
    shell_evaluator: Option<ShellEvaluator>,
}

impl App {
    pub(super) fn new(actor: Arc<Actor>, config: &ServeConfig) -> Self {
        let compute = Arc::new(Semaphore::new(config.compute_threads.max(1)));
        let evaluator = Evaluator::new(
            Arc::clone(&actor),
            Arc::clone(&compute),
            config.max_evaluations,
            Patience::default(),
        );
        let shell_evaluator = actor.shell().map(|shell| ShellEvaluator::new(Arc::clone(shell)));
        let processes = Arc::new(Semaphore::new(MAX_PROCESS_CALLS));
        Self { actor, faults: config.faults, compute, processes, evaluator, shell_evaluator }
    }

    /// Who plays an `evaluate` with these fields if it is the shell environment's: of the numbers that no game has, its own
    /// are played and the others refused as its server does.
    fn shell_evaluator(&self, arguments: &Arguments) -> Option<&ShellEvaluator> {
        let shell = self.actor.shell()?;
        let is_game = |task_id: u64| !shell.has(task_id) && self.actor.catalog().variant(task_id).is_some();
        let is_alone = self.actor.games() == [EnvName::Intercode];
        let is_meant = match arguments.kwargs.get("task_id") {
            None | Some(Value::Null) => is_alone,
            Some(task_id) => !task_id.as_u64().is_some_and(is_game),
        };
        self.shell_evaluator.as_ref().filter(|_| is_meant)
    }

    /// Value of `/health`. A sidecar of games alone says no more than the original.
    fn health(&self) -> Value {
        match self.actor.shell() {
            Some(shell) => json!({ "status": "ok", "tasks": shell.n_tasks() }),
            None => json!({ "status": "ok" }),
        }
    }
}

/// Lets a handler close its own connection without a reply; killing the server closes all.
#[derive(Clone, Debug)]
pub(super) struct Connection(CancellationToken);

impl Connection {
    pub(super) fn new(killed: &CancellationToken) -> Self {
        Self(killed.child_token())
    }

    /// Resolves when the connection is to be closed.
    pub(super) async fn closed(&self) {
        self.0.cancelled().await;
    }

    /// Closes it. Never returns: the handler is dropped with the connection.
    async fn close(&self) -> Response {
        self.0.cancel();
        std::future::pending().await
    }
}

/// The routes for one connection.
pub(super) fn router(app: Arc<App>, connection: Connection) -> axum::Router {
    axum::Router::new()
        .route("/health", get(async |State(app): State<Arc<App>>| Json(app.health())))
        .route("/methods", get(async || Json(methods())))
        .route("/call", post(call))
        .route("/{method}", post(by_name))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "Not Found"))
        .method_not_allowed_fallback(async || refuse(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"))
        .layer(Extension(connection))
        .with_state(app)
}

async fn by_name(
    State(app): State<Arc<App>>,
    Extension(connection): Extension<Connection>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    dispatch(&app, &connection, &name, Arguments::from_body(&body)).await
}

async fn call(
    State(app): State<Arc<App>>,
    Extension(connection): Extension<Connection>,
    body: Bytes,
) -> Response {
    let CallBody { method, arguments } = match CallBody::from_body(&body) {
        Ok(call) => call,
        Err(problems) => {
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": problems }))).into_response();
        }
    };
    // The argument is passed on as well, as in the original, where only `evaluate` takes it.
    let timeout = arguments.kwargs.get("timeout").and_then(Value::as_f64);
    let limit =
        timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).map(|limit| limit + CALL_GRACE);
    let dispatched = dispatch(&app, &connection, &method, arguments);
    let Some(limit) = limit else {
        return dispatched.await;
    };
    tokio::time::timeout(limit, dispatched).await.unwrap_or_else(|_| {
        let error = format!("Method {method} timed out after {} s", limit.as_secs_f64());
        Json(Envelope { status: "failed".to_owned(), result: json!({ "error": error }), error: None })
            .into_response()
    })
}

/// Runs a method by its name.
async fn dispatch(app: &Arc<App>, connection: &Connection, name: &str, arguments: Arguments) -> Response {
    let Some(method) = Method::from_name(name) else {
        return refuse(StatusCode::NOT_FOUND, &format!("Method not found: {name}"));
    };
    if method == Method::Evaluate
        && let Some(evaluator) = app.shell_evaluator(&arguments)
    {
        return evaluate_task(evaluator, arguments).await;
    }
    let call = match Call::bind(method, arguments) {
        Ok(call) => call,
        Err(message) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, &message),
    };
    let fate = app.faults.and_then(|faults| call.fate(&app.actor, &faults));
    let Some(fate) = fate else {
        return run(app, call).await;
    };
    trace!(?fate, name, "fate");
    if !fate.delay.is_zero() {
        tokio::time::sleep(fate.delay).await;
    }
    match fate.outcome {
        Outcome::Serve => run(app, call).await,
        Outcome::Fail => refuse(StatusCode::INTERNAL_SERVER_ERROR, "injected fault"),
        Outcome::DropBefore => connection.close().await,
        Outcome::DropAfter => {
            run(app, call).await;
            connection.close().await
        }
        Outcome::Hang => std::future::pending().await,
    }
}

/// Runs a call where its weight belongs.
async fn run(app: &Arc<App>, call: Call) -> Response {
    let call = match call {
        Call::Episode(call) => call,
        Call::Evaluate(request) => {
            return match app.evaluator.evaluate(*request).await {
                Ok(evaluation) => succeed(evaluation),
                Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            };
        }
    };
    let places = match call.weight(&app.actor) {
        Weight::Light => return call.run(&app.actor),
        Weight::Heavy => &app.compute,
        Weight::Process => &app.processes,
    };
    let Ok(_permit) = places.acquire().await else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the sidecar is stopping");
    };
    let actor = Arc::clone(&app.actor);
    match tokio::task::spawn_blocking(move || call.run(&actor)).await {
        Ok(response) => response,
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// Plays a task of the shell environment. Its server knows no envelope.
async fn evaluate_task(evaluator: &ShellEvaluator, arguments: Arguments) -> Response {
    let request = match ShellRequest::from_fields(arguments.kwargs) {
        Ok(request) => request,
        Err(message) => {
            let problems = json!([{ "type": "value_error", "loc": ["body"], "msg": message }]);
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": problems }))).into_response();
        }
    };
    match evaluator.evaluate(request).await {
        Ok(reply) => Json(reply).into_response(),
        Err(out_of_range) => refuse(StatusCode::BAD_REQUEST, &out_of_range.to_string()),
    }
}

/// A method with its arguments.
#[derive(Debug)]
enum Call {
    Episode(EpisodeCall),
    Evaluate(Box<EvaluateRequest>),
}

impl Call {
    fn bind(method: Method, arguments: Arguments) -> Result<Self, String> {
        Ok(match method {
            Method::Reset => Self::Episode(EpisodeCall::Reset(arguments.bind(method)?)),
            Method::Step => Self::Episode(EpisodeCall::Step(arguments.bind(method)?)),
            Method::State => Self::Episode(EpisodeCall::State(arguments.bind(method)?)),
            Method::Stop => Self::Episode(EpisodeCall::Stop(arguments.bind(method)?)),
            Method::Evaluate => Self::Evaluate(arguments.bind(method)?),
        })
    }

    /// `None` for calls that faults do not meet: those are for episodes that a client plays.
    fn fate(&self, actor: &Actor, faults: &Faults) -> Option<Fate> {
        match self {
            Self::Episode(call) => call.fate(actor, faults),
            Self::Evaluate(_) => None,
        }
    }
}

/// A call of one episode, which computes and never waits.
#[derive(Debug)]
enum EpisodeCall {
    Reset(ResetRequest),
    Step(StepKwargs),
    State(EpisodeKwargs),
    Stop(EpisodeKwargs),
}

impl EpisodeCall {
    fn run(&self, actor: &Actor) -> Response {
        match self {
            Self::Reset(request) => match actor.reset(request) {
                Ok(result) => succeed(result),
                Err(error @ Error::TooManyEpisodes { .. }) => {
                    refuse(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())
                }
                Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            },
            Self::Step(step) => succeed(actor.step(&step.action, step.episode_id.as_deref())),
            Self::State(episode) => succeed(actor.state(episode.episode_id.as_deref())),
            Self::Stop(episode) => succeed(actor.stop(episode.episode_id.as_deref())),
        }
    }

    fn weight(&self, actor: &Actor) -> Weight {
        match self {
            Self::Reset(request) => actor.reset_weight(request),
            Self::Step(StepKwargs { episode_id, .. }) | Self::State(EpisodeKwargs { episode_id }) => {
                episode_id.as_deref().map_or(Weight::Light, |id| actor.episode_weight(id))
            }
            Self::Stop(EpisodeKwargs { episode_id }) => {
                episode_id.as_deref().map_or(Weight::Light, |id| actor.stop_weight(id))
            }
        }
    }

    /// `None` for calls that faults do not meet: a stop, and calls of no or unknown episodes.
    fn fate(&self, actor: &Actor, faults: &Faults) -> Option<Fate> {
        match self {
            Self::Reset(request) => {
                Some(faults.fate(request.task_id.unwrap_or_default(), request.seed.unwrap_or_default(), 0))
            }
            Self::Step(StepKwargs { episode_id, .. }) | Self::State(EpisodeKwargs { episode_id }) => {
                let (task_id, seed, turn) = actor.fault_key(episode_id.as_deref()?)?;
                Some(faults.fate(task_id, seed, turn))
            }
            Self::Stop(_) => None,
        }
    }
}

fn succeed<T: Serialize>(result: T) -> Response {
    Json(Envelope { status: "success".to_owned(), result, error: None }).into_response()
}

fn refuse(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail }))).into_response()
}

/// Value of `/methods`.
fn methods() -> Value {
    let methods: Vec<Value> = Method::ALL
        .iter()
        .map(|method| {
            let endpoint = format!("/{}", method.name());
            json!({ "name": method.name(), "signature": method.signature(), "source": "Actor", "endpoint": endpoint })
        })
        .collect();
    json!({
        "methods": methods,
        "usage": {
            "direct": "POST /{method} with keyword arguments as a JSON object",
            "call": "POST /call with {\"method\": name, \"args\": [], \"kwargs\": {}}",
        },
    })
}
