//! Commands of a transaction on one record, one after another.
//!
//! A read tells the version that a write has to find, and a write ends what a read has seen: two on one record side by
//! side would leave it open what was seen and what is locked.

use std::collections::HashMap;
use std::sync::Arc;

use aerospike_wire::Digest;
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Whose turn it is on every record that a command is under way for.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Digest, Arc<AsyncMutex<()>>>>);

/// The turn of a command on a record.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    digest: Digest,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for one's turn.
    pub(super) async fn take(&self, digest: &Digest) -> Turn<'_> {
        let place = self.0.lock().entry(*digest).or_default().clone();
        Turn { turns: self, digest: *digest, guard: Some(place.lock_owned().await) }
    }

    /// Waits for one's turn on several records. All commands take them in the same order, so that no two wait for each
    /// other.
    pub(super) async fn take_all(&self, digests: &[Digest]) -> Vec<Turn<'_>> {
        let mut digests = digests.to_vec();
        digests.sort_unstable();
        digests.dedup();
        let mut turns = Vec::with_capacity(digests.len());
        for digest in &digests {
            turns.push(self.take(digest).await);
        }
        turns
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.turns.0.lock();
        self.guard = None;
        // nobody waits: the table and this look are the only ones that have it
        if turns.get(&self.digest).is_some_and(|place| Arc::strong_count(place) == 1) {
            turns.remove(&self.digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn commands_on_one_record_take_turns_and_leave_nothing_behind() {
        let turns = Turns::default();
        let digest = |n: u8| Digest([n; Digest::SIZE]);
        let first = turns.take(&digest(1)).await;
        let elsewhere = turns.take(&digest(2)).await;
        let all = [digest(1), digest(3), digest(1)];
        let second = turns.take_all(&all);
        let early = tokio::time::timeout(Duration::from_millis(20), second).await;
        assert!(early.is_err(), "it is not its turn");
        drop(first);
        assert_eq!(turns.take_all(&all).await.len(), 2);
        drop(elsewhere);
        assert!(turns.0.lock().is_empty());
    }
}
