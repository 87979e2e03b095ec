//! Small trees of files: folders within folders, notes, logs, tables, scripts; sizes, permissions and ages that differ.

use super::FileSystem;
use super::draw::Draw;
use crate::tree::{Content, Modified, Node, Tree};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

const FOLDERS: [&str; 14] = [
    "docs", "src", "logs", "data", "notes", "reports", "config", "media", "archive", "lab", "drafts",
    "tools", "inbox", "exports",
];
const SUBFOLDERS: [&str; 10] =
    ["old", "new", "2023", "2024", "north", "south", "team_a", "team_b", "pending", "done"];
const STEMS: [&str; 20] = [
    "alpha",
    "summary",
    "invoice",
    "meeting",
    "sensor",
    "backup",
    "users",
    "orders",
    "server",
    "index",
    "report",
    "draft",
    "results",
    "plan",
    "recipe",
    "travel",
    "budget",
    "inventory",
    "schedule",
    "letter",
];
const WORDS: [&str; 40] = [
    "river",
    "garden",
    "window",
    "market",
    "silver",
    "yellow",
    "engine",
    "letter",
    "summer",
    "winter",
    "bridge",
    "mountain",
    "village",
    "captain",
    "harbor",
    "lantern",
    "pepper",
    "orange",
    "the",
    "a",
    "of",
    "and",
    "in",
    "under",
    "over",
    "near",
    "quiet",
    "bright",
    "broken",
    "early",
    "slow",
    "carries",
    "follows",
    "opens",
    "repairs",
    "measures",
    "paints",
    "counts",
    "sells",
    "remembers",
];
const LEVELS: [(&str, u32); 4] = [("INFO", 60), ("WARNING", 20), ("ERROR", 15), ("DEBUG", 25)];
const SERVICES: [&str; 5] = ["auth", "billing", "search", "storage", "mailer"];
const ITEMS: [&str; 10] =
    ["apple", "pencil", "chair", "lamp", "notebook", "bottle", "ladder", "rope", "mirror", "clock"];
/// Owner can always read and write: a session may run as anyone.
const MODES: [(u32, u32); 6] = [(0o644, 60), (0o600, 12), (0o755, 10), (0o777, 6), (0o664, 6), (0o640, 6)];
const EXTENSIONS: [(&str, u32); 10] = [
    ("txt", 30),
    ("log", 14),
    ("csv", 14),
    ("py", 10),
    ("sh", 8),
    ("md", 8),
    ("php", 6),
    ("html", 4),
    ("java", 6),
    ("conf", 6),
];

/// A tree for the managed folders of `file_system`.
pub(super) fn tree(file_system: FileSystem, draw: &mut Draw) -> Tree {
    let mut tree = Tree::default();
    for root in file_system.folders() {
        grow(&mut tree, root, draw);
    }
    tree
}

/// Adds `root` with a few folders and a few dozen files.
fn grow(tree: &mut Tree, root: &str, draw: &mut Draw) {
    let mut folders = vec![root.to_owned()];
    for _ in 0..draw.between(3, 5) {
        let top = format!("{root}/{}", draw.pick(&FOLDERS));
        for _ in 0..draw.between(0, 2) {
            let middle = format!("{top}/{}", draw.pick(&SUBFOLDERS));
            if draw.chance(40) {
                folders.push(format!("{middle}/{}", draw.pick(&SUBFOLDERS)));
            }
            folders.push(middle);
        }
        folders.push(top);
    }
    folders.sort();
    folders.dedup();
    for folder in &folders {
        tree.insert(folder.as_str(), Node::directory(age(draw)));
    }
    for _ in 0..draw.between(14, 30) {
        let extension = draw.weighted(&EXTENSIONS);
        let path = format!("{}/{}{}.{extension}", draw.pick(&folders), draw.pick(&STEMS), draw.between(1, 9));
        let bytes = if draw.chance(7) { Vec::new() } else { contents(extension, draw).into_bytes() };
        tree.insert(path, Node::file(bytes, draw.weighted(&MODES), age(draw)));
    }
    add_twin(tree, root, draw);
    if draw.chance(60) {
        // A folder for `find -empty` to find.
        tree.insert(format!("{root}/{}_empty", draw.pick(&STEMS)), Node::directory(age(draw)));
    }
}

/// A second file with the content of another, and a link to a third.
fn add_twin(tree: &mut Tree, root: &str, draw: &mut Draw) {
    let files: Vec<(String, Node)> = tree
        .iter()
        .filter(|(path, node)| {
            path.starts_with(root) && matches!(&node.content, Content::File(b) if !b.is_empty())
        })
        .map(|(path, node)| (path.to_owned(), node.clone()))
        .collect();
    let Some((path, node)) = draw.maybe_pick(&files) else {
        return;
    };
    let twin = format!("{root}/copy_of_{}", super::scene::name_of(path));
    tree.insert(twin, Node { modified: age(draw), ..node.clone() });
    let (target, _) = draw.pick(&files);
    let link = Content::Symlink(target.clone());
    tree.insert(format!("{root}/latest"), Node { content: link, mode: 0o777, modified: age(draw) });
}

/// Fresh, days, weeks or months old, and never close to a whole day: what `find -mtime` says must not hang on seconds.
fn age(draw: &mut Draw) -> Modified {
    let days = match draw.between(0, 3) {
        0 => 0,
        1 => draw.between(2, 6),
        2 => draw.between(9, 25),
        _ => draw.between(40, 400),
    };
    Modified::SecondsAgo((days * DAY + draw.between(2, 20) * HOUR) as i64)
}

fn contents(extension: &str, draw: &mut Draw) -> String {
    match extension {
        "log" => lines(draw, 10, 60, log_line),
        "csv" => format!("item,quantity,price\n{}", lines(draw, 5, 30, table_row)),
        "py" => lines(draw, 4, 25, |draw, n| {
            format!("value_{n} = {}  # {}", draw.between(1, 99), draw.pick(&WORDS))
        }),
        "sh" => {
            format!("#!/bin/bash\n{}", lines(draw, 2, 10, |draw, _| format!("echo {}", sentence(draw, 4))))
        }
        "php" => {
            format!("<?php\n{}", lines(draw, 2, 15, |draw, n| format!("$v{n} = '{}';", draw.pick(&WORDS))))
        }
        "java" => lines(draw, 3, 20, |draw, n| format!("int field{n} = {};", draw.between(1, 500))),
        "html" => lines(draw, 2, 12, |draw, _| format!("<p>{}</p>", sentence(draw, 6))),
        "conf" => lines(draw, 4, 14, |draw, _| format!("{}={}", draw.pick(&STEMS), draw.between(1, 9_000))),
        // Prose; now and then a long one.
        _ if draw.chance(15) => lines(draw, 150, 400, |draw, _| sentence(draw, 9)),
        _ => lines(draw, 3, 30, |draw, _| sentence(draw, 7)),
    }
}

/// From `low` to `high` lines.
fn lines(draw: &mut Draw, low: u64, high: u64, line: impl Fn(&mut Draw, u64) -> String) -> String {
    let n_lines = draw.between(low, high);
    (0..n_lines).map(|number| line(draw, number) + "\n").collect()
}

fn sentence(draw: &mut Draw, n_words: u64) -> String {
    let n_words = draw.between(n_words.saturating_sub(2), n_words + 2);
    let words: Vec<&str> = (0..n_words).map(|_| *draw.pick(&WORDS)).collect();
    words.join(" ")
}

fn log_line(draw: &mut Draw, number: u64) -> String {
    let (hour, minute) = (number / 6 % 24, number % 6 * 10 + draw.between(0, 9));
    let (level, service) = (draw.weighted(&LEVELS), draw.pick(&SERVICES));
    let address = format!("10.0.{}.{}", draw.between(0, 3), draw.between(1, 12));
    format!(
        "2024-03-{:02} {hour:02}:{minute:02} {level} {service} {address} {}",
        number / 20 + 1,
        sentence(draw, 3)
    )
}

fn table_row(draw: &mut Draw, _: u64) -> String {
    format!(
        "{},{},{}.{:02}",
        draw.pick(&ITEMS),
        draw.between(1, 40),
        draw.between(1, 90),
        draw.between(0, 99)
    )
}
