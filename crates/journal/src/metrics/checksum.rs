//! The two cyclic redundancy checks of 32 bits that record files use, a byte at a time from a table.

/// Of zlib (IEEE 802.3).
pub(super) static IEEE: Crc32 = Crc32::new(0xEDB8_8320);
/// Of TensorFlow's records (Castagnoli).
pub(super) static CASTAGNOLI: Crc32 = Crc32::new(0x82F6_3B78);

/// A check by its reversed polynomial.
pub(super) struct Crc32([u32; 256]);

impl Crc32 {
    const fn new(polynomial: u32) -> Self {
        let mut table = [0; 256];
        let mut idx = 0;
        while idx < 256 {
            let (mut rest, mut bit) = (idx as u32, 0);
            while bit < 8 {
                rest = if rest & 1 == 1 { (rest >> 1) ^ polynomial } else { rest >> 1 };
                bit += 1;
            }
            table[idx] = rest;
            idx += 1;
        }
        Self(table)
    }

    /// The check of `parts`, one after the other.
    pub(super) fn of(&self, parts: &[&[u8]]) -> u32 {
        let bytes = parts.iter().copied().flatten();
        !bytes.fold(!0, |crc: u32, byte| (crc >> 8) ^ self.0[usize::from(crc as u8 ^ byte)])
    }
}

#[cfg(test)]
mod tests;
