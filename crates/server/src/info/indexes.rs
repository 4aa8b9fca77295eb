//! Creating, listing, counting and removing secondary indexes (protocol 4.7).

use std::collections::HashSet;

use aerospike_wire::limits::{MAX_BIN_NAME_SIZE, MAX_SET_SIZE};
use aerospike_wire::{ParticleType, PartitionId, ResultCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::ask::{Ask, Refusal};
use super::{Answer, index_text, statistics};
use crate::clock::Moment;
use crate::exp::{Expression, Type};
use crate::query;
use crate::sindex::{COLLECTIONS, Collection, Content, Created, Index, Source, TYPES};

const MAX_INDEX_NAME_SIZE: usize = 63;
/// Characters of base64.
const MAX_CONTEXT_SIZE: usize = 2047;
const MAX_EXPRESSION_SIZE: usize = 16 * 1024 - 1;
/// What the real server takes for the first block of an index, and for a record in the index of a set.
const INDEX_SIZE: usize = 16 * 1024 * 1024;
const SET_ENTRY_SIZE: usize = 16;

fn done() -> Answer {
    Ok("ok".to_owned())
}

/// A parameter that may be missing but not be longer than it can be.
fn short<'a>(ask: &Ask<'a>, name: &str, most: usize) -> Result<Option<&'a str>, Refusal> {
    match ask.parameter(name) {
        Some("") => Err(Refusal::parameter(format!("missing '{name}' value"))),
        Some(value) if value.len() > most => Err(Refusal::parameter(format!("'{name}' value too long"))),
        value => Ok(value),
    }
}

/// Creates an index; one that is there already is none the worse for it.
pub(super) fn create(ask: &Ask<'_>) -> Answer {
    let namespace = ask.required("namespace")?;
    let set = short(ask, "set", MAX_SET_SIZE)?;
    let name = ask.required("indexname")?;
    short(ask, "indexname", MAX_INDEX_NAME_SIZE)?;
    let content = content(ask)?;
    // the cluster's metadata take indexes of any namespace
    let Some((namespace, _)) = statistics::find(ask, namespace) else { return done() };
    match namespace.indexes.write().create(name, set, content) {
        Created::Done => done(),
        Created::NameTaken => {
            Err(Refusal::new(ResultCode::INDEX_FOUND, "'indexname' already exists with different definition"))
        }
        Created::TooMany => Err(Refusal::new(ResultCode::INDEX_MAX_COUNT, "maximum number of sindexes reached")),
    }
}

/// What an index is to be of.
fn content(ask: &Ask<'_>) -> Result<Content, Refusal> {
    let collection = match ask.parameter("indextype") {
        None => Collection::Default,
        Some(text) if text.eq_ignore_ascii_case("set") => return Ok(Content::Set),
        Some(text) => by_name(&COLLECTIONS, text).ok_or_else(|| bad("'indextype'", &COLLECTIONS))?,
    };
    if let Some(data) = ask.parameter("indexdata") {
        let (bin, kind) = data.split_once(',').ok_or(Refusal::parameter("'indexdata' missing bin type"))?;
        let kind = by_name(&TYPES, kind).ok_or_else(|| bad("'indexdata' bin type", &TYPES))?;
        return Ok(Content::Values { source: bin_source(ask, bin)?, collection, kind });
    }
    let missing = || Refusal::parameter("both 'indexdata' and 'type' are missing");
    let kind = ask.parameter("type").ok_or_else(missing)?;
    let kind = by_name(&TYPES, kind).ok_or_else(|| bad("'type'", &TYPES))?;
    let source = match short(ask, "exp", MAX_EXPRESSION_SIZE)? {
        Some(_) if ask.parameter("bin").is_some() => {
            return Err(Refusal::parameter("both 'bin' and 'exp' are specified"));
        }
        Some(text) => expression(text, collection, kind)?,
        None => bin_source(ask, ask.required("bin")?)?,
    };
    Ok(Content::Values { source, collection, kind })
}

fn by_name<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

fn bad<T>(what: &str, table: &[(&str, T)]) -> Refusal {
    let names: Vec<_> = table.iter().map(|(name, _)| format!("'{name}'")).collect();
    Refusal::parameter(format!("bad {what} - must be one of {}", names.join(", ")))
}

fn bin_source(ask: &Ask<'_>, bin: &str) -> Result<Source, Refusal> {
    if bin.len() > MAX_BIN_NAME_SIZE {
        return Err(Refusal::parameter("'bin' value too long"));
    }
    let context = match short(ask, "context", MAX_CONTEXT_SIZE)? {
        None => None,
        Some(text) => {
            let context = BASE64.decode(text).map_err(|_| Refusal::parameter("'context' invalid base64"))?;
            let is_context = query::is_context(&context);
            Some(is_context.then_some(context).ok_or(Refusal::parameter("'context' invalid"))?)
        }
    };
    Ok(Source::Bin { name: bin.into(), context })
}

fn expression(text: &str, collection: Collection, kind: ParticleType) -> Result<Source, Refusal> {
    let bad = || Refusal::parameter("bad 'exp'");
    let packed = BASE64.decode(text).map_err(|_| bad())?;
    let gives = Expression::parse(&packed).map_err(|_| bad())?.result_type();
    let fits = match collection {
        Collection::Default => gives.particle() == kind,
        Collection::List => gives == Type::List,
        Collection::MapKeys | Collection::MapValues => gives == Type::Map,
    };
    if fits {
        return Ok(Source::Expression(packed));
    }
    let named = |kind| TYPES.iter().find(|(_, known)| *known == kind).map(|(name, _)| name);
    Err(match (named(gives.particle()), named(kind)) {
        (Some(gives), Some(kind)) => {
            Refusal::parameter(format!("bad 'exp' - expression type '{gives}' does not match expected type '{kind}'"))
        }
        _ => bad(),
    })
}

/// Removes an index, if there is one.
pub(super) fn delete(ask: &Ask<'_>) -> Answer {
    let namespace = ask.required("namespace")?;
    let name = ask.required("indexname")?;
    let Some(number) = ask.state.find_namespace(namespace.as_bytes()) else { return done() };
    let removed = ask.state.namespaces.get(number).and_then(|namespace| namespace.indexes.write().remove(name));
    if let Some(index) = removed {
        let stores = ask.state.nodes.iter().filter_map(|node| node.stores.get(number));
        stores.for_each(|store| store.forget_index(index.id));
    }
    done()
}

/// Whether there is an index of a name.
pub(super) fn exists(ask: &Ask<'_>) -> Answer {
    let namespace = ask.required("namespace")?;
    let name = ask.required("indexname")?;
    let (namespace, _) = statistics::find(ask, namespace).ok_or_else(no_namespace)?;
    Ok(namespace.indexes.read().find(name).is_some().to_string())
}

/// Every index of a namespace, or of all.
pub(super) fn list(ask: &Ask<'_>) -> Answer {
    let wanted = ask.parameter("namespace");
    if wanted.is_some_and(|name| statistics::find(ask, name).is_none()) {
        // the real server says it twice
        const MISSING: &str = "ERROR:20:namespace not found on node";
        return Ok(format!("{MISSING};{MISSING}"));
    }
    let as_base64 = ask.parameter("b64") == Some("true");
    let mut lines = Vec::new();
    for namespace in ask.state.namespaces.iter().filter(|ns| wanted.is_none_or(|name| name == ns.name)) {
        let indexes = namespace.indexes.read();
        lines.extend(indexes.iter().map(|index| index_text::line(&namespace.name, index, as_base64)));
    }
    Ok(lines.join(";"))
}

/// Counts of an index at this node.
pub(super) fn stat(ask: &Ask<'_>) -> Answer {
    let namespace = ask.required("namespace")?;
    statistics_of(ask, namespace, ask.required("indexname")?)
}

/// `sindex/<namespace>/<index>`, the old form; without an index it lists them.
pub(super) fn old_stat(ask: &Ask<'_>) -> Answer {
    match (ask.argument(0), ask.argument(1)) {
        (Some(namespace), Some(name)) => statistics_of(ask, namespace, name),
        _ => list(ask),
    }
}

fn no_namespace() -> Refusal {
    Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "namespace not found on node")
}

fn statistics_of(ask: &Ask<'_>, namespace: &str, name: &str) -> Answer {
    let no_index = || Refusal::new(ResultCode::INDEX_NOT_FOUND, "no index");
    let (namespace, store) = statistics::find(ask, namespace).ok_or_else(no_namespace)?;
    let index = namespace.indexes.read().find(name).cloned().ok_or_else(no_index)?;
    let now = Moment::now();
    if index.content == Content::Set {
        let set = index.set.as_ref().and_then(|set| namespace.find_set(set.as_bytes()));
        let count = |id| store.lock(id).records().filter(|(_, r)| set.is_none_or(|set| r.meta.set == set)).count();
        let entries: usize = PartitionId::all().map(count).sum();
        return Ok(format!("entries={entries};used_bytes={};load_pct=100", entries * SET_ENTRY_SIZE));
    }
    let (mut entries, mut records, mut values) = (0, 0, HashSet::new());
    for id in PartitionId::all() {
        let mut partition = store.lock(id);
        let tree = query::tree(&Index::clone(&index), &mut partition, namespace, now);
        entries += tree.entries().len();
        records += tree.record_count();
        values.extend(tree.entries().map(|(value, _)| *value));
    }
    let per = |n: usize| (entries + n / 2).checked_div(n).unwrap_or(0);
    Ok(format!(
        "entries={entries};used_bytes={INDEX_SIZE};entries_per_bval={};entries_per_rec={};load_pct=100;load_time=0;\
         stat_gc_recs=0",
        per(values.len()),
        per(records),
    ))
}
