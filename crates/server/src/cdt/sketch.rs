//! HyperLogLog sketches: their registers, their stored form, and what can be estimated from them (protocol 9.10).

use std::fmt;

use super::murmur;

/// The bits of a register that hold the rank of a hash.
const RANK_BITS: u32 = 6;
/// Bytes before the registers: flags, index bits, minhash bits, cached count.
const HEADER: usize = 11;
/// Where the cached count lies in the header.
const CACHE: std::ops::Range<usize> = 3..HEADER;

/// How a sketch is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) index_bits: u32,
    pub(crate) minhash_bits: u32,
}

impl Shape {
    /// A shape, if the server allows it.
    pub(crate) fn new(index_bits: i64, minhash_bits: i64) -> Option<Self> {
        let allowed = (4..=16).contains(&index_bits)
            && (minhash_bits == 0 || (4..=51).contains(&minhash_bits))
            && index_bits + minhash_bits <= 64;
        allowed.then_some(Self { index_bits: index_bits as u32, minhash_bits: minhash_bits as u32 })
    }

    const fn registers(self) -> usize {
        1 << self.index_bits
    }

    const fn register_bits(self) -> u32 {
        RANK_BITS + self.minhash_bits
    }

    const fn bytes(self) -> usize {
        HEADER + (self.registers() * self.register_bits() as usize).div_ceil(8)
    }
}

/// A sketch, its registers unpacked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sketch {
    pub(crate) shape: Shape,
    registers: Vec<u64>,
    /// The count that was stored last; 0 for none.
    pub(crate) cached: u64,
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sketch({:?})", self.shape)
    }
}

impl Sketch {
    /// A sketch that has seen nothing.
    pub(crate) fn new(shape: Shape) -> Self {
        Self { shape, registers: vec![0; shape.registers()], cached: 0 }
    }

    /// Reads the stored form.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0, index_bits, minhash_bits, ref rest @ ..] = bytes else { return None };
        let shape = Shape::new(index_bits.into(), minhash_bits.into())?;
        if bytes.len() != shape.bytes() {
            return None;
        }
        let (cached, packed) = rest.split_first_chunk::<8>()?;
        let size = shape.register_bits();
        let (mut bits, mut have) = (0_u128, 0);
        let mut packed = packed.iter();
        let registers = (0..shape.registers()).map(|_| {
            while have < size {
                bits = bits << 8 | u128::from(*packed.next().unwrap_or(&0));
                have += 8;
            }
            have -= size;
            (bits >> have) as u64 & ((1 << size) - 1)
        });
        Some(Self { shape, registers: registers.collect(), cached: u64::from_le_bytes(*cached) })
    }

    /// The stored form.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.shape.bytes());
        out.extend([0, self.shape.index_bits as u8, self.shape.minhash_bits as u8]);
        out.extend([0; CACHE.end - CACHE.start]);
        out[CACHE].copy_from_slice(&self.cached.to_le_bytes());
        let (mut bits, mut have) = (0_u128, 0);
        for &register in &self.registers {
            bits = bits << self.shape.register_bits() | u128::from(register);
            have += self.shape.register_bits();
            while have >= 8 {
                have -= 8;
                out.push((bits >> have) as u8);
            }
        }
        if have > 0 {
            out.push((bits << (8 - have)) as u8);
        }
        out
    }

    /// The register an element falls into, and what it would put there.
    fn locate(&self, element: &[u8]) -> (usize, u64) {
        let (h1, h2) = murmur::hash(element);
        let index = h1 & ((1 << self.shape.index_bits) - 1);
        let minhash = h1.checked_shr(self.shape.index_bits).unwrap_or(0) & ((1 << self.shape.minhash_bits) - 1);
        let rank = u64::from(h2.trailing_zeros() + 1).min((1 << RANK_BITS) - 1);
        (index as usize, rank << self.shape.minhash_bits | minhash)
    }

    /// Adds an element; whether a register changed.
    pub(crate) fn add(&mut self, element: &[u8]) -> bool {
        let (index, value) = self.locate(element);
        let grows = self.registers[index] < value;
        if grows {
            self.registers[index] = value;
        }
        grows
    }

    /// Whether an element may have been added: its register holds at least what it would have put there.
    pub(crate) fn may_contain(&self, element: &[u8]) -> bool {
        let (index, value) = self.locate(element);
        self.registers[index] >= value
    }

    /// The same elements in fewer, or narrower, registers.
    pub(crate) fn folded(&self, shape: Shape) -> Self {
        let mut out = Self::new(shape);
        let keeps_minhash = shape.minhash_bits == self.shape.minhash_bits;
        let mask = shape.registers() - 1;
        for (at, &register) in self.registers.iter().enumerate() {
            let value =
                if keeps_minhash { register } else { register >> self.shape.minhash_bits << shape.minhash_bits };
            let into = &mut out.registers[at & mask];
            *into = value.max(*into);
        }
        out
    }

    /// The shape that all sketches fit into: the fewest index bits, and minhash bits only where all have as many.
    pub(crate) fn common_shape(sketches: &[Self]) -> Option<Shape> {
        let first = sketches.first()?.shape;
        let index_bits = sketches.iter().map(|s| s.shape.index_bits).min()?;
        let agree = sketches.iter().all(|s| s.shape.minhash_bits == first.minhash_bits);
        Some(Shape { index_bits, minhash_bits: if agree { first.minhash_bits } else { 0 } })
    }

    /// Everything that any of the sketches has seen.
    pub(crate) fn union(sketches: &[Self], shape: Shape) -> Self {
        let mut out = Self::new(shape);
        for sketch in sketches {
            let folded = sketch.folded(shape);
            out.registers.iter_mut().zip(&folded.registers).for_each(|(a, b)| *a = (*a).max(*b));
        }
        out
    }

    /// How many distinct elements were added: the count that was stored, or by Ertl's improved raw estimator.
    pub(crate) fn count(&self) -> u64 {
        if self.cached != 0 { self.cached } else { self.estimate().round() as u64 }
    }

    /// Whether anything was added, as far as the server looks: into the first byte for each register, however many bits
    /// a register has.
    fn has_data(&self) -> bool {
        self.pack().iter().skip(HEADER).take(self.shape.registers()).any(|byte| *byte != 0)
    }

    fn used_registers(&self) -> f64 {
        self.registers.iter().filter(|register| **register != 0).count() as f64
    }

    fn estimate(&self) -> f64 {
        let m = self.registers.len() as f64;
        let mut histogram = [0_u32; 1 << RANK_BITS];
        self.registers.iter().for_each(|r| histogram[(r >> self.shape.minhash_bits) as usize & 63] += 1);
        let [zeros, ranks @ .., full] = &histogram;
        let mut z = m * tau(1.0 - f64::from(*full) / m);
        for count in ranks.iter().rev() {
            z = 0.5 * (z + f64::from(*count));
        }
        z += m * sigma(f64::from(*zeros) / m);
        alpha(self.shape.index_bits, m) * m * m / z
    }

    /// How alike two or more sketches with minhash are, in a shape that all fit into: the share of registers that agree,
    /// of two sketches less those that agree by chance (Yu and Weber, HyperMinHash, 2017).
    pub(crate) fn jaccard(sketches: &[Self], shape: Shape) -> f64 {
        let Some((first, others)) = sketches.split_first() else { return f64::NAN };
        if !sketches.iter().all(Self::has_data) {
            return if sketches.iter().any(Self::has_data) { 0.0 } else { f64::NAN };
        }
        let mut common = first.folded(shape);
        let mask = shape.registers() - 1;
        for (at, register) in others.iter().flat_map(|sketch| sketch.registers.iter().enumerate()) {
            let agreed = &mut common.registers[at & mask];
            if agreed != register {
                *agreed = 0;
            }
        }
        let by_chance = match others {
            [second] => collisions(shape, first.count() as f64, second.count() as f64),
            _ => 0.0,
        };
        ((common.used_registers() - by_chance) / Self::union(sketches, shape).used_registers()).max(0.0)
    }
}

/// How many registers of two sketches with so many elements are equal without an element in common.
fn collisions(shape: Shape, first: f64, second: f64) -> f64 {
    let registers = shape.registers() as f64;
    let reached = |rank: i32, count: f64| (1.0 - 2_f64.powi(-rank) / registers).powf(count);
    let last = 1 << RANK_BITS;
    let mut probability = 0.0;
    for rank in 1..=last {
        let share = |count: f64| if rank == last { 1.0 } else { reached(rank, count) } - reached(rank - 1, count);
        probability += share(first) * share(second);
    }
    probability * registers / 2_f64.powi(shape.minhash_bits as i32)
}

fn alpha(index_bits: u32, m: f64) -> f64 {
    match index_bits {
        4 => 0.673,
        5 => 0.697,
        6 => 0.709,
        _ => 0.7213 / (1.0 + 1.079 / m),
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}
