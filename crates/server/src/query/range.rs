//! Which index answers a query.

use std::sync::Arc;

use aerospike_wire::{FieldType, Message, ResultCode};

use crate::cdt;
use crate::sindex::{COLLECTIONS, Content, Index, Predicate, Source};
use crate::store::Namespace;

/// An index and what is looked for in it; neither for a query of all records.
pub(super) type Lookup = Option<(Arc<Index>, Predicate)>;

/// Finds the index that a request asks for, by name, by expression, or by what it is of.
pub(super) fn lookup(message: &Message<'_>, set: &[u8], namespace: &Namespace) -> Result<Lookup, ResultCode> {
    let Some(range) = message.field(FieldType::INDEX_RANGE) else { return Ok(None) };
    let (bin, predicate) = Predicate::parse(range)?;
    let collection = match message.field(FieldType::INDEX_TYPE) {
        None => COLLECTIONS[0].1,
        Some([number]) => COLLECTIONS.get(usize::from(*number)).ok_or(ResultCode::PARAMETER)?.1,
        Some(_) => return Err(ResultCode::PARAMETER),
    };
    let context = message.field(FieldType::INDEX_CONTEXT);
    if context.is_some_and(|context| !is_context(context)) {
        return Err(ResultCode::PARAMETER);
    }
    let name = message.field(FieldType::INDEX_NAME);
    let expression = message.field(FieldType::INDEX_EXPRESSION);
    if bin.is_empty() != (name.is_some() || expression.is_some()) {
        return Err(ResultCode::PARAMETER);
    }
    let indexes = namespace.indexes.read();
    let index = match (name, expression) {
        (Some(name), _) => {
            let name = std::str::from_utf8(name).map_err(|_| ResultCode::INDEX_NOT_FOUND)?;
            // one of another set is no error: none of its records is in the set of the query
            let index = indexes.find(name).ok_or(ResultCode::INDEX_NOT_FOUND)?;
            let is_asked_for = match &index.content {
                Content::Set => return Err(ResultCode::INDEX_NOT_READABLE),
                Content::Values { collection: own, kind, source } => {
                    let same_context = match source {
                        Source::Bin { context: own, .. } => context.is_none() || own.as_deref() == context,
                        Source::Expression(_) => true,
                    };
                    *own == collection && *kind == predicate.kind && same_context
                }
            };
            Some(index).filter(|_| is_asked_for)
        }
        (None, Some(expression)) => {
            indexes.find_source(set, &Source::Expression(expression.to_vec()), collection, predicate.kind)
        }
        (None, None) => {
            let source = Source::Bin { name: bin.to_vec(), context: context.map(<[u8]>::to_vec) };
            indexes.find_source(set, &source, collection, predicate.kind)
        }
    };
    let index = index.ok_or(ResultCode::INDEX_NOT_FOUND)?;
    Ok(Some((Arc::clone(index), predicate)))
}

/// Whether bytes are a context and nothing else.
pub(crate) fn is_context(bytes: &[u8]) -> bool {
    cdt::context::steps(bytes).is_some()
}
