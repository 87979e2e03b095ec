//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md that can be checked without running anything.
//!
//! The same rules run as a test of this crate, so that `cargo nextest run --workspace` holds them too.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people at a terminal")]

mod tidy;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments != ["tidy"] {
        eprintln!("unknown arguments `{}`\n\nhint: {USAGE}", arguments.join(" "));
        return Ok(ExitCode::from(2));
    }
    let findings = tidy::check(&root())?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} rules, {} findings", tidy::n_rules(), findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// The workspace that this crate belongs to.
fn root() -> std::path::PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).expect("this crate lies in `crates/xtask`").to_owned()
}
