//! Results and complaints, as Python 3 gives them for the same formats.

use expect_test::{Expect, expect};

use super::python_format;

fn check(format: &str, expected: Expect) {
    let fields = [("instruction", "add {x}"), ("input", "1 2")];
    expected.assert_eq(&python_format(format, &fields).unwrap_or_else(|reason| format!("error: {reason}")));
}

#[test]
fn names_are_replaced_once_and_braces_unescaped() {
    check("{instruction} {input}", expect!["add {x} 1 2"]);
    check("{{{instruction}}} {{literal}}", expect!["{add {x}} {literal}"]);
    check("é{input!s}ß{input:}", expect!["é1 2ß1 2"]);
    check("", expect![""]);
    check("no fields", expect!["no fields"]);
}

#[test]
fn what_python_would_raise_is_said() {
    check("{output}", expect!["error: `{output}` is not one of {instruction}, {input}"]);
    check("a } b", expect!["error: a `}` stands alone (write `}}` for a brace)"]);
    check("a { b", expect!["error: a `{` is never closed (write `{{` for a brace)"]);
    check("{}", expect!["error: `{}` is not one of {instruction}, {input}"]);
}

#[test]
fn more_than_a_name_is_refused() {
    check("{input:>10}", expect!["error: `{input:>10}` uses more than a plain name"]);
    check("{input!r}", expect!["error: `{input!r}` uses more than a plain name"]);
    check("{instruction.upper}", expect!["error: `{instruction.upper}` uses more than a plain name"]);
}
