//! A tree of files as data: what an episode starts from.
//!
//! Written once per episode, into a fresh root. Times are ages, because questions ask for files newer than a day.

mod export;

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps, chmodat, fchmod, futimens, mkdirat, openat};
use rustix::fs::{statat, symlinkat, utimensat};
use rustix::io::{Errno, write};

pub(crate) use self::export::export;

/// Files, folders and links by absolute path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

/// One path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What is there.
    pub content: Content,
    /// Permission bits; of no meaning for links.
    pub mode: u32,
    /// When it was last modified.
    pub modified: Modified,
}

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A folder.
    Directory,
    /// A regular file with its bytes.
    File(Vec<u8>),
    /// A symbolic link with its target.
    Symlink(String),
}

/// A modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modified {
    /// So many seconds before the tree is written.
    SecondsAgo(i64),
    /// Seconds since 1970.
    At(i64),
}

impl Tree {
    /// Puts a node at `path`; what was there is replaced.
    ///
    /// # Panics
    /// If the path is not absolute and normalised: such paths come from our own code.
    pub fn insert(&mut self, path: impl Into<String>, node: Node) {
        let path = path.into();
        let normal = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
        let is_normal = path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(normal));
        assert!(is_normal, "`{path}` is no absolute, normalised path");
        self.nodes.insert(path, node);
    }

    /// All paths with their nodes, folders before what is in them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The node at `path`.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True if there is no path.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl Node {
    /// A folder with the usual permissions.
    pub fn directory(modified: Modified) -> Self {
        Self { content: Content::Directory, mode: 0o755, modified }
    }

    /// A file.
    pub fn file(bytes: impl Into<Vec<u8>>, mode: u32, modified: Modified) -> Self {
        Self { content: Content::File(bytes.into()), mode, modified }
    }
}

/// A tree in the form that a forked child can write: no allocation is left to do.
#[derive(Debug)]
pub(crate) struct PreparedTree {
    nodes: Vec<(CString, Node, CString)>,
}

impl PreparedTree {
    /// Paths become relative to the folder that they are written into.
    pub(crate) fn new(tree: &Tree) -> Self {
        let text = |text: &str| CString::new(text).expect("paths were checked for zeros; targets are ours");
        let prepared = tree.iter().map(|(path, node)| {
            let target = match &node.content {
                Content::Symlink(target) => text(&target.replace('\0', "")),
                Content::Directory | Content::File(_) => CString::default(),
            };
            (text(path.trim_start_matches('/')), node.clone(), target)
        });
        Self { nodes: prepared.collect() }
    }

    /// Writes everything under `root`, which has no such paths yet. Only system calls: fit for a forked child.
    pub(crate) fn write(&self, root: BorrowedFd<'_>) -> Result<(), Errno> {
        let now = statat(root, c".", AtFlags::empty())?.st_mtime as i64;
        for (path, node, target) in &self.nodes {
            match &node.content {
                Content::Directory => mkdirat(root, path.as_c_str(), Mode::from_raw_mode(0o700))?,
                Content::Symlink(_) => symlinkat(target.as_c_str(), root, path.as_c_str())?,
                Content::File(bytes) => write_file(root, path, bytes, node, now)?,
            }
        }
        // Folders last and from the leaves up: writing into them changes their times.
        for (path, node, _) in self.nodes.iter().rev() {
            if matches!(node.content, Content::Directory) {
                let path = path.as_c_str();
                chmodat(root, path, Mode::from_raw_mode(node.mode), AtFlags::empty())?;
                utimensat(root, path, &times(node.modified, now), AtFlags::empty())?;
            }
        }
        Ok(())
    }
}

fn write_file(
    root: BorrowedFd<'_>,
    path: &CString,
    mut bytes: &[u8],
    node: &Node,
    now: i64,
) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(root, path.as_c_str(), flags, Mode::from_raw_mode(0o600))?;
    while !bytes.is_empty() {
        let written = write(&file, bytes)?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    fchmod(&file, Mode::from_raw_mode(node.mode))?;
    futimens(&file, &times(node.modified, now))
}

fn times(modified: Modified, now: i64) -> Timestamps {
    let seconds = match modified {
        Modified::SecondsAgo(age) => now - age,
        Modified::At(seconds) => seconds,
    };
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}
