//! Questions whose answer is a piece of a file, cut, sorted or rewritten.

use super::draw::Draw;
use super::scene::{Scene, name_of, parent_of};
use super::{Draft, Template};

pub(super) const TEMPLATES: &[(&str, Template)] = &[
    ("last_lines", last_lines),
    ("line_range", line_range),
    ("sorted_column", sorted_column),
    ("distinct_values", distinct_values),
    ("level_table", level_table),
    ("top_address", top_address),
    ("longest_line", longest_line),
    ("upper_case", upper_case),
    ("replaced_text", replaced_text),
    ("matching_rows", matching_rows),
    ("base_name", base_name),
    ("checksum", checksum),
    ("hex_bytes", hex_bytes),
];

fn last_lines(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (path, n_lines) = (scene.text_file(12, draw)?, draw.between(2, 5));
    let question = draw.wording([
        format!("Print the last {n_lines} lines of {path}"),
        format!("Show how {path} ends: its final {n_lines} lines"),
    ]);
    let attempts = vec![format!("tail {path}"), format!("tail -c {n_lines} {path}")];
    Some(Draft { question, gold: format!("tail -n {n_lines} {path}"), attempts })
}

fn line_range(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(10, draw)?;
    let first = draw.between(2, 5);
    let last = first + draw.between(1, 4);
    let question = draw.wording([
        format!("Print lines {first} to {last} of {path}"),
        format!("Show only the lines from number {first} through {last} of the file {path}"),
    ]);
    let attempts = vec![format!("head -n {last} {path}"), format!("sed '{first},{last}p' {path}")];
    Some(Draft { question, gold: format!("sed -n '{first},{last}p' {path}"), attempts })
}

fn sorted_column(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = *draw.maybe_pick(&scene.with_extension("csv", 6))?;
    let question = draw.wording([
        format!("Print the three rows of {path} with the highest quantity (second column), highest first, without the header"),
        format!("Which three data rows of the table {path} have the largest second column? Largest first."),
    ]);
    let attempts = vec![format!("sort -k2 -n {path} | head -3"), format!("sort -t, -k2 -r {path} | head -3")];
    Some(Draft { question, gold: format!("tail -n +2 {path} | sort -t, -k2,2nr | head -n 3"), attempts })
}

fn distinct_values(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = *draw.maybe_pick(&scene.with_extension("csv", 4))?;
    let question = draw.wording([
        format!("List the distinct items (first column) of {path} in alphabetical order, header excluded"),
        format!("Print every different value of the first comma separated column of {path} once, sorted, skip the first line"),
    ]);
    let attempts = vec![format!("cut -d, -f1 {path} | uniq"), format!("cut -d, -f1 {path} | sort -u")];
    Some(Draft { question, gold: format!("tail -n +2 {path} | cut -d, -f1 | sort -u"), attempts })
}

fn level_table(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = *draw.maybe_pick(&scene.with_extension("log", 8))?;
    let question = draw.wording([
        format!("Count how often each level (third field) occurs in {path}, most frequent first"),
        format!("Make a frequency table of the third space separated field of {path}, in descending order"),
    ]);
    let attempts =
        vec![format!("cut -d' ' -f3 {path} | uniq -c"), format!("cut -d' ' -f3 {path} | sort | uniq")];
    Some(Draft { question, gold: format!("awk '{{print $3}}' {path} | sort | uniq -c | sort -rn"), attempts })
}

fn top_address(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = *draw.maybe_pick(&scene.with_extension("log", 15))?;
    let question = draw.wording([
        format!("Print all different addresses (fifth field) that occur in {path}, sorted"),
        format!("Which distinct IP addresses are in the fifth field of {path}? Sort them."),
    ]);
    let attempts =
        vec![format!("cut -f5 {path} | sort -u | head -3"), format!("awk '{{print $5}}' {path} | head")];
    Some(Draft { question, gold: format!("awk '{{print $5}}' {path} | sort -u"), attempts })
}

fn longest_line(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(4, draw)?;
    let question = draw.wording([
        format!("How many characters has the longest line of {path}?"),
        format!("Print the length of the longest line in {path}"),
    ]);
    let attempts = vec![format!("wc -L {path}"), format!("wc -c < {path}")];
    let gold = format!("awk '{{ if (length($0) > m) m = length($0) }} END {{ print m }}' {path}");
    Some(Draft { question, gold, attempts })
}

fn upper_case(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(3, draw)?;
    let question = draw.wording([
        format!("Print the first two lines of {path} in capital letters, leaving the file as it is"),
        format!("Show lines 1 and 2 of {path} converted to upper case"),
    ]);
    let attempts = vec![format!("tr a-z A-Z {path}"), format!("head -2 {path}")];
    Some(Draft { question, gold: format!("head -n 2 {path} | tr '[:lower:]' '[:upper:]'"), attempts })
}

fn replaced_text(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(2, draw)?;
    let words = scene.words(path);
    let word = draw.maybe_pick(&words)?;
    let question = draw.wording([
        format!("Print the lines of {path} that contain '{word}', with every '{word}' replaced by 'XXX'; do not change the file"),
        format!("Show only those lines of {path} where {word} occurs, and write XXX in its place (output only)"),
    ]);
    let attempts = vec![format!("grep {word} {path}"), format!("sed 's/{word}/XXX/' {path} | head -n 3")];
    Some(Draft { question, gold: format!("sed -n 's/{word}/XXX/gp' {path}"), attempts })
}

fn matching_rows(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = *draw.maybe_pick(&scene.with_extension("csv", 6))?;
    let least = draw.between(5, 25);
    let question = draw.wording([
        format!("Print item and price (columns 1 and 3, separated by a space) of the rows of {path} whose quantity is above {least}"),
        format!("From the table {path} show first and third column, with a blank between, where the second column exceeds {least}"),
    ]);
    let attempts =
        vec![format!("awk '$2 > {least} {{print $1, $3}}' {path}"), format!("awk -F, '$2 > {least}' {path}")];
    let gold = format!("awk -F, 'NR > 1 && $2 + 0 > {least} {{print $1, $3}}' {path}");
    Some(Draft { question, gold, attempts })
}

fn base_name(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, kind) = (scene.root, scene.extension(2, draw)?);
    let question = draw.wording([
        format!(
            "List the names (without folders and without extension) of all .{kind} files under {root}, sorted"
        ),
        format!("Print the sorted base names of the {kind} files below {root}, the ending .{kind} removed"),
    ]);
    let attempts =
        vec![format!("find {root} -name \"*.{kind}\" | sort"), format!("basename {root}/*.{kind}")];
    let gold = format!("find {root} -type f -name \"*.{kind}\" -exec basename {{}} .{kind} \\; | sort");
    Some(Draft { question, gold, attempts })
}

fn checksum(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let files = scene.files();
    let (path, _) = draw.maybe_pick(&files)?;
    let (folder, name) = (parent_of(path), name_of(path));
    let question = draw.wording([
        format!("Print only the MD5 checksum of {path}"),
        format!("What is the md5 sum of the file {name} in {folder}? Give the sum alone."),
    ]);
    let attempts = vec![format!("md5 {path}"), format!("md5sum {path}")];
    Some(Draft { question, gold: format!("md5sum {path} | cut -d' ' -f1"), attempts })
}

fn hex_bytes(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (path, n_bytes) = (scene.text_file(1, draw)?, draw.between(4, 12));
    let question = draw.wording([
        format!("Print the first {n_bytes} bytes of {path} as hexadecimal digits without spaces"),
        format!("Show the hex code of the first {n_bytes} bytes of {path}, all digits in one run"),
    ]);
    let attempts = vec![format!("od -N {n_bytes} {path}"), format!("od -A n -t x1 -N {n_bytes} {path}")];
    let gold = format!("od -A n -t x1 -N {n_bytes} {path} | tr -d ' \\n'");
    Some(Draft { question, gold, attempts })
}
