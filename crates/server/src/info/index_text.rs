//! How an index is described in a list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::exp::describe;
use crate::sindex::{COLLECTIONS, Content, Index, Source, TYPES};

/// A line of a list: contexts and expressions as base64, or in words.
pub(super) fn line(namespace: &str, index: &Index, as_base64: bool) -> String {
    let set = index.set.as_deref().unwrap_or("null");
    let name = &index.name;
    let Content::Values { source, collection, kind } = &index.content else {
        return format!("ns={namespace}:indexname={name}:set={set}:indextype=set");
    };
    let collection = COLLECTIONS.iter().find(|(_, known)| known == collection).map_or("", |(name, _)| name);
    let kind = TYPES.iter().find(|(_, known)| known == kind).map_or("", |(name, _)| name);
    let (bin, context, expression) = match source {
        Source::Bin { name, context } => (String::from_utf8_lossy(name).into_owned(), context.as_deref(), None),
        Source::Expression(packed) => ("null".to_owned(), None, Some(packed)),
    };
    let context = match context {
        None => "null".to_owned(),
        Some(packed) if as_base64 => BASE64.encode(packed),
        Some(packed) => describe::context(packed),
    };
    let expression = match expression {
        None => "null".to_owned(),
        Some(packed) if as_base64 => BASE64.encode(packed),
        Some(packed) => describe::expression(packed),
    };
    format!(
        "ns={namespace}:indexname={name}:set={set}:bin={bin}:type={kind}:indextype={collection}:context={context}:\
         exp={expression}:state=RW"
    )
}
