//! The rules, and what they are applied to.
//!
//! A rule is a function from the [`Workspace`] to findings. Rules read text, not syntax: they are cheap, and honest
//! code passes them without thinking. What a type system or a behavioural test can hold is not here.

mod files;
mod layers;
mod mission;
mod sources;
#[cfg(test)]
mod tests;
mod workspace;

use std::fmt;
use std::path::Path;

use workspace::Workspace;

/// A rule: all the places that break it.
type Rule = fn(&Workspace) -> Vec<Finding>;

/// Every rule by name.
const RULES: &[(&str, Rule)] = &[
    ("dependencies go down in rank", layers::dependencies_go_down_in_rank),
    ("light crates know no tensors", layers::light_crates_know_no_tensors),
    ("computing crates know no sockets", layers::computing_crates_know_no_sockets),
    ("one backend feature", layers::one_backend_feature),
    ("mission crates are used", mission::mission_crates_are_used),
    ("dependencies are used", mission::dependencies_are_used),
    ("only cli reads the environment", sources::only_cli_reads_the_environment),
    ("queues are bounded", sources::queues_are_bounded),
    ("no backend generics", sources::no_backend_generics),
    ("devices are probed", sources::devices_are_probed),
    ("only cli prints", sources::only_cli_prints),
    ("no machine paths", sources::no_machine_paths),
    ("files begin with what they are", sources::files_begin_with_what_they_are),
    ("tests live in files of their own", sources::tests_live_in_files_of_their_own),
    ("nothing is written in place", sources::nothing_is_written_in_place),
    ("licence is untouched", files::licence_is_untouched),
    ("files are small", files::files_are_small),
    ("test data is small", files::test_data_is_small),
    ("no weights", files::no_weights),
    ("no junk-drawer modules", files::no_junk_drawers),
    ("documents are there and short", files::documents_are_there_and_short),
    ("links lead somewhere", files::links_lead_somewhere),
    ("both trainer images are one", files::both_trainer_images_are_one),
];

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `path` or `path:line`.
    place: String,
    /// What is wrong there, with the value.
    what: String,
    /// What to do instead.
    hint: &'static str,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>, hint: &'static str) -> Self {
        Self { place: place.into(), what: what.into(), hint }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  hint: {}", self.place, self.what, self.hint)
    }
}

/// How many rules there are.
pub(crate) fn n_rules() -> usize {
    RULES.len()
}

/// Applies every rule to the workspace at `root`.
///
/// # Errors
/// If the files or the manifests cannot be read.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let workspace = Workspace::read(root)?;
    Ok(RULES.iter().flat_map(|(_, rule)| rule(&workspace)).collect())
}
