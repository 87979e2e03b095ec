use super::Flags;

fn parse(words: &str) -> Flags {
    Flags::parse(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

#[test]
fn both_spellings_are_read_and_unknown_flags_are_kept_apart() {
    let flags = parse("--task-id t1 --hours-to-complete=0.75 --new-flag x --container --model a/b");
    assert_eq!(flags.get("task-id"), Some("t1"));
    assert_eq!(flags.get("hours-to-complete"), Some("0.75"));
    assert_eq!(flags.get("model"), Some("a/b"));
    assert!(flags.has("container"));
    assert_eq!(
        flags.unknown(&["task-id", "hours-to-complete", "model", "container"]).collect::<Vec<_>>(),
        ["new-flag"]
    );
}

#[test]
fn a_negative_number_is_a_value_and_a_flag_without_one_is_a_switch() {
    let flags = parse("--hours-to-complete -1 --surprise --model m");
    assert_eq!(flags.get("hours-to-complete"), Some("-1"));
    assert_eq!(flags.get("surprise"), Some("true"));
    assert_eq!(flags.get("model"), Some("m"));
}

#[test]
fn a_flag_may_be_given_again_and_then_counts_each_time_or_the_last() {
    let flags = parse("--reward a.py:0.5 --seed 1 --reward=b.py --seed 2");
    assert_eq!(flags.all("reward"), ["a.py:0.5", "b.py"]);
    assert_eq!(flags.get("seed"), Some("2"));
    assert!(flags.all("lr").is_empty());
}
