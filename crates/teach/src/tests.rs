//! Names, and what unknown ones say.

use super::{BOTS, Error, Utility, bot, teacher};

#[test]
fn every_listed_bot_exists_under_its_name() {
    for name in BOTS {
        assert_eq!(bot(name).unwrap().name(), name);
    }
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    assert!(matches!(bot("leduc_poker/best"), Err(Error::NoBot { known, .. }) if known.contains("tight")));
    let refused = teacher("chess", Utility::Outcome).err();
    assert!(matches!(refused, Some(Error::NoTeacher { known, .. }) if known.contains("gin_rummy")));
}
