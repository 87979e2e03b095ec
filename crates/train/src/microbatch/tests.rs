use super::*;

fn row(n_tokens: usize) -> Row {
    Row::new(vec![n_tokens as u32; n_tokens - 1], vec![1])
}

#[test]
fn parts_respect_the_budget_and_keep_every_row() {
    let parts = micro_batches([3, 10, 4, 9, 2].map(row).into(), 19, RowUnit::Single);
    let lengths: Vec<Vec<usize>> =
        parts.iter().map(|part| part.iter().map(Row::n_tokens).collect()).collect();
    assert_eq!(lengths, [vec![10, 9], vec![4, 3, 2]]);
}

#[test]
fn pairs_stay_together_and_empty_rows_are_left_out() {
    let silent = row(5).with_loss_mask(vec![0]);
    let parts = micro_batches(vec![row(2), row(9), silent.clone(), silent], 1, RowUnit::Pair);
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].iter().map(Row::n_tokens).collect::<Vec<_>>(), [2, 9]);
}

#[test]
fn rows_that_begin_alike_stand_together_and_share_their_room() {
    let row = |kind: u32, last: u32| Row::new((0..20).map(|idx| 100 * kind + idx).collect(), vec![last, 1]);
    let parts = micro_batches((0..8).map(|idx| row(idx % 2, idx)).collect(), 28, RowUnit::Single);
    let kinds: Vec<Vec<u32>> =
        parts.iter().map(|part| part.iter().map(|row| row.prompt()[0]).collect()).collect();
    // 20 shared tokens and 2 of each row.
    assert_eq!(kinds, [vec![0, 0, 0, 0], vec![100, 100, 100, 100]]);
}
