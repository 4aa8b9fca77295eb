//! Committing and undoing (protocol-2 sections 1.5 and 1.6).
//!
//! | step | message | when it fails |
//! |---|---|---|
//! | verify | the version of each record that was read | the transaction is undone |
//! | mark | the monitor says that the transaction is committed | it is undone, or in doubt |
//! | roll | each record that was written becomes final | the server does it |
//! | close | the monitor is removed | the server does it |

use std::collections::HashMap;
use std::fmt;

use aerospike_wire::batch::BatchFlags;
use aerospike_wire::transaction::TransactionFields;
use aerospike_wire::{Digest, Info1, Info2, Info3, Info4, ResultCode};
use bytes::Bytes;

use super::monitor::ENDING;
use super::{Shared, State, Transaction};
use crate::batch::{self, Batch, BatchRow, Keyspace};
use crate::command::{Key, Spec};
use crate::error::{Code, Error};
use crate::execute::execute;
use crate::metrics::Fate;

/// How a commit ended well. In each case the transaction is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Committed {
    /// Everything is done.
    Done = 0,
    /// It was committed before.
    Already = 1,
    /// Some records are still locked; the server makes them final.
    RollForwardAbandoned = 2,
    /// The server removes the monitor.
    CloseAbandoned = 3,
}

/// How undoing ended. In each case nothing of the transaction is left in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Aborted {
    /// Everything is done.
    Done = 0,
    /// It was undone before.
    Already = 1,
    /// Some records are still locked; the server unlocks them.
    RollBackAbandoned = 2,
    /// The server removes the monitor.
    CloseAbandoned = 3,
}

/// The step at which a commit failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// It had ended before.
    Ended = 0,
    /// What was read was compared with what is there.
    Verify = 1,
    /// The transaction was to be marked as committed.
    Mark = 2,
}

/// A record that is not what it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRead {
    /// Its namespace.
    pub namespace: Bytes,
    /// Its set.
    pub set: Bytes,
    /// Which record.
    pub digest: Digest,
    /// What the server says of it, or why it says nothing.
    pub code: Code,
}

/// Why a transaction could not be committed.
#[derive(Debug, Clone)]
pub struct CommitFailure {
    /// How far it came.
    pub stage: Stage,
    /// What went wrong; [`Error::in_doubt`] when the transaction may be committed all the same.
    pub error: Error,
    /// The records that could not be verified.
    pub failed: Vec<FailedRead>,
}

impl fmt::Display for CommitFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for CommitFailure {}

impl Transaction {
    /// Commits the transaction, once the commands under way are over. It takes no more commands from now on. Where the
    /// outcome is in doubt, committing again finds out.
    pub async fn commit(&self) -> Result<Committed, CommitFailure> {
        let outcome = self.0.commit().await;
        let fate = match &outcome {
            Ok(Committed::Already) => return outcome,
            Ok(_) => Fate::Committed,
            Err(failure) if failure.error.in_doubt() => Fate::InDoubt,
            Err(_) => Fate::Failed,
        };
        self.0.cluster.metrics.transaction(fate);
        outcome
    }

    /// Undoes the transaction, once the commands under way are over. It takes no more commands from now on.
    pub async fn abort(&self) -> Result<Aborted, Error> {
        self.0.abort().await
    }
}

impl Shared {
    async fn commit(&self) -> Result<Committed, CommitFailure> {
        self.progress.end().await;
        let _turn = self.ending.lock().await;
        let state = self.progress.state();
        match state {
            State::Committed => return Ok(Committed::Already),
            State::Aborted => {
                let error = Error::new(Code::TXN_ALREADY_ABORTED, "the transaction was undone before");
                return Err(CommitFailure { stage: Stage::Ended, error, failed: Vec::new() });
            }
            State::Open => self.verify().await?,
            State::Verified | State::InDoubt => {}
        }
        self.mark(state == State::InDoubt).await?;
        let (is_rolled, writes) = self.roll(Info4::MRT_ROLL_FORWARD).await;
        let committed = match is_rolled {
            false => Committed::RollForwardAbandoned,
            true if self.close(writes).await => Committed::Done,
            true => Committed::CloseAbandoned,
        };
        self.progress.clear();
        Ok(committed)
    }

    /// Undoes it.
    pub(super) async fn abort(&self) -> Result<Aborted, Error> {
        self.progress.end().await;
        let _turn = self.ending.lock().await;
        match self.progress.state() {
            State::Open | State::Verified => Ok(self.undo().await),
            State::Aborted => Ok(Aborted::Already),
            State::Committed => Err(Error::new(Code::TXN_ALREADY_COMMITTED, "the transaction is committed")),
            State::InDoubt => {
                let detail = "whether the transaction is committed is not known; committing again finds out";
                Err(Error::new(Code::TXN_FAILED, detail).in_doubt_if(true))
            }
        }
    }

    async fn undo(&self) -> Aborted {
        self.progress.set_state(State::Aborted);
        self.cluster.metrics.transaction(Fate::Aborted);
        let (is_rolled, writes) = self.roll(Info4::MRT_ROLL_BACK).await;
        let aborted = match is_rolled {
            false => Aborted::RollBackAbandoned,
            true if self.close(writes).await => Aborted::Done,
            true => Aborted::CloseAbandoned,
        };
        self.progress.clear();
        aborted
    }

    /// Compares what was read with what is there; where that differs the transaction is undone.
    async fn verify(&self) -> Result<(), CommitFailure> {
        let mut rows = Rows::default();
        self.progress.look(|log| {
            rows.namespace = log.namespace.clone().unwrap_or_default();
            for (digest, read) in &log.reads {
                let transaction = TransactionFields { version: Some(read.version), ..TransactionFields::default() };
                let spec = Spec {
                    info1: Info1::READ | Info1::GET_NO_BINS,
                    info3: Info3::SC_READ_TYPE,
                    info4: Info4::MRT_VERIFY_READ,
                    transaction,
                    ..Spec::default()
                };
                rows.push(*digest, &read.set, spec);
            }
        });
        let failed = self.run(rows).await;
        if failed.is_empty() {
            self.progress.set_state(State::Verified);
            return Ok(());
        }
        let count = failed.len();
        let detail = format!("{count} of the records that the transaction read could not be verified");
        self.undo().await;
        Err(CommitFailure { stage: Stage::Verify, error: Error::new(Code::TXN_FAILED, detail), failed })
    }

    /// Has the monitor say that the transaction is committed, if it wrote anything.
    async fn mark(&self, was_in_doubt: bool) -> Result<(), CommitFailure> {
        let (namespace, has_written) =
            self.progress.look(|log| (log.namespace.clone().unwrap_or_default(), !log.writes.is_empty()));
        if !has_written {
            self.progress.set_state(State::Committed);
            return Ok(());
        }
        let marked = execute(&self.cluster, self.monitor.mark(&namespace), |outcome| outcome).await;
        let error = match marked {
            Err(error) if error.code() != ResultCode::MRT_COMMITTED.into() => error,
            _ => {
                self.progress.set_state(State::Committed);
                return Ok(());
            }
        };
        let in_doubt = was_in_doubt || error.in_doubt() || error.sub_errors().iter().any(|earlier| earlier.in_doubt);
        let code = error.code();
        let error = if code == ResultCode::MRT_ABORTED.into() || code == ResultCode::MRT_EXPIRED.into() && !in_doubt {
            // the server will not commit it any more
            self.undo().await;
            error.in_doubt_if(false)
        } else if in_doubt {
            self.progress.set_state(State::InDoubt);
            error.in_doubt_if(true)
        } else {
            error
        };
        Err(CommitFailure { stage: Stage::Mark, error, failed: Vec::new() })
    }

    /// Makes what was written final, or undoes it. Whether that was done everywhere, and whether the monitor may go: not
    /// while a write may still arrive.
    async fn roll(&self, way: Info4) -> (bool, bool) {
        let mut rows = Rows::default();
        let may_close = self.progress.look(|log| {
            rows.namespace = log.namespace.clone().unwrap_or_default();
            for (digest, set) in &log.writes {
                let transaction = TransactionFields { id: Some(self.id), ..TransactionFields::default() };
                let info2 = Info2::WRITE | Info2::DURABLE_DELETE;
                rows.push(*digest, set, Spec { info2, info4: way, transaction, ..Spec::default() });
            }
            !log.write_in_doubt
        });
        (self.run(rows).await.is_empty(), may_close)
    }

    /// Removes the monitor, if there is one; whether it is gone.
    async fn close(&self, may_close: bool) -> bool {
        if self.monitor.deadline().is_none() {
            return true;
        }
        if !may_close {
            return false;
        }
        let namespace = self.progress.look(|log| log.namespace.clone().unwrap_or_default());
        match execute(&self.cluster, self.monitor.close_command(&namespace), |outcome| outcome).await {
            Ok(_) => true,
            Err(error) => error.code() == ResultCode::NOT_FOUND.into(),
        }
    }

    /// Carries out one step for every record, and returns those for which it failed.
    async fn run(&self, rows: Rows) -> Vec<FailedRead> {
        let Rows { namespace, sets, specs, rows, .. } = rows;
        if rows.is_empty() {
            return Vec::new();
        }
        let keyspaces: Vec<Keyspace> =
            sets.iter().map(|set| Keyspace { namespace: namespace.clone(), set: set.clone() }).collect();
        let records: Vec<(Digest, Bytes)> = rows
            .iter()
            .map(|row| {
                let set = sets.get(row.keyspace as usize).cloned().unwrap_or_default();
                (row.key.digest(&set), set)
            })
            .collect();
        let batch = Batch {
            flags: BatchFlags::INLINE | BatchFlags::RESPOND_ALL_KEYS,
            refusal_retries: ENDING.max_retries,
            specs,
            keyspaces,
            rows,
            policy: ENDING,
            ..Batch::default()
        };
        let reply = batch::run(&self.cluster, batch, None).await;
        let outcomes = reply.rows.iter().zip(records);
        let failed = outcomes.filter(|(outcome, _)| outcome.code != Code::OK);
        let failed = failed.map(|(outcome, (digest, set))| {
            let namespace = namespace.clone();
            FailedRead { namespace, set, digest, code: outcome.code }
        });
        failed.collect()
    }
}

/// Records of one namespace, and what is done with each.
#[derive(Default)]
struct Rows {
    namespace: Bytes,
    sets: Vec<Bytes>,
    set_places: HashMap<Bytes, u32>,
    specs: Vec<Spec>,
    rows: Vec<BatchRow>,
}

impl Rows {
    fn push(&mut self, digest: Digest, set: &Bytes, spec: Spec) {
        let keyspace = match self.set_places.get(set) {
            Some(place) => *place,
            None => {
                let place = self.sets.len() as u32;
                self.sets.push(set.clone());
                self.set_places.insert(set.clone(), place);
                place
            }
        };
        // rows that ask the same share what they ask
        if self.specs.last().is_none_or(|last| last.info4 != spec.info4 || last.transaction != spec.transaction) {
            self.specs.push(spec);
        }
        let spec = self.specs.len().saturating_sub(1) as u32;
        self.rows.push(BatchRow { keyspace, spec, send_key: false, key: Key::Digest(digest) });
    }
}
