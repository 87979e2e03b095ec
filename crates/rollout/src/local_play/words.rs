//! What a person types, understood: an action by its id or its text, or a command.

/// A typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Play this one.
    Action(u32),
    /// What would others play?
    Hint,
    /// What can be typed?
    Help,
    /// The rules of the game.
    Rules,
    /// Leave the table.
    Quit,
    /// Not understood; the text says why.
    Unclear(String),
}

/// Reads a line. Commands come first, then ids, then texts: the whole text, else the only one that begins with what was
/// typed, else the only one that has it somewhere. Upper and lower case are the same.
pub(super) fn understand(line: &str, legal: &[(u32, String)]) -> Word {
    let typed = line.trim().to_lowercase();
    match typed.as_str() {
        "" => return Word::Unclear("Type an action, or `help`.".to_owned()),
        "hint" | "?" => return Word::Hint,
        "help" | "h" => return Word::Help,
        "rules" => return Word::Rules,
        "quit" | "exit" | "q" => return Word::Quit,
        _ => {}
    }
    if let Ok(id) = typed.parse::<u32>() {
        let is_legal = legal.iter().any(|(known, _)| *known == id);
        let unclear = || Word::Unclear(format!("{id} is not legal now. Legal are {}.", ids(legal)));
        return if is_legal { Word::Action(id) } else { unclear() };
    }
    let texts: Vec<(u32, String)> = legal.iter().map(|(id, text)| (*id, text.to_lowercase())).collect();
    let is_whole = |text: &str| text == typed || text.rsplit(": ").next() == Some(typed.as_str());
    let is_start = |text: &str| text.starts_with(&typed);
    let is_part = |text: &str| text.contains(&typed);
    let readings: [&dyn Fn(&str) -> bool; 3] = [&is_whole, &is_start, &is_part];
    for fits in readings {
        let found: Vec<u32> = texts.iter().filter(|(_, text)| fits(text)).map(|(id, _)| *id).collect();
        match found.as_slice() {
            [] => {}
            [id] => return Word::Action(*id),
            many => return Word::Unclear(ambiguous(line.trim(), many, legal)),
        }
    }
    Word::Unclear(format!("`{}` is no action here. Legal are {}; or type `help`.", line.trim(), ids(legal)))
}

fn ambiguous(typed: &str, found: &[u32], legal: &[(u32, String)]) -> String {
    let named = legal.iter().filter(|(id, _)| found.contains(id)).take(SHOWN);
    let named: Vec<String> = named.map(|(id, text)| format!("{id} ({text})")).collect();
    let more = if found.len() > SHOWN { ", …" } else { "" };
    format!("`{typed}` may be {}{more}. Type its id.", named.join(", "))
}

/// Of many readings, this many are named.
const SHOWN: usize = 6;

/// Ids for people: all of a few, the ends of many.
fn ids(legal: &[(u32, String)]) -> String {
    let shown: Vec<String> = legal.iter().map(|(id, _)| id.to_string()).collect();
    match shown.as_slice() {
        [first, .., last] if shown.len() > 3 * SHOWN => {
            format!("{} actions from {first} to {last}", shown.len())
        }
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests;
