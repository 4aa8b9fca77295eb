//! Creating, listing, counting and removing secondary indexes (protocol 4.7).

use std::collections::HashSet;

use aerospike_wire::limits::{MAX_BIN_NAME_SIZE, MAX_NAMESPACE_SIZE, MAX_NAMESPACES, MAX_SET_SIZE};
use aerospike_wire::{ParticleType, PartitionId, ResultCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::ask::{Ask, Refusal};
use super::{Answer, index_text, share};
use crate::cdt::index_context::{self, Flaw};
use crate::clock::Moment;
use crate::exp::Expression;
use crate::query;
use crate::sindex::{COLLECTIONS, Collection, Content, Created, Index, Source, TYPES};

/// The parameter, and its older name.
const NAMESPACE: [&str; 2] = ["namespace", "ns"];
/// Name and type of a bin.
const MAX_DATA_SIZE: usize = MAX_BIN_NAME_SIZE + 1 + MAX_TYPE_SIZE;
const MAX_INDEX_NAME_SIZE: usize = 63;
/// Letters of the name of a type, and of a kind of collection: of the longest there are.
const MAX_TYPE_SIZE: usize = 11;
const MAX_COLLECTION_SIZE: usize = 9;
/// Letters of a namespace whose indexes are listed.
const MAX_LISTED_SIZE: usize = 127;
/// What the parts of a definition are written one after another with in the cluster's metadata. One in which it occurs
/// is taken, but cannot be read, and no index is made of it.
const SEPARATOR: u8 = b'|';
/// Characters of base64.
const MAX_CONTEXT_SIZE: usize = 2047;
const MAX_EXPRESSION_SIZE: usize = 16 * 1024 - 1;
/// What the real server takes for the first block of an index, and for a record in the index of a set.
const INDEX_SIZE: usize = 16 * 1024 * 1024;
const SET_ENTRY_SIZE: usize = 16;

fn done() -> Answer {
    Ok("ok".to_owned())
}

/// Creates an index; one that is there already is none the worse for it.
pub(super) fn create(ask: &Ask<'_>) -> Answer {
    let name = ask.required("indexname", MAX_INDEX_NAME_SIZE)?;
    let namespace = ask.required_as(&NAMESPACE, MAX_NAMESPACE_SIZE)?;
    let is_of_set = ask.parameter("indextype").is_some_and(|text| text.eq_ignore_ascii_case("set"));
    let (set, content) = if is_of_set {
        (Some(set_of(ask)?), Content::Set)
    } else {
        (ask.optional("set", MAX_SET_SIZE)?, content(ask)?)
    };
    let is_unreadable = set.is_some_and(|set| set.as_bytes().contains(&SEPARATOR))
        || matches!(&content, Content::Values { source: Source::Bin { name, .. }, .. } if name.contains(&SEPARATOR));
    let created = match share::find(ask, namespace) {
        // it is taken into the cluster's metadata, where nobody can read it, and keeps its name
        Some((known, _)) if is_unreadable => match known.indexes.read().find(name) {
            Some(_) => Created::NameTaken,
            None => {
                let mut unbuilt = ask.state.unbuilt_indexes.lock();
                unbuilt.entry(namespace.to_owned()).or_default().create(name, set, content)
            }
        },
        Some(_) if is_unbuilt(ask, namespace, name) => Created::NameTaken,
        Some((namespace, _)) => {
            let created = namespace.indexes.write().create(name, set, content);
            if let Some(set) = set.filter(|_| created == Created::Done) {
                // a set that is indexed is there, with records or without
                namespace.add_set(set.as_bytes());
            }
            created
        }
        None if is_of_set => return Err(Refusal::parameter("namespace not found")),
        None => {
            // the cluster's metadata take indexes of any namespace
            let mut unbuilt = ask.state.unbuilt_indexes.lock();
            if unbuilt.len() >= MAX_NAMESPACES && !unbuilt.contains_key(namespace) {
                Created::TooMany
            } else {
                unbuilt.entry(namespace.to_owned()).or_default().create(name, set, content)
            }
        }
    };
    match created {
        Created::Done => done(),
        Created::NameTaken => {
            Err(Refusal::new(ResultCode::INDEX_FOUND, "'indexname' already exists with different definition"))
        }
        Created::TooMany => Err(Refusal::new(ResultCode::INDEX_MAX_COUNT, "already at sindex definition limit")),
    }
}

/// Whether a name is that of an index which the cluster's metadata have and nobody builds.
fn is_unbuilt(ask: &Ask<'_>, namespace: &str, name: &str) -> bool {
    ask.state.unbuilt_indexes.lock().get(namespace).is_some_and(|indexes| indexes.find(name).is_some())
}

/// The set of an index of a set, which is of nothing else. What another parameter says does not matter unless it is too long.
fn set_of<'a>(ask: &Ask<'a>) -> Result<&'a str, Refusal> {
    let others = [
        ("context", MAX_CONTEXT_SIZE),
        ("indexdata", MAX_DATA_SIZE),
        ("type", MAX_TYPE_SIZE),
        ("bin", MAX_BIN_NAME_SIZE),
        ("exp", MAX_EXPRESSION_SIZE),
    ];
    match others.iter().find(|(name, most)| ask.parameter(name).is_some_and(|value| value.len() <= *most)) {
        Some((other, _)) => Err(Refusal::parameter(format!("{other} parameter is not supported for set index"))),
        None => ask.required("set", MAX_SET_SIZE),
    }
}

/// What an index is to be of.
fn content(ask: &Ask<'_>) -> Result<Content, Refusal> {
    let context = context_of(ask)?;
    let collection = match ask.optional("indextype", MAX_COLLECTION_SIZE)? {
        None => Collection::Default,
        Some(text) => by_name(&COLLECTIONS, text).ok_or_else(|| bad("'indextype'", &COLLECTIONS))?,
    };
    let (source, kind) = match (ask.optional("indexdata", MAX_DATA_SIZE)?, ask.optional("type", MAX_TYPE_SIZE)?) {
        (None, None) => return Err(Refusal::parameter("both 'indexdata' and 'type' are missing")),
        (Some(_), Some(_)) => return Err(Refusal::parameter("both 'indexdata' and 'type' are specified")),
        (Some(data), None) => {
            let (bin, kind) = data.split_once(',').ok_or(Refusal::parameter("'indexdata' missing bin type"))?;
            if bin.is_empty() {
                return Err(Refusal::parameter("'indexdata' missing bin name"));
            }
            if bin.len() > MAX_BIN_NAME_SIZE {
                return Err(Refusal::parameter("'indexdata' bin name too long"));
            }
            let kind = by_name(&TYPES, kind).ok_or_else(|| bad("'indexdata' bin type", &TYPES))?;
            (Source::Bin { name: bin.into(), context }, kind)
        }
        (None, Some(kind)) => {
            let kind = by_name(&TYPES, kind).ok_or_else(|| bad("'type'", &TYPES))?;
            let bin = ask.optional("bin", MAX_BIN_NAME_SIZE)?;
            let source = match (bin, ask.optional("exp", MAX_EXPRESSION_SIZE)?) {
                (Some(_), Some(_)) => return Err(Refusal::parameter("both 'bin' and 'exp' are specified")),
                (None, None) => return Err(Refusal::parameter("both 'bin' and 'exp' are missing")),
                (None, Some(_)) if context.is_some() => {
                    return Err(Refusal::parameter("both 'context' and 'exp' are specified"));
                }
                (None, Some(text)) => expression(text, collection, kind)?,
                (Some(bin), None) => Source::Bin { name: bin.into(), context },
            };
            (source, kind)
        }
    };
    if collection == Collection::MapKeys && kind == ParticleType::GEOJSON {
        let keys: Vec<_> = TYPES.iter().filter(|(_, kind)| *kind != ParticleType::GEOJSON).copied().collect();
        return Err(bad("'indexdata' bin type for 'indextype' 'mapkeys'", &keys));
    }
    Ok(Content::Values { source, collection, kind })
}

fn context_of(ask: &Ask<'_>) -> Result<Option<Vec<u8>>, Refusal> {
    let Some(text) = ask.optional("context", MAX_CONTEXT_SIZE)? else { return Ok(None) };
    let context = BASE64.decode(text).map_err(|_| Refusal::parameter("'context' invalid base64"))?;
    match index_context::read(&context) {
        Ok(_) => Ok(Some(context)),
        Err(Flaw::NoContext) => Err(Refusal::parameter("'context' invalid cdt context")),
        Err(Flaw::NotCompact) => Err(Refusal::parameter("'context' not normalized msgpack")),
    }
}

fn by_name<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

fn bad<T>(what: &str, table: &[(&str, T)]) -> Refusal {
    let names: Vec<_> = table.iter().map(|(name, _)| format!("'{name}'")).collect();
    Refusal::parameter(format!("bad {what} - must be one of {}", names.join(", ")))
}

fn expression(text: &str, collection: Collection, kind: ParticleType) -> Result<Source, Refusal> {
    let bad = || Refusal::parameter("bad 'exp'");
    let packed = BASE64.decode(text).map_err(|_| bad())?;
    let expression = Expression::parse(&packed).ok().filter(Expression::can_be_indexed).ok_or_else(bad)?;
    let gives = expression.result_type().particle();
    let expected = match collection {
        Collection::Default => kind,
        Collection::List => ParticleType::LIST,
        Collection::MapKeys | Collection::MapValues => ParticleType::MAP,
    };
    if gives == expected {
        return Ok(Source::Expression(packed));
    }
    let (gives, expected) = (type_name(gives), type_name(expected));
    Err(Refusal::parameter(format!("bad 'exp' - expression type '{gives}' does not match expected type '{expected}'")))
}

/// The name of a type in messages: those of indexes, and of what cannot be indexed.
fn type_name(kind: ParticleType) -> &'static str {
    TYPES.iter().find(|(_, known)| *known == kind).map_or_else(
        || match kind {
            ParticleType::BOOL => "bool",
            ParticleType::FLOAT => "float",
            ParticleType::LIST => "list",
            ParticleType::MAP => "map",
            ParticleType::HLL => "hll",
            _ => "unknown",
        },
        |(name, _)| name,
    )
}

/// Runs a command on an index that is named. That the name is missing is said, and what comes of an empty name after it.
fn on_index(ask: &Ask<'_>, run: impl FnOnce(&str) -> Answer) -> Answer {
    let named = ask.required("indexname", MAX_INDEX_NAME_SIZE);
    let answer = run(named.as_ref().map_or("", |name| name));
    match named {
        Ok(_) => answer,
        Err(missing) => Ok(format!("{missing}{}", answer.unwrap_or_else(|refusal| refusal.to_string()))),
    }
}

/// Removes an index, if there is one.
pub(super) fn delete(ask: &Ask<'_>) -> Answer {
    on_index(ask, |name| {
        let namespace = ask.required_as(&NAMESPACE, MAX_NAMESPACE_SIZE)?;
        ask.state.unbuilt_indexes.lock().get_mut(namespace).and_then(|indexes| indexes.remove(name));
        let Some(number) = ask.state.find_namespace(namespace.as_bytes()) else { return done() };
        let removed = ask.state.namespaces.get(number).and_then(|namespace| namespace.indexes.write().remove(name));
        if let Some(index) = removed {
            let stores = ask.state.nodes.iter().filter_map(|node| node.stores.get(number));
            stores.for_each(|store| store.forget_index(index.id));
        }
        done()
    })
}

/// Whether there is an index of a name.
pub(super) fn exists(ask: &Ask<'_>) -> Answer {
    on_index(ask, |name| {
        let namespace = ask.required_as(&NAMESPACE, MAX_NAMESPACE_SIZE)?;
        let (namespace, _) = share::find(ask, namespace).ok_or_else(no_namespace)?;
        Ok(namespace.indexes.read().find(name).is_some().to_string())
    })
}

/// Every index of a namespace, or of all: those of values, then those of sets. The real server makes two lists, of which the
/// second knows no base64, and tells twice of what is wrong with both.
pub(super) fn list(ask: &Ask<'_>) -> Answer {
    let wanted = match ask.optional_as(&NAMESPACE, MAX_LISTED_SIZE) {
        Err(refusal) => return Ok(format!("{refusal};{refusal}")),
        Ok(Some(name)) if share::find(ask, name).is_none() => {
            let refusal = no_namespace();
            return Ok(format!("{refusal};{refusal}"));
        }
        Ok(wanted) => wanted,
    };
    let values = match b64(ask) {
        Ok(as_base64) => lines(ask, wanted, as_base64, false),
        Err(refusal) => refusal.to_string(),
    };
    let sets = lines(ask, wanted, false, true);
    Ok(if sets.is_empty() { values } else { format!("{values};{sets}") })
}

/// Whether contexts and expressions are wanted as base64.
fn b64(ask: &Ask<'_>) -> Result<bool, Refusal> {
    match ask.optional("b64", "false".len())? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::parameter("bad b64")),
    }
}

fn lines(ask: &Ask<'_>, wanted: Option<&str>, as_base64: bool, of_sets: bool) -> String {
    let mut lines = Vec::new();
    for namespace in ask.state.namespaces.iter().filter(|ns| wanted.is_none_or(|name| name == ns.name)) {
        let indexes = namespace.indexes.read();
        let listed = indexes.iter().filter(|index| (index.content == Content::Set) == of_sets);
        lines.extend(listed.map(|index| index_text::line(&namespace.name, index, as_base64)));
    }
    lines.join(";")
}

/// Counts of an index at this node.
pub(super) fn stat(ask: &Ask<'_>) -> Answer {
    on_index(ask, |name| statistics_of(ask, ask.required_as(&NAMESPACE, MAX_NAMESPACE_SIZE)?, name))
}

/// `sindex/<namespace>/<index>`, the old form; without an index it lists them.
pub(super) fn old_stat(ask: &Ask<'_>) -> Answer {
    if ask.text().is_empty() {
        return Ok(lines(ask, None, false, false));
    }
    let (namespace, index) = match ask.text().split_once('/') {
        Some((namespace, index)) => (namespace, Some(index)),
        None => (ask.text(), None),
    };
    match index {
        _ if share::find(ask, namespace).is_none() => Ok("ns_type=unknown".to_owned()),
        Some(name) => statistics_of(ask, namespace, name),
        None => Ok(lines(ask, Some(namespace), false, false)),
    }
}

fn no_namespace() -> Refusal {
    Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "namespace not found on node")
}

fn statistics_of(ask: &Ask<'_>, namespace: &str, name: &str) -> Answer {
    let no_index = || Refusal::new(ResultCode::INDEX_NOT_FOUND, "no index");
    let (namespace, store) = share::find(ask, namespace).ok_or_else(no_namespace)?;
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
