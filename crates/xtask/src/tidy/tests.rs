//! The workspace obeys every rule, and every rule notices a bad example.

use std::collections::{BTreeMap, BTreeSet};

use super::workspace::{Crate, Dependency, File, Workspace};
use super::{RULES, Rule, check};

#[test]
fn the_workspace_is_tidy() {
    let findings = check(&crate::root()).unwrap();
    let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), text.join("\n"));
}

fn rule(name: &str) -> Rule {
    RULES.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no rule `{name}`")).1
}

/// A workspace of one file.
fn file(path: &str, text: &str) -> Workspace {
    Workspace {
        files: vec![File { path: path.to_owned(), bytes: text.as_bytes().to_vec() }],
        crates: Vec::new(),
    }
}

fn source(text: &str) -> Workspace {
    file("crates/games/src/lib.rs", text)
}

fn with_crate(mut workspace: Workspace, name: &str, dependencies: &[&str]) -> Workspace {
    let dependencies = dependencies
        .iter()
        .map(|name| Dependency { name: (*name).to_owned(), optional: false, dev: false })
        .collect();
    workspace.crates.push(Crate { name: name.to_owned(), dependencies, features: BTreeMap::new() });
    workspace
}

fn with_feature(mut workspace: Workspace, feature: &str, parts: &[&str]) -> Workspace {
    let last = workspace.crates.last_mut().unwrap();
    last.features.insert(feature.to_owned(), parts.iter().map(|part| (*part).to_owned()).collect());
    workspace
}

/// The two crates that carry the `cuda` feature as they should.
fn with_cuda() -> Workspace {
    let model = with_feature(with_crate(Workspace::default(), "model", &[]), "cuda", &["burn/cuda"]);
    with_feature(with_crate(model, "cli", &[]), "cuda", &["model/cuda"])
}

/// Rule, a workspace that breaks it, and what the message names.
fn bad_examples() -> Vec<(&'static str, Workspace, &'static str)> {
    let lock = "[[package]]\nname = \"eval\"\ndependencies = [\"odd 1.0.0\"]\n\n\
                [[package]]\nname = \"odd\"\ndependencies = [\"cubecl-core\"]\n";
    let big = "x".repeat(257 * 1024);
    vec![
        ("dependencies go down in rank", with_crate(Workspace::default(), "schema", &["rollout"]), "rank 2"),
        ("dependencies go down in rank", with_crate(Workspace::default(), "novelty", &[]), "no rank"),
        (
            "light crates know no tensors",
            with_crate(file("Cargo.lock", lock), "eval", &[]),
            "eval → odd → cubecl-core",
        ),
        (
            "computing crates know no sockets",
            with_crate(Workspace::default(), "train", &["reqwest"]),
            "`reqwest`",
        ),
        ("computing crates know no sockets", file("crates/model/src/a.rs", "tokio::spawn(f);"), "spawn"),
        ("one backend feature", with_feature(with_crate(with_cuda(), "data", &[]), "fast", &[]), "`fast`"),
        (
            "one backend feature",
            with_feature(with_crate(with_cuda(), "grpo", &[]), "cuda", &["burn/cuda"]),
            "`grpo`",
        ),
        ("one backend feature", with_crate(Workspace::default(), "model", &[]), "`burn/cuda`"),
        ("mission crates are used", with_crate(Workspace::default(), "data", &[]), "`tokenizers`"),
        (
            "mission crates are used",
            with_crate(Workspace::default(), "envclient", &["reqwest"]),
            "uses `reqwest`",
        ),
        ("dependencies are used", with_crate(source("//! Nothing."), "games", &["half"]), "`half`"),
        ("only cli reads the environment", source("let home = std::env::var(\"HOME\");"), "env::var"),
        ("only cli reads the environment", source("let now = SystemTime::now();"), "SystemTime"),
        ("queues are bounded", source("let (tx, rx) = mpsc::unbounded_channel();"), "unbounded_channel"),
        ("queues are bounded", source("let (tx, rx) = std::sync::mpsc::channel();"), "mpsc::channel"),
        ("no backend generics", source("fn step<B: Backend>() {}"), "B: Backend"),
        ("devices are probed", source("let device = Device::default();"), "Device::default"),
        ("only cli prints", source("    eprintln!(\"here\");"), "println!("),
        ("no machine paths", source("let path = \"../shared/data\";"), "../shared"),
        ("files begin with what they are", source("pub fn silent() {}"), "no header"),
        ("files begin with what they are", source("//! (in work)"), "no header"),
        ("tests live in files of their own", source("#[cfg(test)]\nmod tests {"), "mod tests {"),
        ("tests live in files of their own", source("#[test]\nfn two() {}"), "#[test]"),
        ("nothing is written in place", source("std::fs::write(path, text)?;"), "fs::write("),
        ("licence is untouched", file("LICENSE.md", "All yours."), "changed"),
        ("files are small", file("docs/table.md", &big), "257 KiB"),
        ("test data is small", file("crates/games/tests/data/all.json", &big), "257 KiB"),
        ("no weights", file("assets/model.safetensors", ""), "weights"),
        ("no junk-drawer modules", file("crates/data/src/utils.rs", "//! Things."), "junk"),
        ("documents are there and short", file("README.md", &"line\n".repeat(151)), "151 lines"),
        ("documents are there and short", file("docs/adr/0009-long.md", &"line\n".repeat(41)), "41 lines"),
        ("documents are there and short", file("README.md", "# X"), "missing"),
        ("links lead somewhere", file("README.md", "see [it](docs/it.md)"), "`docs/it.md`"),
        ("links lead somewhere", source("//! docs/adr/0009 says why"), "`docs/adr/0009`"),
        (
            "both trainer images are one",
            file("dockerfiles/standalone-text-trainer.dockerfile", "FROM a"),
            "different",
        ),
    ]
}

#[test]
fn every_bad_example_is_found_and_named() {
    for (name, workspace, named) in bad_examples() {
        let findings = rule(name)(&workspace);
        let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(
            text.iter().any(|line| line.contains(named)),
            "rule `{name}` does not name `{named}`: {text:?}"
        );
    }
}

#[test]
fn every_rule_has_a_bad_example() {
    let examples = bad_examples();
    let tried: BTreeSet<&str> = examples.iter().map(|(name, ..)| *name).collect();
    let rules: BTreeSet<&str> = RULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(tried, rules);
}

/// Rule and a workspace that it has nothing against.
fn check_good(name: &str, workspace: &Workspace) {
    assert_eq!(rule(name)(workspace), [], "rule `{name}`");
}

#[test]
fn what_is_allowed_is_not_found() {
    check_good("only cli prints", &file("crates/cli/src/main.rs", "println!(\"report\");"));
    check_good("only cli prints", &source("//! println!(\"in a comment\")\n/// dbg!(x)\n"));
    check_good(
        "only cli reads the environment",
        &file("crates/games/src/leduc/tests.rs", "std::env::var(\"X\")"),
    );
    check_good(
        "nothing is written in place",
        &source("fs::write(part, text)?; file.sync_all()?; fs::rename(part, path)"),
    );
    check_good("no machine paths", &file("crates/data/tests/reference.rs", "\"../shared\""));
    check_good("computing crates know no sockets", &file("crates/model/src/a.rs", "use tokio::sync::mpsc;"));
    check_good(
        "dependencies go down in rank",
        &with_crate(Workspace::default(), "rollout", &["schema", "serde"]),
    );
    check_good("one backend feature", &with_cuda());
    check_good("no weights", &file("crates/model/tests/data/row.safetensors", ""));
    check_good("files are small", &file("Cargo.lock", &"x".repeat(300 * 1024)));
    let mut images = file("ops/docker/standalone-text-trainer.dockerfile", "FROM a");
    images.files.extend(file("dockerfiles/standalone-text-trainer.dockerfile", "FROM a").files);
    check_good("both trainer images are one", &images);
}

#[test]
fn a_message_says_where_what_and_what_to_do() {
    let finding = &rule("only cli prints")(&source("//! x\nprintln!(\"1\");"))[0];
    let text = finding.to_string();
    assert_eq!(
        text,
        "crates/games/src/lib.rs:2: `println!(` in product code\n  hint: return it, or use tracing"
    );
}
