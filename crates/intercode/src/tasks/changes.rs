//! Requests that change files: the answer is the state that is left.
//!
//! Attempts here must leave no trace: what they changed could not be taken back.

use super::draw::Draw;
use super::scene::{Scene, extension_of, name_of, parent_of};
use super::{Draft, Template};

pub(super) const TEMPLATES: &[(&str, Template)] = &[
    ("copy_file", copy_file),
    ("rename_file", rename_file),
    ("delete_kind", delete_kind),
    ("make_folders", make_folders),
    ("write_line", write_line),
    ("append_count", append_count),
    ("replace_in_place", replace_in_place),
    ("collect_kind", collect_kind),
    ("compress_file", compress_file),
    ("sort_in_place", sort_in_place),
    ("make_link", make_link),
    ("delete_empty", delete_empty),
    ("protect_folder", protect_folder),
    ("pack_names", pack_names),
];

fn copy_file(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let files = scene.files();
    let (path, _) = draw.maybe_pick(&files)?;
    let target = format!("{}/{}.bak", scene.root, name_of(path));
    let question = draw
        .wording([format!("Make a copy of {path} as {target}"), format!("Copy the file {path} to {target}")]);
    let attempts = vec![format!("cp {path}"), format!("ls -l {}", parent_of(path))];
    Some(Draft { question, gold: format!("cp {path} {target}"), attempts })
}

fn rename_file(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let files = scene.files();
    let (path, _) = draw.maybe_pick(&files)?;
    let new = format!(
        "{}/{}_renamed.{}",
        parent_of(path),
        draw.pick(&["first", "final", "kept"]),
        extension_of(path)?
    );
    let question =
        draw.wording([format!("Rename {path} to {new}"), format!("Give the file {path} the new path {new}")]);
    let attempts = vec![format!("rename {path} {new}"), format!("ls {}", parent_of(path))];
    Some(Draft { question, gold: format!("mv {path} {new}"), attempts })
}

fn delete_kind(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, kind) = (scene.root, scene.extension(1, draw)?);
    let question = draw.wording([
        format!("Delete all .{kind} files under {root}, subfolders included"),
        format!("Remove every regular file ending in .{kind} below {root}"),
    ]);
    let attempts =
        vec![format!("find {root} -type f -name \"*.{kind}\""), format!("rm {root}/nothing/*.{kind}")];
    Some(Draft { question, gold: format!("find {root} -type f -name \"*.{kind}\" -delete"), attempts })
}

fn make_folders(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, year) = (scene.root, draw.between(2015, 2022));
    let question = draw.wording([
        format!("Create the directories {root}/years/{year}/spring and {root}/years/{year}/autumn"),
        format!("Make folders spring and autumn in {root}/years/{year}, with all parents that are missing"),
    ]);
    let attempts = vec![format!("mkdir {root}/years/{year}/spring")];
    Some(Draft { question, gold: format!("mkdir -p {root}/years/{year}/{{spring,autumn}}"), attempts })
}

fn write_line(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let text = *draw.pick(&["release ready", "needs review", "do not delete", "archived by hand"]);
    let path = format!("{root}/{}.status", draw.pick(&["build", "audit", "handover"]));
    let question = draw.wording([
        format!("Create the file {path} with the single line \"{text}\""),
        format!("Write the text '{text}' as one line into a new file {path}"),
    ]);
    let attempts = vec![format!("cat {path}")];
    Some(Draft { question, gold: format!("echo \"{text}\" > {path}"), attempts })
}

fn append_count(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(2, draw)?;
    let question = draw.wording([
        format!("Append to {path} one line with the number of lines it had before"),
        format!("Add the current line count of {path} as a new last line of that file"),
    ]);
    let attempts = vec![format!("wc -l {path}"), format!("wc -l < {path}")];
    Some(Draft { question, gold: format!("n=$(wc -l < {path}); echo \"$n\" >> {path}"), attempts })
}

fn replace_in_place(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(2, draw)?;
    let word = draw.maybe_pick(&scene.words(path))?.clone();
    let new = *draw.pick(&["placeholder", "redacted", "unknown"]);
    let question = draw.wording([
        format!("In the file {path} replace every occurrence of '{word}' with '{new}'"),
        format!("Edit {path} so that '{new}' stands wherever '{word}' stood"),
    ]);
    let attempts = vec![format!("sed 's/{word}/{new}/g' {path}"), format!("grep -n {word} {path}")];
    Some(Draft { question, gold: format!("sed -i 's/{word}/{new}/g' {path}"), attempts })
}

fn collect_kind(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, kind) = (scene.root, scene.extension(2, draw)?);
    let question = draw.wording([
        format!("Concatenate all .{kind} files below {root} in the order of their sorted paths into {root}/all_{kind}.out"),
        format!("Write the contents of every {kind} file under {root}, ordered by path, into the new file {root}/all_{kind}.out"),
    ]);
    let attempts = vec![format!("find {root} -type f -name \"*.{kind}\" | sort")];
    let gold =
        format!("find {root} -type f -name \"*.{kind}\" | LC_ALL=C sort | xargs cat > {root}/all_{kind}.out");
    Some(Draft { question, gold, attempts })
}

fn compress_file(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(3, draw)?;
    let question = draw.wording([
        format!(
            "Compress {path} with gzip so that only {path}.gz is left; store neither name nor time in it"
        ),
        format!("Gzip {path} in place, without original name and time stamp in the result"),
    ]);
    let attempts = vec![format!("compress {path}"), format!("ls -l {path}")];
    Some(Draft { question, gold: format!("gzip -n {path}"), attempts })
}

fn sort_in_place(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let path = scene.text_file(4, draw)?;
    let question = draw.wording([
        format!("Sort the lines of {path} in byte order (LC_ALL=C) and save them in the same file"),
        format!("Rewrite {path} with its lines sorted bytewise"),
    ]);
    let attempts = vec![format!("sort {path}"), format!("head -n 5 {path}")];
    Some(Draft { question, gold: format!("LC_ALL=C sort -o {path} {path}"), attempts })
}

fn make_link(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let files = scene.files();
    let (path, _) = draw.maybe_pick(&files)?;
    let (folder, name) = (parent_of(path), name_of(path));
    let question = draw.wording([
        format!("In {folder} create a symbolic link {name}.link that points to {name} (relative)"),
        format!("Make {folder}/{name}.link a relative symlink to the file {name} next to it"),
    ]);
    let attempts = vec![format!("readlink {path}"), format!("ls -l {folder}")];
    Some(Draft { question, gold: format!("ln -s {name} {folder}/{name}.link"), attempts })
}

fn delete_empty(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let root = scene.root;
    let question = draw.wording([
        format!("Remove all empty regular files below {root}"),
        format!("Clean up {root}: delete every file of zero bytes, keep the folders"),
    ]);
    let attempts = vec![format!("find {root} -type f -empty"), format!("find {root} -size 0 -print")];
    Some(Draft { question, gold: format!("find {root} -type f -empty -delete"), attempts })
}

fn protect_folder(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let folder = *draw.maybe_pick(&scene.folders())?;
    let question = draw.wording([
        format!("Set the permissions of the directory {folder} to 700"),
        format!("Allow only its owner to list, enter and change {folder}"),
    ]);
    let attempts = vec![format!("ls -ld {folder}"), format!("stat {folder}/.nothing")];
    Some(Draft { question, gold: format!("chmod 700 {folder}"), attempts })
}

fn pack_names(scene: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (root, kind) = (scene.root, scene.extension(1, draw)?);
    let question = draw.wording([
        format!("Save the sorted list of names (without folders) of all .{kind} files under {root} in {root}/{kind}_files.lst"),
        format!(
            "Put the names of the {kind} files below {root}, without their folders and sorted, into a new file {root}/{kind}_files.lst"
        ),
    ]);
    let attempts = vec![format!("find {root} -name \"*.{kind}\" | sort"), format!("ls {root}/*.{kind}")];
    // Found before the shell makes the list: a list of `lst` files would otherwise hold itself.
    let gold = format!(
        "l=$(find {root} -type f -name \"*.{kind}\" -printf '%f\\n' | LC_ALL=C sort); echo \"$l\" > {root}/{kind}_files.lst"
    );
    Some(Draft { question, gold, attempts })
}
