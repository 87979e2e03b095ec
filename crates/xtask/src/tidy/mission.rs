//! Dependencies that must be used, and that declared ones are.

use super::Finding;
use super::workspace::{Crate, Workspace};

/// The crates that the project's mission names, and who uses each for what it is made for.
const MISSION: [(&str, &str); 10] = [
    ("tokio", "rollout"),
    ("reqwest", "envclient"),
    ("burn", "model"),
    ("burn-cuda", "model"),
    ("serde_json", "schema"),
    ("futures", "rollout"),
    ("tokenizers", "data"),
    ("hf-hub", "tasks"),
    ("rand", "model"),
    ("tracing", "rollout"),
];

/// Optional dependencies that exist to set features of what burn builds.
const FEATURE_ONLY: [&str; 2] = ["burn-cuda", "cubecl-cuda"];

/// Every crate of the mission is a dependency of the crate that needs it, and its code names it.
pub(super) fn mission_crates_are_used(workspace: &Workspace) -> Vec<Finding> {
    const HINT: &str = "use it for what it is made for, or change tidy/mission.rs with an ADR";
    let mut findings = Vec::new();
    for (dependency, user) in MISSION {
        let manifest = workspace.crates.iter().find(|one| one.name == user);
        let declared =
            manifest.and_then(|one| one.dependencies.iter().find(|d| d.name == dependency && !d.dev));
        let place = format!("crates/{user}/Cargo.toml");
        let Some(declared) = declared else {
            findings.push(Finding::new(place, format!("`{user}` does not depend on `{dependency}`"), HINT));
            continue;
        };
        let feature_only = FEATURE_ONLY.contains(&dependency);
        if feature_only && !declared.optional {
            findings.push(Finding::new(place, format!("`{dependency}` is not optional"), HINT));
        } else if !feature_only && !names(workspace, user, dependency) {
            findings.push(Finding::new(place, format!("no code of `{user}` uses `{dependency}`"), HINT));
        }
    }
    findings
}

/// Whatever a manifest lists, some file of the crate names.
pub(super) fn dependencies_are_used(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Crate { name, dependencies, .. } in &workspace.crates {
        for dependency in dependencies.iter().filter(|one| !FEATURE_ONLY.contains(&one.name.as_str())) {
            let used = match dependency.dev {
                true => workspace
                    .rust_files()
                    .any(|file| file.crate_name() == name && mentions(file.text(), dependency)),
                false => names(workspace, name, &dependency.name),
            };
            if !used {
                let what = format!("no code of `{name}` uses `{}`", dependency.name);
                findings.push(Finding::new(format!("crates/{name}/Cargo.toml"), what, "remove the line"));
            }
        }
    }
    findings
}

fn mentions(text: &str, dependency: &super::workspace::Dependency) -> bool {
    text.contains(&dependency.name.replace('-', "_"))
}

/// True if product code of crate `user` mentions `dependency` as a path.
fn names(workspace: &Workspace, user: &str, dependency: &str) -> bool {
    let name = dependency.replace('-', "_");
    let patterns = [format!("{name}::"), format!("use {name};"), format!("use {name} as")];
    let product = workspace.rust_files().filter(|file| file.crate_name() == user && !file.is_test());
    product
        .flat_map(|file| file.code_lines())
        .any(|(_, line)| patterns.iter().any(|p| line.contains(p.as_str())))
}
