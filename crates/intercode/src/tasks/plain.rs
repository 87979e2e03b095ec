//! Questions about the shell itself: no file is needed.

use super::draw::Draw;
use super::scene::Scene;
use super::{Draft, Template};

pub(super) const TEMPLATES: &[(&str, Template)] = &[
    ("number_sequence", number_sequence),
    ("arithmetic", arithmetic),
    ("to_hexadecimal", to_hexadecimal),
    ("to_binary", to_binary),
    ("reversed_word", reversed_word),
    ("date_arithmetic", date_arithmetic),
    ("weekday", weekday),
    ("split_path", split_path),
    ("characters", characters),
    ("squeezed", squeezed),
    ("join_lines", join_lines),
    ("text_digest", text_digest),
];

const SAMPLES: [&str; 8] =
    ["lighthouse", "cartography", "monsoon", "paperclip", "telescope", "marmalade", "windmill", "sycamore"];

fn number_sequence(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (first, step, n) = (draw.between(1, 40), draw.between(2, 9), draw.between(3, 9));
    let last = first + step * n;
    let question = draw.wording([
        format!("Print the numbers from {first} to {last} in steps of {step}, one a line"),
        format!("Show every {step}th number starting with {first} up to {last}, each on its own line"),
    ]);
    let attempts = vec![format!("seq {first} {last}"), format!("echo {{{first}..{last}..{step}}} {last}")];
    Some(Draft { question, gold: format!("seq {first} {step} {last}"), attempts })
}

fn arithmetic(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (a, b, c) = (draw.between(12, 900), draw.between(12, 90), draw.between(100, 999));
    let question = draw.wording([
        format!("What is {a} times {b} plus {c}?"),
        format!("Let the shell compute {a} * {b} + {c}"),
    ]);
    let attempts = vec![format!("echo {a} * {b} + {c}"), format!("echo '{a} * {b} + {c}' | bc -q -z")];
    Some(Draft { question, gold: format!("echo $(({a} * {b} + {c}))"), attempts })
}

fn to_hexadecimal(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let number = draw.between(300, 65_000);
    let question = draw.wording([
        format!("Convert the decimal number {number} to hexadecimal (small letters, no prefix)"),
        format!("Print {number} in base 16 with lower case digits"),
    ]);
    let attempts = vec![format!("printf '%X\\n' 0x{number}"), format!("printf '%o\\n' {number}")];
    Some(Draft { question, gold: format!("printf '%x\\n' {number}"), attempts })
}

fn to_binary(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (octal, bits) = (draw.between(10, 77), draw.between(40, 250));
    let (octal, bits) = (octal / 10 % 8 * 10 + octal % 10 % 8, format!("{bits:b}"));
    let question = draw.wording([
        format!("Print the decimal value of the binary number {bits} and of the octal number {octal}, separated by a space"),
        format!("Convert binary {bits} and octal {octal} to decimal, on one line with a blank between"),
    ]);
    let attempts = vec![format!("echo $(({bits})) $(({octal}))"), format!("echo {bits} {octal}")];
    Some(Draft { question, gold: format!("echo $((2#{bits})) $((8#{octal}))"), attempts })
}

fn reversed_word(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let word = *draw.pick(&SAMPLES);
    let question = draw
        .wording([format!("Write the word {word} backwards"), format!("Reverse the characters of '{word}'")]);
    let attempts = vec![format!("rev {word}"), format!("echo {word} | tac")];
    Some(Draft { question, gold: format!("echo {word} | rev"), attempts })
}

fn date_arithmetic(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (year, month, day) = (draw.between(2001, 2029), draw.between(1, 12), draw.between(1, 28));
    let days = draw.between(20, 400);
    let date = format!("{year}-{month:02}-{day:02}");
    let question = draw.wording([
        format!("Which date is {days} days after {date}? Use the form YYYY-MM-DD."),
        format!("Add {days} days to the date {date} and print it as YYYY-MM-DD"),
    ]);
    let attempts = vec![format!("date -d '{date} + {days}' +%F"), format!("date -v +{days}d")];
    Some(Draft { question, gold: format!("date -d '{date} + {days} days' +%F"), attempts })
}

fn weekday(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let date = format!("{}-{:02}-{:02}", draw.between(1990, 2035), draw.between(1, 12), draw.between(1, 28));
    let question = draw.wording([
        format!("On which day of the week falls {date}? Print its full English name."),
        format!("Print the name of the weekday of {date}"),
    ]);
    let attempts = vec![format!("date -d {date} +%u"), format!("date {date} +%A")];
    Some(Draft { question, gold: format!("date -d {date} +%A"), attempts })
}

fn split_path(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let (folder, name) = (*draw.pick(&SAMPLES), *draw.pick(&SAMPLES));
    let path = format!("/srv/{folder}/{name}.tar.gz");
    let question = draw.wording([
        format!("Print the file name of the path {path} without the folders and without .tar.gz"),
        format!("Take the path {path} and show just the bare name, both endings removed"),
    ]);
    let attempts = vec![format!("basename {path}"), format!("dirname {path}")];
    Some(Draft { question, gold: format!("basename {path} .tar.gz"), attempts })
}

fn characters(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let text = format!("{} {}", draw.pick(&SAMPLES), draw.pick(&SAMPLES));
    let letter = *draw.pick(&["a", "e", "o", "n", "l"]);
    let question = draw.wording([
        format!("How often does the letter {letter} occur in the text '{text}'?"),
        format!("Count the letter \"{letter}\" in \"{text}\""),
    ]);
    let attempts = vec![format!("echo '{text}' | grep -o {letter}"), format!("echo '{text}' | wc -m")];
    Some(Draft { question, gold: format!("echo '{text}' | tr -cd '{letter}' | wc -c"), attempts })
}

fn squeezed(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let words: Vec<&str> = (0..4).map(|_| *draw.pick(&SAMPLES)).collect();
    let text = words.join("    ");
    let question = draw.wording([
        format!("Replace every run of blanks in '{text}' by a single comma and print the result"),
        format!("Print the text '{text}' with one comma in place of each group of spaces"),
    ]);
    let attempts = vec![format!("echo '{text}' | tr -d ' '"), format!("echo '{text}' | head -c 12")];
    Some(Draft { question, gold: format!("echo '{text}' | tr -s ' ' ','"), attempts })
}

fn join_lines(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let n = draw.between(5, 14);
    let question = draw.wording([
        format!("Print the squares of 1 to {n} on one line, separated by commas"),
        format!("Show 1, 4, 9 and so on up to the square of {n}, comma separated without spaces"),
    ]);
    let attempts = vec![format!("seq 1 {n} | awk '{{print $1 * 2}}'"), format!("seq -s, 1 {n}")];
    Some(Draft {
        question,
        gold: format!("for i in $(seq 1 {n}); do echo $((i * i)); done | paste -sd,"),
        attempts,
    })
}

fn text_digest(_: &Scene<'_>, draw: &mut Draw) -> Option<Draft> {
    let word = *draw.pick(&SAMPLES);
    let question = draw.wording([
        format!("Print the SHA-1 sum of the text '{word}' without a line end, only the digits"),
        format!("What is the sha1 digest of the string {word} (no newline)? Print the digest alone."),
    ]);
    let attempts = vec![format!("echo {word} | sha1sum"), format!("sha1sum {word}")];
    Some(Draft { question, gold: format!("printf '%s' {word} | sha1sum | cut -d' ' -f1"), attempts })
}
