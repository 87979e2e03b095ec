use super::*;

/// The pieces that come through, and whether a stop string was found.
fn check(stops: &[&str], pieces: &[&str], want: &[&str], is_found: bool) {
    let mut filter = StopStrings::new(stops.iter().map(|&stop| stop.to_owned()).collect());
    let mut through: Vec<String> = pieces.iter().map(|piece| filter.push(piece)).collect();
    through.push(filter.finish());
    assert_eq!((through, filter.is_found), (want.iter().map(|&text| text.to_owned()).collect(), is_found));
}

#[test]
fn text_ends_before_the_first_stop_string() {
    check(&["END"], &["a EN", "D b", "c"], &["a ", "", "", ""], true);
    check(&["x", "bc"], &["abcx"], &["a", ""], true);
    check(&[], &["a", "b"], &["a", "b", ""], false);
}

#[test]
fn what_may_become_a_stop_string_waits_and_is_not_lost() {
    check(&["END"], &["a E", "x", "EN"], &["a ", "Ex", "", "EN"], false);
    check(&["\n\n"], &["a\n", "b"], &["a", "\nb", ""], false);
}
