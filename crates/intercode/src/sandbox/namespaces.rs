//! The strong tier: a session's namespaces, and the way of a command into them.
//!
//! A session needs no process: its mount namespace lives as long as descriptors to it are held, and with it all files.
//! A command goes through three children: one enters the session's namespaces, the second is the first process of a
//! fresh pid namespace, the third becomes bash. When the second ends, the kernel ends whatever the third has started;
//! when the parent dies, so does the first, and with it the second.
//!
//! A caller that is root becomes nobody first: limits on processes do not bind root.

use std::ffi::{CStr, CString};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, write};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{
    DumpableBehavior, Signal, getgid, getuid, set_dumpable_behavior, set_parent_process_death_signal,
};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::child::{Child, Descriptors, PidNamespace, close_from, report, unshare};
use super::nobody::{NOBODY, become_user};
use super::output::{Finished, Outputs, collect, decode, pipes};
use super::process::{Command, Confinement, Launcher, Stage};
use super::root::{RootPlan, mount_proc};
use crate::Error;
use crate::tree::{PreparedTree, Tree};

/// The session's namespaces, in the order of entering, with their links.
const LINKS: [(LinkNameSpaceType, &CStr); 5] = [
    (LinkNameSpaceType::User, c"/proc/self/ns/user"),
    (LinkNameSpaceType::Mount, c"/proc/self/ns/mnt"),
    (LinkNameSpaceType::Network, c"/proc/self/ns/net"),
    (LinkNameSpaceType::InterProcessCommunication, c"/proc/self/ns/ipc"),
    (LinkNameSpaceType::HostNameAndNISDomainName, c"/proc/self/ns/uts"),
];
const N_HANDLES: usize = LINKS.len() + 1;

/// Namespaces of a session, with its files.
#[derive(Debug)]
pub(super) struct Namespaces {
    /// In the order of [`LINKS`].
    links: Vec<OwnedFd>,
    root: OwnedFd,
    has_proc: bool,
}

type Failed = (Stage, Errno);

impl Namespaces {
    /// New namespaces with a root by `plan` and `tree` in it.
    pub(super) fn open(plan: &RootPlan, tree: &Tree) -> Result<Self, Error> {
        let failed = |error: Errno| Error::sandbox("prepare a session", error);
        let tree = PreparedTree::new(tree);
        let maps = IdMaps::new();
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .map_err(failed)?;
        let child = Child::start(PidNamespace::Shared, || {
            let made = make_namespaces(&maps).and_then(|()| {
                let builder = || match build(plan, &tree, &theirs) {
                    Ok(()) => 0,
                    Err((stage, error)) => {
                        report(&theirs, stage as u8, error);
                        1
                    }
                };
                Child::start(PidNamespace::Fresh, builder).map_err(|error| (Stage::Fork, error))
            });
            match made {
                Ok(builder) => builder.wait(),
                Err((stage, error)) => {
                    report(&theirs, stage as u8, error);
                    1
                }
            }
        })
        .map_err(failed)?;
        drop(theirs);
        let received = receive(&ours);
        child.wait();
        received
    }

    /// The session's root folder.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Runs a command to its end.
    pub(super) fn run(
        &self,
        launcher: &Launcher,
        command: &Command,
        limit: Duration,
    ) -> Result<Finished, Error> {
        let (readers, outputs) = pipes()?;
        let child = Child::start(PidNamespace::Shared, || {
            let entered = self.enter().and_then(|()| {
                let init = || self.be_init(launcher, command, &outputs);
                Child::start(PidNamespace::Fresh, init).map_err(|error| (Stage::Fork, error))
            });
            match entered {
                Ok(init) => {
                    close_from(0, Descriptors::Close);
                    init.wait()
                }
                Err((stage, error)) => {
                    report(&outputs.report, stage as u8, error);
                    1
                }
            }
        });
        let child = child.map_err(|error| Error::sandbox("fork", error))?;
        drop(outputs);
        collect(child, readers, limit)
    }

    /// For the first child: moves into the session's namespaces.
    fn enter(&self) -> Result<(), Failed> {
        become_user(NOBODY).map_err(|error| (Stage::Nobody, error))?;
        for (link, (kind, _)) in self.links.iter().zip(LINKS) {
            move_into_link_name_space(link.as_fd(), Some(kind)).map_err(|error| (Stage::Enter, error))?;
        }
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| (Stage::Enter, error))
    }

    /// For the second child: starts the third, waits for it, and ends with everything that is left.
    fn be_init(&self, launcher: &Launcher, command: &Command, outputs: &Outputs) -> u8 {
        let started = self.prepare_init().and_then(|()| {
            let body = || launcher.become_command(command, outputs, Confinement::Namespaces);
            Child::start(PidNamespace::Shared, body).map_err(|error| (Stage::Fork, error))
        });
        match started {
            Ok(shell) => {
                close_from(0, Descriptors::Close);
                shell.wait_as_init()
            }
            Err((stage, error)) => {
                report(&outputs.report, stage as u8, error);
                1
            }
        }
    }

    fn prepare_init(&self) -> Result<(), Failed> {
        // It has the parent's memory: nobody may look into it.
        set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| (Stage::Proc, error))?;
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| (Stage::Proc, error))?;
        if !self.has_proc {
            return Ok(());
        }
        // A mount of its own, which goes when the command does.
        unshare(UnshareFlags::NEWNS).map_err(|error| (Stage::Proc, error))?;
        mount_proc(c"/proc").map_err(|error| (Stage::Proc, error))
    }
}

/// What maps the sandbox's root to a user of the machine.
struct IdMaps {
    users: CString,
    groups: CString,
}

impl IdMaps {
    fn new() -> Self {
        let (user, group) = match getuid().is_root() {
            true => (NOBODY, NOBODY),
            false => (getuid().as_raw(), getgid().as_raw()),
        };
        let map = |id: u32| CString::new(format!("0 {id} 1")).expect("digits hold no zero byte");
        Self { users: map(user), groups: map(group) }
    }

    fn write(&self) -> Result<(), Errno> {
        let files = [
            (c"/proc/self/setgroups", c"deny"),
            (c"/proc/self/uid_map", self.users.as_c_str()),
            (c"/proc/self/gid_map", self.groups.as_c_str()),
        ];
        for (path, text) in files {
            let file = openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
            write(&file, text.to_bytes())?;
        }
        Ok(())
    }
}

fn make_namespaces(maps: &IdMaps) -> Result<(), Failed> {
    become_user(NOBODY).map_err(|error| (Stage::Nobody, error))?;
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS;
    unshare(flags).map_err(|error| (Stage::Unshare, error))?;
    maps.write().map_err(|error| (Stage::IdMap, error))
}

/// For the builder: makes the root, fills it, and hands over descriptors to all that shall last.
fn build(plan: &RootPlan, tree: &PreparedTree, to: &OwnedFd) -> Result<(), Failed> {
    let at = |stage: Stage| move |error: Errno| (stage, error);
    let open = |path: &CStr, flags: OFlags| {
        openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(at(Stage::Handles))
    };
    let links = [
        open(LINKS[0].1, OFlags::RDONLY)?,
        open(LINKS[1].1, OFlags::RDONLY)?,
        open(LINKS[2].1, OFlags::RDONLY)?,
        open(LINKS[3].1, OFlags::RDONLY)?,
        open(LINKS[4].1, OFlags::RDONLY)?,
    ];
    let has_proc = plan.build()?;
    let root = open(c"/", OFlags::RDONLY | OFlags::DIRECTORY)?;
    tree.write(root.as_fd()).map_err(at(Stage::Tree))?;
    let [user, mounts, network, ipc, uts] = &links;
    let handles = [user.as_fd(), mounts.as_fd(), network.as_fd(), ipc.as_fd(), uts.as_fd(), root.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(N_HANDLES))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&handles)) {
        return Err((Stage::Handles, Errno::NOBUFS));
    }
    let word = [0, u8::from(has_proc), 0, 0, 0];
    sendmsg(to, &[IoSlice::new(&word)], &mut control, SendFlags::empty()).map_err(at(Stage::Handles))?;
    Ok(())
}

/// What the builder hands over, or why it could not.
fn receive(from: &OwnedFd) -> Result<Namespaces, Error> {
    let mut word = [0; 5];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(N_HANDLES))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        recvmsg(from, &mut [IoSliceMut::new(&mut word)], &mut control, RecvFlags::CMSG_CLOEXEC)
    });
    let n_bytes = received.map_err(|error| Error::sandbox("prepare a session", error))?.bytes;
    if n_bytes > 0 && word[0] != 0 {
        let (stage, error) = decode(word);
        return Err(Error::sandbox(Stage::name(stage), error));
    }
    let mut handles: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            handles.extend(rights);
        }
    }
    match handles.pop() {
        Some(root) if handles.len() == LINKS.len() => {
            Ok(Namespaces { links: handles, root, has_proc: word[1] != 0 })
        }
        _ => Err(Error::sandbox("prepare a session", Errno::CHILD)),
    }
}
