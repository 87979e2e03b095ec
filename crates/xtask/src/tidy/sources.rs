//! What product code does not say.

use super::Finding;
use super::workspace::{File, Workspace};

/// Findings for every line of `files` that holds one of `patterns`.
fn forbid<'a>(files: impl Iterator<Item = &'a File>, patterns: &[&str], hint: &'static str) -> Vec<Finding> {
    files
        .flat_map(|file| file.code_lines().map(move |(number, line)| (file, number, line)))
        .filter_map(|(file, number, line)| {
            let pattern = patterns.iter().find(|pattern| line.contains(**pattern))?;
            Some(Finding::new(
                format!("{}:{number}", file.path),
                format!("`{pattern}` in product code"),
                hint,
            ))
        })
        .collect()
}

fn outside_cli(workspace: &Workspace) -> impl Iterator<Item = &File> {
    workspace.product_files().filter(|file| !["cli", "miner"].contains(&file.crate_name()))
}

/// Configuration comes in through `cli` alone: a library is told, it does not look around.
pub(super) fn only_cli_reads_the_environment(workspace: &Workspace) -> Vec<Finding> {
    let patterns =
        ["env::var", "env::args", "env::current_dir", "env::home_dir", "SystemTime::now", "option_env!"];
    forbid(outside_cli(workspace), &patterns, "read it in cli and hand it down as a value")
}

/// A queue without a bound hides a slow consumer until memory is gone.
pub(super) fn queues_are_bounded(workspace: &Workspace) -> Vec<Finding> {
    let patterns = [
        "unbounded_channel",
        "UnboundedSender",
        "UnboundedReceiver",
        "channel::unbounded",
        "mpsc::unbounded",
    ];
    let mut findings =
        forbid(workspace.product_files(), &patterns, "mpsc::channel(n), with n a named constant");
    let std_channel = ["std::sync::mpsc::channel", "std::sync::mpsc::Sender;"];
    findings.extend(forbid(workspace.product_files(), &std_channel, "std::sync::mpsc::sync_channel(n)"));
    findings
}

/// burn 0.22 takes devices at run time; only a custom operation is written once for every backend.
pub(super) fn no_backend_generics(workspace: &Workspace) -> Vec<Finding> {
    let patterns = ["B: Backend", "B: AutodiffBackend", "<B as Backend>"];
    let files = workspace.product_files().filter(|file| !file.path.starts_with("crates/kernels"));
    forbid(files, &patterns, "pass a &Device, last")
}

/// Without a driver `Device::default()` panics in a service thread.
pub(super) fn devices_are_probed(workspace: &Workspace) -> Vec<Finding> {
    forbid(
        workspace.product_files(),
        &["Device::default()"],
        "devices are made and probed in cli and passed down",
    )
}

/// Standard output belongs to the command that was asked for.
pub(super) fn only_cli_prints(workspace: &Workspace) -> Vec<Finding> {
    let patterns = ["println!(", "print!(", "dbg!("];
    forbid(outside_cli(workspace), &patterns, "return it, or use tracing")
}

/// Paths of one machine, and of the reference data beside a checkout.
pub(super) fn no_machine_paths(workspace: &Workspace) -> Vec<Finding> {
    let patterns = ["../shared", "CROUPIER_SHARED", "\"/work/", "\"/root/", "\"/home/"];
    forbid(workspace.product_files(), &patterns, "take the path as an argument; tests alone may know it")
}

/// The first line of every Rust file says what it is; unit tests are about the file that they belong to.
pub(super) fn files_begin_with_what_they_are(workspace: &Workspace) -> Vec<Finding> {
    let silent = workspace.rust_files().filter(|file| !file.is_unit_test()).filter(|file| {
        let first = file.text().lines().next().unwrap_or("");
        !first.starts_with("//! ") || first.contains("(in work)")
    });
    let hint = "begin with `//!`: what this is, what it is not, its source";
    silent.map(|file| Finding::new(&file.path, "no header", hint)).collect()
}

/// Unit tests of `foo.rs` are in `foo/tests.rs`.
pub(super) fn tests_live_in_files_of_their_own(workspace: &Workspace) -> Vec<Finding> {
    let files = workspace.rust_files().filter(|file| !file.is_test());
    let patterns = ["#[test]", "#[tokio::test", "mod tests {"];
    forbid(
        files.filter(|file| file.path != "crates/xtask/src/tidy/sources.rs"),
        &patterns,
        "move it to foo/tests.rs",
    )
}

/// A reader must never see half a file, nor a power cut leave one: who writes a file also syncs and renames it.
pub(super) fn nothing_is_written_in_place(workspace: &Workspace) -> Vec<Finding> {
    let careful = |file: &&File| ["sync_all(", "rename("].iter().all(|call| file.text().contains(call));
    let files = workspace.product_files().filter(|file| !careful(file));
    forbid(files, &["fs::write(", "fs::copy("], "temporary name, sync_all, rename")
}
