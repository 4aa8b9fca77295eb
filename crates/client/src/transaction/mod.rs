//! Transactions: several records written or none (protocol-2 section 1).
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | the handle, and commands in a transaction |
//! | `state.rs` | what a transaction has read and written, and how far it is |
//! | `turns.rs` | commands on one record, one after another |
//! | `together.rs` | commands of one tick that travel together |
//! | `monitor.rs` | the record that lists what a transaction writes |
//! | `finish.rs` | committing and undoing |
//!
//! A transaction reads and writes records through ordinary commands that carry its id. What it reads is noted with its
//! version; what it writes is locked at the server, and listed in the transaction's monitor before. Committing compares
//! the versions, marks the monitor, and makes what was written final. From the mark on the transaction is committed,
//! whatever becomes of the client: the server finishes it.

mod finish;
mod monitor;
mod state;
mod together;
mod turns;

use std::sync::Arc;

use aerospike_wire::Digest;
use aerospike_wire::transaction::TransactionFields;
use bytes::Bytes;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::batch::{self, Batch, BatchReply, Bound};
use crate::cluster::Cluster;
use crate::command::{Command, Reply, SentFlag, Spec};
use crate::error::{Code, Error, Failure};
use crate::execute::execute;
use crate::metrics::Fate;
pub use finish::{Aborted, CommitFailure, Committed, FailedRead, Stage};
use monitor::Monitor;
use state::Progress;
pub use state::State;
pub use together::{Group, Tick};
use turns::{Places, Turns};

/// Seconds a transaction may ask for.
pub const MAX_TIMEOUT: u32 = 120;

/// A transaction. Dropping it undoes what was written, in the background, unless it was committed.
#[derive(Debug)]
pub struct Transaction(Arc<Shared>);

/// What the commands of a transaction share.
#[derive(Debug)]
pub(crate) struct Shared {
    cluster: Arc<Cluster>,
    id: u64,
    progress: Progress,
    monitor: Monitor,
    turns: Turns,
    /// Held while it is committed or undone.
    ending: AsyncMutex<()>,
}

/// A command of a transaction that is under way: the transaction does not end before it.
#[derive(Debug)]
pub struct UnderWay {
    shared: Arc<Shared>,
    /// Its places in the lines of its records, once it was announced.
    places: Option<Places>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.places = None; // what comes after it may already run when the transaction learns of the end
        self.shared.progress.leave();
    }
}

impl Transaction {
    /// Begins a transaction; nothing is sent before its first command. `timeout` is in seconds, 0 for what the server
    /// gives a transaction.
    pub(crate) fn begin(cluster: &Arc<Cluster>, timeout: u32) -> Self {
        let id = fastrand::u64(1..);
        cluster.metrics.transaction(Fate::Begun);
        Self(Arc::new(Shared {
            cluster: cluster.clone(),
            id,
            progress: Progress::default(),
            monitor: Monitor::new(id, timeout.min(MAX_TIMEOUT)),
            turns: Turns::default(),
            ending: AsyncMutex::default(),
        }))
    }

    /// Its id, which is never 0.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// How far it is.
    pub fn state(&self) -> State {
        self.0.progress.state()
    }

    /// Registers a command. A transaction that ends, or has ended, takes none.
    pub fn enter(&self) -> Result<UnderWay, Error> {
        self.0.progress.enter().map_err(|f| Error::new(f.code, f.detail))?;
        Ok(UnderWay { shared: self.0.clone(), places: None })
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.0.progress.is_abandoned() {
            let shared = self.0.clone();
            // whether that succeeds or not, the server does the same when the time of the transaction is over
            self.0.cluster.runtime.spawn(async move { drop(shared.abort().await) });
        }
    }
}

impl UnderWay {
    /// Says that a command is about to be carried out. Commands on one record are carried out in the order in which they
    /// are announced. Writes that are announced before the first of them is carried out are listed in the monitor together.
    pub fn announce(&mut self, command: &Command) {
        let digest = command.key.digest(&command.set);
        self.places = Some(self.shared.turns.line_up(vec![digest]));
        if command.spec.is_write() {
            self.shared.monitor.announce(digest);
        }
    }

    /// The same for the rows of a batch.
    pub fn announce_batch(&mut self, batch: &Batch) {
        let digests = batch.digests();
        for (row, digest) in batch.rows.iter().zip(&digests) {
            if batch.specs.get(row.spec as usize).is_some_and(Spec::is_write) {
                self.shared.monitor.announce(*digest);
            }
        }
        self.places = Some(self.shared.turns.line_up(digests));
    }

    /// Carries out a command in the transaction.
    pub async fn execute(mut self, mut command: Command) -> Result<Reply, Error> {
        let begun = Instant::now();
        let digest = command.key.digest(&command.set);
        let places = self.places.take().unwrap_or_else(|| self.shared.turns.line_up(vec![digest]));
        places.turn().await;
        let shared = &*self.shared;
        let is_write = command.spec.is_write();
        let written = if is_write { vec![digest] } else { Vec::new() };
        shared.prepare(&command.namespace, written, &mut command.policy, begun).await?;
        command.spec.transaction = shared.fields(&digest, is_write);
        let sent = command.sent.get_or_insert_default().clone();
        let set = command.set.clone();
        let doubt = Doubt { shared, writes: if is_write { vec![(digest, set.clone())] } else { Vec::new() }, sent };
        let outcome = execute(&shared.cluster, command, |outcome| outcome).await;
        doubt.resolve();
        let seen = match &outcome {
            Ok(reply) => shared.progress.note(digest, &set, is_write, Code::OK, &reply.message),
            Err(error) => match error.message() {
                _ if error.in_doubt() => {
                    shared.progress.note_doubt(digest, &set);
                    Ok(())
                }
                Some(message) => shared.progress.note(digest, &set, is_write, error.code(), message),
                None => Ok(()),
            },
        };
        seen.map_err(|failure| Error::new(failure.code, failure.detail).in_doubt_if(is_write))?;
        outcome
    }

    /// Carries out a batch in the transaction. Where the transaction is in the way of it as a whole, every row says so.
    pub async fn batch(mut self, batch: Batch) -> BatchReply {
        let (begun, rows) = (Instant::now(), batch.rows.len());
        let places = self.places.take().unwrap_or_else(|| self.shared.turns.line_up(batch.digests()));
        let reply = self.shared.batch(batch, &places, None).await;
        reply.unwrap_or_else(|error| BatchReply::refused(rows, error.code(), begun.elapsed()))
    }
}

impl Shared {
    /// Carries out a batch when it is its turn. Outcomes that others keep waiting go to `part`, when there is one. Fails
    /// when nothing was sent.
    async fn batch(
        self: &Arc<Self>,
        mut batch: Batch,
        places: &Places,
        part: Option<&mut (dyn FnMut(BatchReply) + Send)>,
    ) -> Result<BatchReply, Error> {
        let begun = Instant::now();
        places.turn().await;
        let digests = batch.digests();
        let writes: Vec<(Digest, Bytes)> = batch
            .rows
            .iter()
            .zip(&digests)
            .filter(|(row, _)| batch.specs.get(row.spec as usize).is_some_and(Spec::is_write))
            .map(|(row, digest)| {
                let set = batch.keyspaces.get(row.keyspace as usize).map(|keyspace| keyspace.set.clone());
                (*digest, set.unwrap_or_default())
            })
            .collect();
        let namespaces: Vec<Bytes> = batch.keyspaces.iter().map(|keyspace| keyspace.namespace.clone()).collect();
        for namespace in &namespaces {
            self.progress.claim(namespace).map_err(|f| Error::new(f.code, f.detail))?;
        }
        if let Some(namespace) = namespaces.first() {
            let written = writes.iter().map(|(digest, _)| *digest).collect();
            self.prepare(namespace, written, &mut batch.policy, begun).await?;
        }
        let sent = batch.sent.get_or_insert_default().clone();
        let doubt = Doubt { shared: self, writes, sent };
        let mut in_doubt = Vec::new();
        let mut note = |reply: &BatchReply| {
            let rows = reply.rows.iter().zip(&digests).filter(|(row, _)| row.in_doubt && !row.is_elsewhere);
            in_doubt.extend(rows.map(|(_, digest)| *digest));
        };
        let reply = match part {
            None => batch::run_in(&self.cluster, batch, self.clone(), None).await,
            Some(part) => {
                let mut part = |reply| {
                    note(&reply);
                    part(reply);
                };
                batch::run_in(&self.cluster, batch, self.clone(), Some(&mut part)).await
            }
        };
        note(&reply);
        let writes = doubt.resolve();
        for digest in &in_doubt {
            if let Some((_, set)) = writes.iter().find(|(written, _)| written == digest) {
                self.progress.note_doubt(*digest, set);
            }
        }
        Ok(reply)
    }
}

impl Shared {
    /// Sees to it that commands on a namespace can be sent: the transaction is of that namespace, and its monitor lists
    /// what they write. The time that takes is theirs.
    async fn prepare(
        &self,
        namespace: &Bytes,
        writes: Vec<Digest>,
        policy: &mut crate::policy::CommandPolicy,
        begun: Instant,
    ) -> Result<(), Error> {
        self.progress.claim(namespace).map_err(|f| Error::new(f.code, f.detail))?;
        if writes.is_empty() {
            return Ok(());
        }
        self.monitor.list(&self.cluster, namespace, &writes, policy).await?;
        if policy.total_timeout > 0 {
            let spent = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
            policy.total_timeout = policy.total_timeout.saturating_sub(spent);
            if policy.total_timeout == 0 {
                let failure =
                    Failure::timeout("the time was over when the monitor of the transaction listed the write");
                return Err(Error::new(failure.code, failure.detail));
            }
        }
        Ok(())
    }
}

impl Bound for Shared {
    fn fields(&self, digest: &Digest, is_write: bool) -> TransactionFields {
        TransactionFields {
            id: Some(self.id),
            version: self.progress.version(digest),
            deadline: if is_write { self.monitor.deadline() } else { None },
        }
    }

    fn note_row(&self, digest: Digest, set: &Bytes, is_write: bool, code: Code, message: &[u8]) {
        if self.progress.note(digest, set, is_write, code, message).is_err() {
            // a version that cannot be read is one that cannot be verified
            self.progress.note_doubt(digest, set);
        }
    }
}

/// Writes that are in doubt when nobody waits for their outcome any more.
struct Doubt<'t> {
    shared: &'t Shared,
    writes: Vec<(Digest, Bytes)>,
    sent: Arc<SentFlag>,
}

impl Doubt<'_> {
    /// The outcome is there.
    fn resolve(mut self) -> Vec<(Digest, Bytes)> {
        std::mem::take(&mut self.writes)
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if self.sent.is_set() {
            self.writes.iter().for_each(|(digest, set)| self.shared.progress.note_doubt(*digest, set));
        }
    }
}
