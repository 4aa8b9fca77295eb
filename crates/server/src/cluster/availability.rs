//! Which partitions of strongly consistent namespaces can be used.
//!
//! A cluster that is only part of what it was must not use a partition that the other part may be using, too. Who belongs to the whole is the roster: here, every node there ever was.

use aerospike_wire::PartitionId;
use aerospike_wire::info::PartitionBitmap;

use super::partition_map::{NodeIndex, PartitionMap};

/// Which partitions of strongly consistent namespaces can be used.
#[derive(Debug)]
pub(crate) enum Availability {
    /// All of them.
    All,
    /// Some of them.
    Some(PartitionBitmap),
}

impl Availability {
    /// The partitions that can be used by the members of a roster that are left.
    pub(crate) fn of(roster: &[(NodeIndex, &str)], members: &[(NodeIndex, &str)], replication_factor: usize) -> Self {
        if members.len() == roster.len() {
            return Self::All;
        }
        let whole = PartitionMap::of(roster, replication_factor);
        let is_member = |index: &NodeIndex| members.iter().any(|(member, _)| member == index);
        let mut usable = PartitionBitmap::empty();
        for id in PartitionId::all() {
            let replicas = whole.holders(id);
            let is_usable = match (2 * members.len()).cmp(&roster.len()) {
                std::cmp::Ordering::Greater => replicas.iter().any(is_member),
                std::cmp::Ordering::Equal => replicas.first().is_some_and(is_member) || replicas.iter().all(is_member),
                std::cmp::Ordering::Less => replicas.iter().all(is_member),
            };
            if is_usable {
                usable.insert(id);
            }
        }
        Self::Some(usable)
    }

    /// Whether a partition can be used.
    pub(crate) fn contains(&self, id: PartitionId) -> bool {
        match self {
            Self::All => true,
            Self::Some(usable) => usable.contains(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(NodeIndex, &str); 4] = [(0, "A1"), (1, "A2"), (2, "A3"), (3, "A4")];

    fn usable(roster: usize, members: usize) -> usize {
        let availability = Availability::of(&ALL[..roster], &ALL[..members], 2);
        PartitionId::all().filter(|id| availability.contains(*id)).count()
    }

    #[test]
    fn a_majority_uses_what_it_has_copies_of() {
        assert_eq!(usable(3, 3), 4096);
        assert_eq!(usable(3, 2), 4096, "one node is missing, and each partition has two copies");
        assert_eq!(usable(4, 3), 4096);
    }

    #[test]
    fn half_of_the_nodes_use_what_they_are_the_masters_of() {
        assert!((1800..2300).contains(&usable(2, 1)), "{}", usable(2, 1));
    }

    #[test]
    fn a_minority_uses_what_it_has_all_copies_of() {
        assert_eq!(usable(3, 1), 0, "the other copy of each partition is elsewhere");
        assert_eq!(usable(3, 0), 0);
        let alone = Availability::of(&ALL[..3], &ALL[..1], 1);
        assert!(PartitionId::all().filter(|id| alone.contains(*id)).count() > 1000, "there are no other copies");
    }
}
