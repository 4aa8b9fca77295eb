//! Who holds which partition.

use aerospike_wire::PartitionId;
use aerospike_wire::limits::PARTITIONS;

/// The number of a node in its cluster.
pub(crate) type NodeIndex = usize;

/// The holders of every partition, the master first. All namespaces share one map, as they have one replication factor.
#[derive(Debug, Clone, Default)]
pub(crate) struct PartitionMap {
    holders: Vec<NodeIndex>,
    copies: usize,
}

impl PartitionMap {
    /// The map of a cluster whose living members are given by number and id.
    ///
    /// Each node has a weight for each partition, made of its id alone; the heaviest hold it. So when a node leaves,
    /// only what it held moves, and when it comes back everything is as before.
    pub(crate) fn of(members: &[(NodeIndex, &str)], replication_factor: usize) -> Self {
        let copies = replication_factor.clamp(1, members.len().max(1)).min(members.len());
        let mut holders = Vec::with_capacity(PARTITIONS * copies);
        let mut ranking: Vec<(u64, NodeIndex)> = Vec::with_capacity(members.len());
        for partition in PartitionId::all() {
            ranking.clear();
            ranking.extend(members.iter().map(|(index, id)| (weight(id, partition), *index)));
            ranking.sort_unstable_by(|a, b| b.cmp(a));
            holders.extend(ranking.iter().take(copies).map(|(_, index)| index));
        }
        Self { holders, copies }
    }

    /// The holders of a partition, the master first; empty only in a cluster without nodes.
    pub(crate) fn holders(&self, partition: PartitionId) -> &[NodeIndex] {
        let start = partition.index() * self.copies;
        self.holders.get(start..start + self.copies).unwrap_or_default()
    }

    /// How many copies of each record there are.
    pub(crate) fn copies(&self) -> usize {
        self.copies
    }
}

fn weight(id: &str, partition: PartitionId) -> u64 {
    let seed =
        id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    // the finalizer of splitmix64: every bit of the input moves every bit of the result
    let mut x = seed ^ (partition.index() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(NodeIndex, &str); 3] = [(0, "A1"), (1, "A2"), (2, "A3")];

    #[test]
    fn partitions_are_spread_evenly_over_different_nodes() {
        let map = PartitionMap::of(&ALL, 2);
        let mut masters = [0; 3];
        for id in PartitionId::all() {
            let [master, replica] = map.holders(id) else { panic!("two holders") };
            assert_ne!(master, replica);
            masters[*master] += 1;
        }
        assert!(masters.iter().all(|n| (1200..1530).contains(n)), "{masters:?}");
    }

    #[test]
    fn only_what_a_leaving_node_held_moves() {
        let (before, after) = (PartitionMap::of(&ALL, 2), PartitionMap::of(&ALL[..2], 2));
        for id in PartitionId::all() {
            if let [master @ (0 | 1), _] = before.holders(id) {
                assert_eq!(after.holders(id)[0], *master);
            }
        }
    }

    #[test]
    fn there_are_never_more_copies_than_nodes() {
        assert_eq!(PartitionMap::of(&ALL[..1], 2).copies(), 1);
        assert_eq!(PartitionMap::of(&ALL, 9).copies(), 3);
        assert!(PartitionMap::of(&[], 2).holders(PartitionId::new(7).unwrap()).is_empty());
    }
}
