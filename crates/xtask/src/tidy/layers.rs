//! Who may depend on whom: ranks, the frontier between light and heavy crates, the one backend feature.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::workspace::{Crate, Workspace};

/// Rank and weight of every crate, planned ones included (ARCHITECTURE.md).
const CRATES: [(&str, u8, Weight); 21] = [
    ("schema", 0, Weight::Light),
    ("games", 0, Weight::Light),
    ("intercode", 0, Weight::Light),
    ("kernels", 0, Weight::Heavy),
    ("model", 1, Weight::Heavy),
    ("journal", 1, Weight::Light),
    ("data", 1, Weight::Light),
    ("envclient", 1, Weight::Light),
    ("sidecar", 1, Weight::Light),
    ("reward", 1, Weight::Light),
    ("teach", 1, Weight::Light),
    ("train", 2, Weight::Heavy),
    ("rollout", 2, Weight::Light),
    ("eval", 3, Weight::Light),
    ("grpo", 3, Weight::Heavy),
    ("diffusion", 3, Weight::Heavy),
    ("serve", 4, Weight::Heavy),
    ("tasks", 4, Weight::Heavy),
    ("miner", 5, Weight::Heavy),
    ("cli", 6, Weight::Heavy),
    ("xtask", 6, Weight::Light),
];

/// The side of the frontier that a crate is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// Never depends on burn.
    Light,
    /// May depend on burn.
    Heavy,
}

/// Crates that compute: nothing in them waits for the network.
const COMPUTING: [&str; 4] = ["kernels", "model", "train", "diffusion"];
const NETWORK: [&str; 4] = ["axum", "hyper", "reqwest", "tokio-util"];

fn rank_of(name: &str) -> Option<(u8, Weight)> {
    CRATES.iter().find(|(known, ..)| *known == name).map(|(_, rank, weight)| (*rank, *weight))
}

fn manifest(name: &str) -> String {
    format!("crates/{name}/Cargo.toml")
}

/// Our crates depend on our crates of a lower rank only; test dependencies may point sideways.
pub(super) fn dependencies_go_down_in_rank(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Crate { name, dependencies, .. } in &workspace.crates {
        let Some((rank, _)) = rank_of(name) else {
            let what = format!("crate `{name}` has no rank");
            findings.push(Finding::new(
                manifest(name),
                what,
                "give it one in ARCHITECTURE.md and in tidy/layers.rs",
            ));
            continue;
        };
        for dependency in dependencies.iter().filter(|dependency| !dependency.dev) {
            if let Some((other, _)) = rank_of(&dependency.name).filter(|(other, _)| *other >= rank) {
                let what = format!("`{name}` (rank {rank}) depends on `{}` (rank {other})", dependency.name);
                findings.push(Finding::new(
                    manifest(name),
                    what,
                    "move what both need into a crate of lower rank",
                ));
            }
        }
    }
    findings
}

/// No path of dependencies leads from a light crate to burn or CubeCL, tests included.
pub(super) fn light_crates_know_no_tensors(workspace: &Workspace) -> Vec<Finding> {
    let graph = lock_graph(workspace);
    let light =
        workspace.crates.iter().filter(|one| rank_of(&one.name).is_some_and(|(_, w)| w == Weight::Light));
    light
        .filter_map(|one| path_to_tensors(&graph, &one.name))
        .map(|path| {
            let what = format!("the light crate `{}` reaches tensors: {}", path[0], path.join(" → "));
            Finding::new(
                manifest(path[0]),
                what,
                "keep tensors in model, train, grpo, tasks; pass plain data across",
            )
        })
        .collect()
}

/// Package names to the names that they depend on, from `Cargo.lock`.
fn lock_graph(workspace: &Workspace) -> BTreeMap<String, Vec<String>> {
    let text = workspace.file("Cargo.lock").map_or("", |file| file.text());
    let lock: toml::Table = toml::from_str(text).unwrap_or_default();
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let mut graph: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let name = package.get("name").and_then(toml::Value::as_str).unwrap_or_default();
        let dependencies = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        // An entry is `name`, `name version` or `name version source`.
        let names = dependencies.filter_map(|entry| entry.as_str()?.split(' ').next());
        graph.entry(name.to_owned()).or_default().extend(names.map(str::to_owned));
    }
    graph
}

/// The way from `start` to a tensor crate, if there is one.
fn path_to_tensors<'a>(graph: &'a BTreeMap<String, Vec<String>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![vec![start]];
    while let Some(path) = open.pop() {
        let last = *path.last().expect("a path holds at least its start");
        if last == "burn" || last.starts_with("burn-") || last.starts_with("cubecl") {
            return Some(path);
        }
        for next in graph.get(last).into_iter().flatten() {
            if seen.insert(next) {
                open.push(path.iter().copied().chain([next.as_str()]).collect());
            }
        }
    }
    None
}

/// Computing crates have no HTTP, and of tokio they use channels only.
pub(super) fn computing_crates_know_no_sockets(workspace: &Workspace) -> Vec<Finding> {
    const HINT: &str = "computing is synchronous: talk to async code by channels (tokio::sync) and threads";
    let mut findings = Vec::new();
    for one in workspace.crates.iter().filter(|one| COMPUTING.contains(&one.name.as_str())) {
        for dependency in
            one.dependencies.iter().filter(|dependency| NETWORK.contains(&dependency.name.as_str()))
        {
            let what = format!("`{}` depends on `{}`", one.name, dependency.name);
            findings.push(Finding::new(manifest(&one.name), what, HINT));
        }
    }
    for file in workspace.product_files().filter(|file| COMPUTING.contains(&file.crate_name())) {
        for (number, line) in file.code_lines() {
            if line.replace("tokio::sync", "").contains("tokio::") {
                findings.push(Finding::new(format!("{}:{number}", file.path), line.trim(), HINT));
            }
        }
    }
    findings
}

/// `cuda` is the only feature anywhere, off by default, and `cli` hands it down.
pub(super) fn one_backend_feature(workspace: &Workspace) -> Vec<Finding> {
    const HINT: &str = "the one feature is `cuda`: `model` turns burn's on, `cli` forwards to `model/cuda`";
    let mut findings = Vec::new();
    for Crate { name, features, dependencies } in &workspace.crates {
        // An optional dependency that no feature names with `dep:` is a feature of its own name.
        let implicit = |feature: &str| dependencies.iter().any(|d| d.optional && d.name == feature);
        for (feature, parts) in features {
            if feature != "cuda" && !implicit(feature) && !(feature == "default" && parts.is_empty()) {
                findings.push(Finding::new(manifest(name), format!("feature `{feature}` of `{name}`"), HINT));
            }
            let may_choose = matches!(name.as_str(), "kernels" | "model");
            if parts.iter().any(|part| part.starts_with("burn/")) && !may_choose {
                let what = format!("feature `{feature}` of `{name}` turns on burn's own features");
                findings.push(Finding::new(manifest(name), what, HINT));
            }
        }
    }
    let has_cuda = |name: &str, part: &str| {
        workspace
            .crates
            .iter()
            .filter(|one| one.name == name)
            .any(|one| one.features.get("cuda").is_some_and(|parts| parts.iter().any(|p| p == part)))
    };
    for (name, part) in [("model", "burn/cuda"), ("cli", "model/cuda")] {
        if !has_cuda(name, part) {
            findings.push(Finding::new(manifest(name), format!("feature `cuda` lacks `{part}`"), HINT));
        }
    }
    findings
}
