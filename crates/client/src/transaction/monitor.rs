//! The record that lists what a transaction writes, so that the server can end the transaction without its client.
//!
//! A write is listed before it is sent. Writes that come together are listed together: those of a tick of JavaScript, and
//! those that come while the monitor is being written. So a transaction of many writes costs few writes of its monitor.

use std::collections::HashMap;
use std::sync::Arc;

use aerospike_wire::op::write_op;
use aerospike_wire::transaction::{COMMITTED_BIN, DIGESTS_BIN, ID_BIN, MONITOR_SET};
use aerospike_wire::value::{pack_integer, pack_list_header, pack_typed};
use aerospike_wire::{Digest, FieldType, Info2, KeyType, OpCode, ParticleType, ResultCode};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use crate::cluster::Cluster;
use crate::command::{Command, Key, Reply, Spec};
use crate::error::{Code, Error};
use crate::execute::execute;
use crate::policy::{CommandPolicy, Replica};

/// Records that are listed with one write of the monitor.
#[derive(Debug, Default)]
struct Round {
    digests: Mutex<Vec<Digest>>,
    /// Set when that was done, or failed.
    outcome: OnceCell<Result<(), Error>>,
}

#[derive(Debug, Default)]
struct Rounds {
    of: HashMap<Digest, Arc<Round>>,
    /// Those that wait for the monitor to be written.
    open: Arc<Round>,
    /// In seconds since 2010 as the server counts; `None` before the monitor was made.
    deadline: Option<u32>,
}

/// The monitor of a transaction.
#[derive(Debug)]
pub(super) struct Monitor {
    id: u64,
    /// Seconds that the transaction asks for; 0 for what the server gives.
    timeout: u32,
    rounds: Mutex<Rounds>,
    /// Held while it is written.
    writing: AsyncMutex<()>,
}

impl Monitor {
    pub(super) fn new(id: u64, timeout: u32) -> Self {
        Self { id, timeout, rounds: Mutex::default(), writing: AsyncMutex::default() }
    }

    /// When the transaction ends at the latest, in seconds since 2010; `None` before the monitor was made.
    pub(super) fn deadline(&self) -> Option<u32> {
        self.rounds.lock().deadline
    }

    /// Puts a record on the list of those that are written next.
    pub(super) fn announce(&self, digest: Digest) {
        self.round_of(digest);
    }

    fn round_of(&self, digest: Digest) -> Arc<Round> {
        let mut rounds = self.rounds.lock();
        if let Some(round) = rounds.of.get(&digest) {
            return round.clone();
        }
        let round = rounds.open.clone();
        round.digests.lock().push(digest);
        rounds.of.insert(digest, round.clone());
        round
    }

    /// Has records listed, as far as they are not.
    pub(super) async fn list(
        &self,
        cluster: &Arc<Cluster>,
        namespace: &Bytes,
        digests: &[Digest],
        policy: &CommandPolicy,
    ) -> Result<(), Error> {
        let mut wanted: Vec<Arc<Round>> = Vec::new();
        for digest in digests {
            let round = self.round_of(*digest);
            if !wanted.iter().any(|other| Arc::ptr_eq(other, &round)) {
                wanted.push(round);
            }
        }
        for round in wanted {
            // whoever comes first writes for all; if that one is given up, the next one does
            let outcome = round.outcome.get_or_init(|| self.write(cluster, namespace, &round, policy)).await;
            outcome.clone()?;
        }
        Ok(())
    }

    async fn write(
        &self,
        cluster: &Arc<Cluster>,
        namespace: &Bytes,
        round: &Arc<Round>,
        policy: &CommandPolicy,
    ) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        let digests = self.close(round);
        let outcome = match self.add(cluster, namespace, &digests, policy, self.deadline().is_none()).await {
            // an attempt that got no answer has made it
            Err(error) if error.code() == ResultCode::MRT_MONITOR_EXISTS.into() => {
                self.add(cluster, namespace, &digests, policy, false).await
            }
            outcome => outcome,
        };
        let outcome = match outcome.and_then(|reply| self.take_deadline(&reply)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.undo_stray(cluster, namespace).await),
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            // a later write of these records tries again
            let mut rounds = self.rounds.lock();
            digests.iter().for_each(|digest| _ = rounds.of.remove(digest));
        }
        outcome
    }

    /// From here on others wait for the next round.
    fn close(&self, round: &Arc<Round>) -> Vec<Digest> {
        let mut rounds = self.rounds.lock();
        if Arc::ptr_eq(&rounds.open, round) {
            rounds.open = Arc::default();
        }
        round.digests.lock().clone()
    }

    async fn add(
        &self,
        cluster: &Arc<Cluster>,
        namespace: &Bytes,
        digests: &[Digest],
        policy: &CommandPolicy,
        begins: bool,
    ) -> Result<Reply, Error> {
        // adding twice is adding once
        let policy = CommandPolicy { idempotent: true, max_retries: policy.max_retries.max(LEAST_RETRIES), ..*policy };
        let command = Command { policy, ..self.command(namespace, self.add_spec(digests, begins)) };
        execute(cluster, command, |outcome| outcome).await
    }

    fn add_spec(&self, digests: &[Digest], begins: bool) -> Spec {
        let mut ops = BytesMut::with_capacity(64 + digests.len() * 24);
        if begins {
            write_op(&mut ops, OpCode::Write as u8, ParticleType::INTEGER, ID_BIN, &self.id.to_be_bytes());
        }
        write_op(&mut ops, OpCode::CdtModify as u8, ParticleType::BLOB, DIGESTS_BIN, &append(digests));
        Spec {
            info2: Info2::WRITE,
            ttl: self.timeout,
            op_count: 1 + u16::from(begins),
            ops: ops.freeze(),
            ..Spec::default()
        }
    }

    /// Reads when the transaction ends; `false` where the answer does not say: no monitor was made.
    fn take_deadline(&self, reply: &Reply) -> Result<bool, Error> {
        let message = reply.message().map_err(|error| Error::new(Code::CLIENT, error.to_string()))?;
        let deadline = message.field(FieldType::MRT_DEADLINE).and_then(|field| field.try_into().ok());
        if let Some(deadline) = deadline.map(u32::from_le_bytes) {
            self.rounds.lock().deadline = Some(deadline);
        }
        Ok(deadline.is_some())
    }

    /// A Community server takes the monitor for a record like any other and stores it: it is removed, and the error says what
    /// is missing.
    async fn undo_stray(&self, cluster: &Arc<Cluster>, namespace: &Bytes) -> Error {
        let remove = Spec { info2: Info2::WRITE | Info2::DELETE, ..Spec::default() };
        // it expires when that fails
        let _ = execute(cluster, self.command(namespace, remove), |outcome| outcome).await;
        let code = ResultCode::ENTERPRISE_ONLY.into();
        Error::new(code, "transactions need Enterprise servers from 8.0 on, and a namespace with strong consistency")
    }

    /// The command that says that the transaction is committed.
    pub(super) fn mark(&self, namespace: &Bytes) -> Command {
        let mut ops = BytesMut::new();
        write_op(&mut ops, OpCode::Write as u8, ParticleType::BOOL, COMMITTED_BIN, &[1]);
        let spec = Spec { info2: Info2::WRITE, op_count: 1, ops: ops.freeze(), ..Spec::default() };
        self.command(namespace, spec)
    }

    /// The command that removes it.
    pub(super) fn close_command(&self, namespace: &Bytes) -> Command {
        let info2 = Info2::WRITE | Info2::DELETE | Info2::DURABLE_DELETE;
        self.command(namespace, Spec { info2, ..Spec::default() })
    }

    fn command(&self, namespace: &Bytes, spec: Spec) -> Command {
        Command {
            namespace: namespace.clone(),
            set: Bytes::from_static(MONITOR_SET),
            key: Key::User { kind: KeyType::Integer, bytes: self.id.to_be_bytes().to_vec().into() },
            send_key: false,
            spec,
            policy: ENDING,
            sent: None,
            timed: false,
        }
    }
}

/// Times the monitor is written again when that fails, at least.
const LEAST_RETRIES: u16 = 2;

/// What ending a transaction may cost at each step (protocol-2 section 1.7).
pub(super) const ENDING: CommandPolicy = CommandPolicy {
    hedge: None,
    total_timeout: 10_000,
    socket_timeout: 3000,
    sleep_between_retries: 200,
    max_retries: 5,
    replica: Replica::Master,
    idempotent: true,
};

/// The operation that adds digests to an ordered list: those that are in it are passed over.
fn append(digests: &[Digest]) -> BytesMut {
    const APPEND_ITEMS: i64 = 2;
    const ORDERED: i64 = 1;
    const ADD_UNIQUE: i64 = 1;
    const NO_FAIL: i64 = 4;
    const PARTIAL: i64 = 8;
    let mut payload = BytesMut::with_capacity(16 + digests.len() * 24);
    pack_list_header(&mut payload, 4);
    pack_integer(&mut payload, APPEND_ITEMS);
    pack_list_header(&mut payload, digests.len());
    digests.iter().for_each(|digest| pack_typed(&mut payload, ParticleType::BLOB, &digest.0));
    pack_integer(&mut payload, ORDERED);
    pack_integer(&mut payload, ADD_UNIQUE | NO_FAIL | PARTIAL);
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u8) -> Digest {
        Digest([n; Digest::SIZE])
    }

    #[test]
    fn writes_that_are_announced_together_are_listed_together() {
        let monitor = Monitor::new(7, 0);
        (0..100).for_each(|n| monitor.announce(digest(n)));
        monitor.announce(digest(3));
        let round = monitor.round_of(digest(50));
        assert_eq!(monitor.close(&round).len(), 100, "each once");
        monitor.announce(digest(3));
        let later = monitor.round_of(digest(200));
        assert!(!Arc::ptr_eq(&round, &later), "what comes while it is written waits for the next time");
        assert_eq!(monitor.close(&later), [digest(200)], "and what was listed is not listed again");
    }

    #[test]
    fn only_the_first_write_of_the_monitor_has_its_id() {
        let monitor = Monitor::new(7, 5);
        let (first, next) = (monitor.add_spec(&[digest(1)], true), monitor.add_spec(&[digest(2)], false));
        assert_eq!((first.op_count, next.op_count), (2, 1));
        assert_eq!((first.ttl, next.ttl), (5, 5));
        assert!(first.ops.windows(2).any(|bytes| bytes == ID_BIN) && !next.ops.windows(2).any(|bytes| bytes == ID_BIN));
    }
}
