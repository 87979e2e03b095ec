use super::*;

fn of(text: &str) -> Result<Vec<Entry>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("benchmark.json");
    std::fs::write(&file, text).expect("written");
    let entries = read(&file).map_err(|error| error.to_string())?;
    let relative = |mut entry: Entry| {
        let path = entry.path.take();
        entry.path = path.map(|path| path.strip_prefix(folder.path()).map_or(path.clone(), Path::to_owned));
        entry
    };
    Ok(entries.into_iter().map(relative).collect())
}

#[test]
fn models_are_folders_beside_the_file_or_repositories() {
    let text =
        r#"[{"name":"a","path":"x/y"},{"name":"b","path":"/abs","tasks":["t1"]},{"name":"c","repo":"o/n"}]"#;
    let entries = of(text).expect("a list");
    let paths: Vec<_> = entries.iter().map(|entry| entry.path.clone()).collect();
    assert_eq!(paths, [Some("x/y".into()), Some("/abs".into()), None]);
    let joins = |task: Option<&str>| entries.iter().map(|entry| entry.joins(task)).collect::<Vec<_>>();
    assert_eq!(joins(Some("t1")), [true, true, true]);
    assert_eq!(joins(Some("t2")), [true, false, true]);
    assert_eq!(joins(None), [true, false, true]);
}

#[test]
fn what_cannot_be_used_is_named() {
    for (text, reason) in [
        ("[]", "names no model"),
        (r#"[{"name":"a"}]"#, "`a` needs a path or a repo"),
        (r#"[{"name":"a","path":"x","repo":"o/n"}]"#, "one of both"),
        (r#"[{"nam":"a","path":"x"}]"#, "unknown field `nam`"),
        (r#"{"name":"a"}"#, "invalid type"),
    ] {
        let error = of(text).expect_err("it cannot be used");
        assert!(error.contains(reason), "{error}");
    }
}
