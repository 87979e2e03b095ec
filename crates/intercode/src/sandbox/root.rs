//! A root of its own: an empty file system in memory, with the machine's programs bound read-only.
//!
//! A [`RootPlan`] is made once, with everything that may allocate; a forked child carries it out. Nothing of the machine
//! but programs, libraries and four harmless devices is in it: no home, no configuration, no sockets.
//!
//! # Source
//! spec/env_sidecars.md §3.5 point 2.

use std::ffi::{CStr, CString};
use std::fs;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat, symlinkat};
use rustix::io::{Errno, write};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change, unmount,
};
use rustix::process::{chdir, pivot_root};

use super::child::make_read_only;
use super::process::Stage;

/// All that a session can write, `/tmp` included: 64 MiB and 20 000 files.
const LIMITS: &CStr = c"size=67108864,nr_inodes=20000,mode=755";
/// Hides processes that may not be traced: the sandbox's own first one.
const PROC_OPTIONS: &CStr = c"hidepid=2";
/// An existing folder to build on; nothing of it is needed afterwards.
const BUILDING_SITE: &CStr = c"/tmp";

const PASSWD: &[u8] =
    b"root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
const GROUP: &[u8] = b"root:x:0:\nnogroup:x:65534:\n";
const HOSTS: &[u8] = b"127.0.0.1\tlocalhost\n";

/// Where programs are, on any distribution; links and folders alike.
const PROGRAM_FOLDERS: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// Debian's programs of many names lead through the first; the loader's list of libraries is the second.
const FROM_ETC: [&str; 2] = ["etc/alternatives", "etc/ld.so.cache"];
const DEVICES: [&str; 5] = ["dev/null", "dev/zero", "dev/full", "dev/random", "dev/urandom"];
const DEVICE_LINKS: [(&CStr, &CStr); 4] = [
    (c"/proc/self/fd", c"dev/fd"),
    (c"/proc/self/fd/0", c"dev/stdin"),
    (c"/proc/self/fd/1", c"dev/stdout"),
    (c"/proc/self/fd/2", c"dev/stderr"),
];

/// How to make the root, step by step; paths are relative to it.
#[derive(Debug)]
pub(super) struct RootPlan {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Folder(CString, u32),
    File(CString, &'static [u8]),
    Link { target: CString, path: CString },
    Bind { source: CString, path: CString, access: Access },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    ReadOnly,
    Device,
}

impl RootPlan {
    /// What this machine has to offer.
    pub(super) fn new() -> Self {
        let mut steps: Vec<Step> = [("etc", 0o755), ("dev", 0o755), ("proc", 0o555), ("root", 0o700)]
            .into_iter()
            .chain([("tmp", 0o1777), ("var", 0o755), ("var/tmp", 0o1777), ("home", 0o755)])
            .map(|(path, mode)| Step::Folder(c_string(path), mode))
            .collect();
        for (path, text) in [("etc/passwd", PASSWD), ("etc/group", GROUP), ("etc/hosts", HOSTS)] {
            steps.push(Step::File(c_string(path), text));
        }
        for path in PROGRAM_FOLDERS.into_iter().chain(FROM_ETC) {
            steps.extend(as_on_the_machine(path));
        }
        for path in DEVICES {
            steps.push(Step::File(c_string(path), b""));
            steps.push(bind(path, Access::Device));
        }
        let links =
            DEVICE_LINKS.map(|(target, path)| Step::Link { target: target.into(), path: path.into() });
        steps.extend(links);
        Self { steps }
    }

    /// Makes the root and moves into it; returns whether `/proc` is there. For a forked child that owns its mount
    /// namespace and is the first process of its pid namespace.
    pub(super) fn build(&self) -> Result<bool, (Stage, Errno)> {
        let at = |stage: Stage| move |error: Errno| (stage, error);
        mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .map_err(at(Stage::Private))?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount(c"tmpfs", BUILDING_SITE, c"tmpfs", flags, LIMITS).map_err(at(Stage::Memory))?;
        chdir(BUILDING_SITE).map_err(at(Stage::Memory))?;
        for step in &self.steps {
            step.carry_out().map_err(at(step.stage()))?;
        }
        let has_proc = mount_proc(c"proc").is_ok();
        pivot_root(c".", c".").map_err(at(Stage::Pivot))?;
        unmount(c".", UnmountFlags::DETACH).map_err(at(Stage::Pivot))?;
        chdir(c"/").map_err(at(Stage::Pivot))?;
        Ok(has_proc)
    }
}

/// Mounts the processes of this pid namespace. The kernel allows it where the machine's own is not masked.
pub(super) fn mount_proc(path: &CStr) -> Result<(), Errno> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount(c"proc", path, c"proc", flags, PROC_OPTIONS)
}

impl Step {
    fn stage(&self) -> Stage {
        match self {
            Self::Folder(..) | Self::File(..) | Self::Link { .. } => Stage::Skeleton,
            Self::Bind { .. } => Stage::Bind,
        }
    }

    fn carry_out(&self) -> Result<(), Errno> {
        match self {
            Self::Folder(path, mode) => {
                mkdirat(CWD, path.as_c_str(), Mode::from_raw_mode(0o755))?;
                rustix::fs::chmod(path.as_c_str(), Mode::from_raw_mode(*mode))
            }
            Self::File(path, bytes) => write(create(path)?, bytes).map(|_| ()),
            Self::Link { target, path } => symlinkat(target.as_c_str(), CWD, path.as_c_str()),
            Self::Bind { source, path, access } => {
                mount_bind_recursive(source.as_c_str(), path.as_c_str())?;
                match access {
                    Access::ReadOnly => make_read_only(path),
                    Access::Device => Ok(()),
                }
            }
        }
    }
}

fn create(path: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::from_raw_mode(0o644))
}

/// Steps that put the same thing at the same path: a link as a link, all else bound; none if there is nothing.
fn as_on_the_machine(path: &str) -> Vec<Step> {
    let on_machine = format!("/{path}");
    let Ok(metadata) = fs::symlink_metadata(&on_machine) else {
        return Vec::new();
    };
    if let Ok(target) = fs::read_link(&on_machine) {
        let target = c_string(&target.to_string_lossy());
        return vec![Step::Link { target, path: c_string(path) }];
    }
    let place = match metadata.is_dir() {
        true => Step::Folder(c_string(path), 0o755),
        false => Step::File(c_string(path), b""),
    };
    vec![place, bind(path, Access::ReadOnly)]
}

fn bind(path: &str, access: Access) -> Step {
    Step::Bind { source: c_string(&format!("/{path}")), path: c_string(path), access }
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("paths of the system hold no zeros")
}
