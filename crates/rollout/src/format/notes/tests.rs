use super::*;
use crate::ByteCodec;

fn edit(mode: EditMode, slot: usize, content: &str) -> MemoryEdit {
    MemoryEdit { notes: Notes::Working, mode, slot, content: content.to_owned() }
}

fn after(edits: &[MemoryEdit]) -> Memory {
    let mut memory = Memory::default();
    for edit in edits {
        apply_edit(&mut memory, edit, &ByteCodec);
    }
    memory
}

#[test]
fn an_addition_is_a_line_of_its_own() {
    let memory = after(&[edit(EditMode::Append, 2, "a"), edit(EditMode::Append, 2, "b")]);
    assert_eq!(memory.working, ["", "a\nb", "", ""]);
    let memory = after(&[edit(EditMode::Append, 2, "a"), edit(EditMode::Rewrite, 2, "c")]);
    assert_eq!(memory.working[1], "c");
    assert_eq!(memory.long_term, <[String; 8]>::default());
}

#[test]
fn a_rewrite_keeps_the_head_and_an_addition_the_tail() {
    // One token a byte.
    let long: String = (0..150).map(|idx| char::from(b'a' + idx % 26)).collect();
    let memory = after(&[edit(EditMode::Rewrite, 1, &long)]);
    assert_eq!(memory.working[0], long[..NOTE_TOKENS]);
    let memory = after(&[edit(EditMode::Rewrite, 1, &long), edit(EditMode::Append, 1, "end")]);
    assert_eq!(memory.working[0], format!("{}\nend", &long[4..NOTE_TOKENS]));
    assert_eq!(memory.working[0].len(), NOTE_TOKENS);
}

#[test]
fn slots_that_are_not_there_change_nothing() {
    for slot in [0, 5, usize::MAX] {
        assert_eq!(after(&[edit(EditMode::Rewrite, slot, "x")]), Memory::default());
    }
    let last = MemoryEdit { notes: Notes::LongTerm, ..edit(EditMode::Append, 8, "x") };
    assert_eq!(after(&[last]).long_term[7], "x");
}
