//! liars_dice: own dice, current bid, dice in the game.

use crate::observation::field;

/// `23556|2-5|10`: own dice ascending, current bid or `-`, dice in the game. `None` if there are no dice.
pub(super) fn liars(lines: &str) -> Option<String> {
    let dice = field(lines, "Your dice:")?;
    let own: String = dice.split(']').next()?.chars().filter(char::is_ascii_digit).collect();
    let bid = field(lines, "Current bid:").and_then(|rest| rest.split('"').nth(1)).unwrap_or("-");
    let total = field(lines, "Total dice in game:").unwrap_or("?");
    Some(format!("{own}|{bid}|{total}"))
}
