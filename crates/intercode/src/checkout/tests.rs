use super::*;
use crate::episode::{Action, Episode, EpisodeConfig, Gold};
use crate::sandbox::SandboxConfig;
use crate::tree::{Content, Modified};

/// A checkout of four questions in the form of the original.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("docker/bash_scripts")).unwrap();
    fs::create_dir_all(folder.path().join("data/nl2bash")).unwrap();
    let setups = [
        "mkdir -p /testbed/d; echo hi > /testbed/d/f; touch -m -t 202301020304.05 /testbed/d/f; ln -s d /testbed/l",
        "mkdir /system; chmod 700 /system",
        "rm -rf /workspace; mkdir -p /workspace /backup; echo x > /backup/y; touch -m -t $(date -v-1d) /workspace/z",
        "export file_system_version=4",
    ];
    for (index, setup) in setups.iter().enumerate() {
        let number = index + 1;
        let script = folder.path().join(format!("docker/bash_scripts/setup_nl2b_fs_{number}.sh"));
        fs::write(script, format!("#!/bin/bash\n{setup}\n")).unwrap();
        let questions = folder.path().join(format!("data/nl2bash/nl2bash_fs_{number}.json"));
        fs::write(
            questions,
            format!(r#"[{{"query": "Q{number}", "gold": "ls -A /testbed; echo {number}"}}]"#),
        )
        .unwrap();
    }
    folder
}

#[test]
fn trees_are_what_the_scripts_leave() {
    let folder = checkout();
    let sandbox = Sandbox::new(SandboxConfig::new(std::env::temp_dir())).unwrap();
    let tasks = match tasks(&sandbox, folder.path()) {
        Err(Error::NoSandbox { .. }) if sandbox.isolation().tier != Tier::Namespaces => return,
        loaded => loaded.unwrap(),
    };
    assert_eq!(tasks.iter().map(|task| task.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let file = tasks[0].tree.get("/testbed/d/f").unwrap();
    assert_eq!(
        (&file.content, file.modified),
        (&Content::File(b"hi\n".to_vec()), Modified::At(1_672_628_645))
    );
    assert_eq!(tasks[0].tree.get("/testbed/l").unwrap().content, Content::Symlink("d".to_owned()));
    assert_eq!(tasks[1].tree.get("/system").unwrap().mode, 0o700);
    assert!(tasks[2].tree.get("/backup/y").is_some() && tasks[2].tree.get("/workspace/z").is_none());
    assert!(tasks[3].tree.is_empty());

    let task = Arc::new(tasks[0].clone());
    let gold = Arc::new(Gold::run(&sandbox, &task).unwrap());
    let mut episode = Episode::reset(&sandbox, task, gold, EpisodeConfig::EVALUATOR).unwrap();
    assert_eq!(
        episode.step(Action::Execute("ls -A testbed; echo 1".to_owned())).unwrap().observation,
        "d\nl\n1\n"
    );
    assert!((episode.step(Action::Submit).unwrap().reward.unwrap().total - 1.0).abs() < 1e-9);
}

#[test]
fn a_folder_that_is_no_checkout_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(SandboxConfig::new(std::env::temp_dir())).unwrap();
    match tasks(&sandbox, folder.path()) {
        Err(Error::Checkout { path, .. }) => assert!(path.ends_with("setup_nl2b_fs_1.sh"), "{path:?}"),
        Err(Error::NoSandbox { .. }) => assert_ne!(sandbox.isolation().tier, Tier::Namespaces),
        other => panic!("{other:?}"),
    }
}
