//! ASCII text, 64 bytes at a time: where its white space and its ends of sentences are, as bits.
//!
//! Sixteen bytes are compared at once (SSE2, which every x86-64 has, or what `wide` makes of it elsewhere).

use wide::u8x16;

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
    for (idx, sixteen) in bytes.as_chunks::<16>().0.iter().enumerate() {
        let sixteen = u8x16::new(*sixteen);
        let spaces = between(sixteen, 9, 13) | between(sixteen, 0x1c, 0x20);
        let ends = between(sixteen, b'.', b'.') | between(sixteen, b'!', b'!') | between(sixteen, b'?', b'?');
        block.spaces |= u64::from(spaces.to_bitmask()) << (16 * idx);
        block.ends |= u64::from(ends.to_bitmask()) << (16 * idx);
    }
    block
}

/// All bits of each byte that is from `low` to `high`.
#[inline(always)]
fn between(sixteen: u8x16, low: u8, high: u8) -> u8x16 {
    let above_low = sixteen - u8x16::splat(low);
    above_low.simd_eq(above_low.min(u8x16::splat(high - low)))
}
