//! How an index is described in a list.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::cdt::context::{self, By, Inside, Step};
use crate::cdt::value::{Element, Head, head};
use crate::sindex::{COLLECTIONS, Content, Index, Source, TYPES};

/// A line of a list. Expressions are given as base64 in any case.
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
        Some(packed) => describe(packed),
    };
    let expression = expression.map_or_else(|| "null".to_owned(), |packed| BASE64.encode(packed));
    format!(
        "ns={namespace}:indexname={name}:set={set}:bin={bin}:type={kind}:indextype={collection}:context={context}:\
         exp={expression}:state=RW"
    )
}

/// A context in words, with the bracket too many that the real server writes.
fn describe(packed: &[u8]) -> String {
    let steps = context::steps(packed).unwrap_or_default();
    let steps: Vec<_> = steps.iter().map(|step| format!("{}({})", name(step), text(step.value))).collect();
    format!("[[{}]", steps.join(", "))
}

fn name(step: &Step<'_>) -> String {
    let inside = match step.inside {
        Inside::Any => "",
        Inside::List => "list_",
        Inside::Map => "map_",
    };
    let by = match step.by {
        By::Index => "index",
        By::Rank => "rank",
        By::Key => "key",
        By::Value => "value",
    };
    format!("{inside}{by}")
}

fn text(value: Element<'_>) -> String {
    match head(value) {
        Some(Head::Integer(n)) => n.to_string(),
        Some(Head::String([3, bytes @ ..])) => format!("\"{}\"", String::from_utf8_lossy(bytes)),
        _ => value.iter().fold(String::from("0x"), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}"); // writing to a string cannot fail
            hex
        }),
    }
}
