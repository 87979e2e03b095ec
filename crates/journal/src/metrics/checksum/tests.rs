use super::*;

/// The check values of the catalogue of parametrised CRC algorithms.
#[test]
fn the_checks_are_those_of_the_catalogue() {
    assert_eq!(IEEE.of(&[b"123456789"]), 0xCBF4_3926);
    assert_eq!(CASTAGNOLI.of(&[b"123456789"]), 0xE306_9283);
    assert_eq!(CASTAGNOLI.of(&[b"1234", b"", b"56789"]), 0xE306_9283);
    assert_eq!(IEEE.of(&[]), 0);
}
