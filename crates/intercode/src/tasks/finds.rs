//! Questions whose answer is a list of paths.

use super::draw::Draw;
use super::scene::{Scene, name_of};
use super::{Draft, Template};

pub(super) const TEMPLATES: &[(&str, Template)] = &[
    ("find_larger", find_larger),
    ("find_recent", find_recent),
    ("find_mode", find_mode),
    ("find_named", find_named),
    ("find_empty_folders", find_empty_folders),
    ("largest_file", largest_file),
    ("oldest_file", oldest_file),
    ("files_with_word", files_with_word),
    ("files_without_word", files_without_word),
    ("duplicates", duplicates),
    ("find_links", find_links),
    ("folder_listing", folder_listing),
];

fn find_larger(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, kib) = (scene.root, draw.between(1, 4));
    let bytes = kib * 1024;
    if !scene.files().iter().any(|(_, content)| content.len() as u64 > bytes) {
        return None;
    }
    let question = draw.wording([
        format!("List all files under {root} that are larger than {bytes} bytes"),
        format!("Find regular files below {root} with more than {bytes} bytes"),
    ]);
    let attempts = vec![format!("find {root} -size {bytes}"), format!("du -a {root} | sort -n")];
    Some(Draft { question, gold: format!("find {root} -type f -size +{bytes}c"), attempts })
}

fn find_recent(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, days) = (scene.root, *draw.pick(&[1, 8, 30]));
    let question = draw.wording([
        format!("Which regular files in {root} were modified within the last {days} days?"),
        format!("Print the paths of files under {root} changed less than {days} day(s) ago"),
    ]);
    let attempts = vec![format!("find {root} -mtime {days}"), format!("find {root} -type f -mtime +{days}")];
    Some(Draft { question, gold: format!("find {root} -type f -mtime -{days}"), attempts })
}

fn find_mode(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let modes: Vec<u32> = scene.modes().into_keys().filter(|mode| *mode != 0o644).collect();
    let (root, mode) = (scene.root, *draw.maybe_pick(&modes)?);
    let question = draw.wording([
        format!("Find all files in {root} whose permissions are exactly {mode:o}"),
        format!("List the regular files below {root} with mode {mode:o}"),
    ]);
    let attempts = vec![format!("ls -lR {root} | grep {mode:o}"), format!("find {root} -perm /{mode:o}")];
    Some(Draft { question, gold: format!("find {root} -type f -perm {mode:o}"), attempts })
}

fn find_named(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let files = scene.files();
    let (path, _) = draw.maybe_pick(&files)?;
    let (root, stem) = (scene.root, name_of(path).split(|c: char| !c.is_ascii_lowercase()).next()?);
    let question = draw.wording([
        format!("Find every file below {root} whose name begins with \"{stem}\""),
        format!("Show the paths of all regular files in {root} named {stem}-something"),
    ]);
    let attempts = vec![format!("find {root} -name {stem}"), format!("ls {root}/{stem}*")];
    Some(Draft { question, gold: format!("find {root} -type f -name \"{stem}*\""), attempts })
}

fn find_empty_folders(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let question = draw.wording([
        format!("List the directories under {root} that contain nothing"),
        format!("Find empty folders in {root}"),
    ]);
    let attempts = vec![format!("find {root} -empty"), format!("find {root} -type d")];
    Some(Draft { question, gold: format!("find {root} -type d -empty"), attempts })
}

fn largest_file(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let mut sizes: Vec<usize> = scene.files().iter().map(|(_, bytes)| bytes.len()).collect();
    sizes.sort_unstable();
    let [.., second, first] = sizes[..] else { return None };
    if first == second {
        return None;
    }
    let question = draw.wording([
        format!("What is the path of the largest file under {root}?"),
        format!("Print the full path of the biggest regular file in {root} (recursively)"),
    ]);
    let attempts = vec![format!("ls -S {root} | head -1"), format!("du -a {root} | sort -nr | head -1")];
    let gold = format!("find {root} -type f -printf '%s %p\\n' | sort -n | tail -1 | cut -d' ' -f2-");
    Some(Draft { question, gold, attempts })
}

fn oldest_file(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let question = draw.wording([
        format!("Which regular file under {root} has the oldest modification time? Print its path."),
        format!("Show the path of the least recently modified file below {root}"),
    ]);
    let attempts = vec![format!("ls -t {root} | tail -1"), format!("ls -ltr {root} | head -1")];
    let gold = format!("find {root} -type f -printf '%T@ %p\\n' | sort -n | head -1 | cut -d' ' -f2-");
    Some(Draft { question, gold, attempts })
}

fn files_with_word(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(2, draw)?;
    let (root, word) = (scene.root, draw.maybe_pick(&scene.words(path))?.clone());
    let question = draw.wording([
        format!("Which files below {root} contain the text \"{word}\"? Print their paths."),
        format!("List the files in {root} and its subfolders in which '{word}' appears"),
    ]);
    let attempts = vec![format!("grep {word} {root}"), format!("grep -r {word} {root}")];
    Some(Draft { question, gold: format!("grep -rl '{word}' {root}"), attempts })
}

fn files_without_word(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let kind = scene.extension(2, draw)?;
    let path = *draw.maybe_pick(&scene.with_extension(kind, 1))?;
    let (root, word) = (scene.root, draw.maybe_pick(&scene.words(path))?.clone());
    let question = draw.wording([
        format!("List the .{kind} files under {root} that do not contain \"{word}\""),
        format!("Which {kind} files in {root} (recursively) lack the word {word}?"),
    ]);
    let attempts = vec![format!("grep -rv {word} {root}"), format!("grep -L {word} {root}/*.{kind}")];
    let gold = format!("find {root} -type f -name \"*.{kind}\" -exec grep -L '{word}' {{}} +");
    Some(Draft { question, gold, attempts })
}

fn duplicates(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let question = draw.wording([
        format!("Find files with identical content under {root}: print the paths of all non-empty files whose md5 sum occurs more than once"),
        format!("List the non-empty files in {root} that have a duplicate, going by md5sum, paths only"),
    ]);
    let attempts = vec![format!("md5sum {root}/* | sort"), format!("find {root} -type f | sort | uniq -d")];
    let gold = format!("find {root} -type f -size +0c -exec md5sum {{}} + | sort | uniq -w32 -D | cut -c35-");
    Some(Draft { question, gold, attempts })
}

fn find_links(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let question = draw.wording([
        format!("Show all symbolic links under {root} with their targets as 'link -> target'"),
        format!("List symlinks below {root} and where they point, in the form path -> target"),
    ]);
    let attempts = vec![format!("find {root} -type l"), format!("ls -l {root} | grep -- '->'")];
    Some(Draft { question, gold: format!("find {root} -type l -printf '%p -> %l\\n'"), attempts })
}

fn folder_listing(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let folder = *draw.maybe_pick(&scene.folders())?;
    let question = draw.wording([
        format!("Print names and sizes in bytes of the files directly in {folder}, sorted by name"),
        format!("For every regular file directly inside {folder} show its name and byte size, by name"),
    ]);
    let attempts = vec![format!("tree {folder}"), format!("ls -l {folder}")];
    let gold = format!("find {folder} -maxdepth 1 -type f -printf '%f %s\\n' | sort");
    Some(Draft { question, gold, attempts })
}
