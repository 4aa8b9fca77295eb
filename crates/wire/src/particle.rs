//! The types of bin values and of user keys.

/// What kind of value a particle holds. A newtype and not an enum, because servers store and return codes this
/// client has no use for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ParticleType(pub u8);

impl ParticleType {
    /// No value; written to a bin, it deletes it.
    pub const NULL: Self = Self(0);
    /// A signed 64-bit integer, big-endian.
    pub const INTEGER: Self = Self(1);
    /// A 64-bit IEEE 754 number, big-endian.
    pub const FLOAT: Self = Self(2);
    /// UTF-8 text, not validated by the server.
    pub const STRING: Self = Self(3);
    /// Bytes.
    pub const BLOB: Self = Self(4);
    /// A serialised Java object; stored as it is.
    pub const JAVA_BLOB: Self = Self(7);
    /// A serialised .NET object.
    pub const CSHARP_BLOB: Self = Self(8);
    /// A serialised Python object.
    pub const PYTHON_BLOB: Self = Self(9);
    /// A serialised Ruby object.
    pub const RUBY_BLOB: Self = Self(10);
    /// A serialised PHP object.
    pub const PHP_BLOB: Self = Self(11);
    /// A serialised Erlang term.
    pub const ERLANG_BLOB: Self = Self(12);
    /// A vector; stored as it is.
    pub const VECTOR: Self = Self(16);
    /// One byte, 0 or 1.
    pub const BOOL: Self = Self(17);
    /// A HyperLogLog.
    pub const HLL: Self = Self(18);
    /// A MessagePack map.
    pub const MAP: Self = Self(19);
    /// A MessagePack list.
    pub const LIST: Self = Self(20);
    /// GeoJSON text after its cells.
    pub const GEOJSON: Self = Self(23);

    /// The name of the type in the protocol's words.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "null",
            1 => "integer",
            2 => "float",
            3 => "string",
            4 => "blob",
            7 => "java blob",
            8 => "csharp blob",
            9 => "python blob",
            10 => "ruby blob",
            11 => "php blob",
            12 => "erlang blob",
            16 => "vector",
            17 => "bool",
            18 => "hll",
            19 => "map",
            20 => "list",
            23 => "geojson",
            _ => "unknown",
        }
    }

    /// Whether a server stores a value of this type as plain bytes.
    pub const fn is_blob(self) -> bool {
        matches!(self.0, 4 | 7..=12 | 16)
    }
}

impl std::fmt::Debug for ParticleType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}
