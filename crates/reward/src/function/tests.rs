use super::*;

#[test]
fn a_spec_is_a_path_and_perhaps_a_weight() {
    let spec = |text: &str| text.parse::<RewardSpec>().map(|spec| (spec.path, spec.weight));
    assert_eq!(spec("a/b.py").unwrap(), ("a/b.py".into(), 1.0));
    assert_eq!(spec("b.py:0.25").unwrap(), ("b.py".into(), 0.25));
    assert_eq!(spec("b.py:-2").unwrap(), ("b.py".into(), -2.0));
    for bad in ["b.py:", "b.py:x", "b.py:nan", ":1", ""] {
        assert!(matches!(spec(bad), Err(Error::BadSpec { .. })), "{bad}");
    }
}

#[test]
fn a_function_is_known_by_its_source() {
    let (a, b) = (Function::new("a.py", "x = 1"), Function::new("b.py", "x = 1"));
    assert_eq!(a.digest(), b.digest());
    assert_ne!(a.digest(), Function::new("a.py", "x = 2").digest());
    assert!(a.id().starts_with("a.py#") && a.id().len() == 5 + 64, "{}", a.id());
}
