//! Giving up being root, in a child: limits on processes do not bind root, and its files would be the command's own.

use rustix::fs::{Gid, Uid};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, getuid, set_dumpable_behavior};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// The user and the group that everybody else is not.
pub(super) const NOBODY: u32 = 65_534;

/// Makes this child nobody, if it is root. The parent is not concerned.
pub(super) fn become_nobody() -> Result<(), Errno> {
    if !getuid().is_root() {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    // Changing users has taken its own /proc entries away from it.
    set_dumpable_behavior(DumpableBehavior::Dumpable)
}
