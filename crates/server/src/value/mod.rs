//! Bin values: what a server accepts and in which form it keeps them.
//!
//! | file | subject |
//! |---|---|
//! | [`cdt`] | lists and maps in their compact, sorted form |
//! | `geo` | GeoJSON and its S2 cells |

pub(crate) mod geo;

use std::borrow::Cow;

use aerospike_wire::{ParticleType, ResultCode};

use crate::cdt;

/// Turns a value as it was sent into the value that is stored.
pub(crate) fn from_wire(particle: ParticleType, value: &[u8]) -> Result<Cow<'_, [u8]>, ResultCode> {
    match particle {
        ParticleType::INTEGER => integer(value).map(|n| match value.len() {
            8 => Cow::Borrowed(value),
            _ => Cow::Owned(n.to_be_bytes().to_vec()),
        }),
        ParticleType::FLOAT if value.len() == 8 => Ok(Cow::Borrowed(value)),
        ParticleType::BOOL if matches!(value, [0 | 1]) => Ok(Cow::Borrowed(value)),
        ParticleType::STRING => Ok(Cow::Borrowed(value)),
        ParticleType::HLL if is_hll(value) => Ok(Cow::Borrowed(value)),
        ParticleType::LIST | ParticleType::MAP => cdt::normalise(particle, value).map(Cow::Owned),
        ParticleType::GEOJSON => geo::normalise(value).map(Cow::Owned).ok_or(ResultCode::GEO_INVALID_GEOJSON),
        blob if blob.is_blob() => Ok(Cow::Borrowed(value)),
        _ => Err(ResultCode::PARAMETER),
    }
}

/// The same of a value that a function made.
pub(crate) fn from_function(particle: ParticleType, value: &[u8]) -> Result<Cow<'_, [u8]>, ResultCode> {
    match particle {
        ParticleType::LIST | ParticleType::MAP => cdt::normalise_sorting(particle, value).map(Cow::Owned),
        _ => from_wire(particle, value),
    }
}

/// Whether there are bins of a type.
pub(crate) const fn is_stored(particle: ParticleType) -> bool {
    use ParticleType as T;
    particle.is_blob()
        || matches!(particle, T::INTEGER | T::FLOAT | T::BOOL | T::STRING | T::HLL | T::LIST | T::MAP | T::GEOJSON)
}

/// Reads an integer of 8, 4, 2 or 1 bytes; the shorter ones are unsigned.
pub(crate) fn integer(value: &[u8]) -> Result<i64, ResultCode> {
    Ok(match *value {
        [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
        [a, b, c, d] => u32::from_be_bytes([a, b, c, d]).into(),
        [a, b] => u16::from_be_bytes([a, b]).into(),
        [a] => a.into(),
        _ => return Err(ResultCode::PARAMETER),
    })
}

/// Reads a double.
pub(crate) fn float(value: &[u8]) -> Result<f64, ResultCode> {
    value.try_into().map(f64::from_be_bytes).map_err(|_| ResultCode::PARAMETER)
}

/// Whether bytes are laid out as a HyperLogLog (protocol 9.10): flags, index bits, minhash bits, a cached count, then
/// 2^index registers of 6 + minhash bits.
pub(crate) fn is_hll(value: &[u8]) -> bool {
    const HEADER: usize = 11;
    let [0, index @ 4..=16, minhash, ..] = *value else { return false };
    let minhash_fits = minhash == 0 || (4..=51).contains(&minhash);
    let register_bits = (6 + usize::from(minhash)) << index;
    minhash_fits && index + minhash <= 64 && value.len() == HEADER + register_bits.div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_integers_are_unsigned() {
        let stored = from_wire(ParticleType::INTEGER, &[0xff; 4]).unwrap();
        assert_eq!(stored.as_ref(), 4_294_967_295_i64.to_be_bytes());
        assert_eq!(from_wire(ParticleType::INTEGER, &[0; 3]), Err(ResultCode::PARAMETER));
    }

    #[test]
    fn a_sketch_has_the_size_its_header_says() {
        let mut sketch = vec![0; 203];
        sketch[1] = 8;
        assert!(is_hll(&sketch));
        sketch[2] = 4;
        assert!(!is_hll(&sketch));
        sketch.resize(331, 0);
        assert!(is_hll(&sketch));
    }
}
