//! The values a record has under an index.

use aerospike_wire::ParticleType;

use super::{Collection, Content, Index, Source, wyhash};
use crate::cdt;
use crate::cdt::collection::{List, Map};
use crate::cdt::value::{Head, head};
use crate::exp::{Evaluated, Expression, RecordView};
use crate::value::geo::{self, Geometry};

/// A value under an index.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    /// A number.
    Integer(i64),
    /// A string or a blob.
    Bytes(&'a [u8]),
    /// A geometry: its text, and as a bin its stored form.
    Geo { text: &'a [u8], stored: Option<&'a [u8]> },
}

/// The values by which a tree is sorted: numbers as they are, hashes of strings and blobs, cells of geometries.
pub(crate) fn collect(index: &Index, record: &dyn RecordView) -> Vec<i64> {
    let mut values = Vec::new();
    each(index, record, &mut |found| {
        match found {
            Found::Integer(n) => values.push(n),
            Found::Bytes(bytes) => values.push(hash(bytes)),
            Found::Geo { stored: Some(stored), .. } => values.extend(geo::stored_cells(stored).map(|cell| cell as i64)),
            Found::Geo { text, stored: None } => {
                let cells = Geometry::parse(text).map(|geometry| geometry.cell_numbers()).unwrap_or_default();
                values.extend(cells.iter().map(|cell| *cell as i64));
            }
        }
        false
    });
    values
}

/// The value a string or blob is sorted by.
pub(super) fn hash(bytes: &[u8]) -> i64 {
    wyhash::hash(bytes) as i64
}

/// Calls `visit` with each value of a record until it says `true`, which is then the result.
pub(crate) fn each(index: &Index, record: &dyn RecordView, visit: &mut dyn FnMut(Found<'_>) -> bool) -> bool {
    let Content::Values { source, collection, kind } = &index.content else { return false };
    if !index.covers(record.set_name()) {
        return false;
    }
    match source {
        Source::Bin { name, context: None } => {
            record.bin(name).is_some_and(|(particle, value)| of_particle(particle, value, *collection, *kind, visit))
        }
        Source::Bin { name, context: Some(context) } => {
            let Some((ParticleType::LIST | ParticleType::MAP, value)) = record.bin(name) else { return false };
            cdt::index_context::find(value, context)
                .is_some_and(|element| of_element(element, *collection, *kind, visit))
        }
        Source::Expression(expression) => {
            let Ok(expression) = Expression::parse(expression) else { return false };
            match expression.evaluate(record) {
                Evaluated::Particle(particle, value) => of_particle(particle, &value, *collection, *kind, visit),
                Evaluated::Nil | Evaluated::Unknown => false,
            }
        }
    }
}

fn of_particle(
    particle: ParticleType,
    value: &[u8],
    collection: Collection,
    kind: ParticleType,
    visit: &mut dyn FnMut(Found<'_>) -> bool,
) -> bool {
    match particle {
        ParticleType::LIST | ParticleType::MAP => of_element(value, collection, kind, visit),
        _ if particle != kind || collection != Collection::Default => false,
        ParticleType::INTEGER => {
            value.first_chunk().is_some_and(|bytes| visit(Found::Integer(i64::from_be_bytes(*bytes))))
        }
        ParticleType::GEOJSON => geo::text(value).is_some_and(|text| visit(Found::Geo { text, stored: Some(value) })),
        _ => visit(Found::Bytes(value)),
    }
}

fn of_element(
    element: &[u8],
    collection: Collection,
    kind: ParticleType,
    visit: &mut dyn FnMut(Found<'_>) -> bool,
) -> bool {
    let mut scalar = |element: &[u8]| match (head(element), kind) {
        (Some(Head::Integer(n)), ParticleType::INTEGER) => visit(Found::Integer(n)),
        (Some(Head::Unsigned(n)), ParticleType::INTEGER) => visit(Found::Integer(n as i64)),
        (Some(Head::String([own, bytes @ ..])), _) if *own == kind.0 => match kind {
            ParticleType::GEOJSON => visit(Found::Geo { text: bytes, stored: None }),
            _ => visit(Found::Bytes(bytes)),
        },
        _ => false,
    };
    match collection {
        Collection::Default => scalar(element),
        Collection::List => List::parse(element).is_some_and(|list| list.items.iter().any(|item| scalar(item))),
        Collection::MapKeys => Map::parse(element).is_some_and(|map| map.pairs.iter().any(|(key, _)| scalar(key))),
        Collection::MapValues => Map::parse(element).is_some_and(|map| map.pairs.iter().any(|(_, v)| scalar(v))),
    }
}
