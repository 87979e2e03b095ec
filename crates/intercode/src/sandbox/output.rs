//! The parent's side of a command: pipes, a deadline, what was written and how it ended.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, read};
use rustix::pipe::{PipeFlags, pipe_with};

use super::child::Child;
use super::process::Stage;
use crate::Error;

/// What is kept of each output; the rest is read and dropped.
const MAX_OUTPUT: usize = 64 << 10;
const PIECE: usize = 16 << 10;
/// Time for what was killed to be gone.
const GRACE: Duration = Duration::from_secs(2);

/// The ends of the pipes that a command's process writes to.
#[derive(Debug)]
pub(super) struct Outputs {
    pub(super) null: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    pub(super) report: OwnedFd,
}

/// The ends that the parent reads.
#[derive(Debug)]
pub(super) struct Readers {
    stdout: OwnedFd,
    stderr: OwnedFd,
    report: OwnedFd,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with this code.
    Exit(u8),
    /// Its time was up.
    TimedOut,
    /// Its working folder is no folder.
    NoWorkdir,
}

/// What a command left.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) ended: Ended,
}

/// Pipes for one command.
pub(super) fn pipes() -> Result<(Readers, Outputs), Error> {
    let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(|error| Error::sandbox("make pipes", error));
    let null = openat(CWD, c"/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let null = null.map_err(|error| Error::sandbox("open /dev/null", error))?;
    let ((out_r, out_w), (err_r, err_w), (rep_r, rep_w)) = (pipe()?, pipe()?, pipe()?);
    let readers = Readers { stdout: out_r, stderr: err_r, report: rep_r };
    Ok((readers, Outputs { null, stdout: out_w, stderr: err_w, report: rep_w }))
}

/// What a running command writes, until it ends or `limit` has passed; then nothing of it is left.
pub(super) fn collect(child: Child, readers: Readers, limit: Duration) -> Result<Finished, Error> {
    let failed = |error: Errno| Error::sandbox("read output", error);
    let ended = child.pidfd().map_err(failed)?;
    let deadline = Instant::now() + limit;
    let mut stdout = Some(Reading::new(readers.stdout));
    let mut stderr = Some(Reading::new(readers.stderr));
    let (mut out_text, mut err_text) = (Vec::new(), Vec::new());
    let (mut is_running, mut in_time) = (true, true);
    while is_running || stdout.is_some() || stderr.is_some() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() && in_time {
            in_time = false;
            child.kill_group();
        }
        if !in_time && Instant::now() > deadline + GRACE {
            // Somebody outside of its group holds a pipe: only a trusted command can do that.
            break;
        }
        // After the kill everything ends by itself.
        let wait = if in_time { left } else { GRACE };
        let process = is_running.then_some(ended.as_fd());
        let (readable_out, readable_err, has_ended) =
            ready(stdout.as_ref(), stderr.as_ref(), process, wait).map_err(failed)?;
        if has_ended {
            is_running = false;
            // Nothing that it started outlives it.
            child.kill_group();
        }
        for (reading, text, readable) in
            [(&mut stdout, &mut out_text, readable_out), (&mut stderr, &mut err_text, readable_err)]
        {
            if let Some(open) = reading.as_mut().filter(|_| readable)
                && open.read().map_err(failed)? == Progress::Ended
            {
                *text = std::mem::take(&mut open.kept);
                *reading = None;
            }
        }
    }
    let code = child.wait();
    let ended = match read_report(&readers.report).map_err(failed)? {
        _ if !in_time => Ended::TimedOut,
        None => Ended::Exit(code),
        Some((stage, _)) if stage == Stage::Workdir as u8 => Ended::NoWorkdir,
        Some((stage, error)) => return Err(Error::sandbox(Stage::name(stage), error)),
    };
    Ok(Finished { stdout: out_text, stderr: err_text, ended })
}

/// The child's word that something failed; none if it went well.
fn read_report(from: impl AsFd) -> Result<Option<(u8, Errno)>, Errno> {
    let mut word = [0; 5];
    match rustix::io::retry_on_intr(|| read(&from, &mut word))? {
        0 => Ok(None),
        _ => Ok(Some(decode(word))),
    }
}

/// A report's stage and error.
pub(super) fn decode(word: [u8; 5]) -> (u8, Errno) {
    let code = i32::from_le_bytes([word[1], word[2], word[3], word[4]]);
    (word[0], Errno::from_raw_os_error(code))
}

/// One output that is being read.
struct Reading {
    pipe: OwnedFd,
    kept: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    GoesOn,
    Ended,
}

impl Reading {
    fn new(pipe: OwnedFd) -> Self {
        Self { pipe, kept: Vec::new() }
    }

    fn read(&mut self) -> Result<Progress, Errno> {
        let mut piece = [0; PIECE];
        match read(&self.pipe, &mut piece) {
            Ok(0) => return Ok(Progress::Ended),
            Ok(n_read) => {
                let room = MAX_OUTPUT.saturating_sub(self.kept.len());
                self.kept.extend_from_slice(&piece[..n_read.min(room)]);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        Ok(Progress::GoesOn)
    }
}

/// Which of two outputs and a process has something to say, after at most `wait`.
fn ready(
    stdout: Option<&Reading>,
    stderr: Option<&Reading>,
    ended: Option<BorrowedFd<'_>>,
    wait: Duration,
) -> Result<(bool, bool, bool), Errno> {
    let sources = [stdout.map(|r| r.pipe.as_fd()), stderr.map(|r| r.pipe.as_fd()), ended];
    let mut polled: Vec<PollFd<'_>> =
        sources.iter().flatten().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let timeout = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
    match poll(&mut polled, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error),
    }
    let mut results = polled.iter().map(|fd| !fd.revents().is_empty());
    let [out, err, end] = sources.map(|source| source.is_some() && results.next().unwrap_or(false));
    Ok((out, err, end))
}
