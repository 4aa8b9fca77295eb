//! What expressions ask of a record apart from its bins.

use super::record::RecordView;
use super::value::Value;

/// A question about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metadata {
    DeviceSize,
    LastUpdate,
    SinceUpdate,
    VoidTime,
    Ttl,
    SetName,
    KeyExists,
    IsTombstone,
    MemorySize,
    RecordSize,
}

/// Seconds from the Unix epoch to that of the protocol's times.
const EPOCH_SECONDS: i64 = 1_262_304_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// Answers a question about a record.
pub(super) fn evaluate(question: Metadata, record: &dyn RecordView) -> Value<'_> {
    let size = || record.stored_size() as i64;
    Value::Integer(match question {
        Metadata::DeviceSize => 0, // namespaces are in memory
        Metadata::MemorySize | Metadata::RecordSize => size(),
        Metadata::LastUpdate => nanos(record.last_update_millis() as i64, NANOS_PER_MILLI),
        Metadata::SinceUpdate => record.now_millis().saturating_sub(record.last_update_millis()) as i64,
        Metadata::VoidTime => match record.void_time() {
            0 => -1,
            time => nanos(time.into(), NANOS_PER_SECOND),
        },
        Metadata::Ttl => match record.void_time() {
            0 => -1,
            // one that has expired, or does in this second, has a second left
            time => i64::from(time).saturating_sub((record.now_millis() / 1000) as i64).max(1),
        },
        Metadata::SetName => return Value::String(record.set_name().into()),
        Metadata::KeyExists => return Value::Bool(record.key().is_some()),
        Metadata::IsTombstone => return Value::Bool(record.is_tombstone()),
    })
}

/// A time since 2010 as nanoseconds since 1970.
fn nanos(since_2010: i64, unit: i64) -> i64 {
    since_2010.wrapping_mul(unit).wrapping_add(EPOCH_SECONDS * NANOS_PER_SECOND)
}

/// The digest's last four bytes, little-endian, modulo a divisor.
pub(super) fn digest_modulo(divisor: i32, record: &dyn RecordView) -> Value<'_> {
    let [.., a, b, c, d] = *record.digest();
    match i64::from(u32::from_le_bytes([a, b, c, d])).checked_rem(divisor.into()) {
        Some(n) => Value::Integer(n),
        None => Value::Unknown,
    }
}
