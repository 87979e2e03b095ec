//! Tasks from a seed: a small tree of files, a question in our own words, and the command that answers it.
//!
//! Nothing of the evaluator's set is here. Trees stand under the same four sets of managed folders; questions come from
//! templates that look at the tree, so that an answer is neither empty nor known beforehand.
//!
//! # Source
//! spec/recipes.md §6 point 5; folders of spec/env_sidecars.md §3.3.

mod changes;
mod counts;
mod draw;
mod finds;
mod plain;
mod scene;
mod texts;
mod trees;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::draw::Draw;
use self::scene::Scene;
use crate::tree::Tree;

/// Tries to find a template that fits a tree; most fit every tree.
const MAX_TRIES: usize = 64;

/// Which folders an episode is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSystem {
    /// `/testbed`.
    Testbed,
    /// `/system`.
    System,
    /// `/workspace` and `/backup`.
    Workspace,
    /// No files: questions about the shell itself.
    Bare,
}

impl FileSystem {
    /// With their share in a set of tasks, as in the evaluator's: 60, 53, 60 and 27 of 200.
    const SHARES: [(Self, u32); 4] =
        [(Self::Testbed, 60), (Self::System, 53), (Self::Workspace, 60), (Self::Bare, 27)];

    /// The folders whose state is compared.
    pub fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Testbed => &["/testbed"],
            Self::System => &["/system"],
            Self::Workspace => &["/workspace", "/backup"],
            Self::Bare => &[],
        }
    }
}

/// A question with its start and its answer.
#[derive(Clone, Debug)]
pub struct Task {
    /// Number within the set that it was made for.
    pub id: u64,
    /// Name of its template, for statistics.
    pub template: &'static str,
    /// Which folders it is about.
    pub file_system: FileSystem,
    /// What the agent is asked.
    pub question: String,
    /// The command that answers it, run from the root folder.
    pub gold: String,
    /// Commands that one could well try before, and that answer something else.
    pub attempts: Vec<String>,
    /// What the episode starts from.
    pub tree: Arc<Tree>,
}

/// What a template makes of a tree.
struct Draft {
    question: String,
    gold: String,
    attempts: Vec<String>,
}

/// A kind of question; `None` if the tree has nothing to ask about.
type Template = fn(&Scene<'_>, &mut Draw) -> Option<Draft>;

/// All templates about files, by name.
const ABOUT_FILES: [&[(&str, Template)]; 4] =
    [counts::TEMPLATES, finds::TEMPLATES, texts::TEMPLATES, changes::TEMPLATES];

/// Names of all templates.
pub fn template_names() -> Vec<&'static str> {
    let all = ABOUT_FILES.into_iter().chain([plain::TEMPLATES]).flatten();
    all.map(|(name, _)| *name).collect()
}

/// Task `id` of the endless set that `seed` selects: the same pair gives the same task.
pub fn task(seed: u64, id: u64) -> Task {
    let mut draw = Draw::new(seed, id);
    let file_system = draw.weighted(&FileSystem::SHARES);
    let tree = trees::tree(file_system, &mut draw);
    let templates: Vec<(&'static str, Template)> = match file_system {
        FileSystem::Bare => plain::TEMPLATES.to_vec(),
        _ => ABOUT_FILES.concat(),
    };
    for _ in 0..MAX_TRIES {
        let (template, make) = *draw.pick(&templates);
        let scene = Scene::new(file_system, &tree, &mut draw);
        if let Some(Draft { question, gold, attempts }) = make(&scene, &mut draw) {
            let tree = Arc::new(tree);
            return Task { id, template, file_system, question, gold, attempts, tree };
        }
    }
    unreachable!("templates that fit every tree were drawn in none of {MAX_TRIES} tries")
}

#[cfg(test)]
mod tests;
