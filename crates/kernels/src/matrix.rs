//! Products of strided matrices on the calling thread, by the `gemm` crate.

use gemm::Parallelism;

/// A view of rows `stride` apart, or of its transpose.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    n_rows: usize,
    n_cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// # Panics
    /// If the last element lies outside `values`.
    pub(crate) fn new(values: &'a [f32], n_rows: usize, n_cols: usize, stride: usize) -> Self {
        let needed = n_rows.saturating_sub(1) * stride + n_cols;
        assert!(n_rows == 0 || n_cols == 0 || needed <= values.len(), "{needed} of {} values", values.len());
        Self { values, n_rows, n_cols, row_stride: stride, col_stride: 1 }
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            n_rows: self.n_cols,
            n_cols: self.n_rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

/// `out = a · b`, the rows of `out` being `stride` apart.
pub(crate) fn product(out: &mut [f32], stride: usize, a: Matrix<'_>, b: Matrix<'_>) {
    call(out, stride, a, b, false);
}

/// `out += a · b`
pub(crate) fn add_product(out: &mut [f32], stride: usize, a: Matrix<'_>, b: Matrix<'_>) {
    call(out, stride, a, b, true);
}

fn call(out: &mut [f32], stride: usize, a: Matrix<'_>, b: Matrix<'_>, adds: bool) {
    let (m, n, k) = (a.n_rows, b.n_cols, a.n_cols);
    assert_eq!(k, b.n_rows, "inner dimensions");
    if m == 0 || n == 0 {
        return;
    }
    assert!((m - 1) * stride + n <= out.len(), "the product fits into its place");
    #[expect(unsafe_code, reason = "the operands' extents were checked against their slices")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride as isize,
            adds,
            a.values.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0_f32,
            1.0_f32,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
