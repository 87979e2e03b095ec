use super::*;

#[test]
fn the_latest_of_runs_with_a_name_is_meant_and_places_are_told() {
    let runs = tempfile::tempdir().expect("a folder");
    for name in ["9-t1", "10-t1", "11-other-t1", "x-t1", "12-t12"] {
        std::fs::create_dir_all(runs.path().join(name)).expect("made");
    }
    assert_eq!(latest(runs.path(), "t1"), Some(runs.path().join("10-t1")));
    assert_eq!(latest(runs.path(), "t2"), None);
    let error = find_in(runs.path(), "t1").expect_err("none of them has a record").to_string();
    assert!(error.contains("10-t1") && error.contains("report.json"), "{error}");
}
