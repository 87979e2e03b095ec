//! ASCII text, 64 bytes at a time: where its white space and its ends of sentences are, as bits.
//!
//! Eight bytes are compared at once in an ordinary number; no byte has its highest bit set, so none disturbs the next.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bit `i` of a block stands for its byte `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Python's white space; also set behind the end of the text.
    pub(super) spaces: u64,
    /// `.`, `!` and `?`.
    pub(super) ends: u64,
}

/// The blocks of a text, the last one filled up with spaces.
#[inline(always)]
pub(super) fn blocks(text: &[u8]) -> impl Iterator<Item = Block> {
    let (whole, rest) = text.as_chunks::<64>();
    let mut last = [b' '; 64];
    last[..rest.len()].copy_from_slice(rest);
    let last = (!rest.is_empty()).then(|| block(&last));
    whole.iter().map(block).chain(last)
}

/// Inlined, so that who looks at white space alone does not pay for the rest.
#[inline(always)]
fn block(bytes: &[u8; 64]) -> Block {
    let mut block = Block { spaces: 0, ends: 0 };
    for (idx, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let spaces = between(eight, 9, 13) | between(eight, 0x1c, 0x20);
        let ends = between(eight, b'.', b'.') | between(eight, b'!', b'!') | between(eight, b'?', b'?');
        block.spaces |= gathered(spaces) << (8 * idx);
        block.ends |= gathered(ends) << (8 * idx);
    }
    block
}

/// The highest bit of each byte that is from `low` to `high`.
fn between(eight: u64, low: u8, high: u8) -> u64 {
    let at_least = eight + ONES * u64::from(0x80 - low);
    let above = eight + ONES * u64::from(0x7f - high);
    (at_least ^ above) & HIGHS
}

/// The highest bits of eight bytes, side by side.
fn gathered(highs: u64) -> u64 {
    (highs >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
