//! `reference_logits.safetensors`: rows of tokens, left-padded, with what transformers computes for them.

use std::path::Path;

use safetensors::Dtype;

use crate::Result;
use crate::decoder::TokenBatch;
use crate::weights::TensorFiles;

pub(super) struct Reference {
    files: TensorFiles,
    /// The batch as it was computed.
    pub(super) padded: TokenBatch,
    /// The real tokens of each row.
    pub(super) rows: Vec<Vec<u32>>,
    /// Columns of the padded batch.
    pub(super) n_cols: usize,
}

impl Reference {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let files = TensorFiles::open(dir, "reference_logits")?;
        let (ids, shape) = integers(&files, "input_ids")?;
        let (mask, _) = integers(&files, "attention_mask")?;
        let n_cols = shape[1];
        let ids: Vec<u32> = ids.into_iter().map(|id| id as u32).collect();
        let mask: Vec<bool> = mask.into_iter().map(|bit| bit != 0).collect();
        let real = |(ids, mask): (&[u32], &[bool])| -> Vec<u32> {
            ids.iter().zip(mask).filter(|(_, real)| **real).map(|(id, _)| *id).collect()
        };
        let rows = ids.chunks(n_cols).zip(mask.chunks(n_cols)).map(real).collect();
        Ok(Self { padded: TokenBatch::masked(ids, &mask, n_cols), rows, n_cols, files })
    }

    /// The reference's values of a tensor `[B, n, ..]` for the last `n_last` of the `n` slots of a row.
    pub(super) fn tail(&self, name: &str, row: usize, n_last: usize) -> Result<Vec<f32>> {
        let (values, shape) = self.files.get_f32(name)?;
        let width: usize = shape[2..].iter().product();
        let end = (row + 1) * shape[1] * width;
        Ok(values[end - n_last * width..end].to_vec())
    }

    /// The residual stream of row 0 before layer `idx`; after the last norm for `idx` = number of layers.
    pub(super) fn hidden(&self, idx: usize) -> Result<Vec<f32>> {
        Ok(self.files.get_f32(&format!("hidden.{idx}"))?.0)
    }
}

fn integers(files: &TensorFiles, name: &str) -> Result<(Vec<i32>, Vec<usize>)> {
    match files.get(name) {
        Some((Dtype::I32, shape @ [_, _], bytes)) => {
            let values = bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b)).collect();
            Ok((values, shape.to_vec()))
        }
        Some((dtype, shape, _)) => {
            Err(files.error(format!("`{name}` is {dtype:?} {shape:?}, not I32 [B, T]")))
        }
        None => Err(files.error(format!("`{name}` is missing"))),
    }
}
