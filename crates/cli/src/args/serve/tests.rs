use super::bytes;

#[test]
fn memory_is_said_in_bytes_or_with_a_unit() {
    let cases = [("512M", 512 << 20), ("4G", 4 << 30), ("2GiB", 2 << 30), ("64k", 64 << 10), ("1000", 1000)];
    for (text, want) in cases {
        assert_eq!(bytes(text), Ok(want), "{text}");
    }
    for text in ["", "G", "four", "0", "-1M", "99999999999G"] {
        assert!(bytes(text).is_err(), "{text}");
    }
}
