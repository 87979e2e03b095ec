//! Questions whose answer is a number.

use super::draw::Draw;
use super::scene::Scene;
use super::{Draft, Template};

pub(super) const TEMPLATES: &[(&str, Template)] = &[
    ("count_lines", count_lines),
    ("count_lines_of_kind", count_lines_of_kind),
    ("count_files", count_files),
    ("count_folders", count_folders),
    ("count_matching_lines", count_matching_lines),
    ("count_level", count_level),
    ("count_distinct_words", count_distinct_words),
    ("sum_column", sum_column),
    ("average_column", average_column),
    ("disk_usage", disk_usage),
    ("count_empty", count_empty),
];

fn count_lines(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(1, draw)?;
    let question = draw.wording([
        format!("How many lines does the file {path} have? Print only the number."),
        format!("Print just the number of lines in {path}"),
        format!("Count the lines of {path} and show the bare count"),
    ]);
    let attempts = vec![format!("wc -l {path}"), format!("wc {path}")];
    Some(Draft { question, gold: format!("wc -l < {path}"), attempts })
}

fn count_lines_of_kind(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, kind) = (scene.root, scene.extension(2, draw)?);
    let question = draw.wording([
        format!("What is the total number of lines in all .{kind} files under {root}?"),
        format!("Add up the lines of every {kind} file in {root} and its subfolders"),
    ]);
    let attempts = vec![
        format!("wc -l {root}/*.{kind}"),
        format!("find {root} -name \"*.{kind}\" | wc -l"),
        format!("find {root} -type f -name \"*.{kind}\" | xargs wc -l"),
    ];
    Some(Draft {
        question,
        gold: format!("find {root} -type f -name \"*.{kind}\" -exec cat {{}} + | wc -l"),
        attempts,
    })
}

fn count_files(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, kind) = (scene.root, scene.extension(1, draw)?);
    let question = draw.wording([
        format!("Count the files ending in .{kind} anywhere below {root}"),
        format!("How many {kind} files are there in {root}, subfolders included?"),
    ]);
    let attempts = vec![format!("ls {root}/*.{kind} | wc -l"), format!("find {root} -name {kind} | wc -l")];
    Some(Draft { question, gold: format!("find {root} -type f -name \"*.{kind}\" | wc -l"), attempts })
}

fn count_folders(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let question = draw.wording([
        format!("How many directories are below {root}, not counting {root} itself?"),
        format!("Count all subdirectories of {root} at any depth"),
    ]);
    let attempts = vec![format!("find {root} -type d | wc -l"), format!("ls -d {root}/*/ | wc -l")];
    Some(Draft { question, gold: format!("find {root} -mindepth 1 -type d | wc -l"), attempts })
}

fn count_matching_lines(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(3, draw)?;
    let word = draw.maybe_pick(&scene.words(path))?.clone();
    let question = draw.wording([
        format!("On how many lines of {path} does the word '{word}' occur?"),
        format!("Count lines in {path} that contain \"{word}\""),
    ]);
    let attempts = vec![format!("grep {word} {path}"), format!("grep -o {word} {path}")];
    Some(Draft { question, gold: format!("grep -c '{word}' {path}"), attempts })
}

fn count_level(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = *draw.maybe_pick(&scene.with_extension("log", 8))?;
    let level = *draw.pick(&["ERROR", "WARNING", "INFO", "DEBUG"]);
    let question = draw.wording([
        format!("Count the {level} entries in the log {path}"),
        format!("How many lines with level {level} does {path} have?"),
    ]);
    let attempts = vec![format!("grep {level} {path}"), format!("awk '$3 == {level}' {path} | wc -l")];
    Some(Draft { question, gold: format!("grep -c ' {level} ' {path}"), attempts })
}

fn count_distinct_words(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(3, draw)?;
    let question = draw.wording([
        format!("How many different words occur in {path}? Words are separated by spaces or line ends."),
        format!("Print the number of distinct space-separated words of {path}"),
    ]);
    let attempts = vec![format!("wc -w < {path}"), format!("tr ' ' '\\n' < {path} | uniq | wc -l")];
    Some(Draft { question, gold: format!("tr -s ' ' '\\n' < {path} | sort -u | wc -l"), attempts })
}

fn sum_column(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = *draw.maybe_pick(&scene.with_extension("csv", 3))?;
    let question = draw.wording([
        format!("Sum up the quantity column of {path} (second column, the first line is a header)"),
        format!(
            "What is the total of the second column in the comma separated file {path}, header left out?"
        ),
    ]);
    let attempts = vec![format!("cut -d, -f2 {path}"), format!("awk '{{s += $2}} END {{print s}}' {path}")];
    Some(Draft { question, gold: format!("awk -F, 'NR > 1 {{s += $2}} END {{print s}}' {path}"), attempts })
}

fn average_column(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = *draw.maybe_pick(&scene.with_extension("csv", 3))?;
    let question = draw.wording([
        format!(
            "Compute the average price in {path} with two decimals; price is the third comma separated column"
        ),
        format!("Print the mean of the third column of {path} (skip the header), rounded to 2 decimals"),
    ]);
    let attempts = vec![
        format!("awk '{{s += $3}} END {{print s / NR}}' {path}"),
        format!("awk -F, '{{s += $3}} END {{print s / NR}}' {path}"),
    ];
    let gold = format!("awk -F, 'NR > 1 {{s += $3; n++}} END {{printf \"%.2f\\n\", s / n}}' {path}");
    Some(Draft { question, gold, attempts })
}

fn disk_usage(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let question = draw.wording([
        format!("What is the sum of the sizes in bytes of all regular files under {root}?"),
        format!("Print how many bytes the files below {root} hold together"),
    ]);
    let attempts =
        vec![format!("du -s {root}"), format!("ls -lR {root} | awk '{{s += $5}} END {{print s}}'")];
    let gold = format!("find {root} -type f -printf '%s\\n' | awk '{{s += $1}} END {{print s}}'");
    Some(Draft { question, gold, attempts })
}

fn count_empty(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let question = draw.wording([
        format!("How many empty regular files are under {root}?"),
        format!("Count the zero-byte files in {root} recursively"),
    ]);
    let attempts = vec![format!("find {root} -empty"), format!("ls -l {root} | grep ' 0 ' | wc -l")];
    Some(Draft { question, gold: format!("find {root} -type f -empty | wc -l"), attempts })
}
