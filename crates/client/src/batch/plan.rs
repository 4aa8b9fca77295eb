//! A batch made ready: every key hashed, every row checked, and the requests to nodes written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aerospike_wire::Digest;
use aerospike_wire::Info1;
use aerospike_wire::batch::{BatchWriter, REPEATED_ROW_SIZE};
use aerospike_wire::transaction::TransactionFields;
use bytes::BytesMut;
use tokio::time::Instant;

use super::bound::Bound;
use super::{Batch, BatchRow, Keyspace};
use crate::command::{Key, Spec};
use crate::deadline::Deadline;
use crate::metrics::Kind;

/// Most bytes of one request: far below what servers take (128 MiB), and large enough that ordinary batches are never split.
const MAX_REQUEST_SIZE: usize = 32 * 1024 * 1024;
/// A node answers rows that are in its memory on the thread that took the request. So they go as several requests,
/// until it has this many of batches under way, and each with so many rows that it is worth its message.
const SPREAD: usize = 2;
const WORTH_A_REQUEST: usize = 250;
/// Rows to hash, route or encode before other tasks get their turn: about 0.3 ms of work.
pub(super) const ROWS_PER_TURN: usize = 1024;
/// Bytes of a row's header, flags, field headers, counts and transaction, at most.
const ROW_OVERHEAD: usize = REPEATED_ROW_SIZE + 32 + 34;

/// A row's place in the request.
pub(super) type RowId = u32;

/// What all requests of a batch share.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) batch: Batch,
    digests: Vec<Digest>,
    pub(super) start: Instant,
    pub(super) deadline: Deadline,
    pub(super) kind: Kind,
    taken_in: AtomicU64,
    /// The transaction that its rows belong to.
    pub(super) transaction: Option<Arc<dyn Bound>>,
}

impl Plan {
    /// Hashes every key.
    pub(super) async fn new(batch: Batch, start: Instant) -> Self {
        let mut digests = Vec::with_capacity(batch.rows.len());
        for rows in batch.rows.chunks(ROWS_PER_TURN) {
            hash(&batch, rows, &mut digests);
            if batch.rows.len() > ROWS_PER_TURN {
                tokio::task::yield_now().await;
            }
        }
        Self::with(batch, digests, start)
    }

    /// The same at once, for the rows of a turn at most.
    pub(super) fn of_few(batch: Batch, start: Instant) -> Self {
        let mut digests = Vec::with_capacity(batch.rows.len());
        hash(&batch, &batch.rows, &mut digests);
        Self::with(batch, digests, start)
    }

    fn with(batch: Batch, digests: Vec<Digest>, start: Instant) -> Self {
        let deadline = Deadline::after(start, batch.policy.total_timeout);
        let kind = Kind::of_batch(&batch.specs);
        Self { batch, digests, start, deadline, kind, taken_in: AtomicU64::new(0), transaction: None }
    }

    /// The same for rows of a transaction.
    pub(super) fn in_transaction(self, transaction: Option<Arc<dyn Bound>>) -> Self {
        Self { transaction, ..self }
    }

    /// What a row says of its transaction. That changes with every answer on its record.
    fn transaction_of(&self, row: RowId) -> TransactionFields {
        match (&self.transaction, self.digest(row)) {
            (Some(transaction), Some(digest)) => transaction.fields(digest, self.is_write(row)),
            _ => TransactionFields::default(),
        }
    }

    pub(super) fn digest(&self, row: RowId) -> Option<&Digest> {
        self.digests.get(row as usize)
    }

    /// A row with what it refers to; `None` when it refers to nothing.
    pub(super) fn row(&self, row: RowId) -> Option<(&BatchRow, &Keyspace, &Spec)> {
        let row = self.batch.rows.get(row as usize)?;
        Some((row, self.batch.keyspaces.get(row.keyspace as usize)?, self.batch.specs.get(row.spec as usize)?))
    }

    pub(super) fn is_write(&self, row: RowId) -> bool {
        self.row(row).is_some_and(|(_, _, spec)| spec.is_write())
    }

    /// Counts bytes of answers.
    pub(super) fn take_in(&self, bytes: usize) {
        self.taken_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether the answers reached the limit on their size.
    pub(super) fn is_full(&self) -> bool {
        let limit = u64::from(self.batch.max_response_bytes);
        limit > 0 && self.taken_in.load(Ordering::Relaxed) >= limit
    }

    /// Cuts the rows of a node into requests within the limits; it has `under_way` of them already.
    pub(super) fn split(&self, rows: Vec<RowId>, under_way: usize) -> Vec<Arc<[RowId]>> {
        // answers that may become too many come one after another
        let spread = if self.batch.max_response_bytes == 0 { SPREAD.saturating_sub(under_way) } else { 1 };
        let share = rows.len().div_ceil(spread.min(rows.len() / WORTH_A_REQUEST).max(1));
        let max_rows = match self.batch.max_rows_per_request {
            0 => share,
            n => share.min(n as usize),
        };
        let fixed = self.batch.filter.as_ref().map_or(0, |f| f.len()) + 64;
        let mut requests = Vec::new();
        let (mut begin, mut size) = (0, fixed);
        for at in 0..rows.len() {
            let previous = if at > begin { rows.get(at - 1) } else { None };
            let cost = rows.get(at).map_or(0, |row| self.cost(*row, previous.copied()));
            if at > begin && (at - begin >= max_rows || size + cost > MAX_REQUEST_SIZE) {
                requests.extend(rows.get(begin..at).map(Arc::from));
                (begin, size) = (at, fixed);
            }
            size += cost;
        }
        requests.extend(rows.get(begin..).filter(|r| !r.is_empty()).map(Arc::from));
        requests
    }

    /// At most how many bytes a row takes after the one before it.
    fn cost(&self, row: RowId, previous: Option<RowId>) -> usize {
        if previous.is_some_and(|previous| self.repeats(row, previous)) {
            return REPEATED_ROW_SIZE;
        }
        let Some((row, keyspace, spec)) = self.row(row) else { return 0 };
        let key = match &row.key {
            Key::User { bytes, .. } if row.send_key => bytes.len() + 6,
            _ => 0,
        };
        ROW_OVERHEAD + keyspace.namespace.len() + keyspace.set.len() + key + spec.fields.len() + spec.ops.len()
    }

    /// Whether a row asks the same as the one before it. A row with a key cannot be repeated (protocol section 7.1).
    fn repeats(&self, row: RowId, previous: RowId) -> bool {
        match (self.batch.rows.get(row as usize), self.batch.rows.get(previous as usize)) {
            (Some(a), Some(b)) => {
                let same = !a.send_key && !b.send_key && a.spec == b.spec && a.keyspace == b.keyspace;
                same && (self.transaction.is_none() || self.transaction_of(row) == self.transaction_of(previous))
            }
            _ => false,
        }
    }

    /// Writes the request for some rows. On the wire a row's index is its place in this request.
    pub(super) async fn encode(&self, rows: &[RowId]) -> BytesMut {
        let mut out = Self::room_for(rows);
        let mut writer = self.writer(&mut out);
        let mut at = 0;
        while at < rows.len() {
            self.encode_turn(rows, at, &mut writer);
            at += ROWS_PER_TURN;
            if at < rows.len() {
                tokio::task::yield_now().await;
            }
        }
        writer.finish();
        out
    }

    /// The same at once, for the rows of a turn at most.
    pub(super) fn encode_few(&self, rows: &[RowId]) -> BytesMut {
        let mut out = Self::room_for(rows);
        let mut writer = self.writer(&mut out);
        self.encode_turn(rows, 0, &mut writer);
        writer.finish();
        out
    }

    fn room_for(rows: &[RowId]) -> BytesMut {
        BytesMut::with_capacity(256 + rows.len() * (REPEATED_ROW_SIZE + 1))
    }

    fn writer<'a>(&self, out: &'a mut BytesMut) -> BatchWriter<'a> {
        let timeout = self.deadline.server_timeout(Instant::now(), 0);
        BatchWriter::begin(out, timeout, Info1::empty(), self.batch.flags, self.batch.filter.as_deref())
    }

    /// Writes the rows of a turn, from place `from` on.
    fn encode_turn(&self, rows: &[RowId], from: usize, writer: &mut BatchWriter<'_>) {
        let mut previous = from.checked_sub(1).and_then(|at| rows.get(at)).copied();
        for (index, id) in (0u32..).zip(rows).skip(from).take(ROWS_PER_TURN) {
            let (Some((row, keyspace, spec)), Some(digest)) = (self.row(*id), self.digest(*id)) else { continue };
            if previous.is_some_and(|previous| self.repeats(*id, previous)) {
                writer.repeat(index, digest);
            } else {
                let key = if row.send_key { row.key.user_key() } else { None };
                let mut spec = spec.as_wire();
                if self.transaction.is_some() {
                    spec.transaction = self.transaction_of(*id);
                }
                writer.row(index, digest, &keyspace.namespace, &keyspace.set, key, &spec);
            }
            previous = Some(*id);
        }
    }
}

/// Adds the digests of some rows. Rows that refer to nothing get one too; they are refused before it is used.
pub(super) fn hash(batch: &Batch, rows: &[BatchRow], digests: &mut Vec<Digest>) {
    let set_of = |row: &BatchRow| batch.keyspaces.get(row.keyspace as usize).map_or(&[][..], |k| &k.set);
    if rows.iter().all(|row| row.key.user_key().is_some()) {
        let keys = rows.iter().filter_map(|row| row.key.user_key().map(|key| (set_of(row), key.kind, key.bytes)));
        Digest::of_keys(keys, digests);
    } else {
        digests.extend(rows.iter().map(|row| row.key.digest(set_of(row))));
    }
}

#[cfg(test)]
mod tests {
    use aerospike_wire::batch::BatchRequest;
    use aerospike_wire::proto::ProtoHeader;
    use aerospike_wire::{FieldType, KeyType, Message};
    use proptest::prelude::*;

    use super::*;
    use crate::command::Spec;

    fn batch(rows: &[(u32, u32, bool, u8)]) -> Batch {
        let keyspace = |set: &'static str| Keyspace { namespace: "test".into(), set: set.into() };
        let row = |&(keyspace, spec, send_key, key): &(u32, u32, bool, u8)| BatchRow {
            keyspace,
            spec,
            send_key,
            key: Key::User { kind: KeyType::Blob, bytes: vec![key].into() },
        };
        Batch {
            specs: vec![Spec::read_all(), Spec::exists()],
            keyspaces: vec![keyspace("a"), keyspace("b")],
            rows: rows.iter().map(row).collect(),
            ..Batch::default()
        }
    }

    fn on_one_thread<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    proptest! {
        #[test]
        fn a_server_reads_the_rows_that_were_asked(
            rows in prop::collection::vec((0u32..2, 0u32..2, any::<bool>(), any::<u8>()), 1..80),
        ) {
            let (frame, plan) = on_one_thread(async {
                let plan = Plan::new(batch(&rows), Instant::now()).await;
                let ids: Vec<RowId> = (0..rows.len() as u32).collect();
                (plan.encode(&ids).await, plan)
            });
            let header = ProtoHeader::peek(&frame).unwrap().unwrap();
            prop_assert_eq!(header.size + 8, frame.len());
            let message = Message::decode_exact(&frame[8..]).unwrap();
            let request = BatchRequest::decode(message.field(FieldType::BATCH).unwrap()).unwrap();
            let read = request.rows().unwrap();
            prop_assert_eq!(read.len(), rows.len());
            for (at, (read, (keyspace, spec, send_key, key))) in read.iter().zip(&rows).enumerate() {
                prop_assert_eq!(read.index as usize, at);
                prop_assert_eq!(&read.digest, plan.digest(at as u32).unwrap());
                let set = [&b"a"[..], b"b"][*keyspace as usize];
                prop_assert_eq!(read.spec.field(FieldType::SET), Some(set));
                prop_assert_eq!(read.spec.info1, plan.batch.specs[*spec as usize].info1);
                let sent = [KeyType::Blob as u8, *key];
                prop_assert_eq!(read.spec.field(FieldType::KEY), send_key.then_some(&sent[..]));
            }
        }

        #[test]
        fn requests_hold_every_row_once_and_no_more_than_allowed(count in 1usize..500, most in 0u32..60) {
            let rows: Vec<_> = (0..count).map(|n| (0, 0, false, n as u8)).collect();
            let batch = Batch { max_rows_per_request: most, ..batch(&rows) };
            let plan = on_one_thread(Plan::new(batch, Instant::now()));
            let ids: Vec<RowId> = (0..count as u32).collect();
            let requests = plan.split(ids.clone(), usize::MAX);
            prop_assert!(requests.iter().all(|r| !r.is_empty() && (most == 0 || r.len() <= most as usize)));
            prop_assert_eq!(requests.iter().flat_map(|r| r.iter().copied()).collect::<Vec<_>>(), ids);
        }
    }

    #[test]
    fn an_idle_node_gets_many_rows_as_several_requests() {
        let rows: Vec<_> = (0..2000).map(|n| (0, 0, false, n as u8)).collect();
        let sizes = |max_response_bytes: u32, count: u32, under_way: usize| {
            let batch = Batch { max_response_bytes, ..batch(&rows) };
            let plan = on_one_thread(Plan::new(batch, Instant::now()));
            plan.split((0..count).collect(), under_way).iter().map(|r| r.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(0, 1999, 0), [1000, 999]);
        assert_eq!(sizes(0, 1000, 1), [1000]);
        assert_eq!(sizes(0, 1000, 9), [1000]);
        assert_eq!(sizes(0, 500, 0), [250; 2]);
        assert_eq!(sizes(0, 499, 0), [499]);
        assert_eq!(sizes(1, 2000, 0), [2000]);
    }

    #[test]
    fn large_rows_are_spread_over_requests() {
        let mut batch = batch(&[(0, 0, true, 1), (0, 0, true, 2), (0, 0, true, 3), (0, 0, true, 4), (0, 0, true, 5)]);
        batch.specs[0].ops = vec![0; 10 * 1024 * 1024].into();
        let plan = on_one_thread(Plan::new(batch, Instant::now()));
        let sizes: Vec<usize> = plan.split((0..5).collect(), 0).iter().map(|r| r.len()).collect();
        assert_eq!(sizes, [3, 2]);
    }
}
