use super::*;
use crate::train_bpe;

fn tokenizer() -> Tokenizer {
    let folder = tempfile::tempdir().unwrap();
    train_bpe(["call raise fold ".repeat(20)].into_iter(), 300, &folder).unwrap()
}

fn pieces(tokenizer: &Tokenizer, specials: SpecialTokens, ids: &[u32]) -> Vec<String> {
    let mut stream = TextStream::new(specials);
    let mut pieces: Vec<String> = ids.iter().map(|&id| stream.push(tokenizer, id)).collect();
    pieces.push(stream.finish(tokenizer));
    pieces
}

#[test]
fn the_pieces_are_the_text() {
    let tokenizer = tokenizer();
    for text in
        ["call raise", "\u{e9}t\u{e9} \u{1f600}\u{1f600} fold", "<|im_start|>user\ncall<|im_end|>\n", ""]
    {
        let ids = tokenizer.encode(text);
        assert_eq!(pieces(&tokenizer, SpecialTokens::WrittenOut, &ids).concat(), text);
        assert_eq!(pieces(&tokenizer, SpecialTokens::LeftAway, &ids).concat(), tokenizer.decode(&ids));
    }
}

#[test]
fn any_ids_give_what_they_give_together() {
    let tokenizer = tokenizer();
    let size = tokenizer.vocab_size() as u32;
    for seed in 0..50u32 {
        let ids: Vec<u32> = (0..40u32).map(|at| (seed * 7919 + at * at * 104_729 + at * 31) % size).collect();
        assert_eq!(
            pieces(&tokenizer, SpecialTokens::LeftAway, &ids).concat(),
            tokenizer.decode(&ids),
            "{ids:?}"
        );
    }
}

#[test]
fn half_a_character_waits_for_the_other_half() {
    let tokenizer = tokenizer();
    let ids = tokenizer.encode("\u{1f600}");
    assert_eq!(ids.len(), 4, "a byte each");
    assert_eq!(pieces(&tokenizer, SpecialTokens::LeftAway, &ids), ["", "", "", "\u{1f600}", ""]);
    assert_eq!(pieces(&tokenizer, SpecialTokens::LeftAway, &ids[..2]).concat(), "\u{fffd}");
}
