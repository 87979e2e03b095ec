//! What a template can see of a tree: its files and folders below one managed folder.

use std::collections::BTreeMap;

use super::FileSystem;
use super::draw::Draw;
use crate::tree::{Content, Node, Tree};

/// A tree, seen from the managed folder that the question is about.
pub(super) struct Scene<'a> {
    /// The managed folder.
    pub(super) root: &'static str,
    tree: &'a Tree,
}

impl<'a> Scene<'a> {
    /// The tree, seen from one of its managed folders; for no folders the root is empty text.
    pub(super) fn new(file_system: FileSystem, tree: &'a Tree, draw: &mut Draw) -> Self {
        let root = match file_system {
            FileSystem::Workspace if draw.chance(75) => "/workspace",
            _ => draw.maybe_pick(file_system.folders()).copied().unwrap_or(""),
        };
        Self { root, tree }
    }

    fn below(&self) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let (root, tree) = (self.root, self.tree);
        tree.iter().filter(move |(path, _)| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Regular files with their bytes.
    pub(super) fn files(&self) -> Vec<(&'a str, &'a [u8])> {
        let file = |(path, node): (&'a str, &'a Node)| match &node.content {
            Content::File(bytes) => Some((path, bytes.as_slice())),
            Content::Directory | Content::Symlink(_) => None,
        };
        self.below().filter_map(file).collect()
    }

    /// Paths of the files with this extension that hold at least `min_lines` lines.
    pub(super) fn with_extension(&self, extension: &str, min_lines: usize) -> Vec<&'a str> {
        let fits = |path: &str, bytes: &[u8]| {
            extension_of(path) == Some(extension)
                && bytes.iter().filter(|byte| **byte == b'\n').count() >= min_lines
        };
        self.files().into_iter().filter(|(path, bytes)| fits(path, bytes)).map(|(path, _)| path).collect()
    }

    /// Extensions with the number of files that have them.
    pub(super) fn extensions(&self) -> BTreeMap<&'a str, usize> {
        let mut counts = BTreeMap::new();
        for extension in self.files().iter().filter_map(|(path, _)| extension_of(path)) {
            *counts.entry(extension).or_default() += 1;
        }
        counts
    }

    /// One of the extensions that at least `least` files have.
    pub(super) fn extension(&self, least: usize, draw: &mut Draw) -> Option<&'a str> {
        let counts = self.extensions();
        let names: Vec<&str> =
            counts.into_iter().filter(|(_, n)| *n >= least).map(|(name, _)| name).collect();
        draw.maybe_pick(&names).copied()
    }

    /// Folders below the root.
    pub(super) fn folders(&self) -> Vec<&'a str> {
        let folders = self.below().filter(|(_, node)| matches!(node.content, Content::Directory));
        folders.map(|(path, _)| path).collect()
    }

    /// Permission bits of regular files with how many have them.
    pub(super) fn modes(&self) -> BTreeMap<u32, usize> {
        let mut counts = BTreeMap::new();
        for (_, node) in self.below().filter(|(_, node)| matches!(node.content, Content::File(_))) {
            *counts.entry(node.mode).or_default() += 1;
        }
        counts
    }

    /// A file of prose or a note, with at least `min_lines` lines.
    pub(super) fn text_file(&self, min_lines: usize, draw: &mut Draw) -> Option<&'a str> {
        let mut paths = self.with_extension("txt", min_lines);
        paths.extend(self.with_extension("md", min_lines));
        draw.maybe_pick(&paths).copied()
    }

    /// Words of at least five letters in a file, each once, in order of appearance.
    pub(super) fn words(&self, path: &str) -> Vec<String> {
        let bytes = match self.tree.get(path).map(|node| &node.content) {
            Some(Content::File(bytes)) => bytes.as_slice(),
            _ => &[],
        };
        let text = String::from_utf8_lossy(bytes);
        let mut words: Vec<String> = Vec::new();
        for word in text.split(|c: char| !c.is_ascii_lowercase()).filter(|word| word.len() >= 5) {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        words
    }
}

/// Text behind the last point of the last part of a path.
pub(super) fn extension_of(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// The last part of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path without its last part.
pub(super) fn parent_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
