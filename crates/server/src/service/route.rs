//! Which copy of a record a command runs on, and what the other copies get.
//!
//! Writes run on the master's copy, wherever they were sent; the node they were sent to stands in for the proxy of a
//! real cluster. Reads run where they were sent if there is a copy, so that a client gets its answer from a replica
//! while the master does not respond, and on the master's copy otherwise.

use aerospike_wire::{Info3, ResultCode};
use bytes::BytesMut;

use crate::clock::Moment;
use crate::cluster::{NodeIndex, PartitionMap, State};
use crate::command::{Change, Context, Reply, Request};
use crate::store::{Namespace, Partition};
use crate::transaction;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    /// It is answered.
    Done,
    /// It did not run: the node that has to run it is frozen.
    NotRun(NodeIndex),
    /// It ran and is answered, but a replica has not acknowledged it: the answer must wait for it.
    Unacknowledged(NodeIndex),
}

/// How sure a read has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadMode {
    /// It is a write.
    Write,
    /// Any copy does: a namespace that is not strongly consistent has no other reads.
    AllowReplica,
    /// Any copy does, even of a partition that is not to be used.
    AllowUnavailable,
    /// The master's copy.
    Session,
    /// The master's copy, and the replicas have to say that it is the master.
    Linearize,
}

impl ReadMode {
    fn of(request: &Request<'_>, namespace: &Namespace) -> Self {
        let has = |flag| request.info3.contains(flag);
        match (has(Info3::SC_READ_RELAX), has(Info3::SC_READ_TYPE)) {
            _ if request.is_write() => Self::Write,
            _ if !namespace.strong_consistency => Self::AllowReplica,
            (false, false) => Self::Session,
            (false, true) => Self::Linearize,
            (true, false) => Self::AllowReplica,
            (true, true) => Self::AllowUnavailable,
        }
    }

    fn allows_replica(self) -> bool {
        matches!(self, Self::AllowReplica | Self::AllowUnavailable)
    }
}

/// Whether a write is answered before its replicas have it; a strongly consistent namespace waits for them in any case.
fn may_hurry(request: &Request<'_>, namespace: &Namespace) -> bool {
    request.info3.contains(Info3::COMMIT_LEVEL_MASTER) && !namespace.strong_consistency
}

/// A command on its way to the record.
pub(crate) struct Route<'r> {
    pub(crate) state: &'r State,
    pub(crate) map: &'r PartitionMap,
    /// The node it was sent to.
    pub(crate) here: NodeIndex,
    /// The time of the request.
    pub(crate) now: Moment,
    pub(crate) scratch: &'r mut BytesMut,
}

impl Route<'_> {
    /// Runs a command and writes its answer, a message without a frame, at the end of `out`.
    pub(crate) fn run(&mut self, namespace: usize, request: &Request<'_>, index: u32, out: &mut BytesMut) -> Served {
        self.run_with(namespace, request, index, out, |records, context, reply| {
            transaction::run(request, records, context, reply)
        })
    }

    /// Does something where a command runs, and copies what it did.
    pub(crate) fn run_with(
        &mut self,
        namespace: usize,
        request: &Request<'_>,
        index: u32,
        out: &mut BytesMut,
        run: impl FnOnce(&mut Partition, &mut Context<'_>, Reply<'_>) -> Change,
    ) -> Served {
        let partition = request.digest.partition();
        let holders = self.map.holders(partition);
        let is_frozen = |i: NodeIndex| self.state.nodes.get(i).is_some_and(|node| node.faults.is_frozen());
        let master = holders.first().copied().unwrap_or(self.here);
        let Some(shared) = self.state.namespaces.get(namespace) else {
            Reply::begin(out, index).fail(ResultCode::UNAVAILABLE, (0, 0));
            return Served::Done;
        };
        let mode = ReadMode::of(request, shared);
        if mode != ReadMode::AllowUnavailable && !self.state.is_available(shared, partition) {
            Reply::begin(out, index).fail(ResultCode::UNAVAILABLE, (0, 0));
            return Served::Done;
        }
        let runs_at = if mode.allows_replica() && holders.contains(&self.here) { self.here } else { master };
        if runs_at != self.here && is_frozen(runs_at) {
            return Served::NotRun(runs_at);
        }
        let reply = Reply::begin(out, index);
        let store_of = |i: NodeIndex| self.state.nodes.get(i)?.stores.get(namespace);
        let Some(store) = store_of(runs_at) else {
            reply.fail(ResultCode::UNAVAILABLE, (0, 0));
            return Served::Done;
        };
        let is_master = runs_at == master;
        let mut context = Context {
            namespace: shared,
            now: self.now,
            scratch: self.scratch,
            edition: self.state.options.edition,
            counters: &store.counters,
            is_master,
        };
        let mut records = store.lock(partition);
        let change = run(&mut records, &mut context, reply);
        let waits = match mode {
            ReadMode::Linearize => true,
            _ => change == Change::Record && request.is_write() && !may_hurry(request, shared),
        };
        if change == Change::None && !waits {
            return Served::Done;
        }
        // A frozen replica gets its copy as well: it would find the change in its sockets when it goes on. It only
        // cannot say so.
        let replicas = || holders.iter().copied().filter(|i| *i != runs_at);
        for copy in replicas().filter_map(store_of).filter(|_| change == Change::Record) {
            copy.lock(partition).copy_record(&request.digest, &records);
        }
        replicas().find(|i| waits && is_frozen(*i)).map_or(Served::Done, Served::Unacknowledged)
    }
}
