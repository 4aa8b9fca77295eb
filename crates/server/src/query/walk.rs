//! Finding the records of a partition, in an order that can be resumed: from the largest digest to the least, or by value and digest
//! in an index.

use aerospike_wire::Digest;

use super::request::{Portion, Query};
use crate::clock::Moment;
use crate::command::view;
use crate::sindex::{self, Index};
use crate::store::{Entry, Namespace, Partition, Record, Tree};

/// The entries of an index in a partition.
pub(crate) fn tree<'p>(index: &Index, partition: &'p mut Partition, namespace: &Namespace, now: Moment) -> &'p Tree {
    partition
        .tree(index.id, |digest, record| view(digest, record, namespace, now, |record| sindex::collect(index, record)))
}

/// What a query may find in a partition, after the place it is resumed from. Without an index every record comes, with
/// the value 0, the largest digest first.
pub(crate) fn find(
    query: &Query<'_>,
    portion: &Portion,
    partition: &mut Partition,
    namespace: &Namespace,
    now: Moment,
) -> Vec<Entry> {
    if let Some((index, predicate)) = &query.lookup {
        let tree = tree(index, partition, namespace, now);
        return tree.select(predicate.ranges(), portion.after, predicate.is_unsigned()).collect();
    }
    let wanted = |digest: &Digest| portion.after.is_none_or(|(_, after)| *digest < after);
    let mut found: Vec<_> = partition.records().map(|(digest, _)| (0, *digest)).filter(|(_, d)| wanted(d)).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// Whether a found record is one: it is there still, it is in the set, and it matches more than a hash or a cell.
pub(crate) fn check<'p>(
    query: &Query<'_>,
    digest: &Digest,
    partition: &'p Partition,
    namespace: &Namespace,
    now: Moment,
) -> Option<&'p Record> {
    let record = partition.get(digest, now)?;
    let set = query.request.set;
    if !set.is_empty() && namespace.find_set(set) != Some(record.meta.set) {
        return None;
    }
    let matches = query.lookup.as_ref().is_none_or(|(index, predicate)| {
        view(digest, record, namespace, now, |record| predicate.matches(index, record))
    });
    matches.then_some(record)
}
