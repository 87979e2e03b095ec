//! One Python process: started, asked with a deadline, killed with everything that it started.
//!
//! Requests and replies are JSON objects behind a length of four bytes, on the process's standard input and output; a
//! thread of the worker's own does the reading and writing, so that waiting for it can end at any time. What the
//! process does is in `worker/*.py`.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::os::unix::process::CommandExt;

use crate::{Batch, Error, Fault, Function, FunctionDigest, Isolation, PoolConfig};

/// The worker's program. Later parts use earlier ones; the last one runs.
const PROGRAM: &str = concat!(
    include_str!("worker/isolate.py"),
    include_str!("worker/restricted.py"),
    include_str!("worker/reduce.py"),
    include_str!("worker/recognise.py"),
    include_str!("worker/serve.py"),
);
/// An interpreter that says nothing for so long on a busy machine will say nothing at all.
const START_LIMIT: Duration = Duration::from_secs(60);
/// More than the scores of any batch; a longer reply is no reply.
const MAX_REPLY: usize = 64 << 20;
/// Part of a call's time limit that code run for the function may use up.
const JOB_SHARE: f64 = 0.6;
/// Beginning of what a process that failed to start wrote.
const MAX_COMPLAINT: u64 = 2_000;

/// A running worker.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    frames: SyncSender<Frame>,
    replies: Receiver<io::Result<Vec<u8>>>,
    loaded: HashSet<FunctionDigest>,
    last_id: u64,
    isolation: Isolation,
}

/// The worker is gone or no longer of use.
#[derive(Debug)]
pub(crate) enum Lost {
    /// No reply in time.
    TimedOut,
    /// It ended, or answered something else than it was asked.
    Died(String),
}

/// What one call brought.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reply {
    pub(crate) values: Vec<Option<f64>>,
    pub(crate) fault: Option<Fault>,
    pub(crate) native: Value,
    pub(crate) seconds: f64,
    pub(crate) printed: u64,
    pub(crate) events: Vec<String>,
    pub(crate) mutated: bool,
    id: u64,
    died: Option<String>,
}

/// Bytes to write, and whether a reply follows.
#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
    answered: bool,
}

#[derive(Serialize)]
struct BatchFrame<'a> {
    id: u64,
    op: &'static str,
    completions: &'a [String],
    columns: BTreeMap<&'a str, &'a [Value]>,
}

impl Worker {
    /// Starts the interpreter and waits until it is ready.
    ///
    /// # Errors
    /// [`Error::NoPython`].
    pub(crate) fn start(config: &PoolConfig) -> Result<Self, Error> {
        let failed = |reason: String| Error::NoPython { python: config.python.clone(), reason };
        let mut child = Command::new(&config.python)
            .args(["-c", PROGRAM, &config.memory_bytes.to_string(), &config.file_bytes.to_string()])
            .arg(config.strongest_tier.and_weaker())
            .env("PYTHONHASHSEED", config.hash_seed.to_string())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let (frames, replies) = io_thread(&mut child);
        let ready = replies.recv_timeout(START_LIMIT);
        match ready.ok().and_then(Result::ok).and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(isolation) => {
                Ok(Self { child, frames, replies, loaded: HashSet::new(), last_id: 0, isolation })
            }
            None => {
                let complaint = complaint(&mut child);
                end(&mut child);
                Err(failed(complaint))
            }
        }
    }

    /// What it said when it started.
    pub(crate) fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// Which stock template the source is, as `recognise.py` describes it.
    pub(crate) fn recognise(&mut self, function: &Function, limit: Duration) -> Result<Value, Lost> {
        Ok(self.ask(json!({"op": "recognise", "source": function.source()}), limit)?.native)
    }

    /// Runs the source, once in this worker's life. A fault says why there is no function in it.
    pub(crate) fn load(&mut self, function: &Function, limit: Duration) -> Result<Option<Fault>, Lost> {
        if self.loaded.contains(&function.digest()) {
            return Ok(None);
        }
        let key = function.digest().to_string();
        let reply = self.ask(json!({"op": "load", "key": key, "source": function.source()}), limit)?;
        if reply.fault.is_none() {
            self.loaded.insert(function.digest());
        }
        Ok(reply.fault)
    }

    /// Hands over the rows that the next calls are about.
    pub(crate) fn set_batch(&mut self, batch: &Batch, rows: Range<usize>) -> Result<(), Lost> {
        let frame = BatchFrame {
            id: 0,
            op: "batch",
            completions: &batch.completions()[rows.clone()],
            columns: batch.columns().map(|(name, values)| (name, &values[rows.clone()])).collect(),
        };
        let n_bytes: usize = frame.completions.iter().map(String::len).sum();
        // Quotes and a few escapes; what it lacks is added as it grows.
        self.send(&frame, false, n_bytes + n_bytes / 8 + 1_024)
    }

    /// Calls a loaded function. `probe` has it compare its arguments before and after.
    pub(crate) fn call(&mut self, function: &Function, probe: bool, limit: Duration) -> Result<Reply, Lost> {
        let job_seconds = JOB_SHARE * limit.as_secs_f64();
        let key = function.digest().to_string();
        self.ask(json!({"op": "call", "key": key, "probe": probe, "job_seconds": job_seconds}), limit)
    }

    fn ask(&mut self, mut request: Value, limit: Duration) -> Result<Reply, Lost> {
        self.last_id += 1;
        request["id"] = json!(self.last_id);
        self.send(&request, true, 1_024)?;
        let bytes = match self.replies.recv_timeout(limit) {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Err(Lost::Died(error.to_string())),
            Err(RecvTimeoutError::Timeout) => return Err(Lost::TimedOut),
            Err(RecvTimeoutError::Disconnected) => return Err(Lost::Died("its pipes are closed".to_owned())),
        };
        let reply: Reply = parse(&bytes)?;
        match reply.died {
            Some(how) => Err(Lost::Died(how)),
            None if reply.id != self.last_id => Err(Lost::Died("it answers out of turn".to_owned())),
            None => Ok(reply),
        }
    }

    fn send(&mut self, value: &impl Serialize, answered: bool, expected_bytes: usize) -> Result<(), Lost> {
        let mut bytes = Vec::with_capacity(expected_bytes);
        serde_json::to_writer(&mut bytes, value).map_err(|error| Lost::Died(error.to_string()))?;
        let gone = |_| Lost::Died("its pipes are closed".to_owned());
        self.frames.send(Frame { bytes, answered }).map_err(gone)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Lost> {
    serde_json::from_slice(bytes).map_err(|error| Lost::Died(format!("it answers in no JSON: {error}")))
}

/// Kills the process group and waits for its leader. The leader has not been waited for before, so its id is its own.
fn end(child: &mut Child) {
    let _already_gone = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _already_reaped = child.wait();
}

/// What a process that did not start has to say.
fn complaint(child: &mut Child) -> String {
    let _already_gone = kill_process_group(Pid::from_child(child), Signal::KILL);
    let mut text = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _partly = stderr.take(MAX_COMPLAINT).read_to_string(&mut text);
    }
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("it ended without a word").to_owned()
}

/// Carries frames to and from the child until one of the two is gone.
fn io_thread(child: &mut Child) -> (SyncSender<Frame>, Receiver<io::Result<Vec<u8>>>) {
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let mut stdout = child.stdout.take().expect("standard output is piped");
    let (frames, to_write) = sync_channel::<Frame>(2);
    let (read, replies) = sync_channel(1);
    thread::spawn(move || {
        if read.send(read_frame(&mut stdout)).is_err() {
            return;
        }
        for frame in to_write {
            let written = write_frame(&mut stdin, &frame.bytes);
            let reply = match written {
                // A process that is gone may have said why.
                Err(error) => Some(read_frame(&mut stdout).map_err(|_| error)),
                Ok(()) => frame.answered.then(|| read_frame(&mut stdout)),
            };
            if reply.is_some_and(|reply| read.send(reply).is_err()) {
                return;
            }
        }
    });
    (frames, replies)
}

fn write_frame(stdin: &mut ChildStdin, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("a batch of more than 4 GiB"))?;
    stdin.write_all(&length.to_le_bytes())?;
    stdin.write_all(bytes)?;
    stdin.flush()
}

fn read_frame(stdout: &mut ChildStdout) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stdout.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_REPLY {
        return Err(io::Error::other(format!("a reply of {length} bytes")));
    }
    let mut bytes = vec![0; length];
    stdout.read_exact(&mut bytes)?;
    Ok(bytes)
}
