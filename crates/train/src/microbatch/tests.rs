use super::*;

fn row(n_tokens: usize) -> Row {
    Row::new(vec![1; n_tokens - 1], vec![1])
}

#[test]
fn parts_respect_the_budget_and_keep_every_row() {
    let parts = micro_batches([3, 9, 4, 9, 2].map(row).into(), 18, RowUnit::Single);
    let lengths: Vec<Vec<usize>> =
        parts.iter().map(|part| part.iter().map(Row::n_tokens).collect()).collect();
    assert_eq!(lengths, [vec![9, 9], vec![4, 3, 2]]);
}

#[test]
fn pairs_stay_together_and_empty_rows_are_left_out() {
    let silent = row(5).with_loss_mask(vec![0]);
    let parts = micro_batches(vec![row(2), row(9), silent.clone(), silent], 1, RowUnit::Pair);
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].iter().map(Row::n_tokens).collect::<Vec<_>>(), [2, 9]);
}
