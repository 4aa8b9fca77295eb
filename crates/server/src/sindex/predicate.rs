//! What a query looks for in an index (protocol 8.3).

use std::ops::RangeInclusive;

use aerospike_wire::limits::MAX_BIN_NAME_SIZE;
use aerospike_wire::{ParticleType, ResultCode};

use super::Index;
use super::values::{Found, each, hash};
use crate::exp::RecordView;
use crate::value::geo::Geometry;

/// Bytes of a string or blob that can be looked for, and one more.
const MAX_BYTES: usize = 2048;

/// The values that match.
enum Wanted {
    Integers(RangeInclusive<i64>),
    Bytes(Vec<u8>),
    Geo(Geometry),
}

/// What a query looks for.
pub(crate) struct Predicate {
    /// The type of the values.
    pub(crate) kind: ParticleType,
    wanted: Wanted,
    ranges: Vec<RangeInclusive<i64>>,
}

impl Predicate {
    /// Reads a range: the name of its bin, empty where an index is named, and what is looked for.
    pub(crate) fn parse(field: &[u8]) -> Result<(&[u8], Self), ResultCode> {
        parse(field).ok_or(ResultCode::PARAMETER)
    }

    /// The ranges of values in which everything that matches lies, ascending.
    pub(crate) fn ranges(&self) -> &[RangeInclusive<i64>] {
        &self.ranges
    }

    /// Whether values are sorted as numbers without a sign.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.kind == ParticleType::GEOJSON
    }

    /// Whether a record matches. Hashes collide and cells are coarse, so a tree alone does not tell.
    pub(crate) fn matches(&self, index: &Index, record: &dyn RecordView) -> bool {
        each(index, record, &mut |found| match (&self.wanted, found) {
            (Wanted::Integers(range), Found::Integer(n)) => range.contains(&n),
            (Wanted::Bytes(wanted), Found::Bytes(bytes)) => wanted == bytes,
            (Wanted::Geo(wanted), Found::Geo { text, .. }) => {
                Geometry::parse(text).is_some_and(|geometry| wanted.matches(&geometry))
            }
            _ => false,
        })
    }
}

fn parse(field: &[u8]) -> Option<(&[u8], Predicate)> {
    let ([1, name_size], rest) = field.split_first_chunk()? else { return None };
    let (name, rest) = rest.split_at_checked((*name_size).into())?;
    let (kind, mut rest) = rest.split_first()?;
    if name.len() > MAX_BIN_NAME_SIZE {
        return None;
    }
    let kind = ParticleType(*kind);
    let start = sized(&mut rest)?;
    let wanted = match kind {
        ParticleType::INTEGER => {
            let integer = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_be_bytes);
            let (start, end) = (integer(start)?, integer(sized(&mut rest)?)?);
            (start <= end).then_some(Wanted::Integers(start..=end))?
        }
        // of others the server does not look at the end, nor at what stands after it
        ParticleType::STRING | ParticleType::BLOB if start.len() < MAX_BYTES => Wanted::Bytes(start.to_vec()),
        ParticleType::GEOJSON => Wanted::Geo(Geometry::parse(start)?),
        _ => return None,
    };
    let ranges = match &wanted {
        Wanted::Integers(range) => vec![range.clone()],
        Wanted::Bytes(bytes) => vec![hash(bytes)..=hash(bytes)],
        Wanted::Geo(geometry) => {
            // no cell reaches over the place where numbers become negative, so each is a range of numbers with a sign too
            let mut ranges: Vec<_> = geometry.search_ranges()?;
            ranges.sort_unstable();
            ranges.into_iter().map(|(first, last)| first as i64..=last as i64).collect()
        }
    };
    Some((name, Predicate { kind, wanted, ranges }))
}

fn sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (size, tail) = rest.split_first_chunk()?;
    let (bytes, tail) = tail.split_at_checked(u32::from_be_bytes(*size) as usize)?;
    *rest = tail;
    Some(bytes)
}
