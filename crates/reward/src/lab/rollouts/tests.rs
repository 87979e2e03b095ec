use super::*;

#[test]
fn scores_are_added_and_everything_else_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("R.jsonl");
    let lines = [
        r#"{"id":"a","run":"r","group":1,"turns":[],"reward":0.1,"scores":[{"by":"old","value":3}],"unknown":[1.0]}"#,
        r#"{"id":"b","run":"r","group":1,"turns":[],"reward":1e-7}"#,
    ];
    fs::write(&path, lines.join("\n")).unwrap();
    let mut rollouts = Rollouts::read(&path).unwrap();
    rollouts.add_scores("new", &[0.5, 1.5]);
    rollouts.add_scores("new", &[0.25, 1.5]);
    rollouts.write(&path).unwrap();
    let expected = [
        r#"{"id":"a","run":"r","group":1,"turns":[],"reward":0.1,"scores":[{"by":"old","value":3},{"by":"new","value":0.25}],"unknown":[1.0]}"#,
        r#"{"id":"b","run":"r","group":1,"turns":[],"reward":1e-7,"scores":[{"by":"new","value":1.5}]}"#,
    ];
    assert_eq!(fs::read_to_string(&path).unwrap(), expected.map(|line| format!("{line}\n")).concat());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays");
    assert_eq!(rollouts.groups(), [[0, 1]]);
}

#[test]
fn a_file_that_holds_no_trajectories_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("R.jsonl");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        Rollouts::read(&path).unwrap_err().to_string()
    };
    assert!(read("\n").ends_with("holds no trajectories"));
    assert!(read("{\"turns\":[]}\n{\n").contains("line 2 of"));
    assert!(read("{\"a\":1}").contains("it has no `turns`"));
}
