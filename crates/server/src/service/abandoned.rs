//! Ends transactions whose clients did not: when the time of a transaction is over, what it wrote is made final if it was
//! committed, and undone otherwise, on the nodes that hold the records. What a frozen node or a missing one is needed
//! for waits until it is back.

use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::transaction::MONITOR_SET;
use aerospike_wire::{Digest, Info4, KeyType, PartitionId};
use bytes::BytesMut;

use super::route::{Route, Served};
use crate::clock::Moment;
use crate::cluster::State;
use crate::command::{Change, Request};
use crate::store::{Monitor, Namespace, Partition, Phase};
use crate::transaction;

/// How long to wait before something is tried again that a node was missing for, and between looks for records that
/// nobody will unlock.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the monitor of a transaction that was ended here stays: a client that comes late is told what became of the
/// transaction, and can remove the monitor itself. The official clients' tests do that two seconds after the deadline.
const STAY: Duration = Duration::from_secs(4);
/// How long a monitor may be late before the records of its transaction are looked after.
const GRACE: Duration = Duration::from_secs(3);

/// Ends the abandoned transactions of a namespace until it is aborted.
pub(crate) async fn end_abandoned(state: Arc<State>, number: usize) {
    let Some(namespace) = state.namespaces.get(number) else { return };
    let ending = Ending { state: &state, number, namespace };
    let mut looked = Moment::now();
    loop {
        let now = Moment::now();
        while let Some(monitor) = namespace.due.take(now) {
            if ending.end(&monitor).is_none() {
                namespace.due.add(after(now, PAUSE), monitor);
            }
            tokio::task::yield_now().await;
        }
        if now.0.saturating_sub(looked.0) >= PAUSE.as_millis() as u64 {
            looked = now;
            ending.unlock_orphans(now);
        }
        let next = namespace.due.next().map_or(PAUSE, |due| Duration::from_millis((due.0 + 1).saturating_sub(now.0)));
        tokio::select! {
            () = tokio::time::sleep(next.min(PAUSE)) => {}
            () = namespace.due.earlier() => {}
        }
    }
}

fn after(moment: Moment, pause: Duration) -> Moment {
    Moment(moment.0 + pause.as_millis() as u64)
}

struct Ending<'s> {
    state: &'s State,
    number: usize,
    namespace: &'s Namespace,
}

impl Ending<'_> {
    /// Ends the transaction of a monitor, or removes the monitor of one that was ended here before; `None` when it has to be
    /// tried again.
    fn end(&self, monitor: &Digest) -> Option<()> {
        let mut found = None;
        self.on_master(monitor, |partition| {
            let Some(Monitor { deadline, phase, is_ended }) = partition.monitor(monitor) else { return Change::None };
            if is_ended {
                partition.bury(monitor, Moment::now());
                return Change::Record;
            }
            let phase = if phase == Phase::Open { Phase::Back } else { phase };
            // from now on the client cannot commit any more
            partition.set_monitor(*monitor, Monitor { deadline, phase, is_ended });
            found = Some((deadline, phase, partition.get(monitor, Moment::now()).and_then(transaction::listed)));
            Change::Record
        })?;
        let Some((deadline, phase, listed)) = found else { return Some(()) };
        let roll = if phase == Phase::Forward { Info4::MRT_ROLL_FORWARD } else { Info4::MRT_ROLL_BACK };
        // a monitor that cannot be read, as somebody wrote to it, lists nothing
        let (id, digests) = listed.unwrap_or_default();
        for digest in digests {
            self.roll(&digest, id, roll)?;
        }
        self.on_master(monitor, |partition| {
            partition.set_monitor(*monitor, Monitor { deadline, phase, is_ended: true });
            Change::Record
        })?;
        self.namespace.due.add(after(Moment::now(), STAY), *monitor);
        Some(())
    }

    /// Rolls back what is locked by transactions that have neither time nor a monitor, as one has whose monitor somebody
    /// removed.
    fn unlock_orphans(&self, now: Moment) {
        let late = Moment(now.0.saturating_sub(GRACE.as_millis() as u64));
        for id in PartitionId::all() {
            let Some(locked) = self.late(id, late) else { continue };
            for (digest, transaction) in locked {
                let monitor = Digest::of_key(MONITOR_SET, KeyType::Integer, &transaction.to_be_bytes());
                let mut is_watched = true;
                let looked = self.on_master(&monitor, |partition| {
                    is_watched = partition.monitor(&monitor).is_some();
                    Change::None
                });
                if looked.is_some() && !is_watched {
                    self.roll(&digest, transaction, Info4::MRT_ROLL_BACK);
                }
            }
        }
    }

    /// The records of a partition that are locked by transactions whose time was over at a moment.
    fn late(&self, id: PartitionId, at: Moment) -> Option<Vec<(Digest, u64)>> {
        let map = self.state.map();
        let store = self.state.nodes.get(*map.holders(id).first()?)?.stores.get(self.number)?;
        let records = store.lock(id);
        if records.provisionals().len() == 0 {
            return None;
        }
        let late = records.provisionals().filter(|(_, provisional)| provisional.deadline < at);
        Some(late.map(|(digest, provisional)| (*digest, provisional.transaction)).collect())
    }

    fn roll(&self, digest: &Digest, transaction: u64, roll: Info4) -> Option<()> {
        let request = Request::of_monitor(*digest, transaction, roll);
        self.with_master(digest, |route| route.run(self.number, &request, 0, &mut BytesMut::new()))
    }

    fn on_master(&self, digest: &Digest, act: impl FnOnce(&mut Partition) -> Change) -> Option<()> {
        let request = Request::of_monitor(*digest, 0, Info4::empty());
        self.with_master(digest, |route| {
            route.run_with(self.number, &request, 0, &mut BytesMut::new(), |partition, _, reply| {
                reply.discard();
                act(partition)
            })
        })
    }

    /// Does something where a record is; `None` when that cannot be done now.
    fn with_master(&self, digest: &Digest, act: impl FnOnce(&mut Route<'_>) -> Served) -> Option<()> {
        let map = self.state.map();
        let partition = digest.partition();
        let here = *map.holders(partition).first()?;
        let is_frozen = self.state.nodes.get(here).is_none_or(|node| node.faults.is_frozen());
        if is_frozen || !self.state.is_available(self.namespace, partition) {
            return None;
        }
        let mut scratch = BytesMut::new();
        act(&mut Route { state: self.state, map: &map, here, now: Moment::now(), scratch: &mut scratch });
        Some(())
    }
}
