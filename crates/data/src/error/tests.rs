//! Messages and hints that a person reads.

use expect_test::{Expect, expect};

use super::Error;

fn check_missing(column: &str, columns: &[&str], expected: Expect) {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let error = Error::MissingColumn { path: "rows.json".into(), column: column.to_owned(), columns };
    expected.assert_eq(&format!("{error} | {}", error.hint().unwrap()));
}

#[test]
fn a_missing_column_is_hinted_by_the_nearest_one() {
    check_missing(
        "instruct",
        &["output", "instruction", "id"],
        expect![
            "no row of `rows.json` has a column `instruct`: the columns are `output`, `instruction`, `id` | did you mean `instruction`? name the columns in --dataset-type"
        ],
    );
    check_missing(
        "Chosne",
        &["prompt", "chosen"],
        expect![
            "no row of `rows.json` has a column `Chosne`: the columns are `prompt`, `chosen` | did you mean `chosen`? name the columns in --dataset-type"
        ],
    );
    check_missing(
        "prompt",
        &["x"],
        expect![
            "no row of `rows.json` has a column `prompt`: the columns are `x` | name the columns in --dataset-type"
        ],
    );
}
