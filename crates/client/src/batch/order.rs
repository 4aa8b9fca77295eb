//! The order of rows that concern one record when one of them writes: a row waits until those before it have their
//! outcome, whatever it is, as single commands one after another would. Real nodes run the rows of a request side by
//! side: a read behind a write of the same record was seen to answer the older value.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::plan::{Plan, ROWS_PER_TURN, RowId};

const NO_CHAIN: u32 = u32::MAX;

/// The rows of one record, in the caller's order.
#[derive(Debug, Default)]
struct Chain {
    rows: Vec<RowId>,
    /// The first that waits.
    next: usize,
    /// Those that were let go and have no outcome yet.
    open: u32,
}

/// Which rows wait for others. Empty for batches that only read, or name no record twice.
#[derive(Debug, Default)]
pub(super) struct Order {
    chains: Vec<Chain>,
    /// For each row its chain.
    chain_of: Vec<u32>,
}

impl Order {
    /// Finds the records that are named more than once. Equal digests in two namespaces count as one record: that costs
    /// time and is rare.
    pub(super) async fn of(plan: &Plan) -> Self {
        let count = plan.batch.rows.len();
        if count < 2 || !plan.batch.specs.iter().any(crate::command::Spec::is_write) {
            return Self::default();
        }
        let mut order = Self::default();
        let mut first = HashMap::with_capacity(count);
        for id in 0..count as RowId {
            if id as usize % ROWS_PER_TURN == ROWS_PER_TURN - 1 {
                tokio::task::yield_now().await;
            }
            let Some(digest) = plan.digest(id) else { continue };
            match first.entry(*digest) {
                Entry::Vacant(place) => _ = place.insert(id),
                Entry::Occupied(earlier) => order.chain(*earlier.get(), id, count),
            }
        }
        order
    }

    /// Puts a row after the first one of its record.
    fn chain(&mut self, first: RowId, id: RowId, count: usize) {
        if self.chain_of.is_empty() {
            self.chain_of = vec![NO_CHAIN; count];
        }
        let next = self.chains.len() as u32;
        let Some(chain) = self.chain_of.get_mut(first as usize) else { return };
        if *chain == NO_CHAIN {
            *chain = next;
            self.chains.push(Chain { rows: vec![first], ..Chain::default() });
        }
        let at = *chain;
        if let (Some(of), Some(chain)) = (self.chain_of.get_mut(id as usize), self.chains.get_mut(at as usize)) {
            *of = at;
            chain.rows.push(id);
        }
    }

    /// The rows that need not wait, in the caller's order.
    pub(super) fn first(&mut self, plan: &Plan) -> Vec<RowId> {
        let count = plan.batch.rows.len() as RowId;
        if self.chains.is_empty() {
            return (0..count).collect();
        }
        let mut rows: Vec<RowId> =
            (0..).zip(&self.chain_of).filter(|(_, c)| **c == NO_CHAIN).map(|(id, _)| id).collect();
        self.chains.iter_mut().for_each(|chain| chain.release(plan, &mut rows));
        rows.sort_unstable();
        rows
    }

    /// A row has its outcome: adds the rows to `released` that waited for it alone.
    pub(super) fn settled(&mut self, id: RowId, plan: &Plan, released: &mut Vec<RowId>) {
        let Some(at) = self.chain_of.get(id as usize) else { return };
        let Some(chain) = self.chains.get_mut(*at as usize) else { return };
        chain.open = chain.open.saturating_sub(1);
        if chain.open == 0 {
            chain.release(plan, released);
        }
    }
}

impl Chain {
    /// Lets the next write go, or all reads up to it.
    fn release(&mut self, plan: &Plan, released: &mut Vec<RowId>) {
        let waiting = self.rows.get(self.next..).unwrap_or_default();
        let reads = waiting.iter().take_while(|id| !plan.is_write(**id)).count();
        let going = waiting.get(..reads.max(1)).unwrap_or_default();
        released.extend_from_slice(going);
        self.open = going.len() as u32;
        self.next += going.len();
    }
}

#[cfg(test)]
mod tests {
    use aerospike_wire::{Info2, KeyType};
    use tokio::time::Instant;

    use super::*;
    use crate::batch::{Batch, BatchRow, Keyspace};
    use crate::command::{Key, Spec};

    /// Rows as `r1`, `w1`: what they do, and the record.
    async fn order(rows: &str) -> (Plan, Order) {
        let row = |text: &str| BatchRow {
            keyspace: 0,
            spec: u32::from(text.starts_with('w')),
            send_key: false,
            key: Key::User { kind: KeyType::Blob, bytes: text.as_bytes()[1..].to_vec().into() },
        };
        let batch = Batch {
            specs: vec![Spec::read_all(), Spec { info2: Info2::WRITE, ..Spec::default() }],
            keyspaces: vec![Keyspace { namespace: "test".into(), set: "s".into() }],
            rows: rows.split(' ').map(row).collect(),
            ..Batch::default()
        };
        let plan = Plan::new(batch, Instant::now()).await;
        let order = Order::of(&plan).await;
        (plan, order)
    }

    #[tokio::test]
    async fn reads_between_writes_go_together_and_writes_alone() {
        let (plan, mut order) = order("w1 r1 r2 r1 w1 w1 r3 r1").await;
        assert_eq!(order.first(&plan), [0, 2, 6]);
        let mut released = Vec::new();
        order.settled(2, &plan, &mut released);
        assert!(released.is_empty());
        for (settled, next) in [(0, vec![1, 3]), (3, vec![]), (1, vec![4]), (4, vec![5]), (5, vec![7]), (7, vec![])] {
            released.clear();
            order.settled(settled, &plan, &mut released);
            assert_eq!(released, next, "after {settled}");
        }
    }

    #[tokio::test]
    async fn nothing_waits_where_no_record_is_named_twice() {
        let (plan, mut order) = order("w1 r2 w3 r4").await;
        assert_eq!(order.first(&plan), [0, 1, 2, 3]);
        assert!(order.chains.is_empty() && order.chain_of.is_empty());
    }

    #[tokio::test]
    async fn reads_of_one_record_do_not_wait_for_one_another() {
        let (plan, mut order) = order("r1 r1 w2 r1").await;
        assert_eq!(order.first(&plan), [0, 1, 2, 3]);
    }
}
