use super::caught;

#[test]
fn a_panic_is_an_error_with_its_message() {
    let error = caught(|| panic!("out of device memory\nbacktrace")).expect_err("it panicked");
    assert_eq!(error.to_string(), "the trainer panicked: out of device memory");
    assert!(caught(|| Ok(())).is_ok());
}
