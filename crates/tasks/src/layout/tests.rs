use std::fs;

use super::Layout;

#[test]
fn a_model_is_found_by_id_by_path_or_as_the_only_one() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let models = root.path().join("cache/models");
    let made = |name: &str| {
        fs::create_dir_all(models.join(name)).expect("made");
        fs::write(models.join(name).join("config.json"), "{}").expect("written");
        models.join(name)
    };
    let layout = Layout::new(root.path());
    assert!(layout.find_model("org/name").is_err());
    let first = made("org--name");
    assert_eq!(layout.find_model("org/name"), Ok(first.clone()));
    assert_eq!(layout.find_model("0123456789abcdef"), Ok(first.clone()), "the only one");
    assert_eq!(layout.find_model(&first.to_string_lossy()), Ok(first));
    made("other");
    let bad = layout.find_model("0123456789abcdef").expect_err("two could be meant");
    assert!(bad.message.contains("0123456789abcdef"), "{bad}");
}
