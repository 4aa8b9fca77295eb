//! The indexes of a namespace, which all nodes share.

use std::sync::Arc;

use super::IndexId;
use super::{Collection, Content, Index, Source};
use aerospike_wire::ParticleType;

/// Indexes a namespace can have.
const MAX_INDEXES: usize = 256;

/// What became of the wish for an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// It is there, be it since now or since before.
    Done,
    /// The name belongs to another index.
    NameTaken,
    /// There are too many.
    TooMany,
}

/// The indexes of a namespace, in the order they were created.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    indexes: Vec<Arc<Index>>,
    next: u64,
}

impl Indexes {
    /// Creates an index. One that exists under another name is renamed, as on a real server.
    pub(crate) fn create(&mut self, name: &str, set: Option<&str>, content: Content) -> Created {
        let is_same = |index: &Index| index.set.as_deref() == set && index.content == content;
        if let Some(index) = self.find(name) {
            return if is_same(index) { Created::Done } else { Created::NameTaken };
        }
        if let Some(index) = self.indexes.iter_mut().find(|index| is_same(index)) {
            *index = Arc::new(Index { name: name.to_owned(), ..Index::clone(index) });
            return Created::Done;
        }
        if self.indexes.len() == MAX_INDEXES {
            return Created::TooMany;
        }
        let id = IndexId(self.next);
        self.next += 1;
        self.indexes.push(Arc::new(Index { id, name: name.to_owned(), set: set.map(str::to_owned), content }));
        Created::Done
    }

    /// Removes an index by name.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Arc<Index>> {
        let place = self.indexes.iter().position(|index| index.name == name)?;
        Some(self.indexes.remove(place))
    }

    /// An index by name.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Index>> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// An index by what it is of: one of the set first, then one of the whole namespace.
    pub(crate) fn find_source(
        &self,
        set: &[u8],
        source: &Source,
        collection: Collection,
        kind: ParticleType,
    ) -> Option<&Arc<Index>> {
        let matches = |index: &&Arc<Index>| match &index.content {
            Content::Values { source: own, collection: c, kind: k } => own == source && *c == collection && *k == kind,
            Content::Set => false,
        };
        let mut found = self.indexes.iter().filter(matches).filter(|index| index.covers(set));
        let first = found.next()?;
        if first.set.is_some() { Some(first) } else { Some(found.find(|index| index.set.is_some()).unwrap_or(first)) }
    }

    /// Every index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.indexes.iter()
    }
}
