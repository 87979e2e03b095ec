//! Token ids on the host, as the decoder takes them: `[B, T]` with padding.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Positions;
use super::forest::{Beginnings, Slots, Tree, forest};

/// Slots for each token of trees, at most.
const MAX_PADDED: f64 = 1.05;

/// A rectangular batch of token ids that knows which slots are padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBatch {
    ids: Vec<u32>,
    n_rows: usize,
    n_cols: usize,
    /// Tokens of each row.
    lengths: Vec<usize>,
    positions: Positions,
    /// For each slot the columns that its sequence shares with others, in front of its own; empty if none does.
    trunks: Vec<Range<u32>>,
}

impl TokenBatch {
    /// Rows of different lengths, padded on the right with id 0.
    ///
    /// The cheapest layout: a causal mask hides the padding from every real token, so that all rows share one mask.
    ///
    /// # Panics
    /// If there are no rows, or only empty ones.
    pub fn right_padded<R: AsRef<[u32]>>(rows: &[R]) -> Self {
        let lengths: Vec<usize> = rows.iter().map(|row| row.as_ref().len()).collect();
        let n_cols = lengths.iter().copied().max().unwrap_or(0);
        assert!(n_cols > 0, "a batch of {} rows without tokens", rows.len());
        let mut ids = vec![0; rows.len() * n_cols];
        for (slots, row) in ids.chunks_mut(n_cols).zip(rows) {
            slots[..row.as_ref().len()].copy_from_slice(row.as_ref());
        }
        let positions = Positions::shared(n_cols);
        Self { ids, n_rows: rows.len(), n_cols, lengths, positions, trunks: Vec::new() }
    }

    /// Sequences laid one behind the other in rows as long as the longest, none of which sees another; and where the
    /// tokens of each are. Attention is computed within a sequence, so nothing is lost but the padding. With
    /// [`Beginnings::Shared`] tokens that sequences begin with alike are there once, and rows may be longer.
    ///
    /// # Panics
    /// If there are no sequences, or only empty ones.
    pub fn packed<R: AsRef<[u32]>>(sequences: &[R], beginnings: Beginnings) -> (Self, Slots) {
        let trees = forest(sequences, beginnings);
        let sizes: Vec<usize> = trees.iter().map(Tree::n_tokens).collect();
        let longest = sizes.iter().copied().max().unwrap_or(0);
        if trees.len() == sequences.len() {
            return Self::packed_apart(sequences, longest);
        }
        let n_cols = if beginnings.is_bounded() { longest } else { tight_width(&sizes, longest) };
        let (places, filled) = first_fit(&sizes, n_cols);
        let n_slots = filled.len() * n_cols;
        let (mut ids, mut positions) = (vec![0; n_slots], vec![Positions::PADDING; n_slots]);
        let mut trunks = vec![0..0; n_slots];
        let mut put = |start: usize, from: usize, tokens: &[u32], trunk: Range<u32>| {
            ids[start..start + tokens.len()].copy_from_slice(tokens);
            for (idx, slot) in (start..start + tokens.len()).enumerate() {
                positions[slot] = (from + idx) as i32;
                trunks[slot] = trunk.clone();
            }
        };
        let mut starts = vec![(0, 0, 0); sequences.len()];
        for (tree, (row, col)) in trees.iter().zip(places) {
            let root = row * n_cols + col;
            let trunk = &sequences[tree.members[0]].as_ref()[..tree.trunk];
            put(root, 0, trunk, 0..0);
            let mut next = root + tree.trunk;
            for &member in &tree.members {
                let own = &sequences[member].as_ref()[tree.trunk..];
                put(next, tree.trunk, own, col as u32..(col + tree.trunk) as u32);
                starts[member] = (root, tree.trunk, next);
                next += own.len();
            }
        }
        let positions = Positions::per_row(positions, n_cols);
        let batch = Self { ids, n_rows: filled.len(), n_cols, lengths: filled, positions, trunks };
        (batch, Slots::new(starts))
    }

    fn packed_apart<R: AsRef<[u32]>>(sequences: &[R], n_cols: usize) -> (Self, Slots) {
        let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.as_ref().len()).collect();
        let (places, filled) = first_fit(&lengths, n_cols);
        let slots = |places: &mut dyn Iterator<Item = (usize, usize)>| {
            Slots::new(places.map(|(row, col)| (row * n_cols + col, 0, row * n_cols + col)).collect())
        };
        if filled.len() == sequences.len() {
            let batch = Self::right_padded(sequences);
            return (batch, slots(&mut (0..sequences.len()).map(|row| (row, 0))));
        }
        let mut ids = vec![0; filled.len() * n_cols];
        let mut positions = vec![Positions::PADDING; ids.len()];
        for (sequence, &(row, col)) in sequences.iter().zip(&places) {
            let (sequence, start) = (sequence.as_ref(), row * n_cols + col);
            ids[start..start + sequence.len()].copy_from_slice(sequence);
            for (position, slot) in positions[start..start + sequence.len()].iter_mut().enumerate() {
                *slot = position as i32;
            }
        }
        let positions = Positions::per_row(positions, n_cols);
        let batch =
            Self { ids, n_rows: filled.len(), n_cols, lengths: filled, positions, trunks: Vec::new() };
        (batch, slots(&mut places.into_iter()))
    }

    /// Tokens with any padding, as HF batches have it: positions count the real tokens of a row.
    ///
    /// # Panics
    /// If the mask and the ids are not equally long, or not whole rows of `n_cols`, or padding stands between tokens.
    pub fn masked(ids: Vec<u32>, mask: &[bool], n_cols: usize) -> Self {
        assert_eq!(ids.len(), mask.len(), "ids and mask");
        let mut positions = vec![Positions::PADDING; ids.len()];
        let mut lengths = Vec::with_capacity(ids.len() / n_cols.max(1));
        for (row, real) in positions.chunks_mut(n_cols).zip(mask.chunks(n_cols)) {
            let n_borders = real.iter().zip(&real[1..]).filter(|(left, right)| left != right).count();
            assert!(n_borders <= 2 && !(n_borders == 2 && real[0]), "padding between the tokens of a row");
            let mut next = 0;
            for (position, _) in row.iter_mut().zip(real).filter(|(_, real)| **real) {
                *position = next;
                next += 1;
            }
            lengths.push(next as usize);
        }
        let positions = Positions::per_row(positions, n_cols);
        Self { n_rows: lengths.len(), ids, n_cols, lengths, positions, trunks: Vec::new() }
    }

    /// The same tokens with the given positions.
    pub(super) fn at(&self, positions: Positions) -> Self {
        assert_eq!(positions.n_cols(), self.n_cols, "columns of positions");
        Self { positions, ..self.clone() }
    }

    /// Number of sequences, `B`.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Slots of each sequence, `T`.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Real tokens of each row.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Index of each row's last real token among all slots; its first slot for a row without tokens.
    ///
    /// # Panics
    /// If the batch is not right-padded.
    pub(crate) fn last_slots(&self) -> Vec<usize> {
        assert!(self.is_right_padded(), "the last token is known by the length only in right-padded rows");
        let rows = self.lengths.iter().enumerate();
        rows.map(|(row, length)| row * self.n_cols + length.saturating_sub(1)).collect()
    }

    /// Positions of the slots in [`TokenBatch::last_slots`], one column.
    pub(super) fn last_positions(&self) -> Positions {
        let last = self.last_slots().into_iter();
        Positions::per_row(last.map(|slot| (slot % self.n_cols) as i32).collect(), 1)
    }

    /// All slots, row by row.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    pub(super) fn positions(&self) -> &Positions {
        &self.positions
    }

    /// Columns in front of a slot's own branch that its sequence begins with.
    pub(super) fn trunk(&self, row: usize, col: usize) -> Range<usize> {
        let trunk = self.trunks.get(row * self.n_cols + col).cloned().unwrap_or_default();
        trunk.start as usize..trunk.end as usize
    }

    /// The slot `back` tokens before another one in its sequence, which must be that far from the beginning.
    pub(super) fn slot_before(&self, row: usize, col: usize, back: usize) -> usize {
        let trunk = self.trunk(row, col);
        let position = self.positions.row(row)[col].max(0) as usize;
        let in_branch = position - trunk.len();
        let before = if back <= in_branch { col - back } else { trunk.end - (back - in_branch) };
        row * self.n_cols + before
    }

    /// Index of each slot's row in a table of positions, where the first token of a sequence has row `first`.
    pub(super) fn position_rows(&self, first: usize, device: &Device) -> Tensor<1, Int> {
        let positions = (0..self.n_rows).flat_map(|row| self.positions.row(row));
        let rows: Vec<i32> = positions.map(|position| (*position).max(0) + first as i32).collect();
        Tensor::from_data(TensorData::from(rows.as_slice()), device)
    }

    /// The positions with one row for each sequence, padding marked.
    pub(super) fn own_positions(&self) -> Positions {
        if self.positions.n_rows() == self.n_rows {
            return self.positions.clone();
        }
        let slot = |length: usize, col: usize| if col < length { col as i32 } else { Positions::PADDING };
        let row = |length: &usize| (0..self.n_cols).map(|col| slot(*length, col)).collect::<Vec<_>>();
        Positions::per_row(self.lengths.iter().flat_map(row).collect(), self.n_cols)
    }

    /// True if each row's tokens come before its padding.
    pub(super) fn is_right_padded(&self) -> bool {
        self.positions.n_rows() == 1
    }
}

/// The width of rows that hold parts of these sizes without much padding: as many rows as that allows.
fn tight_width(sizes: &[usize], longest: usize) -> usize {
    let total: usize = sizes.iter().sum();
    let widths = (1..=sizes.len()).rev().map(|n_rows| longest.max(total.div_ceil(n_rows)));
    let is_tight = |width: &usize| {
        let n_slots = first_fit(sizes, *width).1.len() * width;
        n_slots as f64 <= MAX_PADDED * total as f64
    };
    widths.into_iter().find(is_tight).unwrap_or(total)
}

/// Row and column of parts of these sizes in rows of `n_cols`, and how far each row is filled: first fit, longest first.
fn first_fit(sizes: &[usize], n_cols: usize) -> (Vec<(usize, usize)>, Vec<usize>) {
    let mut filled: Vec<usize> = Vec::new();
    let mut places = vec![(0, 0); sizes.len()];
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&idx| std::cmp::Reverse(sizes[idx]));
    for idx in order {
        let row = filled.iter().position(|used| used + sizes[idx] <= n_cols).unwrap_or(filled.len());
        if row == filled.len() {
            filled.push(0);
        }
        places[idx] = (row, filled[row]);
        filled[row] += sizes[idx];
    }
    (places, filled)
}
