//! The state of the managed folders, taken from outside of the sandbox without following a link.
//!
//! As in the evaluator: a file is its size and content, a link its target, a folder its permission bits. Owner, time
//! and permissions of a file do not count. Deviation: SHA-256 instead of MD5; only equality is asked for.
//!
//! # Source
//! spec/env_sidecars.md §3.3.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::{Errno, read};
use sha2::{Digest, Sha256};

/// Folders deeper than this are not looked into: our own descriptors are limited.
const MAX_DEPTH: usize = 64;
/// Bytes that are read in all. More than a sandbox can hold, but holes in files take no room there.
const MAX_BYTES: u64 = 256 << 20;
const PIECE: usize = 64 << 10;

/// What a path is, as far as the reward looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A regular file.
    File {
        /// In bytes.
        size: u64,
        /// SHA-256 of its content.
        digest: [u8; 32],
    },
    /// A symbolic link with its target.
    Symlink(Vec<u8>),
    /// A folder with its permission bits.
    Directory {
        /// Lowest twelve bits of its mode.
        mode: u32,
    },
    /// A pipe, a socket, a device.
    Other,
    /// What cannot be read from outside either: no permission, too deep, too much.
    Unreadable,
}

/// States by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    states: BTreeMap<Vec<u8>, State>,
}

/// Paths whose state is another than at the start; `None` for what is gone.
pub type Changes = BTreeMap<Vec<u8>, Option<State>>;

impl Manifest {
    /// What lies at and under the `folders` (absolute paths) of the root that `root` is open on.
    ///
    /// # Errors
    /// If the root itself cannot be read; everything else is a state.
    pub fn capture(root: BorrowedFd<'_>, folders: &[&str]) -> Result<Self, Errno> {
        let mut capture = Capture { states: BTreeMap::new(), bytes_left: MAX_BYTES };
        for folder in folders {
            let name = std::ffi::CString::new(folder.trim_start_matches('/')).map_err(|_| Errno::INVAL)?;
            match capture.visit(root, &name, folder.as_bytes().to_vec(), 0) {
                Err(Errno::NOENT) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { states: capture.states })
    }

    /// What has changed from `self` to `later`.
    pub fn changes(&self, later: &Self) -> Changes {
        let mut changes = Changes::new();
        for (path, state) in &later.states {
            if self.states.get(path) != Some(state) {
                changes.insert(path.clone(), Some(state.clone()));
            }
        }
        for path in self.states.keys().filter(|path| !later.states.contains_key(*path)) {
            changes.insert(path.clone(), None);
        }
        changes
    }

    /// The state of `path`.
    pub fn get(&self, path: &str) -> Option<&State> {
        self.states.get(path.as_bytes())
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// True if there is no path.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }
}

struct Capture {
    states: BTreeMap<Vec<u8>, State>,
    bytes_left: u64,
}

impl Capture {
    /// Records `name` in `parent` under `path`, and what is in it.
    fn visit(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        path: Vec<u8>,
        depth: usize,
    ) -> Result<(), Errno> {
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let state = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(parent, name, stat.st_size as u64),
            FileType::Symlink => {
                readlinkat(parent, name, Vec::new()).map(|target| State::Symlink(target.into_bytes()))
            }
            FileType::Directory => {
                self.children(parent, name, &path, depth);
                Ok(State::Directory { mode: stat.st_mode & 0o7777 })
            }
            _ => Ok(State::Other),
        };
        self.states.insert(path, state.unwrap_or(State::Unreadable));
        Ok(())
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr, size: u64) -> Result<State, Errno> {
        if size > self.bytes_left {
            return Ok(State::Unreadable);
        }
        self.bytes_left -= size;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(parent, name, flags, Mode::empty())?;
        let (mut hasher, mut piece) = (Sha256::new(), vec![0; PIECE]);
        let mut left = size;
        while left > 0 {
            let n_read = read(&file, &mut piece[..PIECE.min(left as usize)])?;
            if n_read == 0 {
                break;
            }
            hasher.update(&piece[..n_read]);
            left -= n_read as u64;
        }
        Ok(State::File { size, digest: hasher.finalize().into() })
    }

    /// Records what is in a folder; one that cannot be listed gets one unreadable child.
    fn children(&mut self, parent: BorrowedFd<'_>, name: &CStr, path: &[u8], depth: usize) {
        let unreadable = |path: &[u8]| [path, b"/?"].concat();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened: Result<OwnedFd, Errno> = openat(parent, name, flags, Mode::empty());
        let listed = opened.and_then(|folder| Ok((Dir::read_from(&folder)?, folder)));
        let (Ok((entries, folder)), true) = (listed, depth < MAX_DEPTH) else {
            self.states.insert(unreadable(path), State::Unreadable);
            return;
        };
        for entry in entries.filter_map(Result::ok) {
            let child = entry.file_name();
            if child == c"." || child == c".." {
                continue;
            }
            let child_path = [path, b"/", child.to_bytes()].concat();
            // Nothing runs any more: a name that was listed and is gone would be a fault of the file system.
            if self.visit(std::os::fd::AsFd::as_fd(&folder), child, child_path.clone(), depth + 1).is_err() {
                self.states.insert(child_path, State::Unreadable);
            }
        }
    }
}

#[cfg(test)]
mod tests;
