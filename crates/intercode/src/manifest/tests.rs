use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// The state of `data` in a folder of this test's own.
fn capture(folder: &std::path::Path) -> Manifest {
    let root = fs::File::open(folder).unwrap();
    Manifest::capture(root.as_fd(), &["/data"]).unwrap()
}

fn names(changes: &Changes) -> Vec<String> {
    changes.keys().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

#[test]
fn contents_targets_and_folder_modes_count_file_modes_and_times_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join("data").join(name);
    fs::create_dir_all(at("sub")).unwrap();
    fs::write(at("kept"), "same").unwrap();
    fs::write(at("edited"), "before").unwrap();
    fs::write(at("gone"), "x").unwrap();
    symlink("kept", at("link")).unwrap();
    let before = capture(folder.path());
    assert_eq!(before.len(), 6, "the folder itself, a folder, three files and a link");
    assert_eq!(before.get("/data/link"), Some(&State::Symlink(b"kept".to_vec())));

    fs::set_permissions(at("kept"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(at("kept"), "same").unwrap();
    assert_eq!(before.changes(&capture(folder.path())), Changes::new());

    fs::write(at("edited"), "after!").unwrap();
    fs::remove_file(at("gone")).unwrap();
    fs::set_permissions(at("sub"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(at("link")).unwrap();
    symlink("/etc", at("link")).unwrap();
    let changes = before.changes(&capture(folder.path()));
    assert_eq!(names(&changes), ["/data/edited", "/data/gone", "/data/link", "/data/sub"]);
    assert_eq!(changes[b"/data/gone".as_slice()], None);
}

#[test]
fn a_folder_that_is_not_there_has_no_state() {
    let folder = tempfile::tempdir().unwrap();
    assert!(capture(folder.path()).is_empty());
}

#[test]
fn holes_and_depth_end_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::File::create(data.join("hole")).unwrap().set_len(MAX_BYTES + 1).unwrap();
    let deep = (0..=MAX_DEPTH).fold(data.clone(), |path, _| path.join("d"));
    fs::create_dir_all(deep).unwrap();
    let manifest = capture(folder.path());
    assert_eq!(manifest.get("/data/hole"), Some(&State::Unreadable));
    assert!(manifest.len() <= MAX_DEPTH + 4, "{}", manifest.len());
}
