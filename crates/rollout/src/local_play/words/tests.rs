use super::{Word, understand};

fn legal() -> Vec<(u32, String)> {
    let texts =
        ["Fold", "Call", "Raise", "Player: 0 Action: Draw upcard", "Player: 0 Action: Draw stock", "1-5"];
    texts.into_iter().zip(0..).map(|(text, id)| (id, text.to_owned())).collect()
}

fn check(line: &str, want: Word) {
    assert_eq!(understand(line, &legal()), want, "{line:?}");
}

#[test]
fn ids_and_texts_name_actions_and_commands_are_commands() {
    check("2", Word::Action(2));
    check(" raise ", Word::Action(2));
    check("RA", Word::Action(2));
    check("draw stock", Word::Action(4));
    check("upcard", Word::Action(3));
    check("1-5", Word::Action(5));
    check("hint", Word::Hint);
    check("?", Word::Hint);
    check("Help", Word::Help);
    check("rules", Word::Rules);
    check("q", Word::Quit);
}

#[test]
fn what_is_not_understood_says_why() {
    let why = |line: &str| match understand(line, &legal()) {
        Word::Unclear(why) => why,
        other => panic!("{line:?} was understood as {other:?}"),
    };
    assert!(why("7").contains("7 is not legal now. Legal are 0, 1, 2, 3, 4, 5."), "{}", why("7"));
    assert!(why("").contains("help"));
    assert!(why("bluff").contains("`bluff` is no action here"));
    assert!(why("draw").contains("3 (Player: 0 Action: Draw upcard), 4 ("), "{}", why("draw"));
    assert!(why("-1").contains("no action"));
    let many: Vec<(u32, String)> = (0..60).map(|id| (id, format!("{id} dice"))).collect();
    let Word::Unclear(why) = understand("99", &many) else { panic!("99 is not legal") };
    assert!(why.contains("60 actions from 0 to 59"), "{why}");
}
