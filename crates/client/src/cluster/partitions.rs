//! The partition map as nodes report it, and the routing snapshot made of it (protocol sections 4.4 and 5.3).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aerospike_wire::PartitionId;
use aerospike_wire::info::NamespaceReplicas;
use aerospike_wire::limits::PARTITIONS;

use crate::node::Node;
use crate::routing::{NodeIndex, Owners, Routing, TRACKED_REPLICAS, Table};

/// Names one stay of a node in the cluster: a node that comes back gets another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MemberId(pub(crate) u32);

/// A namespace's counter of ownership changes under strong consistency; 0 in all others. What was reported under a
/// smaller regime is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Regime(u32);

/// Who holds which partition.
#[derive(Debug, Default)]
pub(crate) struct PartitionMap {
    namespaces: HashMap<String, NamespaceMap>,
}

#[derive(Debug)]
struct NamespaceMap {
    replicas: usize,
    is_strong: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    regime: Regime,
    owners: [Option<MemberId>; TRACKED_REPLICAS],
}

impl PartitionMap {
    /// Takes in what a node reports of itself. Returns the members that lost a partition to it: what they said
    /// before is out of date.
    pub(crate) fn apply(&mut self, member: MemberId, report: &[NamespaceReplicas]) -> HashSet<MemberId> {
        let mut displaced = HashSet::new();
        for namespace in report {
            let map = self.namespaces.entry(namespace.namespace.clone()).or_insert_with(NamespaceMap::new);
            map.apply(member, namespace, &mut displaced);
        }
        displaced
    }

    /// Whether a member holds any partition.
    pub(crate) fn owns_any(&self, member: MemberId) -> bool {
        self.namespaces.values().flat_map(|n| &n.entries).any(|e| e.owners.contains(&Some(member)))
    }

    /// The snapshot for commands. Partitions of members that are not in `nodes` have no owner in it.
    pub(crate) fn snapshot(&self, nodes: &[(MemberId, Arc<Node>)]) -> Routing {
        let index: HashMap<MemberId, NodeIndex> =
            nodes.iter().zip(0..).map(|((member, _), at)| (*member, NodeIndex::new(at))).collect();
        let table = |(name, map): (&String, &NamespaceMap)| Table {
            namespace: name.as_str().into(),
            replicas: map.replicas.min(TRACKED_REPLICAS) as u8,
            is_strong: map.is_strong,
            owners: map.owners(&index),
        };
        Routing {
            nodes: nodes.iter().map(|(_, node)| node.clone()).collect(),
            namespaces: self.namespaces.iter().map(table).collect(),
        }
    }
}

impl NamespaceMap {
    fn new() -> Self {
        Self { replicas: 0, is_strong: false, entries: vec![Entry::default(); PARTITIONS] }
    }

    fn apply(&mut self, member: MemberId, report: &NamespaceReplicas, displaced: &mut HashSet<MemberId>) {
        let regime = Regime(report.regime);
        self.replicas = report.replicas.len();
        self.is_strong = report.regime != 0;
        for (partition, entry) in PartitionId::all().zip(&mut self.entries) {
            if regime < entry.regime {
                continue;
            }
            for (bitmap, owner) in report.replicas.iter().zip(&mut entry.owners) {
                if bitmap.contains(partition) && *owner != Some(member) {
                    displaced.extend(owner.replace(member));
                    entry.regime = regime;
                }
            }
        }
    }

    fn owners(&self, index: &HashMap<MemberId, NodeIndex>) -> Owners {
        Owners::new(self.entries.iter().map(|entry| entry.owners.map(|member| index.get(&member?).copied())))
    }
}

#[cfg(test)]
mod tests {
    use aerospike_wire::info::PartitionBitmap;

    use super::*;

    fn report(regime: u32, replicas: &[&[u16]]) -> Vec<NamespaceReplicas> {
        let bitmap = |ids: &&[u16]| {
            let mut bitmap = PartitionBitmap::empty();
            ids.iter().filter_map(|id| PartitionId::new(*id)).for_each(|id| bitmap.insert(id));
            bitmap
        };
        vec![NamespaceReplicas { namespace: "test".into(), regime, replicas: replicas.iter().map(bitmap).collect() }]
    }

    fn owners(map: &PartitionMap, partition: usize) -> [Option<MemberId>; 3] {
        map.namespaces["test"].entries[partition].owners
    }

    const A: MemberId = MemberId(1);
    const B: MemberId = MemberId(2);

    #[test]
    fn a_partition_that_moves_makes_its_old_owner_out_of_date() {
        let mut map = PartitionMap::default();
        assert!(map.apply(A, &report(0, &[&[1, 2], &[3]])).is_empty());
        assert!(map.apply(B, &report(0, &[&[3], &[1, 2]])).is_empty());
        assert_eq!(owners(&map, 1), [Some(A), Some(B), None]);
        assert_eq!(map.apply(B, &report(0, &[&[1, 3], &[2]])), HashSet::from([A]));
        assert_eq!(owners(&map, 1), [Some(B), Some(B), None]);
        assert!(map.owns_any(A) && map.owns_any(B));
    }

    #[test]
    fn an_older_regime_changes_nothing() {
        let mut map = PartitionMap::default();
        map.apply(A, &report(5, &[&[7]]));
        map.apply(B, &report(4, &[&[7]]));
        assert_eq!(owners(&map, 7)[0], Some(A));
        map.apply(B, &report(6, &[&[7]]));
        assert_eq!(owners(&map, 7)[0], Some(B));
    }
}
