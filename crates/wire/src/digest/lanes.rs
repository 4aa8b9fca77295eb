//! RIPEMD-160 over several short messages at once. A batch hashes thousands of keys, and one key leaves most of a
//! processor's width unused: as many as its registers are wide go side by side, 4 with SSE2 or NEON, 8 with AVX2, 16 with
//! AVX-512. The `ripemd` crate hashes everything else, and is what the tests compare with.

use std::array::from_fn;

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};

/// Messages hashed together at most.
pub(super) const MOST_LANES: usize = 16;

/// Bytes of a message that fits into one block with its padding.
pub(super) const MOST: usize = 55;

const BLOCK: usize = 64;
const WORDS: usize = BLOCK / 4;
const STATE: usize = 5;

/// A word of each message.
type Lanes = [u32; MOST_LANES];

/// Messages of one block each, padded, and side by side: the first words of all, then the second ones.
pub(super) struct Blocks {
    level: Level,
    words: [Lanes; WORDS],
    /// The message that was taken in last, padded, and how long it is.
    block: [u8; BLOCK],
    length: usize,
    /// How much of it is the prefix.
    prefix: usize,
    /// For each lane how many of its words may differ from zero, the last two apart.
    used: [usize; MOST_LANES],
    /// The lanes that begin with the prefix.
    prefixed: u32,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self {
            level: Level::new(),
            words: [[0; MOST_LANES]; WORDS],
            block: [0; BLOCK],
            length: 0,
            prefix: 0,
            used: [0; MOST_LANES],
            prefixed: 0,
        }
    }

    /// Says what the messages from here on begin with; false when none of them would fit into a block.
    pub(super) fn begin(&mut self, parts: [&[u8]; 2]) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > MOST {
            return false;
        }
        self.block = [0; BLOCK];
        let mut at = 0;
        for part in parts {
            self.block[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        (self.prefix, self.length, self.prefixed) = (length, length, 0);
        true
    }

    /// Takes in the prefix and `rest` as the message of a lane; false when it does not fit into a block. Of lanes that
    /// have the prefix already, only the words after it change.
    pub(super) fn set(&mut self, lane: usize, rest: &[u8]) -> bool {
        let length = self.prefix + rest.len();
        if length > MOST || lane >= MOST_LANES {
            return false;
        }
        self.block[self.prefix..length].copy_from_slice(rest);
        self.block[length] = 0x80;
        if length < self.length {
            self.block[length + 1..=self.length].fill(0);
        }
        self.length = length;
        let words = self.block.as_chunks::<4>().0;
        let is_prefixed = self.prefixed & 1 << lane != 0;
        let from = if is_prefixed { self.prefix / 4 } else { 0 };
        let to = (length / 4 + 1).max(self.used[lane]);
        for (lanes, word) in self.words.iter_mut().zip(words).take(to).skip(from) {
            lanes[lane] = u32::from_le_bytes(*word);
        }
        self.used[lane] = length / 4 + 1;
        self.prefixed |= 1 << lane;
        // the length in bits: 440 at most
        self.words[WORDS - 2][lane] = length as u32 * 8;
        true
    }

    /// The digests of the first `count` lanes.
    pub(super) fn digests(&self, count: usize) -> impl Iterator<Item = [u8; 20]> {
        let mut state = [[0; MOST_LANES]; STATE];
        dispatch!(self.level, simd => compress_all(simd, &self.words, count, &mut state));
        (0..count.min(MOST_LANES)).map(move |lane| {
            let mut digest = [0; 20];
            for (to, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(&state) {
                *to = word[lane].to_le_bytes();
            }
            digest
        })
    }
}

/// Compresses the first `count` lanes, as many at once as the registers take.
#[inline(always)]
fn compress_all<S: Simd>(simd: S, words: &[Lanes; WORDS], count: usize, state: &mut [Lanes; STATE]) {
    let width = S::u32s::LEN;
    for from in (0..count.min(MOST_LANES)).step_by(width) {
        let words: [S::u32s; WORDS] = from_fn(|at| S::u32s::from_slice(simd, &words[at][from..from + width]));
        for (to, word) in state.iter_mut().zip(compress(simd, &words)) {
            word.store_slice(&mut to[from..from + width]);
        }
    }
}

#[inline(always)]
fn rotate<S: Simd>(a: S::u32s, by: u32) -> S::u32s {
    (a << by) | (a >> (32 - by))
}

/// The five functions of the algorithm, by number.
#[inline(always)]
fn mix<S: Simd, const F: u8>(x: S::u32s, y: S::u32s, z: S::u32s) -> S::u32s {
    match F {
        1 => x ^ y ^ z,
        2 => ((y ^ z) & x) ^ z,
        3 => (x | !y) ^ z,
        4 => ((x ^ y) & z) ^ y,
        _ => x ^ (y | !z),
    }
}

/// One step: word `x` with constant `k`, rotated by `by`.
#[inline(always)]
fn step<S: Simd, const F: u8>(simd: S, state: &mut [S::u32s; STATE], x: S::u32s, k: u32, by: u32) {
    let [a, b, c, d, e] = *state;
    let sum = a + mix::<S, F>(b, c, d) + (x + S::u32s::splat(simd, k));
    *state = [e, rotate::<S>(sum, by) + e, b, rotate::<S>(c, 10), d];
}

const START: [u32; STATE] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

/// The compression of the one block, from the initial state. Each pair below is the word of a step and its rotation, of
/// the left and then of the right line.
#[inline(always)]
fn compress<S: Simd>(simd: S, words: &[S::u32s; WORDS]) -> [S::u32s; STATE] {
    let start = START.map(|word| S::u32s::splat(simd, word));
    let (mut left, mut right) = (start, start);
    macro_rules! round {
        ($f:literal $k:literal, $g:literal $l:literal: $($x:literal $s:literal / $y:literal $t:literal),+) => {
            $(
                step::<S, $f>(simd, &mut left, words[$x], $k, $s);
                step::<S, $g>(simd, &mut right, words[$y], $l, $t);
            )+
        };
    }
    round!(1 0x00000000, 5 0x50a28be6:
        0 11 / 5 8, 1 14 / 14 9, 2 15 / 7 9, 3 12 / 0 11, 4 5 / 9 13, 5 8 / 2 15, 6 7 / 11 15, 7 9 / 4 5,
        8 11 / 13 7, 9 13 / 6 7, 10 14 / 15 8, 11 15 / 8 11, 12 6 / 1 14, 13 7 / 10 14, 14 9 / 3 12, 15 8 / 12 6);
    round!(2 0x5a827999, 4 0x5c4dd124:
        7 7 / 6 9, 4 6 / 11 13, 13 8 / 3 15, 1 13 / 7 7, 10 11 / 0 12, 6 9 / 13 8, 15 7 / 5 9, 3 15 / 10 11,
        12 7 / 14 7, 0 12 / 15 7, 9 15 / 8 12, 5 9 / 12 7, 2 11 / 4 6, 14 7 / 9 15, 11 13 / 1 13, 8 12 / 2 11);
    round!(3 0x6ed9eba1, 3 0x6d703ef3:
        3 11 / 15 9, 10 13 / 5 7, 14 6 / 1 15, 4 7 / 3 11, 9 14 / 7 8, 15 9 / 14 6, 8 13 / 6 6, 1 15 / 9 14,
        2 14 / 11 12, 7 8 / 8 13, 0 13 / 12 5, 6 6 / 2 14, 13 5 / 10 13, 11 12 / 0 13, 5 7 / 4 7, 12 5 / 13 5);
    round!(4 0x8f1bbcdc, 2 0x7a6d76e9:
        1 11 / 8 15, 9 12 / 6 5, 11 14 / 4 8, 10 15 / 1 11, 0 14 / 3 14, 8 15 / 11 14, 12 9 / 15 6, 4 8 / 0 14,
        13 9 / 5 6, 3 14 / 12 9, 7 5 / 2 12, 15 6 / 13 9, 14 8 / 9 12, 5 6 / 7 5, 6 5 / 10 15, 2 12 / 14 8);
    round!(5 0xa953fd4e, 1 0x00000000:
        4 9 / 12 8, 0 15 / 15 5, 5 5 / 10 12, 9 11 / 4 9, 7 6 / 1 12, 12 8 / 5 5, 2 13 / 8 14, 10 12 / 7 6,
        14 5 / 6 8, 1 12 / 2 13, 3 13 / 13 6, 8 14 / 14 5, 11 11 / 0 15, 6 8 / 3 13, 15 5 / 9 11, 13 6 / 11 11);
    from_fn(|at| start[(at + 1) % 5] + left[(at + 2) % 5] + right[(at + 3) % 5])
}

#[cfg(test)]
mod tests {
    use ripemd::{Digest as _, Ripemd160};

    use super::*;

    /// What this machine has, the best first.
    fn levels() -> Vec<Level> {
        let best = Level::new();
        #[cfg(target_arch = "x86_64")]
        return [Some(best), best.as_avx2().map(Level::Avx2), best.as_sse2().map(Level::Sse2)]
            .into_iter()
            .flatten()
            .collect();
        #[cfg(not(target_arch = "x86_64"))]
        vec![best]
    }

    #[test]
    fn every_width_of_registers_gives_the_same_digests() {
        let messages: Vec<Vec<u8>> =
            (0..MOST_LANES).map(|lane| (0..MOST - lane * 3).map(|at| (lane * 31 + at * 7) as u8).collect()).collect();
        let expected: Vec<[u8; 20]> = messages.iter().map(|message| Ripemd160::digest(message).into()).collect();
        for level in levels() {
            let mut blocks = Blocks { level, ..Blocks::new() };
            for (lane, message) in messages.iter().enumerate() {
                assert!(blocks.set(lane, message));
            }
            for count in 0..=MOST_LANES {
                assert_eq!(blocks.digests(count).collect::<Vec<_>>(), expected[..count], "{level:?}, {count} of them");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut blocks = Blocks::new();
        assert!(blocks.set(0, &[1; MOST]));
        assert!(!blocks.set(0, &[1; MOST + 1]));
        assert!(!blocks.set(MOST_LANES, b""));
        assert!(blocks.begin([&[1; MOST - 1], b"2"]));
        assert!(blocks.set(0, b"") && !blocks.set(0, b"3"));
        assert!(!blocks.begin([&[1; MOST], b"2"]));
    }
}
