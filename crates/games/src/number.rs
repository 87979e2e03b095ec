//! Small numbers as text, without the formatter: where millions of turns are shown it takes most of the time.

/// Appends a number in decimal.
#[inline]
pub(crate) fn push_number(number: i32, into: &mut String) {
    match number {
        0..10 => into.push((b'0' + number as u8).into()),
        10.. => push_digits(number.unsigned_abs(), into),
        _ => {
            into.push('-');
            push_digits(number.unsigned_abs(), into);
        }
    }
}

fn push_digits(number: u32, into: &mut String) {
    if number >= 10 {
        push_digits(number / 10, into);
    }
    into.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests;
