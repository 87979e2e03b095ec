use super::super::test_support::{GENERIC, codec};
use super::*;
use crate::ByteCodec;

fn pieces(texts: &[&str]) -> Vec<(String, Reuse)> {
    let reuse = |idx: usize| if idx.is_multiple_of(2) { Reuse::Often } else { Reuse::Seldom };
    texts.iter().enumerate().map(|(idx, text)| ((*text).to_owned(), reuse(idx))).collect()
}

#[test]
fn cuts_are_made_before_the_first_letter_of_a_line_only() {
    let texts = ["a\n", "B c\n", "\n", " d", "e\n\n", "F"];
    let cut: Vec<String> = joined(pieces(&texts), true).into_iter().map(|(text, _)| text).collect();
    assert_eq!(cut, ["a\n", "B c\n\n de\n\n", "F"]);
    assert_eq!(joined(pieces(&texts), false), [(texts.concat(), Reuse::Seldom)]);
    assert_eq!(joined(pieces(&["a\n", ""]), true), [("a\n".to_owned(), Reuse::Seldom)]);
}

#[test]
fn pieces_give_the_tokens_of_the_whole() {
    let texts =
        ["You are playing it.\n\n\n", "NOTES:\n  [1] call\n\n", "Act. <|im_end|>\n", "Legal actions: 1, 2"];
    for codec in [codec(GENERIC), std::sync::Arc::new(ByteCodec)] {
        let encoder = Pieces::new();
        for _ in 0..2 {
            assert_eq!(encoder.encode(pieces(&texts), codec.as_ref()), codec.encode(&texts.concat()));
        }
    }
}
