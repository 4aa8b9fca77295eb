//! Fields of bits, cut out so that they start at a byte, and put back; and such a field as a number.

/// The bits `offset..offset + size`, moved to the front of their own bytes; the bits after them are 0.
pub(super) fn extract(from: &[u8], offset: u64, size: u64) -> Vec<u8> {
    let (start, shift) = ((offset / 8) as usize, offset % 8);
    let byte = |i: usize| u16::from(from.get(start + i).copied().unwrap_or(0));
    let mut out: Vec<u8> =
        (0..size.div_ceil(8) as usize).map(|i| ((byte(i) << 8 | byte(i + 1)) << shift >> 8) as u8).collect();
    clear_tail(&mut out, size);
    out
}

/// Sets the bits of the last byte that do not belong to the field to 0.
fn clear_tail(field: &mut [u8], size: u64) {
    if let (Some(last), 1..) = (field.last_mut(), size % 8) {
        *last &= 0xff << (8 - size % 8);
    }
}

/// Puts an aligned field back to `offset..offset + size`.
pub(super) fn deposit(into: &mut [u8], offset: u64, size: u64, field: &[u8]) {
    let (start, shift) = ((offset / 8) as usize, offset % 8);
    for (i, &byte) in field.iter().enumerate() {
        let left = (size - i as u64 * 8).min(8);
        let mask = (0xff00_u16 >> left & 0xff) << 8 >> shift;
        let bits = u16::from(byte) << 8 >> shift;
        for (at, mask, bits) in [(start + i, mask >> 8, bits >> 8), (start + i + 1, mask & 0xff, bits & 0xff)] {
            if mask != 0 {
                into[at] = into[at] & !(mask as u8) | bits as u8 & mask as u8;
            }
        }
    }
}

/// The field as an unsigned number.
pub(super) fn number(field: &[u8], size: u64) -> u64 {
    let wide = field.iter().fold(0_u128, |n, b| n << 8 | u128::from(*b));
    (wide >> (field.len() as u64 * 8 - size)) as u64
}

pub(super) fn put_number(field: &mut [u8], size: u64, n: u64) {
    let bytes = field.len();
    let wide = u128::from(n & mask(size)) << (bytes as u64 * 8 - size);
    field.copy_from_slice(&wide.to_be_bytes()[16 - bytes..]);
}

pub(super) const fn mask(size: u64) -> u64 {
    if size >= 64 { u64::MAX } else { (1 << size) - 1 }
}

pub(super) const fn sign_extended(n: u64, size: u64) -> i64 {
    (n << (64 - size)) as i64 >> (64 - size)
}
