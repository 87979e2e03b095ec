//! Spreading rows over the threads of rayon, where there is enough to spread.

use rayon::prelude::*;

/// Fewer elements than this are done faster by the caller alone.
const WORTH_IT: usize = 1 << 14;

/// Calls `work(first row, rows)` on pieces of `out`, rows of `width`, in parallel if `cost` elements are touched in all.
pub(crate) fn for_row_blocks(
    out: &mut [f32],
    width: usize,
    cost: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) {
    let n_rows = out.len() / width.max(1);
    let rows = rows_per_block(n_rows, cost);
    if rows >= n_rows {
        work(0, out);
        return;
    }
    out.par_chunks_mut(rows * width).enumerate().for_each(|(block, out)| work(block * rows, out));
}

/// As [`for_row_blocks`] for two outputs of the same shape.
pub(crate) fn for_row_blocks_of_two(
    outs: (&mut [f32], &mut [f32]),
    width: usize,
    cost: usize,
    work: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    let n_rows = outs.0.len() / width.max(1);
    let rows = rows_per_block(n_rows, cost);
    if rows >= n_rows {
        work(0, outs.0, outs.1);
        return;
    }
    let blocks = outs.0.par_chunks_mut(rows * width).zip(outs.1.par_chunks_mut(rows * width));
    blocks.enumerate().for_each(|(block, (first, second))| work(block * rows, first, second));
}

fn rows_per_block(n_rows: usize, cost: usize) -> usize {
    if cost < WORTH_IT {
        return n_rows;
    }
    // A few blocks a thread even out what others take from the machine.
    n_rows.div_ceil(4 * rayon::current_num_threads()).max(1)
}
