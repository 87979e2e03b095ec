//! Giving up being root, in a child: limits on processes do not bind root, and its files would be the command's own.

use rustix::fs::{Gid, Uid};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, getuid, set_dumpable_behavior};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// The user and the group that everybody else is not.
pub(super) const NOBODY: u32 = 65_534;
/// Users that no account has: systemd keeps them for services that live for a while.
const TRANSIENT: std::ops::Range<u32> = 61_184..65_520;

/// A user for one session, so that sessions neither count against each other's limits nor reach each other.
pub(super) fn transient_user(session: u64) -> u32 {
    let n_users = u64::from(TRANSIENT.end - TRANSIENT.start);
    // Processes that run at the same time begin far from each other.
    let at = (u64::from(std::process::id()) * 1_009 + session) % n_users;
    TRANSIENT.start + at as u32
}

/// Makes this child `id`, user and group, if it is root. The parent is not concerned.
pub(super) fn become_user(id: u32) -> Result<(), Errno> {
    if !getuid().is_root() {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    // Changing users has taken its own /proc entries away from it.
    set_dumpable_behavior(DumpableBehavior::Dumpable)
}
