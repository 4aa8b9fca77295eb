//! Secondary indexes: what they are of, and what they find.
//!
//! | file | subject |
//! |---|---|
//! | `wyhash` | the values that strings and blobs are sorted by |
//! | `values` | the values a record has under an index |
//! | `predicate` | what a query looks for among them |
//! | `registry` | the indexes of a namespace |
//!
//! The entries themselves lie beside the records, in `store`, and are worked out when a query needs them. So an index
//! is ready as soon as it is created, and nothing that happens to records has to know that there are any.

mod predicate;
mod registry;
mod values;
mod wyhash;

use aerospike_wire::ParticleType;

pub(crate) use predicate::Predicate;
pub(crate) use registry::{Created, Indexes};
pub(crate) use values::collect;

/// The number of an index, never used twice in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct IndexId(pub(crate) u64);

/// Which values of a bin are indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    /// The bin's own.
    Default,
    /// The elements of a list.
    List,
    /// The keys of a map.
    MapKeys,
    /// The values of a map.
    MapValues,
}

/// Every collection, with its name in info commands; the place is the number in requests.
pub(crate) const COLLECTIONS: [(&str, Collection); 4] = [
    ("default", Collection::Default),
    ("list", Collection::List),
    ("mapkeys", Collection::MapKeys),
    ("mapvalues", Collection::MapValues),
];

/// The types that can be indexed, with their names in info commands.
pub(crate) const TYPES: [(&str, ParticleType); 4] = [
    ("numeric", ParticleType::INTEGER),
    ("string", ParticleType::STRING),
    ("blob", ParticleType::BLOB),
    ("geo2dsphere", ParticleType::GEOJSON),
];

/// Where the indexed values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A bin, or what a context, as packed, leads to inside it.
    Bin { name: Vec<u8>, context: Option<Vec<u8>> },
    /// A packed expression.
    Expression(Vec<u8>),
}

/// What an index is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing but the records of its set.
    Set,
    /// Values.
    Values { source: Source, collection: Collection, kind: ParticleType },
}

/// An index.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    /// Its number.
    pub(crate) id: IndexId,
    /// Its name, which may change.
    pub(crate) name: String,
    /// Its set; `None` for the whole namespace.
    pub(crate) set: Option<String>,
    /// What it is of.
    pub(crate) content: Content,
}

impl Index {
    /// Whether it holds the records of a set.
    pub(crate) fn covers(&self, set: &[u8]) -> bool {
        self.set.as_ref().is_none_or(|own| own.as_bytes() == set)
    }
}
