//! What an environment task may learn from: the policy, and the data sets that are mounted.

use std::path::PathBuf;

use schema::EnvName;
use tasks::{BadInput, Layout};

use super::Mode;

/// Says which rows may be learnt from.
pub(super) const POLICY: &str = "ENV_DATA_POLICY";
const POLICIES: &str = "self_generated, sidecar_only, whitelist_only";
/// Comma list of mounted data sets, and the folder they are in.
pub(super) const SETS: &str = "MINER_DATASETS";
const SETS_DIR: &str = "MINER_DATASETS_DIR";

/// How the user reads the rules of the tournament.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataPolicy {
    /// Rows that the run makes itself, and mounted ones.
    SelfGenerated,
    /// Episodes alone.
    SidecarOnly,
    /// Mounted rows alone.
    WhitelistOnly,
}

/// The policy that is asked for; the first by default.
pub(super) fn policy(mode: Mode, warnings: &mut Vec<String>) -> Result<DataPolicy, BadInput> {
    let asked = std::env::var(POLICY).unwrap_or_default();
    match asked.trim() {
        "" | "self_generated" => Ok(DataPolicy::SelfGenerated),
        "sidecar_only" => Ok(DataPolicy::SidecarOnly),
        "whitelist_only" => Ok(DataPolicy::WhitelistOnly),
        other if mode == Mode::Container => {
            warnings.push(format!("{POLICY} is `{other}`, which is none of {POLICIES}: the first is taken"));
            Ok(DataPolicy::SelfGenerated)
        }
        other => Err(BadInput::new(format!("{POLICY} is `{other}`"), POLICIES)),
    }
}

/// The mounted sets that are there; one that is named and missing is warned of.
pub(super) fn mounted(layout: &Layout, warnings: &mut Vec<String>) -> Vec<PathBuf> {
    let dir = std::env::var_os(SETS_DIR).filter(|dir| !dir.is_empty());
    let dir = dir.map_or_else(|| layout.miner_datasets(), PathBuf::from);
    let asked = std::env::var(SETS).unwrap_or_default();
    let mut found = Vec::new();
    for name in asked.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let places = [dir.join(name), dir.join(name.replace('/', "--"))];
        match places.iter().find(|place| place.exists()) {
            Some(place) => found.push(place.clone()),
            None => warnings.push(format!("{SETS} names `{name}`, which is not in `{}`", dir.display())),
        }
    }
    found
}

/// Those of `envs` that can be learnt from teachers.
pub(super) fn with_teacher(envs: Vec<EnvName>) -> (Vec<EnvName>, Vec<EnvName>) {
    envs.into_iter().partition(|env| *env == EnvName::Intercode || teach::GAMES.contains(&env.as_str()))
}
