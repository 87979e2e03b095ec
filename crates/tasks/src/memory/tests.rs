use super::available;

#[test]
fn the_line_is_read_in_bytes() {
    let text = "MemTotal:       24000000 kB\nMemFree:         1000 kB\nMemAvailable:    2000 kB\n";
    assert_eq!(available(text), Some(2_048_000));
    assert_eq!(available("MemTotal: 1 kB\n"), None);
}
