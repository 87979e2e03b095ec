use super::first_number;

#[test]
fn the_action_is_the_first_run_of_digits() {
    let cases = [
        ("2", Some(2)),
        ("  7\n", Some(7)),
        ("-1", Some(1)),
        ("Round 2: play 5", Some(2)),
        ("Action: 7777 then 1", Some(7777)),
        ("a60b", Some(60)),
        ("007", Some(7)),
        ("I fold", None),
        ("", None),
        ("99999999999999999999", None),
        ("½ 3", Some(3)),
    ];
    for (text, want) in cases {
        assert_eq!(first_number(text), want, "{text:?}");
    }
}
