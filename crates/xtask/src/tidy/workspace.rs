//! Files and manifests of the workspace, read once; tests make small ones by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use cargo_metadata::{DependencyKind, MetadataCommand};

/// Folders that are never part of the project, where there is no git to ask.
const IGNORED: [&str; 4] = [".git", "target", "runs", "__pycache__"];

/// What rules look at.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) files: Vec<File>,
    pub(super) crates: Vec<Crate>,
}

/// One file of the project.
#[derive(Debug)]
pub(super) struct File {
    /// From the workspace's root, with `/`.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

/// What a crate's manifest says.
#[derive(Debug, Default)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) features: BTreeMap<String, Vec<String>>,
}

/// One dependency of a crate.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) optional: bool,
    /// Used by tests and examples only.
    pub(super) dev: bool,
}

impl Workspace {
    /// Reads the files that belong to the project, and the members' manifests.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for path in paths(root)? {
            let bytes = fs::read(root.join(&path)).with_context(|| format!("cannot read `{path}`"))?;
            files.push(File { path, bytes });
        }
        Ok(Self { files, crates: crates(root)? })
    }

    /// The file at `path`.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Rust files of our crates, tests included.
    pub(super) fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.starts_with("crates/") && file.path.ends_with(".rs"))
    }

    /// Rust files that go into a binary; not this crate's rules, which quote what they forbid.
    pub(super) fn product_files(&self) -> impl Iterator<Item = &File> {
        self.rust_files().filter(|file| !file.is_test() && file.crate_name() != "xtask")
    }
}

impl File {
    /// The text; empty for binary files.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or("")
    }

    /// The crate it belongs to; empty outside `crates/`.
    pub(super) fn crate_name(&self) -> &str {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or("")
    }

    /// True for unit tests in their own file, what they share, integration tests and examples.
    pub(super) fn is_test(&self) -> bool {
        self.is_unit_test()
            || self.path.ends_with("/test_support.rs")
            || ["/tests/", "/examples/", "/benches/"].iter().any(|folder| self.path.contains(folder))
    }

    /// True for `foo/tests.rs`, which belongs to `foo.rs`.
    pub(super) fn is_unit_test(&self) -> bool {
        self.path.contains("/src/") && self.path.ends_with("/tests.rs")
    }

    /// Lines of code with their numbers: comments left out.
    pub(super) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text().lines().enumerate().map(|(index, line)| (index + 1, line));
        lines
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number, line.split(" // ").next().unwrap_or(line)))
    }
}

/// Paths of the project's files: what git tracks or would track; without git, everything but build output.
fn paths(root: &Path) -> anyhow::Result<Vec<String>> {
    let git = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output();
    let mut paths = match git {
        Ok(output) if output.status.success() => {
            let listed = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
            // A tracked file may be gone from the working tree.
            let there = |path: &&str| !path.is_empty() && root.join(path).is_file();
            listed.split('\0').filter(there).map(str::to_owned).collect()
        }
        _ => walk(root)?,
    };
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn walk(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && !IGNORED.iter().any(|name| entry.file_name() == *name) {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                let relative = path.strip_prefix(root).context("a folder left its parent")?;
                paths.push(relative.to_str().context("a file name is not UTF-8")?.replace('\\', "/"));
            }
        }
    }
    Ok(paths)
}

/// The members' manifests, without resolving anything: needs no network and no lock.
fn crates(root: &Path) -> anyhow::Result<Vec<Crate>> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root.join("Cargo.toml")).no_deps().other_options(["--offline".to_owned()]);
    let metadata = command.exec().context("cannot read the manifests with `cargo metadata`")?;
    let crates = metadata.packages.into_iter().map(|package| Crate {
        name: package.name.to_string(),
        features: package.features,
        dependencies: package
            .dependencies
            .into_iter()
            .map(|dependency| Dependency {
                name: dependency.name,
                optional: dependency.optional,
                dev: dependency.kind == DependencyKind::Development,
            })
            .collect(),
    });
    Ok(crates.collect())
}
