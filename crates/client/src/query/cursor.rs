//! Where a query is in each of its partitions, in memory and as bytes (docs/internal/boundary.md).

use aerospike_wire::limits::PARTITIONS;
use aerospike_wire::{Digest, PartitionId};

use crate::error::{Code, Error};

const VERSION: u8 = 1;
const HAS_VALUES: u8 = 1;
const FRESH: u8 = 0;
const BEGUN: u8 = 1;
const DONE: u8 = 2;

/// A record, as the place after which a query goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) digest: Digest,
    /// What the index found it by; 0 without an index.
    pub(crate) value: i64,
}

/// How far a query is in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Fresh,
    Behind(Place),
    Done,
}

/// Where a query is: its partitions, and in each the last record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    has_values: bool,
    /// For every partition of the namespace; `None` for those that are not part of the query.
    standings: Vec<Option<Standing>>,
}

fn refuse(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::PARAM, detail)
}

impl Cursor {
    /// The beginning of a range of partitions. `has_values`: the query goes over an index, and is resumed with the
    /// value a record was found by.
    pub fn of_partitions(begin: u32, count: u32, has_values: bool) -> Result<Self, Error> {
        let end = begin.checked_add(count).map(|end| end as usize).filter(|end| *end <= PARTITIONS && count > 0);
        let Some(end) = end else {
            return Err(refuse(format!(
                "there are no {count} partitions from {begin} on: a namespace has {PARTITIONS}"
            )));
        };
        let inside = |id: usize| (begin as usize..end).contains(&id).then_some(Standing::Fresh);
        Ok(Self { has_values, standings: (0..PARTITIONS).map(inside).collect() })
    }

    /// Reads what [`Cursor::encode`] wrote. Everything about it is checked: it may come from anywhere.
    pub fn decode(bytes: &[u8], has_values: bool) -> Result<Self, Error> {
        let wrong = |what: &'static str| refuse(format!("the cursor is damaged: {what}"));
        let Some(([version, flags, low, high], mut rest)) = bytes.split_first_chunk::<4>() else {
            return Err(wrong("it is too short"));
        };
        if *version != VERSION || *flags & !HAS_VALUES != 0 {
            return Err(refuse("the cursor is of another version"));
        }
        let carries_values = *flags & HAS_VALUES != 0;
        let mut standings = vec![None; PARTITIONS];
        let mut next = 0;
        for _ in 0..u16::from_le_bytes([*low, *high]) {
            let Some((head, tail)) = rest.split_first_chunk::<3>() else { return Err(wrong("it ends early")) };
            let id = usize::from(u16::from_le_bytes([head[0], head[1]]));
            let Some(slot) = standings.get_mut(id).filter(|_| id >= next) else {
                return Err(wrong("its partitions are out of order"));
            };
            next = id + 1;
            rest = tail;
            *slot = Some(match head[2] {
                FRESH => Standing::Fresh,
                DONE => Standing::Done,
                BEGUN if carries_values == has_values => {
                    let place = take_place(&mut rest, has_values).ok_or_else(|| wrong("it ends early"))?;
                    if place.digest.partition().index() != id {
                        return Err(wrong("a record is in another partition"));
                    }
                    Standing::Behind(place)
                }
                BEGUN => return Err(refuse("the cursor is of another query: one of them goes over an index")),
                _ => return Err(wrong("a partition has no such state")),
            });
        }
        if !rest.is_empty() {
            return Err(wrong("bytes follow its end"));
        }
        Ok(Self { has_values, standings })
    }

    /// The cursor as bytes, to go on from at another time, in another process.
    pub fn encode(&self) -> Vec<u8> {
        let count = self.standings.iter().flatten().count() as u16; // at most PARTITIONS
        let mut out = vec![VERSION, if self.has_values { HAS_VALUES } else { 0 }];
        out.extend(count.to_le_bytes());
        for (id, standing) in self.iter() {
            out.extend((id.index() as u16).to_le_bytes());
            match standing {
                Standing::Fresh => out.push(FRESH),
                Standing::Done => out.push(DONE),
                Standing::Behind(place) => {
                    out.push(BEGUN);
                    out.extend(place.digest.0);
                    if self.has_values {
                        out.extend(place.value.to_le_bytes());
                    }
                }
            }
        }
        out
    }

    /// Partitions that are done, and partitions in all.
    pub fn progress(&self) -> (usize, usize) {
        let all = self.standings.iter().flatten();
        (all.clone().filter(|s| **s == Standing::Done).count(), all.count())
    }

    /// Whether records are resumed with the value an index found them by.
    pub(crate) fn has_values(&self) -> bool {
        self.has_values
    }

    /// The partitions of the query, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PartitionId, Standing)> {
        PartitionId::all().zip(&self.standings).filter_map(|(id, standing)| Some((id, (*standing)?)))
    }

    /// Notes how far a partition is. One that is not part of the query, or is done, stays so.
    pub(crate) fn set(&mut self, id: PartitionId, standing: Standing) {
        if let Some(Some(slot)) = self.standings.get_mut(id.index())
            && *slot != Standing::Done
        {
            *slot = standing;
        }
    }

    /// Takes a partition out of the query.
    pub(crate) fn remove(&mut self, id: PartitionId) {
        if let Some(slot) = self.standings.get_mut(id.index()) {
            *slot = None;
        }
    }
}

fn take_place(bytes: &mut &[u8], has_values: bool) -> Option<Place> {
    let (digest, rest) = bytes.split_first_chunk::<{ Digest::SIZE }>()?;
    let (value, rest) = if has_values {
        let (value, rest) = rest.split_first_chunk::<8>()?;
        (i64::from_le_bytes(*value), rest)
    } else {
        (0, rest)
    };
    *bytes = rest;
    Some(Place { digest: Digest(*digest), value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(number: u16) -> Digest {
        let mut digest = Digest([7; Digest::SIZE]);
        digest.0[..2].copy_from_slice(&number.to_le_bytes());
        digest
    }

    fn begun() -> Cursor {
        let mut cursor = Cursor::of_partitions(10, 5, true).unwrap();
        let place = Place { digest: digest(12 | 0xf000), value: -9 };
        cursor.set(place.digest.partition(), Standing::Behind(place));
        cursor.set(PartitionId::new(13).unwrap(), Standing::Done);
        cursor
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let cursor = begun();
        assert_eq!(cursor.progress(), (1, 5));
        assert_eq!(Cursor::decode(&cursor.encode(), true).unwrap(), cursor);
        assert_eq!(cursor.encode().len(), 4 + 5 * 3 + 28);
    }

    #[test]
    fn a_partition_that_is_done_or_not_asked_for_stays_so() {
        let mut cursor = begun();
        let before = cursor.clone();
        for id in [13, 4000] {
            cursor.set(PartitionId::new(id).unwrap(), Standing::Fresh);
        }
        assert_eq!(cursor, before);
    }

    #[test]
    fn a_damaged_cursor_is_refused() {
        let good = begun().encode();
        for cut in 0..good.len() {
            assert_eq!(Cursor::decode(&good[..cut], true).unwrap_err().code(), Code::PARAM);
        }
        let spoilt = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Cursor::decode(&bytes, true)
        };
        // version, flags, number, order, range, state, partition of the digest
        for (at, byte) in [(0, 2), (1, 3), (2, 4), (4, 200), (5, 16), (6, 3), (13, 0)] {
            assert!(spoilt(at, byte).is_err(), "byte {at} as {byte}");
        }
        assert!(Cursor::decode(&[&good[..], &[0]].concat(), true).is_err());
        assert!(Cursor::decode(&good, false).is_err(), "a cursor of an index does not fit a scan");
        assert!(Cursor::of_partitions(4095, 2, false).is_err());
        assert!(Cursor::of_partitions(0, 0, false).is_err());
        assert!(Cursor::of_partitions(u32::MAX, u32::MAX, false).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), has_values: bool) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = Cursor::decode(&bytes, has_values);
        }
    }
}
