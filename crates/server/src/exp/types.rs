//! The types an expression can have, which are checked before it runs.

use aerospike_wire::ParticleType;

/// What an expression evaluates to when it is not unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Nothing; as the result of an expression write it deletes the bin.
    Nil,
    /// A boolean.
    Bool,
    /// An integer.
    Integer,
    /// Text.
    String,
    /// A list.
    List,
    /// A map.
    Map,
    /// Bytes.
    Blob,
    /// A double.
    Float,
    /// A GeoJSON geometry.
    GeoJson,
    /// A HyperLogLog.
    Hll,
    /// The wish to remove the element a path expression stands on.
    Remove,
    /// A MessagePack extension, such as the wildcard: can be compared with, but is no value of its own.
    Extension,
}

/// The types in the order of their numbers in the protocol (10.1), with the particle type that values of each have.
const NUMBERED: [(Type, ParticleType); 10] = [
    (Type::Nil, ParticleType::NULL),
    (Type::Bool, ParticleType::BOOL),
    (Type::Integer, ParticleType::INTEGER),
    (Type::String, ParticleType::STRING),
    (Type::List, ParticleType::LIST),
    (Type::Map, ParticleType::MAP),
    (Type::Blob, ParticleType::BLOB),
    (Type::Float, ParticleType::FLOAT),
    (Type::GeoJson, ParticleType::GEOJSON),
    (Type::Hll, ParticleType::HLL),
];

impl Type {
    /// The type of a number in a packed expression.
    pub fn from_number(number: u64) -> Option<Self> {
        NUMBERED.get(usize::try_from(number).ok()?).map(|(kind, _)| *kind)
    }

    /// The particle type of values of this type; null for those that have none.
    pub fn particle(self) -> ParticleType {
        NUMBERED.iter().find(|(kind, _)| *kind == self).map_or(ParticleType::NULL, |(_, particle)| *particle)
    }

    /// Whether arithmetic takes it.
    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Float)
    }

    /// Whether two values of it can be compared.
    pub(super) const fn is_comparable(self) -> bool {
        !matches!(self, Self::GeoJson | Self::Hll)
    }
}
