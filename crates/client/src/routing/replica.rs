//! Choosing among the replicas of a partition (protocol section 5.4).

use std::sync::atomic::{AtomicU8, Ordering};

use aerospike_wire::{Info3, PartitionId};

use super::{NodeIndex, Routing, TRACKED_REPLICAS, Table};
use crate::command::Spec;
use crate::error::Code;
use crate::policy::Replica;

/// Where a command is in the sequence of replicas it may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReplicaPlan {
    pub(crate) replica: Replica,
    pub(crate) index: u8,
    pub(crate) previous: Option<NodeIndex>,
    linearizes: bool,
    writes: bool,
    /// Active nodes that hold the partition, as of the last choice.
    holders: u8,
}

/// Spreads commands with [`Replica::Any`] over the replicas.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicU8);

impl Turn {
    fn next(&self) -> u8 {
        self.0.fetch_add(1, Ordering::Relaxed) % TRACKED_REPLICAS as u8
    }
}

impl ReplicaPlan {
    /// The plan of a command in a namespace.
    pub(crate) fn new(spec: &Spec, policy: Replica, table: &Table, turn: &Turn) -> Self {
        let writes = spec.is_write();
        let relaxed = spec.info3.contains(Info3::SC_READ_RELAX);
        let linearizes = table.is_strong && !relaxed && spec.info3.contains(Info3::SC_READ_TYPE);
        let replica = match policy {
            Replica::Master => Replica::Master,
            _ if writes => Replica::Sequence,
            Replica::PreferRack if linearizes => Replica::Sequence,
            // session reads of a strong namespace go to the master
            _ if table.is_strong && !relaxed && !linearizes => Replica::Master,
            policy => policy,
        };
        let index = if replica == Replica::Any { turn.next() } else { 0 };
        Self { replica, index, previous: None, linearizes, writes, holders: 0 }
    }

    /// The node to ask now, if any active one holds the partition.
    pub(crate) fn choose(
        &mut self,
        routing: &Routing,
        table: &Table,
        partition: PartitionId,
        racks: &[u32],
    ) -> Option<NodeIndex> {
        let owners = table.owners(partition);
        let is_active = |index: NodeIndex| routing.node(index).is_some_and(|n| n.is_active());
        self.holders = owners.iter().flatten().filter(|i| is_active(**i)).count() as u8;
        // a read has no business at a node that answers nothing, as long as another holds the partition
        let answers = |index: NodeIndex| routing.node(index).is_some_and(|n| n.is_active() && !n.health.is_silent());
        let is_free = !self.writes && !self.linearizes && self.replica != Replica::Master;
        let avoids_silent = is_free && owners.iter().flatten().any(|i| answers(*i));
        let active = |index: NodeIndex| if avoids_silent { answers(index) } else { is_active(index) };
        let chosen = match self.replica {
            Replica::Master => owners.first().copied().flatten().filter(|i| active(*i)),
            Replica::Sequence | Replica::Any => self.next_in_sequence(owners, active),
            Replica::PreferRack => self.nearest(routing, table, owners, racks, active),
        };
        self.previous = chosen;
        chosen
    }

    fn next_in_sequence(
        &mut self,
        owners: &[Option<NodeIndex>],
        active: impl Fn(NodeIndex) -> bool,
    ) -> Option<NodeIndex> {
        for _ in owners {
            let at = usize::from(self.index) % owners.len();
            match owners.get(at).copied().flatten() {
                Some(index) if active(index) => return Some(index),
                _ => self.index = self.index.wrapping_add(1),
            }
        }
        None
    }

    fn nearest(
        &self,
        routing: &Routing,
        table: &Table,
        owners: &[Option<NodeIndex>],
        racks: &[u32],
        active: impl Fn(NodeIndex) -> bool,
    ) -> Option<NodeIndex> {
        let fresh = || owners.iter().flatten().copied().filter(|i| active(*i) && Some(*i) != self.previous);
        let in_rack = |i: NodeIndex, rack: u32| {
            routing.node(i).is_some_and(|n| n.rack_of(&table.namespace).is_some_and(|r| r == rack))
        };
        racks
            .iter()
            .find_map(|rack| fresh().find(|i| in_rack(*i, *rack)))
            .or_else(|| fresh().next())
            .or(self.previous.filter(|i| active(*i)))
    }

    /// Whether a later attempt may ask another node.
    pub(crate) fn has_alternatives(&self) -> bool {
        self.replica != Replica::Master && self.holders > 1
    }

    /// Moves on after a failure. Returns whether the next attempt asks the next replica, and so need not wait.
    pub(crate) fn advance(&mut self, code: Code) -> bool {
        let congested = matches!(code, Code::TIMEOUT | Code::NO_MORE_CONNECTIONS | Code::MAX_ERROR_RATE);
        let moves = self.replica != Replica::Master && (!self.writes && !self.linearizes || !congested);
        if moves {
            self.index = self.index.wrapping_add(1);
        }
        moves && self.holders > 1
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use aerospike_wire::Info2;
    use aerospike_wire::info::Endpoint;
    use std::collections::HashMap;
    use std::time::Duration;

    use super::super::Owners;
    use super::*;
    use crate::connection::dial::Dialer;
    use crate::connection::health::Health;
    use crate::connection::pool::Pool;
    use crate::connection::pool_state::Limits;
    use crate::deadline::SharedTimeout;
    use crate::error::Failure;
    use crate::metrics::Metrics;
    use crate::node::Build;
    use crate::node::Node;
    use crate::security::Session;
    use crate::tls::Address;

    const PARTITION: u16 = 7;

    pub(crate) fn node(name: &str) -> Arc<Node> {
        let endpoint = Endpoint { host: "127.0.0.1".into(), port: 3000 };
        let session = Arc::new(Session::new(None, None));
        let timeout = SharedTimeout::new(Duration::from_secs(1));
        let dialer = Dialer { address: Address::plain(endpoint.clone()), session, timeout };
        let limits = Limits { min: 0, max: 1, max_idle: Duration::from_secs(1) };
        let health = Arc::new(Health::new(0, Arc::default(), Metrics::new(false).node(&name.into())));
        let pool = Pool::new(limits, dialer, health, tokio::runtime::Handle::current());
        Arc::new(Node::new(name.into(), endpoint, Build::parse("8.1.2.0"), pool))
    }

    /// Three nodes that hold the partition as master, first and second replica.
    fn routing(is_strong: bool) -> Routing {
        let held = [0, 1, 2].map(|at| Some(NodeIndex::new(at)));
        let owners =
            Owners::new((0..=PARTITION).map(|at| if at == PARTITION { held } else { [None; TRACKED_REPLICAS] }));
        let table = Table { namespace: "test".into(), replicas: 3, is_strong, owners };
        Routing { nodes: vec![node("A"), node("B"), node("C")], namespaces: vec![table] }
    }

    fn leave(routing: &Routing, at: usize) {
        routing.nodes[at].leave(Failure::connection("gone"));
    }

    /// The nodes that attempts ask one after another when each fails with `code`.
    fn asked(routing: &Routing, spec: &Spec, replica: Replica, racks: &[u32], code: Code, attempts: usize) -> String {
        let table = &routing.namespaces[0];
        let mut plan = ReplicaPlan::new(spec, replica, table, &Turn::default());
        let partition = PartitionId::new(PARTITION).unwrap();
        let mut names = String::new();
        for _ in 0..attempts {
            let chosen = plan.choose(routing, table, partition, racks);
            names += chosen.map_or("-", |at| &routing.node(at).unwrap().name);
            plan.advance(code);
        }
        names
    }

    fn write() -> Spec {
        Spec { info2: Info2::WRITE, ..Spec::default() }
    }

    #[tokio::test]
    async fn reads_go_from_replica_to_replica_whatever_the_failure() {
        let routing = routing(false);
        let read = Spec::read_all();
        for code in [Code::TIMEOUT, Code::CONNECTION] {
            assert_eq!(asked(&routing, &read, Replica::Sequence, &[], code, 4), "ABCA");
            assert_eq!(asked(&routing, &read, Replica::Master, &[], code, 3), "AAA");
        }
        leave(&routing, 1);
        assert_eq!(asked(&routing, &read, Replica::Sequence, &[], Code::TIMEOUT, 3), "ACA");
        leave(&routing, 0);
        assert_eq!(asked(&routing, &read, Replica::Master, &[], Code::TIMEOUT, 1), "-");
    }

    #[tokio::test]
    async fn writes_leave_the_master_only_when_it_cannot_be_reached() {
        let routing = routing(false);
        assert_eq!(asked(&routing, &write(), Replica::Any, &[], Code::TIMEOUT, 3), "AAA");
        assert_eq!(asked(&routing, &write(), Replica::Any, &[], Code::MAX_ERROR_RATE, 3), "AAA");
        assert_eq!(asked(&routing, &write(), Replica::Any, &[], Code::CONNECTION, 3), "ABC");
    }

    #[tokio::test]
    async fn any_takes_turns() {
        let routing = routing(false);
        let turn = Turn::default();
        let first = |_| {
            let mut plan = ReplicaPlan::new(&Spec::read_all(), Replica::Any, &routing.namespaces[0], &turn);
            let partition = PartitionId::new(PARTITION).unwrap();
            plan.choose(&routing, &routing.namespaces[0], partition, &[]).unwrap().at()
        };
        assert_eq!((0..4).map(first).collect::<Vec<_>>(), [0, 1, 2, 0]);
    }

    #[tokio::test]
    async fn a_rack_is_preferred_until_its_node_fails() {
        let routing = routing(false);
        for (at, rack) in [(0, 1), (1, 2), (2, 3)] {
            routing.nodes[at].set_racks(HashMap::from([("test".to_owned(), rack)]));
        }
        let read = Spec::read_all();
        assert_eq!(asked(&routing, &read, Replica::PreferRack, &[9, 3], Code::TIMEOUT, 3), "CAC");
        assert_eq!(asked(&routing, &read, Replica::PreferRack, &[], Code::TIMEOUT, 1), "A");
        leave(&routing, 2);
        assert_eq!(asked(&routing, &read, Replica::PreferRack, &[3, 2], Code::TIMEOUT, 1), "B");
    }

    #[tokio::test]
    async fn session_reads_of_a_strong_namespace_stay_with_the_master() {
        let routing = routing(true);
        let read = |info3| Spec { info3, ..Spec::read_all() };
        let relaxed = Info3::SC_READ_RELAX;
        assert_eq!(asked(&routing, &read(Info3::empty()), Replica::Sequence, &[], Code::TIMEOUT, 2), "AA");
        assert_eq!(asked(&routing, &read(Info3::SC_READ_TYPE), Replica::Sequence, &[], Code::TIMEOUT, 2), "AA");
        assert_eq!(asked(&routing, &read(Info3::SC_READ_TYPE), Replica::Sequence, &[], Code::CONNECTION, 2), "AB");
        assert_eq!(asked(&routing, &read(relaxed), Replica::Sequence, &[], Code::TIMEOUT, 2), "AB");
    }
}
