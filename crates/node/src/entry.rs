//! Request entries: what TypeScript wrote into the request buffer becomes commands of the client core.
//!
//! The payload stays where it is: namespaces, keys and operations are slices of the one buffer that was submitted.
//! Every length is checked against the bytes at hand, although our own TypeScript wrote them: a mistake there must
//! not become a crash here.

use aerospike_core::wire::{Digest, Info1, Info2, Info3, Info4, KeyType};
use aerospike_core::{
    Batch, BatchFlags, BatchRow, Command, CommandPolicy, Hedge, HedgeAfter, Key, Keyspace, Replica, Spec,
};
use bytes::{Buf, Bytes};

use crate::layout::{entry_at, entry_flag, entry_kind, policy_flag, row_flag, size};

/// Bytes after the body of a hedged entry.
const HEDGE: usize = 6;
const KEY_SEND: u8 = 1;
const DIGEST_KEY: u8 = 0;
/// A row of a batch that differs from the one before in nothing but an empty key.
const LEAST_ROW: usize = 6;

/// What an entry asks for.
#[derive(Debug)]
pub(crate) enum Work {
    /// One record.
    Record(Command),
    /// Many.
    Batch(Batch),
    /// Many that do not wait for one another.
    Parts(Batch),
}

/// One entry of a submitted buffer.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Comes back with the completion.
    pub(crate) ticket: u32,
    /// Whether it may be cancelled.
    pub(crate) cancellable: bool,
    /// The number of the transaction it belongs to; 0 for none.
    pub(crate) transaction: u16,
    /// What to do; an error when the body does not hold together.
    pub(crate) work: Result<Work, Malformed>,
}

/// The part of an entry that does not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Checks that a submitted buffer is made of whole entries, and names those that may be cancelled and the transactions
/// that entries belong to. Runs on the JavaScript thread, so it looks at nothing else.
pub(crate) fn check(
    mut buffer: &[u8],
    mut cancellable: impl FnMut(u32),
    mut transaction: impl FnMut(u16),
) -> Result<(), Malformed> {
    while !buffer.is_empty() {
        let size = entry_size(buffer)?;
        let (entry, rest) = buffer.split_at(size);
        if let [_, _, _, _, a, b, c, d, kind, flags, low, high, ..] = *entry
            && kind != entry_kind::SKIPPED
        {
            if flags & entry_flag::CANCELLABLE != 0 {
                cancellable(u32::from_le_bytes([a, b, c, d]));
            }
            match u16::from_le_bytes([low, high]) {
                0 => {}
                number => transaction(number),
            }
        }
        buffer = rest;
    }
    Ok(())
}

/// Whether the entries are cheap to read where they were submitted, which a batch of more than `most_rows` is not.
pub(crate) fn is_small(mut buffer: &[u8], most_rows: usize) -> bool {
    const SMALL: usize = 64 * 1024;
    if buffer.len() > SMALL {
        return false;
    }
    while let Ok(size) = entry_size(buffer) {
        let (entry, rest) = buffer.split_at(size);
        let rows =
            entry.get(entry_at::ROW_COUNT..).and_then(<[u8]>::first_chunk).map_or(0, |rows| u32::from_le_bytes(*rows));
        if entry.get(entry_at::KIND) == Some(&entry_kind::BATCH) && rows as usize > most_rows {
            return false;
        }
        buffer = rest;
    }
    true
}

/// The size that the entry at the front of a buffer claims, if that many bytes are there.
fn entry_size(buffer: &[u8]) -> Result<usize, Malformed> {
    let claimed = buffer.first_chunk().map(|b| u32::from_le_bytes(*b) as usize);
    claimed.filter(|n| (size::ENTRY_HEAD..=buffer.len()).contains(n)).ok_or(Malformed("entry length"))
}

/// The entries of a submitted buffer, without those that were cancelled before they were submitted. Each is read when its
/// turn comes: a command is large, and is moved once less that way. Ends at what does not hold together, which `check`
/// refuses before.
pub(crate) fn entries(mut buffer: Bytes) -> impl Iterator<Item = Entry> {
    std::iter::from_fn(move || {
        loop {
            let size = entry_size(&buffer).ok()?;
            if let Some(entry) = read_entry(Reader(buffer.split_to(size))).ok()? {
                return Some(entry);
            }
        }
    })
}

fn read_entry(mut from: Reader) -> Result<Option<Entry>, Malformed> {
    from.u32()?; // the length
    let ticket = from.u32()?;
    let kind = from.u8()?;
    let flags = from.u8()?;
    let (cancellable, timed) = (flags & entry_flag::CANCELLABLE != 0, flags & entry_flag::TIMED != 0);
    let transaction = from.u16()?;
    let mut policy = CommandPolicy {
        total_timeout: from.u32()?,
        socket_timeout: from.u32()?,
        sleep_between_retries: from.u32()?,
        max_retries: from.u16()?,
        replica: match from.u8()? {
            1 => Replica::Master,
            2 => Replica::Any,
            3 => Replica::PreferRack,
            _ => Replica::Sequence,
        },
        ..CommandPolicy::default()
    };
    let flags = from.u8()?;
    policy.idempotent = flags & policy_flag::IDEMPOTENT != 0;
    if flags & policy_flag::HEDGED != 0 {
        policy.hedge = Some(from.hedge()?);
    }
    let work = match kind {
        entry_kind::SKIPPED => return Ok(None),
        entry_kind::RECORD => read_record(&mut from, policy, timed).map(Work::Record),
        entry_kind::BATCH => read_batch(&mut from, policy),
        _ => Err(Malformed("entry kind")),
    };
    Ok(Some(Entry { ticket, cancellable, transaction, work }))
}

fn read_record(from: &mut Reader, policy: CommandPolicy, timed: bool) -> Result<Command, Malformed> {
    let (mut spec, fields_size, ops_size) = read_spec_head(from)?;
    let flags = from.u8()?;
    let key_type = from.u8()?;
    let namespace_size = from.u8()?;
    let set_size = from.u8()?;
    let key_size = from.size()?;
    let namespace = from.bytes(namespace_size.into())?;
    let set = from.bytes(set_size.into())?;
    let key = read_key(from, key_type, key_size)?;
    spec.fields = from.bytes(fields_size)?;
    spec.ops = from.bytes(ops_size)?;
    Ok(Command { namespace, set, key, send_key: flags & KEY_SEND != 0, spec, policy, sent: None, timed })
}

/// The fixed part of a spec, and how many bytes of fields and operations follow it.
fn read_spec_head(from: &mut Reader) -> Result<(Spec, usize, usize), Malformed> {
    let spec = Spec {
        info1: Info1::from_bits_retain(from.u8()?),
        info2: Info2::from_bits_retain(from.u8()?),
        info3: Info3::from_bits_retain(from.u8()?),
        info4: Info4::from_bits_retain(from.u8()?),
        generation: from.u32()?,
        ttl: from.u32()?,
        field_count: from.u16()?,
        op_count: from.u16()?,
        ..Spec::default()
    };
    Ok((spec, from.size()?, from.size()?))
}

fn read_key(from: &mut Reader, key_type: u8, size: usize) -> Result<Key, Malformed> {
    let bytes = from.bytes(size)?;
    if key_type == DIGEST_KEY {
        return Digest::from_slice(&bytes).map(Key::Digest).ok_or(Malformed("digest"));
    }
    match KeyType::from_code(key_type).ok_or(Malformed("key type"))? {
        KeyType::Integer if size != 8 => Err(Malformed("integer key")),
        kind => Ok(Key::User { kind, bytes }),
    }
}

fn read_batch(from: &mut Reader, policy: CommandPolicy) -> Result<Work, Malformed> {
    let flags = BatchFlags::from_bits_retain(from.u8()?);
    let refusal_retries = u16::from(from.u8()?);
    let in_parts = from.u8()? != 0;
    from.u8()?;
    let max_rows_per_request = from.u32()?;
    let max_response_bytes = from.u32()?;
    let filter_size = from.size()?;
    let spec_count = from.size()?;
    let row_count = from.size()?;
    let filter = if filter_size == 0 { None } else { Some(from.bytes(filter_size)?) };
    // counts of more than can be there are refused before memory is taken
    if spec_count > from.left() / size::COMMAND || row_count > from.left() / LEAST_ROW {
        return Err(Malformed("batch counts"));
    }
    let mut specs = Vec::with_capacity(spec_count);
    for _ in 0..spec_count {
        let (mut spec, fields_size, ops_size) = read_spec_head(from)?;
        spec.fields = from.bytes(fields_size)?;
        spec.ops = from.bytes(ops_size)?;
        specs.push(spec);
    }
    let mut keyspaces: Vec<Keyspace> = Vec::new();
    let mut rows: Vec<BatchRow> = Vec::with_capacity(row_count);
    for _ in 0..row_count {
        let row = read_row(from, &mut keyspaces, rows.last())?;
        if row.spec as usize >= specs.len() {
            return Err(Malformed("spec of a batch row"));
        }
        rows.push(row);
    }
    let batch = Batch {
        flags,
        filter,
        max_rows_per_request,
        max_response_bytes,
        refusal_retries,
        specs,
        keyspaces,
        rows,
        policy,
        sent: None,
    };
    Ok(if in_parts { Work::Parts(batch) } else { Work::Batch(batch) })
}

fn read_row(
    from: &mut Reader,
    keyspaces: &mut Vec<Keyspace>,
    before: Option<&BatchRow>,
) -> Result<BatchRow, Malformed> {
    let flags = from.u8()?;
    let key_type = from.u8()?;
    let before = |same: u8| if flags & same == 0 { Ok(None) } else { before.ok_or(Malformed("first row")).map(Some) };
    let spec = match before(row_flag::SAME_SPEC)? {
        Some(row) => row.spec,
        None => from.u32()?,
    };
    let keyspace = match before(row_flag::SAME_KEYSPACE)? {
        Some(row) => row.keyspace,
        None => {
            let namespace_size = from.u8()?;
            let set_size = from.u8()?;
            let namespace = from.bytes(namespace_size.into())?;
            let set = from.bytes(set_size.into())?;
            keyspace_index(keyspaces, Keyspace { namespace, set })
        }
    };
    let size = match key_type {
        DIGEST_KEY => Digest::SIZE,
        1 => 8,
        _ => from.size()?,
    };
    let key = read_key(from, key_type, size)?;
    Ok(BatchRow { keyspace, spec, send_key: flags & row_flag::SEND_KEY != 0, key })
}

/// Rows that alternate between a few sets share their entries; more than a few are not worth the search.
fn keyspace_index(keyspaces: &mut Vec<Keyspace>, keyspace: Keyspace) -> u32 {
    const WORTH_A_LOOK: usize = 16;
    let recent = keyspaces.len().saturating_sub(WORTH_A_LOOK);
    let found = keyspaces.iter().skip(recent).position(|k| *k == keyspace).map(|at| at + recent);
    found.unwrap_or_else(|| {
        keyspaces.push(keyspace);
        keyspaces.len() - 1
    }) as u32
}

/// Reads little-endian numbers and slices off the front of an entry.
struct Reader(Bytes);

impl Reader {
    fn left(&self) -> usize {
        self.0.len()
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.0.try_get_u8().map_err(|_| Malformed("entry"))
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.0.try_get_u16_le().map_err(|_| Malformed("entry"))
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.0.try_get_u32_le().map_err(|_| Malformed("entry"))
    }

    /// Takes what stands after the body of the entry.
    fn hedge(&mut self) -> Result<Hedge, Malformed> {
        let body = self.left().checked_sub(HEDGE).ok_or(Malformed("hedge"))?;
        let mut tail = Self(self.0.split_off(body));
        let after = match tail.u32()? {
            0 => HedgeAfter::P95,
            ms => HedgeAfter::Millis(ms),
        };
        Ok(Hedge { after, budget: tail.u16()? })
    }

    fn size(&mut self) -> Result<usize, Malformed> {
        self.u32().map(|n| n as usize)
    }

    fn bytes(&mut self, size: usize) -> Result<Bytes, Malformed> {
        if size > self.left() { Err(Malformed("entry")) } else { Ok(self.0.split_to(size)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::fixture;

    fn all(buffer: Bytes) -> Vec<Entry> {
        entries(buffer).collect()
    }

    fn head(kind: u8, ticket: u32) -> Vec<u8> {
        let mut out = vec![0; 4];
        out.extend(ticket.to_le_bytes());
        out.extend([kind, entry_flag::CANCELLABLE, 0, 0]);
        for n in [1000u32, 30_000, 5] {
            out.extend(n.to_le_bytes());
        }
        out.extend([2, 0, 1, policy_flag::IDEMPOTENT]);
        out
    }

    fn finish(mut entry: Vec<u8>) -> Bytes {
        let size = entry.len() as u32;
        entry[..4].copy_from_slice(&size.to_le_bytes());
        entry.into()
    }

    fn record(ticket: u32, key: &[u8], ops: &[u8]) -> Bytes {
        let mut out = head(1, ticket);
        out.extend([3, 0, 0, 0]);
        out.extend([7u32, 60].iter().flat_map(|n| n.to_le_bytes()));
        out.extend([0u16, 1].iter().flat_map(|n| n.to_le_bytes()));
        out.extend([0u32, ops.len() as u32].iter().flat_map(|n| n.to_le_bytes()));
        out.extend([KEY_SEND, 3, 4, 5]);
        out.extend((key.len() as u32).to_le_bytes());
        out.extend(b"testusers");
        out.extend(key);
        out.extend(ops);
        finish(out)
    }

    #[test]
    fn a_record_entry_becomes_a_command() {
        let entries = all(record(9, b"k", b"ops"));
        let [Entry { ticket: 9, cancellable: true, transaction: 0, work: Ok(Work::Record(command)) }] = &entries[..]
        else {
            panic!("{entries:?}");
        };
        assert_eq!((&command.namespace[..], &command.set[..]), (&b"test"[..], &b"users"[..]));
        assert_eq!(command.key, Key::User { kind: KeyType::String, bytes: Bytes::from_static(b"k") });
        assert_eq!((command.spec.generation, command.spec.ttl, &command.spec.ops[..]), (7, 60, &b"ops"[..]));
        assert_eq!((command.policy.max_retries, command.policy.replica), (2, Replica::Master));
        assert!(command.send_key && command.policy.idempotent);
    }

    #[test]
    fn a_batch_entry_shares_what_its_rows_share() {
        let mut out = head(2, 1);
        out.extend([0x0d, 0, 0, 0]);
        out.extend([100u32, 0, 0, 1, 3].iter().flat_map(|n| n.to_le_bytes()));
        out.extend([3, 0, 0, 0]);
        out.extend([0; 20]); // generation, TTL, counts, sizes
        out.extend([0, 3, 0, 0, 0, 0, 4, 1]);
        out.extend(b"tests");
        out.extend([1, 0, 0, 0, b'a']);
        out.extend([row_flag::SAME_KEYSPACE | row_flag::SAME_SPEC, 1]);
        out.extend(7i64.to_be_bytes());
        out.extend([row_flag::SAME_KEYSPACE | row_flag::SAME_SPEC | row_flag::SEND_KEY, 0]);
        out.extend([5; 20]);
        let entries = all(finish(out));
        let [Entry { work: Ok(Work::Batch(batch)), .. }] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((batch.specs.len(), batch.keyspaces.len(), batch.max_rows_per_request), (1, 1, 100));
        assert_eq!(
            batch.rows[1].key,
            Key::User { kind: KeyType::Integer, bytes: Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 7]) }
        );
        assert_eq!(batch.rows[2].key, Key::Digest(Digest([5; 20])));
        assert!(batch.rows[2].send_key);
    }

    #[test]
    fn a_batch_of_the_smallest_rows_is_not_taken_for_a_lie() {
        let mut out = head(2, 1);
        out.extend([0x0d, 0, 0, 0]);
        out.extend([0u32, 0, 0, 1, 100].iter().flat_map(|n| n.to_le_bytes()));
        out.extend([3, 0, 0, 0]);
        out.extend([0; 20]);
        out.extend([0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for _ in 1..100 {
            out.extend([row_flag::SAME_KEYSPACE | row_flag::SAME_SPEC, 3, 0, 0, 0, 0]);
        }
        let entry = finish(out);
        let entries = all(entry.clone());
        assert!(matches!(&entries[..], [Entry { work: Ok(Work::Batch(batch)), .. }] if batch.rows.len() == 100));
        assert!(is_small(&entry, 128));
        let mut larger = entry.to_vec();
        larger[48] = 129;
        let both = [&record(1, b"k", b"")[..], &larger].concat();
        assert!(!is_small(&both, 128));
        assert!(is_small(&both, 129));
    }

    #[test]
    fn a_record_entry_is_read_as_typescript_writes_it() {
        let entries = all(fixture("record").into());
        let [Entry { ticket: 1, cancellable: false, transaction: 0, work: Ok(Work::Record(command)) }] = &entries[..]
        else {
            panic!("{entries:?}");
        };
        assert_eq!((&command.namespace[..], &command.set[..]), (&b"test"[..], &b"users"[..]));
        assert_eq!(command.key, Key::User { kind: KeyType::String, bytes: Bytes::from_static(b"k") });
        assert_eq!((command.spec.info2, command.spec.ttl, command.spec.op_count), (Info2::WRITE, 60, 1));
        assert_eq!(&command.spec.ops[..], b"\0\0\0\x0d\x02\x01\0\x01n\0\0\0\0\0\0\0\x01");
        assert!(command.send_key && command.policy.idempotent);
        assert_eq!(command.policy, policy(5, Replica::Sequence, true));
    }

    #[test]
    fn a_batch_entry_is_read_as_typescript_writes_it() {
        let entries = all(fixture("batch entry").into());
        let [Entry { ticket: 1, work: Ok(Work::Batch(batch)), .. }] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((batch.flags.bits(), batch.refusal_retries, batch.max_response_bytes), (0x0d, 255, 100));
        assert_eq!((batch.max_rows_per_request, batch.filter.is_none()), (0, true));
        assert_eq!((batch.specs.len(), batch.specs[0].info1), (1, Info1::READ));
        assert_eq!(&batch.specs[0].ops[..], b"\0\0\0\x05\x01\0\0\x01n");
        assert_eq!((&batch.keyspaces[0].namespace[..], &batch.keyspaces[0].set[..]), (&b"test"[..], &b"s"[..]));
        let keys: Vec<_> = batch.rows.iter().map(|row| row.key.clone()).collect();
        let user = |kind, bytes: &'static [u8]| Key::User { kind, bytes: Bytes::from_static(bytes) };
        assert_eq!(keys, [user(KeyType::String, b"a"), user(KeyType::Integer, &[0, 0, 0, 0, 0, 0, 0, 7])]);
        assert_eq!(batch.policy, policy(0, Replica::Any, false));
    }

    fn policy(sleep_between_retries: u32, replica: Replica, idempotent: bool) -> CommandPolicy {
        CommandPolicy {
            total_timeout: 0x0102_0304,
            socket_timeout: 30_000,
            sleep_between_retries,
            max_retries: 258,
            replica,
            idempotent,
            hedge: None,
        }
    }

    #[test]
    fn behind_the_body_of_a_hedged_entry_stands_how() {
        let read = |after: u32| {
            let mut out = record(9, b"k", b"ops").to_vec();
            out[27] |= policy_flag::HEDGED;
            out.extend(after.to_le_bytes());
            out.extend(500u16.to_le_bytes());
            let entries = all(finish(out));
            let [Entry { work: Ok(Work::Record(command)), .. }] = &entries[..] else { panic!("{entries:?}") };
            assert_eq!(&command.spec.ops[..], b"ops");
            command.policy.hedge
        };
        assert_eq!(read(0), Some(Hedge { after: HedgeAfter::P95, budget: 500 }));
        assert_eq!(read(20), Some(Hedge { after: HedgeAfter::Millis(20), budget: 500 }));
    }

    #[test]
    fn entries_cancelled_before_they_were_submitted_are_left_out() {
        let cancelled = finish(head(0, 3));
        let both = [&cancelled[..], &record(4, b"k", b"")[..]].concat();
        let tickets: Vec<_> = entries(both.into()).map(|e| e.ticket).collect();
        assert_eq!(tickets, [4]);
    }

    #[test]
    fn every_truncation_is_an_error_and_not_a_panic() {
        let whole = record(1, b"key", b"operations");
        for size in 0..whole.len() {
            let mut cut = whole[..size].to_vec();
            if size >= 4 {
                cut[..4].copy_from_slice(&(size as u32).to_le_bytes());
            }
            assert!(entries(cut.into()).all(|e| e.work.is_err()));
        }
    }
}
