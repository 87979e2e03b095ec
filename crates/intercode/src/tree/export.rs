//! A tree as it was found: what a setup script has left, with contents, permissions and times.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::{Errno, read};

use super::{Content, Modified, Node, Tree};

/// Folders deeper than this are none of a setup script's.
const MAX_DEPTH: usize = 64;
/// More than a sandbox can hold, and less than a file of holes may say.
const MAX_FILE: i64 = 32 << 20;
/// What was written so recently was written by the script itself: its age is kept, not its date.
const RECENT_SECONDS: i64 = 3_600;

/// Everything at and under `folders` of the root that `root` is open on. Pipes, sockets and devices are left out, and
/// names that are not UTF-8.
pub(crate) fn export(root: BorrowedFd<'_>, folders: &[&str]) -> Result<Tree, Errno> {
    let now = statat(root, c".", AtFlags::empty())?.st_mtime as i64;
    let mut export = Export { tree: Tree::default(), now };
    for folder in folders {
        let name = CString::new(folder.trim_start_matches('/')).map_err(|_| Errno::INVAL)?;
        match export.visit(root, &name, folder, 0) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(export.tree)
}

struct Export {
    tree: Tree,
    now: i64,
}

impl Export {
    fn visit(&mut self, parent: BorrowedFd<'_>, name: &CStr, path: &str, depth: usize) -> Result<(), Errno> {
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let content = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if depth < MAX_DEPTH => Content::Directory,
            FileType::RegularFile if stat.st_size <= MAX_FILE => Content::File(bytes(parent, name)?),
            FileType::Symlink => {
                let target = readlinkat(parent, name, Vec::new())?;
                Content::Symlink(target.to_string_lossy().into_owned())
            }
            _ => return Ok(()),
        };
        let (mode, is_folder) = (stat.st_mode & 0o7777, content == Content::Directory);
        let (at, age) = (stat.st_mtime as i64, self.now - stat.st_mtime as i64);
        let modified =
            if age.abs() < RECENT_SECONDS { Modified::SecondsAgo(age.max(0)) } else { Modified::At(at) };
        self.tree.insert(path, Node { content, mode, modified });
        if !is_folder {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(parent, name, flags, Mode::empty())?;
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let child = entry.file_name();
            if let Ok(text) = child.to_str()
                && !matches!(text, "." | "..")
            {
                self.visit(folder.as_fd(), child, &format!("{path}/{text}"), depth + 1)?;
            }
        }
        Ok(())
    }
}

fn bytes(parent: BorrowedFd<'_>, name: &CStr) -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(parent, name, flags, Mode::empty())?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 16 << 10]);
    loop {
        match read(&file, &mut piece)? {
            0 => return Ok(bytes),
            n_read => bytes.extend_from_slice(&piece[..n_read]),
        }
    }
}
