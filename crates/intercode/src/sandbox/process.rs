//! One command: what its process does before it becomes a fresh `bash -c`.
//!
//! What differs between tiers, the way into a root, is the caller's; what the parent does meanwhile is in `output`. All
//! of it runs in a forked child, by the rules of `child`.

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use libc::sock_filter;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, chdir, getrlimit, setrlimit, setsid, umask};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{
    CapabilitySet, CapabilitySets, remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use super::child::{Descriptors, StringList, close_from, exec, install_filter, report, restrict_self};
use super::filter::{self, Company};
use super::nobody::become_user;
use super::output::Outputs;

const BASH: &CStr = c"/bin/bash";
/// Nothing of the parent's environment is passed on.
const ENVIRONMENT: [&CStr; 3] =
    [c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", c"HOME=/root", c"LANG=C.UTF-8"];
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
    /// As a user of the session's own, within a rule set of Landlock and the stricter filter; or it does not run.
    Landlock { ruleset: BorrowedFd<'a>, user: u32 },
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
            Confinement::Landlock { .. } => Company::Shared,
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
        give_up_root(confinement).map_err(at(Stage::Nobody))?;
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
            .map_err(at(Stage::Drop))?;
        set_no_new_privs(true).map_err(at(Stage::Filter))?;
        if let Confinement::Landlock { ruleset, .. } = confinement {
            restrict_self(ruleset).map_err(at(Stage::Filter))?;
        }
        filter().map_err(at(Stage::Filter))
    }
}

/// In namespaces it is nobody already, and root only there.
fn give_up_root(confinement: Confinement<'_>) -> Result<(), Errno> {
    match confinement {
        Confinement::Landlock { user, .. } => become_user(user),
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
