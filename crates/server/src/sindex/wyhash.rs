//! wyhash, final version 3, with the seed of a real server: by it strings and blobs are sorted in an index, and clients send
//! it back to resume a query.

const SECRET: [u64; 4] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3];
const SEED: u64 = 0x0002_9fbb_14cc_886f;

/// Longer texts are taken in blocks of three lanes.
const BLOCK: usize = 48;
/// And what is left of them in steps, down to this.
const STEP: usize = 16;

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Up to eight bytes from a place on, the first the least.
fn word(bytes: &[u8], at: usize, size: usize) -> u64 {
    let taken = bytes.get(at..at + size).unwrap_or_default();
    taken.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The hash.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let size = bytes.len();
    let mut seed = SEED ^ SECRET[0];
    let step =
        |at: usize, seed: u64, lane: usize| mix(word(bytes, at, 8) ^ SECRET[lane], word(bytes, at + 8, 8) ^ seed);
    let (a, b) = if size > STEP {
        let mut at = 0;
        if size > BLOCK {
            let mut lanes = [seed; 3];
            while size - at > BLOCK {
                for (lane, state) in lanes.iter_mut().enumerate() {
                    *state = step(at + STEP * lane, *state, lane + 1);
                }
                at += BLOCK;
            }
            seed = lanes[0] ^ lanes[1] ^ lanes[2];
        }
        while size - at > STEP {
            seed = step(at, seed, 1);
            at += STEP;
        }
        (word(bytes, size - 16, 8), word(bytes, size - 8, 8))
    } else if size >= 4 {
        let middle = (size >> 3) << 2;
        let pair = |first: usize, second: usize| word(bytes, first, 4) << 32 | word(bytes, second, 4);
        (pair(0, middle), pair(size - 4, size - 4 - middle))
    } else if let (Some(first), Some(middle), Some(last)) = (bytes.first(), bytes.get(size >> 1), bytes.last()) {
        (u64::from(*first) << 16 | u64::from(*middle) << 8 | u64::from(*last), 0)
    } else {
        (0, 0)
    };
    mix(SECRET[1] ^ size as u64, mix(a ^ SECRET[1], b ^ seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a real server told of records that it found by these.
    #[test]
    fn hashes_are_those_of_a_real_server() {
        assert_eq!(hash(b""), u64::from_le_bytes([0x2d, 0xae, 0x70, 0x7d, 0x75, 0x21, 0x34, 0xda]));
        assert_eq!(hash(b"a"), u64::from_le_bytes([0xa0, 0x79, 0x06, 0x14, 0x15, 0x34, 0xf8, 0x4b]));
    }
}
