use std::collections::{BTreeMap, BTreeSet};

use super::*;

#[test]
fn the_same_seed_and_number_give_the_same_task() {
    for id in 0..20 {
        let (one, other) = (task(3, id), task(3, id));
        assert_eq!(
            (&one.question, &one.gold, &one.attempts),
            (&other.question, &other.gold, &other.attempts)
        );
        assert_eq!(one.tree, other.tree);
    }
    let questions: BTreeSet<String> = (0..200).map(|id| task(3, id).question).collect();
    assert!(questions.len() >= 185, "{}", questions.len());
    assert_ne!(task(3, 0).tree, task(4, 0).tree);
}

#[test]
fn there_are_many_templates_and_all_are_used() {
    let names = template_names();
    assert!(names.len() >= 50, "{}", names.len());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "names are unique");
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for id in 0..2_000 {
        *uses.entry(task(11, id).template).or_default() += 1;
    }
    let unused: Vec<&&str> = names.iter().filter(|name| !uses.contains_key(**name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn file_systems_have_the_evaluators_shares() {
    let n_bare = (0..1_000).filter(|id| task(5, *id).file_system == FileSystem::Bare).count();
    // 27 of 200, within four standard deviations.
    assert!((92..=178).contains(&n_bare), "{n_bare}");
}

#[test]
fn every_answer_stays_within_its_folders() {
    for id in 0..500 {
        let task = task(1, id);
        let folders = task.file_system.folders();
        let names_one = folders.iter().any(|folder| task.gold.contains(folder));
        assert!(names_one || folders.is_empty(), "{}", task.gold);
        assert!(task.tree.iter().all(|(path, _)| folders.iter().any(|folder| path.starts_with(folder))));
    }
}
