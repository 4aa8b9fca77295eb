//! Which copy of a record a command runs on, and what the other copies get.
//!
//! Writes run on the master's copy, wherever they were sent; the node they were sent to stands in for the proxy of a
//! real cluster. Reads run where they were sent if there is a copy, so that a client gets its answer from a replica
//! while the master does not respond, and on the master's copy otherwise.

use aerospike_wire::{Info3, ResultCode};
use bytes::BytesMut;

use crate::clock::Moment;
use crate::cluster::{NodeIndex, PartitionMap, State};
use crate::command::{self, Change, Context, Reply, Request};
use crate::store::Partition;

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
            command::run(request, records, context, reply)
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
        let runs_at = if !request.is_write() && holders.contains(&self.here) { self.here } else { master };
        if runs_at != self.here && is_frozen(runs_at) {
            return Served::NotRun(runs_at);
        }
        let reply = Reply::begin(out, index);
        let store_of = |i: NodeIndex| self.state.nodes.get(i)?.stores.get(namespace);
        let (Some(store), Some(shared)) = (store_of(runs_at), self.state.namespaces.get(namespace)) else {
            reply.fail(ResultCode::UNAVAILABLE, (0, 0));
            return Served::Done;
        };
        let is_master = runs_at == master;
        let mut context = Context {
            namespace: shared,
            now: self.now,
            scratch: self.scratch,
            edition: self.state.options.edition,
            is_master,
        };
        let mut records = store.lock(partition);
        if run(&mut records, &mut context, reply) == Change::None {
            return Served::Done;
        }
        // A frozen replica gets its copy as well: it would find the change in its sockets when it goes on. It only
        // cannot say so.
        let replicas = || holders.iter().copied().filter(|i| *i != runs_at);
        for copy in replicas().filter_map(store_of) {
            copy.lock(partition).copy_record(&request.digest, &records);
        }
        let waits = request.is_write() && !request.info3.contains(Info3::COMMIT_LEVEL_MASTER);
        replicas().find(|i| waits && is_frozen(*i)).map_or(Served::Done, Served::Unacknowledged)
    }
}
