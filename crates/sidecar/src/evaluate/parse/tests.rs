use super::{action, without_thoughts};

fn legal() -> Vec<(u16, String)> {
    [(1, "Call"), (2, "Raise"), (12, "2-6"), (55, "Player: 0 Action: Knock")]
        .map(|(id, text)| (id, text.to_owned()))
        .into()
}

#[test]
fn an_answer_means_its_number_or_a_legal_word_or_a_text() {
    let table = [
        ("2", Some(2)),
        (" 002\n", Some(2)),
        ("3", None),
        ("99999999999999999999", None),
        ("I choose 12.", Some(12)),
        ("not 12 but 2", Some(2)),
        ("-1", Some(1)),
        ("7 or 12", Some(12)),
        ("a2 b_12 x", None),
        ("id=12", Some(12)),
        ("I RAISE!", Some(2)),
        ("r-a-i-s-e", Some(2)),
        ("player 0, action: knock", Some(55)),
        ("call or raise", Some(1)),
        ("", None),
        ("...", None),
        ("fold", None),
        ("zwölf12", None),
    ];
    for (answer, want) in table {
        assert_eq!(action(answer, &legal()), want, "{answer:?}");
    }
}

#[test]
fn thoughts_are_no_part_of_an_answer() {
    let table = [
        ("2", "2"),
        ("<think>1 or 2?</think>2", "2"),
        ("<THINK>a</Think> 1 <think>b</think>", "1"),
        ("5<think>it never ends", "5"),
        ("it never began</think>\n3", "3"),
        ("a</think>b</think>4", "4"),
        ("<think>İ</think>2", "2"),
        ("a\n \n\n\t\nb\n\nc", "a\n \nb\n\nc"),
    ];
    for (answer, want) in table {
        assert_eq!(without_thoughts(answer), want, "{answer:?}");
    }
}
