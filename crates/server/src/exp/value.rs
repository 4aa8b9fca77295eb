//! Values while an expression runs.
//!
//! A value borrows from the expression or from the record as long as it can. What an operation on a collection makes
//! is shared, so that a variable costs nothing however often it is read.

use std::sync::Arc;

use aerospike_wire::ParticleType;
use bytes::BytesMut;

use super::types::Type;
use crate::cdt::pack;
use crate::cdt::value::{Head, NIL, head};
use crate::value::geo;

/// Bytes that are cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Bytes<'a> {
    /// Of the expression or the record.
    Borrowed(&'a [u8]),
    /// Made by an operation; from `.1` on.
    Made(Arc<[u8]>, usize),
}

impl std::ops::Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Made(bytes, from) => bytes.get(*from..).unwrap_or_default(),
        }
    }
}

impl From<Vec<u8>> for Bytes<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Made(bytes.into(), 0)
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Borrowed(bytes)
    }
}

impl Bytes<'_> {
    /// The bytes from `start` on.
    fn after(self, start: usize) -> Option<Self> {
        Some(match self {
            Self::Borrowed(bytes) => Self::Borrowed(bytes.get(start..)?),
            Self::Made(bytes, from) if from + start <= bytes.len() => Self::Made(bytes, from + start),
            Self::Made(..) => return None,
        })
    }
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    /// Neither true nor false, no number and no text: a bin was missing, or an operation failed.
    Unknown,
    Nil,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(Bytes<'a>),
    Blob(Bytes<'a>),
    Hll(Bytes<'a>),
    /// GeoJSON text, without cells.
    GeoJson(Bytes<'a>),
    /// The MessagePack of a list or map, as it came.
    Collection(Bytes<'a>),
    /// The MessagePack of an extension.
    Extension(Bytes<'a>),
    Remove,
}

impl<'a> Value<'a> {
    /// The value of a particle; unknown for types that expressions cannot hold.
    pub(super) fn of_particle(kind: ParticleType, bytes: Bytes<'a>) -> Self {
        let value = match kind {
            ParticleType::NULL => Some(Self::Nil),
            ParticleType::BOOL => bytes.first().map(|b| Self::Bool(*b != 0)),
            ParticleType::INTEGER => bytes.first_chunk().map(|b| Self::Integer(i64::from_be_bytes(*b))),
            ParticleType::FLOAT => bytes.first_chunk().map(|b| Self::Float(f64::from_be_bytes(*b))),
            ParticleType::STRING => Some(Self::String(bytes)),
            ParticleType::BLOB => Some(Self::Blob(bytes)),
            ParticleType::HLL => Some(Self::Hll(bytes)),
            ParticleType::LIST | ParticleType::MAP => Some(Self::Collection(bytes)),
            ParticleType::GEOJSON => {
                let header = geo::text(&bytes).map(|text| bytes.len() - text.len());
                header.and_then(|header| bytes.after(header)).map(Self::GeoJson)
            }
            _ => None,
        };
        value.unwrap_or(Self::Unknown)
    }

    /// The value of an element of a collection; unknown for untyped strings and blobs of other languages.
    pub(super) fn of_element(element: &'a [u8]) -> Self {
        match head(element) {
            None => Self::Unknown,
            Some(Head::Nil) => Self::Nil,
            Some(Head::Bool(b)) => Self::Bool(b),
            Some(Head::Integer(n)) => Self::Integer(n),
            Some(Head::Unsigned(n)) => Self::Integer(n as i64),
            Some(Head::Float32(n)) => Self::Float(n.into()),
            Some(Head::Float(n)) => Self::Float(n),
            Some(Head::String([kind, bytes @ ..])) => match ParticleType(*kind) {
                ParticleType::STRING => Self::String(bytes.into()),
                ParticleType::BLOB => Self::Blob(bytes.into()),
                ParticleType::HLL => Self::Hll(bytes.into()),
                ParticleType::GEOJSON => Self::GeoJson(bytes.into()),
                _ => Self::Unknown,
            },
            Some(Head::String([])) => Self::Unknown,
            Some(Head::List(_) | Head::Map(_)) => Self::Collection(element.into()),
            Some(Head::Ext(..)) => Self::Extension(element.into()),
        }
    }

    pub(super) const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// The type of a value.
    pub(super) fn kind(&self) -> Option<Type> {
        Some(match self {
            Self::Unknown => return None,
            Self::Nil => Type::Nil,
            Self::Bool(_) => Type::Bool,
            Self::Integer(_) => Type::Integer,
            Self::Float(_) => Type::Float,
            Self::String(_) => Type::String,
            Self::Blob(_) => Type::Blob,
            Self::Hll(_) => Type::Hll,
            Self::GeoJson(_) => Type::GeoJson,
            Self::Collection(bytes) => match head(bytes)? {
                Head::List(_) => Type::List,
                _ => Type::Map,
            },
            Self::Extension(_) => Type::Extension,
            Self::Remove => Type::Remove,
        })
    }

    /// The particle a value is stored and answered as; `None` when it cannot be. Geometries get their cells.
    pub(super) fn into_particle(self) -> Option<(ParticleType, Vec<u8>)> {
        let kind = self.kind()?;
        let bytes = match self {
            Self::Unknown | Self::Extension(_) | Self::Remove => return None,
            Self::Nil => Vec::new(),
            Self::Bool(b) => vec![b.into()],
            Self::Integer(n) => n.to_be_bytes().to_vec(),
            Self::Float(n) => n.to_be_bytes().to_vec(),
            Self::String(bytes) | Self::Blob(bytes) | Self::Hll(bytes) => bytes.to_vec(),
            Self::Collection(bytes) => pack::without_index(&bytes),
            Self::GeoJson(text) => geo::normalise(&[&[0, 0, 0], &*text].concat())?,
        };
        Some((kind.particle(), bytes))
    }

    /// Appends the value as an element of a collection; `false` when it cannot be one.
    pub(super) fn write_element(&self, out: &mut BytesMut) -> bool {
        let typed = |out: &mut BytesMut, bytes: &[u8]| {
            let kind = self.kind().map_or(ParticleType::BLOB, Type::particle);
            aerospike_wire::value::pack_typed(out, kind, bytes);
        };
        match self {
            Self::Unknown | Self::Remove => return false,
            Self::Nil => out.extend_from_slice(NIL),
            Self::Bool(b) => out.extend_from_slice(pack::bool(*b)),
            Self::Integer(n) => pack::integer(out, *n),
            Self::Float(n) => {
                out.extend_from_slice(&[0xcb]);
                out.extend_from_slice(&n.to_be_bytes());
            }
            Self::String(bytes) | Self::Blob(bytes) | Self::Hll(bytes) | Self::GeoJson(bytes) => typed(out, bytes),
            Self::Collection(bytes) | Self::Extension(bytes) => out.extend_from_slice(bytes),
        }
        true
    }
}
