//! State lines of goofspiel, made from OpenSpiel's observation string: points with names, and what winners' numbers
//! mean.

/// The original's words, which have the seats the wrong way round: the number is the winner's.
const LEGEND: &str = "(Win sequence: 1=player 0 won, 0=player 1 won, negative=tie)";

/// Lines for the player whose `observation` this is.
pub(super) fn state_text(observation: &str) -> String {
    observation.lines().map(|line| shown(line) + "\n").collect()
}

fn shown(line: &str) -> String {
    let points = line.strip_prefix("Points: ").and_then(|points| points.trim_end().split_once(' '));
    if let Some((first, second)) = points {
        return format!("Player 0: {first} points, Player 1: {second} points ");
    }
    match line.strip_prefix("Win sequence: ") {
        None => line.to_owned(),
        // The blank that ends the original line comes after the legend.
        Some("") => format!("{line}\n{LEGEND}"),
        Some(_) => format!("{}\n{LEGEND} ", line.trim_end()),
    }
}
