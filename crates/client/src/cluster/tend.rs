//! Keeping the view of the cluster up to date (protocol section 5.3): one task per client asks every node for its
//! state, once per interval or as soon as a connection reports trouble, and publishes what changed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Cluster;
use super::member::Member;
use super::partitions::{MemberId, PartitionMap};
use super::peers::{Newcomers, peers_command};
use super::validate::{Origin, Validated, validate};
use crate::concurrent::join_all;
use crate::connection::health::Health;
use crate::connection::pool::Pool;
use crate::deadline::Deadline;
use crate::error::{Code, Error, Failure, SubError};
use crate::metrics::NodeEvent;
use crate::node::Node;
use crate::retry::SEEDS;

/// Failures in a row after which a node is dropped although no other node could be asked about it.
const MAX_FAILURES: u32 = 5;
/// The least time between two looks at the cluster, however many connections report trouble.
const TEND_NOW_PAUSE: Duration = Duration::from_millis(100);
/// How long other seeds may still answer once one has.
const SEED_GRACE: Duration = Duration::from_millis(250);
/// Looks in a row while nodes keep being found through nodes just found.
const MAX_PASSES: usize = 16;

/// The one who tends. Owns all that only tending needs, so that none of it is behind a lock.
#[derive(Debug)]
pub(crate) struct Tender {
    cluster: Arc<Cluster>,
    members: Vec<Member>,
    map: PartitionMap,
    next_id: u32,
    window_ends: Instant,
}

impl Tender {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, members: Vec::new(), map: PartitionMap::default(), next_id: 0, window_ends: Instant::now() }
    }

    /// Finds the cluster and learns all of it.
    pub(crate) async fn start(&mut self, deadline: Deadline) -> Result<(), Error> {
        let mut failures = self.seed(deadline).await;
        let mut attempts = 0;
        // a node that is still starting is worth waiting for, unlike one that does not answer or is another's
        while self.members.is_empty() && failures.iter().any(|f| f.code == Code::INVALID_NODE) {
            attempts += 1;
            let again = Instant::now() + SEEDS.pause(attempts);
            if deadline.has_passed(again) {
                break;
            }
            sleep_until(again).await;
            failures = self.seed(deadline).await;
        }
        let mut known = 0;
        while self.members.len() > known {
            known = self.members.len();
            if deadline.bound(self.turn()).await.is_err() {
                break;
            }
        }
        if self.cluster.routing.load().namespaces.is_empty() {
            return Err(self.not_found(&failures));
        }
        Ok(())
    }

    fn not_found(&self, failures: &[Failure]) -> Error {
        let reasons: Vec<String> = failures.iter().map(Failure::to_string).collect();
        let code = match failures {
            [first, rest @ ..] if rest.iter().all(|f| f.code == first.code) => first.code,
            _ => Code::CONNECTION,
        };
        let detail = if reasons.is_empty() {
            "the cluster answered, but not with its partitions, within the connect timeout".to_owned()
        } else {
            format!("could not connect to the cluster: {}", reasons.join("; "))
        };
        let sub_error = |failure: &Failure| SubError {
            code: failure.code,
            detail: failure.detail.clone(),
            node: None,
            attempt: 1,
            in_doubt: false,
            elapsed: Duration::ZERO,
        };
        Error::new(code, detail).with_sub_errors(failures.iter().map(sub_error).collect())
    }

    /// Tends for as long as the client lives.
    pub(crate) async fn run(mut self) {
        loop {
            let started = Instant::now();
            self.turn().await;
            self.cluster.last_tend.record();
            self.cluster.first_look.end();
            let interval = self.cluster.settings.load().tend_interval;
            let earliest = Instant::now() + TEND_NOW_PAUSE.min(interval);
            let due = earliest.max(started + interval);
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.cluster.tend_now.notified() => sleep_until(earliest).await,
            }
        }
    }

    /// Tries every configured host at once. Returns why some are no nodes of the cluster.
    async fn seed(&mut self, deadline: Deadline) -> Vec<Failure> {
        let mut silent = self.cluster.config.hosts.clone();
        let mut visits = JoinSet::new();
        for endpoint in silent.clone() {
            let cluster = self.cluster.clone();
            visits.spawn(async move { (endpoint.clone(), validate(&cluster, endpoint, Origin::Seed, deadline).await) });
        }
        let mut failures = Vec::new();
        let mut read_timeout = deadline;
        while let Ok(Some(visit)) = read_timeout.bound(visits.join_next()).await {
            let Ok((endpoint, outcome)) = visit else {
                failures.push(Failure::new(Code::CLIENT, "the task that visited a host ended early"));
                continue;
            };
            silent.retain(|e| *e != endpoint);
            match outcome {
                Ok(node) => {
                    self.admit(node);
                    read_timeout = deadline.earlier(Deadline::within(Instant::now(), SEED_GRACE));
                }
                Err(mut failure) => {
                    // what a node refuses does not say which one it is
                    let address = endpoint.to_string();
                    if !failure.detail.contains(&address) {
                        failure.detail = format!("{address}: {failure}").into();
                    }
                    failures.push(failure);
                }
            }
        }
        failures.extend(silent.iter().map(|e| Failure::connection(format!("no answer from {e}"))));
        failures
    }

    /// One look at the whole cluster.
    async fn turn(&mut self) {
        self.tend_pools();
        for _ in 0..MAX_PASSES {
            let with_racks = !self.cluster.settings.load().preferred_racks.is_empty();
            join_all(self.members.iter_mut().map(|m| m.refresh(with_racks))).await;
            join_all(self.members.iter_mut().filter(|m| m.is_well()).map(Member::renew_session)).await;
            let looked_at_peers = self.members.iter().any(|m| m.peers_changed || !m.is_well());
            let newcomers = if looked_at_peers { self.look_at_peers().await } else { Vec::new() };
            let mut changed = self.dismiss_lost(looked_at_peers);
            changed |= self.read_partitions().await;
            if with_racks {
                join_all(self.members.iter_mut().filter(|m| m.is_well() && m.racks_changed).map(Member::read_racks))
                    .await;
            }
            let mut grew = false;
            for node in newcomers {
                grew |= self.admit(node);
            }
            if self.members.is_empty() {
                // looking for the hosts takes its time, and until then nobody should think that there are nodes
                self.publish();
                let deadline = Deadline::within(Instant::now(), self.cluster.config.connect_timeout);
                let failures = self.seed(deadline).await;
                grew = !self.members.is_empty();
                self.cluster.note_silent_hosts(if grew { Vec::new() } else { failures });
            }
            if changed || grew {
                self.publish();
            }
            if !grew {
                break;
            }
        }
    }

    fn tend_pools(&mut self) {
        let now = Instant::now();
        let settings = self.cluster.settings.load();
        let window_over = now >= self.window_ends;
        if window_over {
            self.window_ends = now + settings.tend_interval * settings.error_rate_window;
        }
        for member in &self.members {
            if window_over {
                member.node.health.reset_errors();
            }
            member.node.pool.tend(now);
        }
    }

    /// Asks every node for its peers and visits those that are new.
    async fn look_at_peers(&mut self) -> Vec<Validated> {
        let command = peers_command(&self.cluster);
        let well = self.members.iter_mut().filter(|m| m.is_well());
        let lists = join_all(well.map(async |m| (m.id, m.read_peers(command).await))).await;
        let by_name: HashMap<Arc<str>, usize> =
            self.members.iter().enumerate().map(|(at, m)| (m.node.name.clone(), at)).collect();
        let mut friends = vec![0; self.members.len()];
        let mut newcomers = Newcomers::default();
        let mut read = Vec::new();
        for (id, list) in lists {
            let Some(list) = list else { continue };
            read.push((id, list.generation));
            for peer in list.peers {
                match by_name.get(peer.node.as_str()).and_then(|at| friends.get_mut(*at)) {
                    Some(friends) => *friends += 1,
                    None => newcomers.add(peer),
                }
            }
        }
        for (member, friends) in self.members.iter_mut().zip(friends) {
            member.friends = friends;
        }
        let (found, unreachable) = newcomers.visit(&self.cluster).await;
        let complete = unreachable.is_empty();
        self.cluster.note_unreachable(unreachable);
        if complete {
            for (id, generation) in read {
                if let Some(member) = self.members.iter_mut().find(|m| m.id == id) {
                    member.peers_known(generation);
                }
            }
        }
        found
    }

    /// Drops the nodes that are gone. Returns whether there were any.
    fn dismiss_lost(&mut self, friends_are_known: bool) -> bool {
        let count = self.members.len();
        let any_well = self.members.iter().any(Member::is_well);
        let map = &self.map;
        self.members.retain(|m| {
            let friendless = friends_are_known && count > 1 && any_well && m.friends == 0;
            let lost = m.was_replaced
                || (!any_well && m.failures >= MAX_FAILURES)
                || (friendless && (m.failures > 0 || !map.owns_any(m.id)));
            if lost {
                m.dismiss();
            }
            !lost
        });
        self.members.len() < count
    }

    /// Reads the partitions of the nodes that say they changed. Returns whether any did.
    async fn read_partitions(&mut self) -> bool {
        let alone = self.members.len() == 1;
        // a node that sees no peers although there are some has not joined the cluster yet
        let due = |m: &&mut Member| m.is_well() && m.partitions_changed && (alone || m.peer_count > 0);
        let reports =
            join_all(self.members.iter_mut().filter(due).map(async |m| (m.id, m.read_partitions().await))).await;
        let mut changed = false;
        let mut displaced = HashSet::new();
        for (id, report) in reports {
            if let Some(report) = report {
                changed = true;
                displaced.extend(self.map.apply(id, &report));
            }
        }
        for member in &mut self.members {
            if displaced.contains(&member.id) {
                member.forget_partitions();
            }
        }
        changed
    }

    /// Makes a validated node a member. Returns whether it was not one already.
    fn admit(&mut self, found: Validated) -> bool {
        if self.members.iter().any(|m| m.node.name == found.name) {
            return false;
        }
        let settings = self.cluster.settings.load();
        let endpoint = found.dialer.address.endpoint.clone();
        let metrics = self.cluster.metrics.node(&found.name);
        metrics.tell(NodeEvent::NodeAdded);
        let health = Arc::new(Health::new(settings.max_error_rate, self.cluster.tend_now.clone(), metrics));
        let pool = Pool::new(settings.limits(), found.dialer, health, self.cluster.runtime.clone());
        let node = Arc::new(Node::new(found.name, endpoint, found.build, pool));
        self.next_id += 1;
        self.members.push(Member::new(MemberId(self.next_id), node, found.connection));
        true
    }

    /// Shows commands the new state.
    fn publish(&self) {
        if self.cluster.is_closing() {
            return;
        }
        let nodes: Vec<(MemberId, Arc<Node>)> = self.members.iter().map(|m| (m.id, m.node.clone())).collect();
        // of nodes that were found after there were none nothing is known yet but their names
        let was_empty = self.cluster.routing.load().nodes.is_empty();
        if was_empty && !nodes.is_empty() && !self.members.iter().any(|m| self.map.owns_any(m.id)) {
            return;
        }
        self.cluster.publish(self.map.snapshot(&nodes));
    }
}
