//! Which node is asked for which partitions (protocol section 8.6).

use std::sync::Arc;

use aerospike_wire::PartitionId;
use aerospike_wire::limits::PARTITIONS;

use super::Query;
use super::cursor::{Cursor, Standing};
use super::request::Portion;
use crate::cluster::Cluster;
use crate::command::Spec;
use crate::error::{Code, Failure};
use crate::node::Node;
use crate::routing::replica::ReplicaPlan;
use crate::routing::{NodeIndex, Routing, TRACKED_REPLICAS, Table};

/// Where each partition is in the sequence of its replicas.
#[derive(Debug)]
pub(super) struct Tracker {
    replica_plans: Vec<Option<ReplicaPlan>>,
}

/// Who is asked for what in one round.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    pub(super) portions: Vec<(Arc<Node>, Portion)>,
    /// Partitions that nodes hold which are not to be asked.
    pub(super) left_out: Vec<PartitionId>,
    /// Why partitions have no node to be asked for them.
    pub(super) failure: Option<Failure>,
}

impl Tracker {
    pub(super) fn new() -> Self {
        Self { replica_plans: vec![None; PARTITIONS] }
    }

    /// Divides what is left of a query among the nodes.
    pub(super) fn assign(&mut self, cluster: &Cluster, query: &Query, cursor: &Cursor) -> Result<Assignment, Failure> {
        let routing = cluster.routing.load_full();
        let Some(table) = routing.table(&query.namespace) else {
            return Err(cluster.no_namespace(&query.namespace));
        };
        let mut assignment = Assignment::default();
        let mut groups: Vec<Vec<(PartitionId, Standing)>> = vec![Vec::new(); routing.nodes.len()];
        for (id, standing) in cursor.iter().filter(|(_, standing)| *standing != Standing::Done) {
            match self.choose(cluster, query, &routing, table, id) {
                Choice::Node(node) => {
                    if let Some(group) = groups.get_mut(node.at()) {
                        group.push((id, standing));
                    }
                }
                Choice::LeftOut => assignment.left_out.push(id),
                Choice::Nobody => {
                    assignment.failure = Some(cluster.no_holder(id));
                }
            }
        }
        let groups = routing.nodes.iter().cloned().zip(groups).filter(|(_, group)| !group.is_empty());
        assignment.portions.extend(groups.map(|(node, partitions)| (node, Portion { partitions, quota: None })));
        Ok(assignment)
    }

    fn choose(
        &mut self,
        cluster: &Cluster,
        query: &Query,
        routing: &Routing,
        table: &Table,
        id: PartitionId,
    ) -> Choice {
        let Some(slot) = self.replica_plans.get_mut(id.index()) else { return Choice::Nobody };
        let is_first = slot.is_none();
        let policy = query.policy.replica;
        let replica_plan =
            slot.get_or_insert_with(|| ReplicaPlan::new(&Spec::read_all(), policy, table, &cluster.turn));
        let may_ask = |node: NodeIndex| {
            let node = routing.node(node);
            query.nodes.as_ref().is_none_or(|names| node.is_some_and(|node| names.contains(&node.name)))
        };
        let settings = cluster.settings.load();
        let racks = &settings.preferred_racks;
        for _ in 0..TRACKED_REPLICAS {
            match replica_plan.choose(routing, table, id, racks) {
                Some(node) if may_ask(node) => return Choice::Node(node),
                Some(_) if is_first => return Choice::LeftOut,
                Some(_) if replica_plan.advance(Code::CONNECTION) => {}
                _ => break,
            }
        }
        Choice::Nobody
    }

    /// The node did not give a partition to its end: the next one is asked.
    pub(super) fn advance(&mut self, id: PartitionId, code: Code) {
        if let Some(Some(replica_plan)) = self.replica_plans.get_mut(id.index()) {
            replica_plan.advance(code);
        }
    }
}

enum Choice {
    Node(NodeIndex),
    /// The node that holds it is not to be asked.
    LeftOut,
    Nobody,
}

/// Divides a number of records among nodes: evenly, and one for each at least, or a node could not say that it has
/// none.
pub(super) fn divide(records: u64, nodes: usize) -> impl Iterator<Item = u64> {
    let count = nodes.max(1) as u64;
    (0..count).map(move |at| (records / count + u64::from(at < records % count)).max(1)).take(nodes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quotas_add_up_and_leave_no_node_out(records in 1u64.., nodes in 1usize..200) {
            let quotas: Vec<u64> = divide(records, nodes).collect();
            prop_assert_eq!(quotas.len(), nodes);
            let (least, most) = (quotas.iter().min().unwrap(), quotas.iter().max().unwrap());
            prop_assert!(*least >= 1 && most - least <= 1);
            let sum: u128 = quotas.iter().map(|n| u128::from(*n)).sum();
            prop_assert_eq!(sum, u128::from(records).max(nodes as u128));
        }
    }

    #[test]
    fn no_nodes_have_no_quotas() {
        assert_eq!(divide(5, 0).count(), 0);
    }
}
