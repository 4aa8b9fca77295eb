//! What tending remembers of a node: the connection it asks on, the generations it has seen, the failures in a row.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::info::{NamespaceReplicas, Peers, parse_peers, parse_replicas};
use tokio::time::Instant;

use super::partitions::MemberId;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::metrics::{Happening, NodeEvent};
use crate::node::Node;
use crate::socket::Connection;
use crate::socket::info::{InfoAnswer, ask};

/// How long a node that answers nothing at all is given for an info command.
const SILENT_TIMEOUT: Duration = Duration::from_millis(100);

/// A counter that a node increments when something changes. Unknown until read, and again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Generation(Option<i64>);

impl Generation {
    const UNKNOWN: Self = Self(None);

    fn is_behind(self, reported: i64) -> bool {
        self.0 != Some(reported)
    }

    /// A counter that went back belongs to a node that was started again.
    fn is_ahead_of(self, reported: i64) -> bool {
        self.0.is_some_and(|held| reported < held)
    }
}

/// A node under watch.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: MemberId,
    pub(crate) node: Arc<Node>,
    connection: Option<Connection>,
    peers_generation: Generation,
    partition_generation: Generation,
    rebalance_generation: Generation,
    /// Refreshes that failed in a row.
    pub(crate) failures: u32,
    /// Peers it listed last.
    pub(crate) peer_count: usize,
    /// Members that list it as a peer, as of the last look.
    pub(crate) friends: usize,
    /// Its address answers under another id now.
    pub(crate) was_replaced: bool,
    pub(crate) peers_changed: bool,
    pub(crate) partitions_changed: bool,
    pub(crate) racks_changed: bool,
}

impl Member {
    pub(crate) fn new(id: MemberId, node: Arc<Node>, connection: Connection) -> Self {
        Self {
            id,
            node,
            connection: Some(connection),
            peers_generation: Generation::UNKNOWN,
            partition_generation: Generation::UNKNOWN,
            rebalance_generation: Generation::UNKNOWN,
            failures: 0,
            peer_count: 0,
            friends: 0,
            was_replaced: false,
            peers_changed: true,
            partitions_changed: true,
            racks_changed: true,
        }
    }

    /// Whether its last refresh succeeded.
    pub(crate) fn is_well(&self) -> bool {
        self.failures == 0 && !self.was_replaced
    }

    /// Asks the node for its id and generations.
    pub(crate) async fn refresh(&mut self, with_racks: bool) {
        let mut commands = vec!["node", "peers-generation", "partition-generation"];
        if with_racks {
            commands.push("rebalance-generation");
        }
        let had_failures = self.failures > 0;
        let outcome = match self.ask(&commands).await {
            Ok(answer) => self.take_in(&answer, with_racks),
            Err(failure) => Err(failure),
        };
        self.node.metrics().happened(if outcome.is_ok() { Happening::Tended } else { Happening::TendFailed });
        match outcome {
            Ok(()) => {
                self.failures = 0;
                self.node.health.record_well();
                if had_failures {
                    self.forget();
                }
            }
            Err(_) => {
                self.failures += 1;
                self.node.health.record_unwell(Instant::now());
                self.connection = None;
            }
        }
    }

    fn take_in(&mut self, answer: &InfoAnswer, with_racks: bool) -> Result<(), Failure> {
        if answer.value("node")? != &*self.node.name {
            self.was_replaced = true;
            return Ok(());
        }
        let peers = answer.number("peers-generation")?;
        if self.peers_generation.is_ahead_of(peers) {
            self.forget();
        }
        self.peers_changed |= self.peers_generation.is_behind(peers);
        self.partitions_changed |= self.partition_generation.is_behind(answer.number("partition-generation")?);
        if with_racks {
            // servers without racks do not know the command
            self.racks_changed |=
                answer.number("rebalance-generation").is_ok_and(|g| self.rebalance_generation.is_behind(g));
        }
        Ok(())
    }

    /// The node may have been started again: nothing it said before counts.
    fn forget(&mut self) {
        self.node.health.reset_errors();
        self.peers_generation = Generation::UNKNOWN;
        self.partition_generation = Generation::UNKNOWN;
        self.rebalance_generation = Generation::UNKNOWN;
        self.peers_changed = true;
        self.partitions_changed = true;
        self.racks_changed = true;
    }

    /// Another node took over a partition: what this one said is out of date.
    pub(crate) fn forget_partitions(&mut self) {
        self.partition_generation = Generation::UNKNOWN;
    }

    /// Reads the list of peers. `None` when it cannot be read.
    pub(crate) async fn read_peers(&mut self, command: &str) -> Option<Peers> {
        let answer = self.ask(&[command]).await.ok()?;
        let peers = parse_peers(answer.value(command).ok()?).ok()?;
        self.peer_count = peers.peers.len();
        Some(peers)
    }

    /// All peers of this list are members.
    pub(crate) fn peers_known(&mut self, generation: i64) {
        self.peers_generation = Generation(Some(generation));
        self.peers_changed = false;
    }

    /// Reads the partitions the node holds. `None` when they cannot be read.
    pub(crate) async fn read_partitions(&mut self) -> Option<Vec<NamespaceReplicas>> {
        let answer = self.ask(&["partition-generation", "replicas"]).await.ok()?;
        let generation = answer.number("partition-generation").ok()?;
        let report = parse_replicas(answer.value("replicas").ok()?).ok()?;
        self.partition_generation = Generation(Some(generation));
        self.partitions_changed = false;
        Some(report)
    }

    /// Reads which rack the node is in.
    pub(crate) async fn read_racks(&mut self) {
        let Ok(answer) = self.ask(&["rebalance-generation", "rack-ids"]).await else { return };
        let (Ok(generation), Ok(racks)) = (answer.number("rebalance-generation"), answer.value("rack-ids")) else {
            // Community Edition has no racks; asking again would not change that
            self.racks_changed = false;
            return;
        };
        let entries = racks.split(';').filter_map(|entry| entry.split_once(':'));
        let racks: HashMap<String, u32> =
            entries.filter_map(|(ns, rack)| Some((ns.to_owned(), rack.trim().parse().ok()?))).collect();
        self.node.set_racks(racks);
        self.rebalance_generation = Generation(Some(generation));
        self.racks_changed = false;
    }

    /// Asks on the connection at hand, or on a new one when there is none or it was lost meanwhile.
    async fn ask(&mut self, commands: &[&str]) -> Result<InfoAnswer, Failure> {
        // what others know of the cluster must not wait for a node that is not there
        let timeout = self.node.pool.dialer().timeout.get();
        let limit = if self.node.health.is_silent() { SILENT_TIMEOUT.min(timeout) } else { timeout };
        let deadline = Deadline::within(Instant::now(), limit);
        let timed_out = |_| Failure::timeout("the node did not answer an info command in time");
        if let Some(mut connection) = self.connection.take() {
            match deadline.bound(ask(&mut connection, commands.iter().copied())).await.map_err(timed_out)? {
                Ok(answer) => {
                    self.connection = Some(connection);
                    return Ok(answer);
                }
                // a node that was started again closed the old connection, and answers on a new one
                Err(_) => self.forget(),
            }
        }
        let dialer = self.node.pool.dialer().clone();
        let fresh = async {
            let mut connection = dialer.dial().await?;
            let answer = ask(&mut connection, commands.iter().copied()).await?;
            Ok((connection, answer))
        };
        let (connection, answer) = deadline.bound(fresh).await.map_err(timed_out)??;
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Logs in again before the session ends.
    pub(crate) async fn renew_session(&mut self) {
        let session = self.node.pool.dialer().session.clone();
        if !session.must_renew(Instant::now()) {
            return;
        }
        if let Some(connection) = &mut self.connection
            && session.renew(connection).await.is_err()
        {
            self.connection = None;
        }
    }

    /// Takes the node out of service.
    pub(crate) fn dismiss(&self) {
        self.node.metrics().tell(NodeEvent::NodeRemoved);
        let detail = format!("node {} left the cluster", self.node.name);
        self.node.leave(Failure::new(Code::CONNECTION, detail));
    }
}
