//! The nodes that hold each partition of a namespace.

use std::collections::HashMap;

use aerospike_wire::PartitionId;
use aerospike_wire::limits::PARTITIONS;

use super::{NodeIndex, TRACKED_REPLICAS};

/// The nodes that hold a partition: master, first replica, second replica.
pub(crate) type Replicas = [Option<NodeIndex>; TRACKED_REPLICAS];

/// Who holds which partition. Nodes hold partitions in few combinations, so a partition is the number of its own: 8 KiB,
/// which stay in the caches of a processor while the rows of a batch are routed, where 48 KiB of nodes did not.
#[derive(Debug)]
pub(crate) struct Owners {
    numbers: Box<[u16; PARTITIONS]>,
    combinations: Vec<Replicas>,
}

impl Owners {
    /// `partitions`: who holds them, from the first one on. Nobody holds those that are missing.
    pub(crate) fn new(partitions: impl IntoIterator<Item = Replicas>) -> Self {
        let nobody = [None; TRACKED_REPLICAS];
        let mut combinations = vec![nobody];
        let mut known = HashMap::from([(nobody, 0)]);
        let mut numbers = Box::new([0; PARTITIONS]);
        for (number, replicas) in numbers.iter_mut().zip(partitions) {
            *number = *known.entry(replicas).or_insert_with(|| {
                combinations.push(replicas);
                (combinations.len() - 1) as u16 // PARTITIONS at most
            });
        }
        Self { numbers, combinations }
    }

    /// Who holds a partition.
    pub(super) fn of(&self, partition: PartitionId) -> &[Option<NodeIndex>] {
        let number = self.numbers[partition.index()]; // a PartitionId is below PARTITIONS
        self.combinations.get(usize::from(number)).map_or(&[], |replicas| replicas)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_partition_has_the_owners_it_was_given(
            nodes in 1u16..40,
            given in prop::collection::vec(any::<[Option<u16>; TRACKED_REPLICAS]>(), 0..PARTITIONS),
        ) {
            let given: Vec<Replicas> =
                given.iter().map(|owners| owners.map(|node| node.map(|n| NodeIndex::new(n % nodes)))).collect();
            let owners = Owners::new(given.iter().copied());
            for (at, partition) in PartitionId::all().enumerate() {
                let expected = given.get(at).copied().unwrap_or_default();
                prop_assert_eq!(owners.of(partition), &expected[..]);
            }
        }
    }
}
