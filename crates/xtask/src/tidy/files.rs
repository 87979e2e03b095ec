//! Which files the project holds, and how large they are.

use sha2::{Digest, Sha256};

use super::Finding;
use super::workspace::{File, Workspace};

/// Given with the project and not ours to edit: file and SHA-256.
const GIVEN: [(&str, &str); 2] = [
    ("LICENSE.md", "6ad6353ec71a92944b5e97adc783c01564044eee65e628a04efc8505db9506f8"),
    ("NOTICE", "3e316950fc1bc25c91a74614fa6ceb57e0ff14e20cf518fcc2628ee5f780469e"),
];
/// A text of this size is generated, and a binary belongs elsewhere.
const MAX_BYTES: usize = 256 * 1024;
/// All committed reference data together, so that any clone tests something real and stays small.
const MAX_TEST_DATA: usize = 200 * 1024;
const WEIGHTS: [&str; 7] = [".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx", ".ckpt"];
const JUNK_DRAWERS: [&str; 5] = ["utils.rs", "util.rs", "common.rs", "helpers.rs", "misc.rs"];
/// Documents that a reader relies on, and the length that keeps them readable.
const DOCUMENTS: [(&str, usize); 4] =
    [("README.md", 150), ("ARCHITECTURE.md", 150), ("STYLE.md", 80), ("CHANGELOG.md", usize::MAX)];
const MAX_ADR_LINES: usize = 40;
/// The contract looks for the trainer's Dockerfile in these places, in this order.
const TRAINER_IMAGES: [&str; 2] =
    ["ops/docker/standalone-text-trainer.dockerfile", "dockerfiles/standalone-text-trainer.dockerfile"];

/// `LICENSE.md` and `NOTICE` are byte for byte what was given.
pub(super) fn licence_is_untouched(workspace: &Workspace) -> Vec<Finding> {
    let changed = GIVEN.iter().filter(|(path, expected)| {
        let sum = workspace.file(path).map(|file| hex(&Sha256::digest(&file.bytes)));
        sum.as_deref() != Some(expected)
    });
    changed
        .map(|(path, _)| Finding::new(*path, "missing or changed", "restore it from the first commit"))
        .collect()
}

/// No file above 256 KiB but `Cargo.lock`.
pub(super) fn files_are_small(workspace: &Workspace) -> Vec<Finding> {
    let large =
        workspace.files.iter().filter(|file| file.bytes.len() > MAX_BYTES && file.path != "Cargo.lock");
    large
        .map(|file| {
            let what = format!("{} KiB (at most {})", file.bytes.len() / 1024, MAX_BYTES / 1024);
            Finding::new(
                &file.path,
                what,
                "generate it at run time, or test against the reference data outside",
            )
        })
        .collect()
}

/// Committed reference data stays within its share.
pub(super) fn test_data_is_small(workspace: &Workspace) -> Vec<Finding> {
    let total: usize =
        workspace.files.iter().filter(|file| is_test_data(file)).map(|file| file.bytes.len()).sum();
    if total <= MAX_TEST_DATA {
        return Vec::new();
    }
    let what = format!("{} KiB in all (at most {})", total / 1024, MAX_TEST_DATA / 1024);
    vec![Finding::new(
        "crates/*/tests/data",
        what,
        "keep a few cases of each kind; the rest is reference data outside",
    )]
}

fn is_test_data(file: &File) -> bool {
    file.path.starts_with("crates/") && file.path.contains("/tests/data/")
}

/// No model is shipped, small test data apart.
pub(super) fn no_weights(workspace: &Workspace) -> Vec<Finding> {
    let weights = workspace.files.iter().filter(|file| WEIGHTS.iter().any(|end| file.path.ends_with(end)));
    weights
        .filter(|file| !is_test_data(file))
        .map(|file| {
            Finding::new(&file.path, "model weights", "make models at run time: `croupier model new`")
        })
        .collect()
}

/// A module is named after what it holds.
pub(super) fn no_junk_drawers(workspace: &Workspace) -> Vec<Finding> {
    let name = |file: &File| file.path.rsplit('/').next().unwrap_or_default().to_owned();
    let drawers = workspace.rust_files().filter(|file| JUNK_DRAWERS.contains(&name(file).as_str()));
    drawers
        .map(|file| Finding::new(&file.path, "a junk drawer", "name the module after the idea in it"))
        .collect()
}

/// The documents exist, and stay as short as they promise to be.
pub(super) fn documents_are_there_and_short(workspace: &Workspace) -> Vec<Finding> {
    const HINT: &str = "say it once, in fewer words; history goes to CHANGELOG.md";
    let mut findings = Vec::new();
    for (path, most) in DOCUMENTS {
        match workspace.file(path).map(|file| file.text().lines().count()) {
            None => findings.push(Finding::new(path, "missing", "every reader expects it")),
            Some(lines) if lines > most => {
                findings.push(Finding::new(path, format!("{lines} lines (at most {most})"), HINT));
            }
            Some(_) => {}
        }
    }
    for file in workspace.files.iter().filter(|file| file.path.starts_with("docs/adr/")) {
        let lines = file.text().lines().count();
        if lines > MAX_ADR_LINES {
            findings.push(Finding::new(&file.path, format!("{lines} lines (at most {MAX_ADR_LINES})"), HINT));
        }
    }
    findings
}

/// Relative links of documents, and mentions of decisions anywhere, lead to a file of the project.
pub(super) fn links_lead_somewhere(workspace: &Workspace) -> Vec<Finding> {
    let exists = |target: &str| workspace.files.iter().any(|file| file.path.starts_with(target));
    let mut findings = Vec::new();
    for file in workspace.files.iter().filter(|file| file.crate_name() != "xtask") {
        for (index, line) in file.text().lines().enumerate() {
            let mut targets: Vec<String> = line.split("docs/adr/0").skip(1).map(decision).collect();
            if file.path.ends_with(".md") && !file.path.contains('/') {
                targets.extend(line.split("](").skip(1).filter_map(relative_link).map(str::to_owned));
            }
            for target in targets.iter().filter(|target| !exists(target)) {
                let place = format!("{}:{}", file.path, index + 1);
                findings.push(Finding::new(
                    place,
                    format!("no `{target}`"),
                    "name the file as it is called now",
                ));
            }
        }
    }
    findings
}

/// The path that a mention of a decision names, from what follows `docs/adr/0`: its number or its whole file name.
fn decision(rest: &str) -> String {
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
    let (name, after) = rest.split_at(length);
    format!("docs/adr/0{name}{}", if after.starts_with(".md") { ".md" } else { "" })
}

/// The target of a Markdown link into this project, from what follows `](`.
fn relative_link(rest: &str) -> Option<&str> {
    let target = rest.split([')', '#']).next()?;
    (!target.is_empty() && !target.contains(':')).then_some(target)
}

/// The two places that the contract looks at hold the same Dockerfile.
pub(super) fn both_trainer_images_are_one(workspace: &Workspace) -> Vec<Finding> {
    let [first, second] = TRAINER_IMAGES.map(|path| workspace.file(path).map(|file| &file.bytes));
    if first.is_some() && first == second {
        return Vec::new();
    }
    let what = format!("missing, or different from `{}`", TRAINER_IMAGES[1]);
    vec![Finding::new(TRAINER_IMAGES[0], what, "copy the one that you edited over the other")]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
