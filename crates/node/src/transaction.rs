//! Transactions: the class that TypeScript commits and undoes them with, and the numbers by which request entries name
//! them.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use aerospike_core::{Code, CommitFailure, FailedRead, Group, Stage, State, Tick, Transaction, UnderWay};
use napi::Result;
use napi::bindgen_prelude::{BigInt, Buffer};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::completion::{Outcome, rejection};
use crate::entry::{Entry, Work};
use crate::handing_over::{Handover, until_polled};
use crate::settlement::{Settlement, Shared};

/// The transactions of a client by number. 0 is none; a number is used again when its transaction is gone.
#[derive(Default)]
pub(crate) struct Transactions(Mutex<Numbers>);

#[derive(Default)]
struct Numbers {
    taken: Vec<Weak<Transaction>>,
    free: Vec<u16>,
}

impl Transactions {
    /// A number for a transaction; `None` when there are as many as can be told apart.
    fn add(&self, transaction: &Arc<Transaction>) -> Option<u16> {
        let mut numbers = self.0.lock();
        let number = match numbers.free.pop() {
            Some(number) => number,
            None => {
                let number = u16::try_from(numbers.taken.len() + 1).ok()?;
                numbers.taken.push(Weak::new());
                number
            }
        };
        *numbers.taken.get_mut(usize::from(number) - 1)? = Arc::downgrade(transaction);
        Some(number)
    }

    fn remove(&self, number: u16) {
        let mut numbers = self.0.lock();
        if let Some(place) = usize::from(number).checked_sub(1).and_then(|at| numbers.taken.get_mut(at)) {
            *place = Weak::new();
            numbers.free.push(number);
        }
    }

    /// Registers a command of a transaction, so that the transaction does not end before it; `None` when it takes none.
    fn enter(&self, number: u16) -> Option<UnderWay> {
        let transaction = self.0.lock().taken.get(usize::from(number).checked_sub(1)?)?.upgrade()?;
        transaction.enter().ok()
    }
}

/// The commands of transactions in a submitted buffer, in the order of their entries.
#[derive(Default)]
pub(crate) struct Entered(VecDeque<Option<UnderWay>>);

impl Entered {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in a command of the transaction of a number.
    pub(crate) fn add(&mut self, transactions: &Transactions, number: u16) {
        self.0.push_back(transactions.enter(number));
    }

    /// Gives every entry its transaction. What the entries write is announced, so that it is listed together, and those
    /// that can travel together are sorted out.
    pub(crate) fn assign(mut self, entries: impl Iterator<Item = Entry>) -> Assigned {
        let mut tick = Tick::default();
        let mut alone = Vec::new();
        for entry in entries {
            if entry.transaction == 0 {
                alone.push((entry, Membership::None));
                continue;
            }
            let Some(mut member) = self.0.pop_front().flatten() else {
                alone.push((entry, Membership::Refused));
                continue;
            };
            let Entry { ticket, cancellable, transaction, mut work } = entry;
            match work {
                // one that may be cancelled is on its own, as the others of a group are not
                Ok(Work::Record(command)) if !cancellable => match tick.add(member, command, ticket) {
                    None => continue,
                    Some((back, command, _)) => (member, work) = (back, Ok(Work::Record(command))),
                },
                Ok(Work::Record(ref command)) => tick.add_alone(&mut member, command),
                Ok(Work::Batch(ref batch) | Work::Parts(ref batch)) => tick.add_batch(&mut member, batch),
                Err(_) => {}
            }
            alone.push((Entry { ticket, cancellable, transaction, work }, Membership::Of(member)));
        }
        Assigned { alone, groups: tick.into_groups() }
    }
}

/// The commands of a submitted buffer: those that travel alone, and those of transactions that travel together, with
/// their tickets.
pub(crate) struct Assigned {
    pub(crate) alone: Vec<(Entry, Membership)>,
    pub(crate) groups: Vec<Group<u32>>,
}

/// What a command has to do with transactions.
#[derive(Debug)]
pub(crate) enum Membership {
    /// Nothing.
    None,
    /// It belongs to one.
    Of(UnderWay),
    /// It belongs to one that takes no more commands.
    Refused,
}

/// A record that could not be verified.
#[napi(object)]
pub struct NativeFailedRead {
    /// Its namespace.
    pub namespace: String,
    /// Its set.
    pub set: String,
    /// Its digest.
    pub digest: Buffer,
    /// What the server says of it, or why it says nothing.
    pub code: i32,
}

/// What became of a commit.
#[napi(object)]
pub struct NativeCommit {
    /// How the commit ended well: 0 done, 1 it was committed before, 2 and 3 the server does the rest.
    pub status: u32,
    /// How far the transaction is: 0 open, 1 verified, 2 committed, 3 undone, 4 in doubt.
    pub state: u32,
    /// Why it failed, if it did.
    pub failure: Option<NativeCommitFailure>,
}

/// Why a commit failed.
#[napi(object)]
pub struct NativeCommitFailure {
    /// Where: 0 it had ended before, 1 verifying, 2 marking.
    pub stage: u32,
    /// The result code.
    pub code: i32,
    /// What happened, in words.
    pub detail: String,
    /// The node that was asked last.
    pub node: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Milliseconds it took.
    pub elapsed: f64,
    /// Whether the transaction may be committed all the same.
    pub in_doubt: bool,
    /// The records that could not be verified.
    pub failed: Vec<NativeFailedRead>,
}

impl From<CommitFailure> for NativeCommitFailure {
    fn from(CommitFailure { stage, error, failed }: CommitFailure) -> Self {
        let failed = failed.into_iter().map(|FailedRead { namespace, set, digest, code }| NativeFailedRead {
            namespace: String::from_utf8_lossy(&namespace).into_owned(),
            set: String::from_utf8_lossy(&set).into_owned(),
            digest: digest.0.to_vec().into(),
            code: code.0.into(),
        });
        Self {
            stage: match stage {
                Stage::Ended => 0,
                Stage::Verify => 1,
                Stage::Mark => 2,
            },
            code: error.code().0.into(),
            detail: error.detail().to_owned(),
            node: error.node().map(ToString::to_string),
            attempts: error.attempts(),
            elapsed: error.elapsed().as_secs_f64() * 1000.0,
            in_doubt: error.in_doubt(),
            failed: failed.collect(),
        }
    }
}

/// A transaction. Collecting it undoes what was not committed.
#[napi]
pub struct NativeTransaction {
    transaction: Arc<Transaction>,
    number: u16,
    numbers: Arc<Transactions>,
}

impl NativeTransaction {
    pub(crate) fn begin(transaction: Transaction, numbers: &Arc<Transactions>) -> Result<Self> {
        let transaction = Arc::new(transaction);
        let number = numbers.add(&transaction).ok_or_else(|| {
            let error = aerospike_core::Error::new(Code::CLIENT, "the client has 65,535 transactions already");
            rejection(error)
        })?;
        Ok(Self { transaction, number, numbers: numbers.clone() })
    }
}

#[napi]
impl NativeTransaction {
    /// The number by which entries name it.
    #[napi(getter)]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its id.
    #[napi(getter)]
    pub fn id(&self) -> BigInt {
        self.transaction.id().into()
    }

    /// How far it is, as in `NativeCommit`.
    #[napi(getter)]
    pub fn state(&self) -> u32 {
        state_number(self.transaction.state())
    }

    /// Commits it, when the commands under way are over.
    #[napi]
    pub async fn commit(&self) -> Result<NativeCommit> {
        let outcome = self.transaction.commit().await;
        let state = state_number(self.transaction.state());
        Ok(match outcome {
            Ok(committed) => NativeCommit { status: committed as u32, state, failure: None },
            Err(failure) => NativeCommit { status: 0, state, failure: Some(failure.into()) },
        })
    }

    /// Undoes it, when the commands under way are over. How that ended: 0 done, 1 it was undone before, 2 and 3 the
    /// server does the rest.
    #[napi]
    pub async fn abort(&self) -> Result<u32> {
        self.transaction.abort().await.map(|aborted| aborted as u32).map_err(rejection)
    }
}

impl Drop for NativeTransaction {
    fn drop(&mut self) {
        self.numbers.remove(self.number);
    }
}

fn state_number(state: State) -> u32 {
    state as u32
}

/// Carries out a command in its transaction.
pub(crate) async fn carry_out(transaction: UnderWay, work: Work) -> Outcome {
    match work {
        Work::Record(command) => transaction.execute(command).await.into(),
        // a transaction notes every answer before any of them is handed over
        Work::Batch(batch) | Work::Parts(batch) => Outcome::Batch(Box::new(transaction.batch(batch).await)),
    }
}

/// Carries out commands that travel together, and settles each as soon as its outcome is known.
pub(crate) fn start(group: Group<u32>, shared: &Arc<Shared>, handover: &Handover) {
    let group = group.map(|ticket| Settlement::new(shared.clone(), ticket, false));
    let run = group.run(|settlement, answer| settlement.settle(answer.into()));
    tokio::spawn(until_polled(handover.clone(), run));
}

/// Refuses a command whose transaction takes none.
pub(crate) const REFUSED: &str = "the transaction takes no more commands";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again() {
        let numbers = Transactions::default();
        assert!(numbers.enter(0).is_none() && numbers.enter(1).is_none());
        numbers.remove(7); // was never given
        assert!(numbers.0.lock().free.is_empty());
    }
}
