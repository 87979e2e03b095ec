//! As the formatter writes them.

use super::push_number;

#[test]
fn numbers_are_written_as_the_formatter_writes_them() {
    for number in [0, 7, 10, 99, 100, -1, -4, -10_000, i32::MAX, i32::MIN] {
        let mut text = "n=".to_owned();
        push_number(number, &mut text);
        assert_eq!(text, format!("n={number}"));
    }
}
