//! Which index answers a query.

use std::sync::Arc;

use aerospike_wire::{FieldType, Message, ResultCode};

use crate::cdt;
use crate::sindex::{COLLECTIONS, Content, Index, Predicate, Source};
use crate::store::Namespace;

/// An index and what is looked for in it; neither for a query of all records.
pub(super) type Lookup = Option<(Arc<Index>, Predicate)>;

/// What a request says of an index: how it is found, and what is looked for in it.
pub(super) struct Wanted<'f> {
    name: Option<&'f str>,
    set: &'f [u8],
    source: Source,
    /// The number of the kind of collection, whatever it is: of one that is not there no index is found.
    collection: u8,
    predicate: Predicate,
}

/// The longest name of an index.
const MAX_NAME_SIZE: usize = 63;

impl<'f> Wanted<'f> {
    /// Reads what a request says, and checks that it says it in one way; `None` for a query of all records.
    pub(super) fn parse(message: &Message<'f>, set: &'f [u8]) -> Result<Option<Self>, ResultCode> {
        const REFUSED: ResultCode = ResultCode::PARAMETER;
        let name = message.field(FieldType::INDEX_NAME);
        let expression = message.field(FieldType::INDEX_EXPRESSION);
        let context = message.field(FieldType::INDEX_CONTEXT);
        if name.is_some_and(|name| expression.is_some() || name.is_empty() || name.len() > MAX_NAME_SIZE) {
            return Err(REFUSED);
        }
        let Some(range) = message.field(FieldType::INDEX_RANGE) else { return Ok(None) };
        let (bin, predicate) = Predicate::parse(range)?;
        if bin.is_empty() != (name.is_some() || expression.is_some()) {
            return Err(REFUSED);
        }
        // of more bytes the first counts
        let collection = match message.field(FieldType::INDEX_TYPE) {
            None => 0,
            Some(bytes) => *bytes.first().ok_or(REFUSED)?,
        };
        if expression.is_some_and(<[u8]>::is_empty) {
            return Err(REFUSED);
        }
        if context.is_some() && (name.is_some() || expression.is_some()) {
            return Err(REFUSED);
        }
        let context = context.map(|context| cdt::index_context::read(context).map_err(|_| REFUSED)).transpose()?;
        let source = match expression {
            Some(packed) => Source::Expression(packed.to_vec()),
            None => Source::Bin { name: bin.to_vec(), context: context.map(<[u8]>::to_vec) },
        };
        // an index whose name is no text is not there
        let name = name.map(|name| std::str::from_utf8(name).unwrap_or_default());
        Ok(Some(Self { name, set, source, collection, predicate }))
    }

    /// Finds the index, by its name or by what it is of.
    pub(super) fn find(self, namespace: &Namespace) -> Result<(Arc<Index>, Predicate), ResultCode> {
        let indexes = namespace.indexes.read();
        let index = match self.name {
            // one of another set or kind is no error: nothing that is looked for is found in it
            Some(name) => indexes.find(name),
            None => COLLECTIONS.get(usize::from(self.collection)).and_then(|(_, collection)| {
                indexes.find_source(self.set, &self.source, *collection, self.predicate.kind)
            }),
        };
        let index = index.ok_or(ResultCode::INDEX_NOT_FOUND)?;
        if index.content == Content::Set {
            return Err(ResultCode::INDEX_NOT_READABLE);
        }
        Ok((Arc::clone(index), self.predicate))
    }
}
