//! The middle tier: where namespaces are refused, a rule set of the kernel's Landlock around a folder of this machine.
//!
//! A caller that is root becomes a user of the session's own; programs can be read and run, the session's folder can be written, nothing else
//! can be opened; a stricter filter denies sockets, signals to strangers and leaving the process group. Weaker than
//! namespaces: the sum of what is written is bounded by time only, and other processes' existence shows. Changing
//! permissions is not Landlock's to deny, so a caller that is not root, whose own files these would be, does not get it.
//!
//! # Source
//! The kernel's `landlock.h`; versions 1 to 6 differ in the rights that they know.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::process::getuid;

use super::child::{RulesetAttributes, add_rule, create_ruleset, landlock_version};

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;
/// All rights on files that each version knows, from version 1 on.
const RIGHTS: [u64; 5] = [(1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1];
/// Rights that make sense on something that is no folder.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
/// Binding and connecting TCP, from version 4 on.
const NETWORK: (i32, u64) = (4, 0b11);
/// Abstract sockets and signals stay among the command's own, from version 6 on.
const SCOPES: (i32, u64) = (6, 0b11);

const PROGRAMS: [&str; 8] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache"];
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// A rule set around `folder`, to be put on a child.
///
/// # Errors
/// `EPERM` for callers that are not root; `ENOSYS` and `EOPNOTSUPP` where there is no Landlock.
pub(super) fn ruleset(folder: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    if !getuid().is_root() {
        return Err(Errno::PERM);
    }
    let version = landlock_version()?;
    let known = RIGHTS[(version.clamp(1, RIGHTS.len() as i32) - 1) as usize];
    let since = |(first, bits): (i32, u64)| if version >= first { bits } else { 0 };
    let attributes = RulesetAttributes { files: known, network: since(NETWORK), scopes: since(SCOPES) };
    let ruleset = create_ruleset(&attributes, version)?;
    let read = (EXECUTE | READ_FILE | READ_DIR) & known;
    let paths = PROGRAMS.map(|path| (path, read)).into_iter();
    let devices = DEVICES.map(|path| (path, (READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV) & known));
    for (path, rights) in paths.chain(devices) {
        match openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Ok(place) => allow(&ruleset, place.as_fd(), rights)?,
            // Not every machine has every folder.
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    allow(&ruleset, folder, known)?;
    Ok(ruleset)
}

fn allow(ruleset: &OwnedFd, place: BorrowedFd<'_>, rights: u64) -> Result<(), Errno> {
    let is_folder = FileType::from_raw_mode(fstat(place)?.st_mode) == FileType::Directory;
    let rights = if is_folder { rights } else { rights & OF_FILES };
    add_rule(ruleset.as_fd(), rights, place.as_raw_fd())
}
