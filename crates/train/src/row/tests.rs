//! Rows of tokenised sequences.

use data::Encoded;

use super::Row;

fn row(loss_mask: &[bool]) -> Row {
    let token_ids = (10..).take(loss_mask.len()).collect();
    Row::from(&Encoded::new(token_ids, loss_mask.to_vec()))
}

#[test]
fn the_prompt_ends_before_the_first_learnt_token() {
    let row = row(&[false, false, true, false, true]);
    assert_eq!(
        (row.prompt(), row.completion(), row.loss_mask()),
        ([10, 11].as_slice(), [12, 13, 14].as_slice(), [1, 0, 1].as_slice())
    );
}

#[test]
fn a_first_token_is_never_learnt() {
    let whole = row(&[true, true]);
    assert_eq!(
        (whole.prompt(), whole.completion(), whole.loss_mask()),
        ([10].as_slice(), [11].as_slice(), [1].as_slice())
    );
    let nothing = row(&[false, false]);
    assert_eq!((nothing.prompt().len(), nothing.n_loss_tokens()), (2, 0));
}
