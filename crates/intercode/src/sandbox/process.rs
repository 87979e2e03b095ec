//! One command: a fresh `bash -c` with limits, read until it ends or its time is up.
//!
//! What differs between tiers, the way into a root, is the caller's; here is what a command's own process does before it
//! becomes bash, and what the parent does meanwhile.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use libc::sock_filter;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, read};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Resource, Rlimit, chdir, getrlimit, setrlimit, setsid, umask};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{
    CapabilitySet, CapabilitySets, remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use super::child::{Child, Descriptors, StringList, close_from, exec, install_filter, report, restrict_self};
use super::filter::{self, Company};
use super::nobody::become_nobody;
use crate::Error;

const BASH: &CStr = c"/bin/bash";
/// Nothing of the parent's environment is passed on.
const ENVIRONMENT: [&CStr; 3] =
    [c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", c"HOME=/root", c"LANG=C.UTF-8"];
/// What is kept of each output; the rest is read and dropped.
const MAX_OUTPUT: usize = 64 << 10;
const PIECE: usize = 16 << 10;
/// Time for what was killed to be gone.
const GRACE: Duration = Duration::from_secs(2);
/// Capabilities that a kernel may know; it says where its own end.
const N_CAPABILITIES: u32 = 64;

/// Limits of a command: what, and how much.
const LIMITS: [(Resource, u64); 4] =
    [(Resource::Cpu, 30), (Resource::Fsize, 32 << 20), (Resource::Nofile, 256), (Resource::Core, 0)];
/// Limits that make sense only where the user is the sandbox's own.
const OWN_LIMITS: [(Resource, u64); 2] = [(Resource::As, 1 << 30), (Resource::Nproc, 128)];

/// What a child was doing when it failed; the number goes through a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Nobody = 1,
    Unshare,
    IdMap,
    Fork,
    Private,
    Memory,
    Skeleton,
    Bind,
    Pivot,
    Tree,
    Handles,
    Enter,
    Proc,
    Redirect,
    Limit,
    Drop,
    Filter,
    Workdir,
    Exec,
}

impl Stage {
    const NAMES: [&str; 20] = [
        "begin",
        "become nobody",
        "make namespaces",
        "map users",
        "fork",
        "make mounts private",
        "mount memory",
        "make folders",
        "bind programs",
        "change the root",
        "write files",
        "hand over namespaces",
        "enter namespaces",
        "mount /proc",
        "redirect output",
        "set limits",
        "drop privileges",
        "install the filter",
        "enter the working folder",
        "start bash",
    ];

    /// What it was about to do, for messages.
    pub(super) fn name(number: u8) -> &'static str {
        Self::NAMES.get(usize::from(number)).unwrap_or(&Self::NAMES[0])
    }
}

/// What every command shares.
#[derive(Debug)]
pub(super) struct Launcher {
    /// For a command with processes of its own, and for one among the machine's.
    filters: Option<[Vec<sock_filter>; 2]>,
    environment: StringList,
}

/// What keeps a command in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Confinement<'a> {
    /// It is in namespaces of its own already: all limits, no privileges, the filter; or it does not run.
    Namespaces,
    /// As nobody, within a rule set of Landlock and the stricter filter; or it does not run.
    Landlock(BorrowedFd<'a>),
    /// Our own command: what the kernel grants.
    Trusted,
}

/// A command, ready to run in a forked child.
#[derive(Debug)]
pub(super) struct Command {
    arguments: StringList,
    workdir: CString,
}

impl Command {
    /// `None` if the text holds a zero byte, which no argument can.
    pub(super) fn new(text: &str, workdir: &str) -> Option<Self> {
        let text = CString::new(text).ok()?;
        let workdir = CString::new(workdir).ok()?;
        let arguments = StringList::new(vec![BASH.into(), c"-c".into(), text]);
        Some(Self { arguments, workdir })
    }
}

/// The ends of the pipes that a command's process writes to.
#[derive(Debug)]
pub(super) struct Outputs {
    null: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
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

impl Launcher {
    pub(super) fn new() -> Self {
        let environment = StringList::new(ENVIRONMENT.map(CString::from).to_vec());
        let both = [filter::program(Company::Alone), filter::program(Company::Shared)];
        let filters = match both {
            [Some(alone), Some(shared)] => Some([alone, shared]),
            _ => None,
        };
        Self { filters, environment }
    }

    /// Becomes the command; returns, with a report, only if that fails. For a forked child.
    pub(super) fn become_command(
        &self,
        command: &Command,
        outputs: &Outputs,
        confinement: Confinement<'_>,
    ) -> u8 {
        let prepared = prepare(outputs)
            .and_then(|()| self.confine(confinement))
            .and_then(|()| chdir(command.workdir.as_c_str()).map_err(|error| (Stage::Workdir, error)));
        let (stage, error) = match prepared {
            Err(failed) => failed,
            Ok(()) => {
                close_from(3, Descriptors::CloseOnExec);
                (Stage::Exec, exec(BASH, &command.arguments, &self.environment))
            }
        };
        report(&outputs.report, stage as u8, error);
        u8::MAX
    }

    fn confine(&self, confinement: Confinement<'_>) -> Result<(), (Stage, Errno)> {
        let at = |stage: Stage| move |error: Errno| (stage, error);
        let company = match confinement {
            Confinement::Namespaces | Confinement::Trusted => Company::Alone,
            Confinement::Landlock(_) => Company::Shared,
        };
        let filter = || {
            let [alone, shared] = self.filters.as_ref().ok_or(Errno::NOSYS)?;
            install_filter(if company == Company::Alone { alone } else { shared })
        };
        if let Confinement::Trusted = confinement {
            let _as_the_kernel_grants = set_no_new_privs(true).and_then(|()| filter());
            return Ok(());
        }
        for (resource, limit) in OWN_LIMITS {
            set_limit(resource, limit).map_err(at(Stage::Limit))?;
        }
        drop_bounding_set().map_err(at(Stage::Drop))?;
        become_nobody_outside(confinement).map_err(at(Stage::Nobody))?;
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
            .map_err(at(Stage::Drop))?;
        set_no_new_privs(true).map_err(at(Stage::Filter))?;
        if let Confinement::Landlock(ruleset) = confinement {
            restrict_self(ruleset).map_err(at(Stage::Filter))?;
        }
        filter().map_err(at(Stage::Filter))
    }
}

/// In namespaces it is nobody already, and root only there.
fn become_nobody_outside(confinement: Confinement<'_>) -> Result<(), Errno> {
    match confinement {
        Confinement::Landlock(_) => become_nobody(),
        Confinement::Namespaces | Confinement::Trusted => Ok(()),
    }
}

/// What every command gets: a process group, its outputs, limits that harm nobody.
fn prepare(outputs: &Outputs) -> Result<(), (Stage, Errno)> {
    let at = |stage: Stage| move |error: Errno| (stage, error);
    setsid().map_err(at(Stage::Redirect))?;
    dup2_stdin(&outputs.null).map_err(at(Stage::Redirect))?;
    dup2_stdout(&outputs.stdout).map_err(at(Stage::Redirect))?;
    dup2_stderr(&outputs.stderr).map_err(at(Stage::Redirect))?;
    umask(Mode::from_raw_mode(0o022));
    for (resource, limit) in LIMITS {
        set_limit(resource, limit).map_err(at(Stage::Limit))?;
    }
    Ok(())
}

/// Lowers a limit; one that is lower already stays.
fn set_limit(resource: Resource, limit: u64) -> Result<(), Errno> {
    let most = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
}

fn drop_bounding_set() -> Result<(), Errno> {
    for number in 0..N_CAPABILITIES {
        let one = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(one) {
            Ok(()) => {}
            // The first number that this kernel does not know.
            Err(Errno::INVAL) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
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
