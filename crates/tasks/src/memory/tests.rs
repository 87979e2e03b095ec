use super::{available, mebibytes};

#[test]
fn the_line_is_read_in_bytes() {
    let text = "MemTotal:       24000000 kB\nMemFree:         1000 kB\nMemAvailable:    2000 kB\n";
    assert_eq!(available(text), Some(2_048_000));
    assert_eq!(available("MemTotal: 1 kB\n"), None);
}

#[test]
fn the_driver_answers_in_mebibytes() {
    assert_eq!(mebibytes("81007\n"), Some(81_007 << 20));
    assert_eq!(mebibytes("[N/A]\n"), None);
}
