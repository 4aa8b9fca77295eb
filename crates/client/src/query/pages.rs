//! Answers cut into pages: whole messages back to back, with the last record of every partition in them.

use aerospike_wire::message::Messages;
use aerospike_wire::{DecodeError, Digest, FieldType, Info3, Message, PartitionId, ResultCode};
use bytes::{Bytes, BytesMut};

use super::Results;
use super::cursor::Place;
use crate::error::{Code, Failure};

/// Bytes a page has at least, unless nothing follows at once. A page is what a reader takes in one go.
const PAGE_SIZE: usize = 128 * 1024;
/// Smaller pieces of frames are copied together; larger ones become pages as they are.
const COPY_LIMIT: usize = 32 * 1024;

/// A bit of a result.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    pub(super) bytes: Bytes,
    pub(super) count: u32,
    /// Where each run of records of one partition ends.
    pub(super) places: Vec<Place>,
}

impl Page {
    /// The first records of a page of records.
    pub(super) fn truncate(mut self, count: u32, has_values: bool) -> Self {
        let mut end = 0;
        self.places.clear();
        for message in Messages::new(&self.bytes).take(count as usize + 1) {
            let Ok((offset, message)) = message else { break };
            end = offset;
            if self.places.len() as u32 == count {
                break;
            }
            self.places.extend(place(&message, has_values).ok());
        }
        self.bytes.truncate(end);
        Self { count, ..self }
    }
}

/// Why no more comes from a node.
pub(super) type End = Result<(), Failure>;

/// Makes pages of the frames of one answer.
#[derive(Debug)]
pub(super) struct Cutter {
    results: Results,
    has_values: bool,
    /// The partitions that were asked for and are to be had, in numerical order of their ids.
    wanted: Vec<bool>,
    /// Partitions the node does not hold.
    pub(super) unavailable: Vec<PartitionId>,
    held: BytesMut,
    count: u32,
    places: Vec<Place>,
    /// Why a stream function failed, in the words of the server.
    reason: Option<String>,
    pub(super) ready: Vec<Page>,
}

impl Cutter {
    pub(super) fn new(results: Results, has_values: bool, partitions: impl Iterator<Item = PartitionId>) -> Self {
        let mut wanted = vec![false; aerospike_wire::limits::PARTITIONS];
        partitions.for_each(|id| wanted[id.index()] = true); // a PartitionId is below PARTITIONS
        Self {
            results,
            has_values,
            wanted,
            unavailable: Vec::new(),
            held: BytesMut::new(),
            count: 0,
            places: Vec::new(),
            reason: None,
            ready: Vec::new(),
        }
    }

    /// Takes in a frame. Whatever precedes bytes that are no message is kept.
    pub(super) fn take(&mut self, frame: &Bytes) -> Option<End> {
        let mut run = Run::default();
        let mut end = None;
        let mut messages = Messages::new(frame);
        loop {
            let (offset, message) = match messages.next() {
                None => break,
                Some(Ok(found)) => found,
                Some(Err(error)) => {
                    end = Some(Err(Failure::garbage(error)));
                    break;
                }
            };
            run.reach(self, frame, offset);
            match self.judge(&message, &mut run) {
                Ok(true) => _ = run.begin.get_or_insert(offset),
                Ok(false) => run.cut(self, frame),
                Err(reason) => {
                    end = Some(reason);
                    break;
                }
            }
        }
        if end.is_none() {
            run.reach(self, frame, frame.len());
        }
        run.cut(self, frame);
        end
    }

    /// Whether a message belongs into a page; an error when it ends the answer.
    fn judge(&mut self, message: &Message<'_>, run: &mut Run) -> Result<bool, End> {
        let header = &message.header;
        if header.info3.contains(Info3::PARTITION_DONE) && !header.is_last() {
            let id = u16::try_from(header.generation).ok().and_then(PartitionId::new);
            let id = id.ok_or_else(|| Err(Failure::garbage(DecodeError::Invalid("partition"))))?;
            if !header.result.is_ok() && std::mem::take(&mut self.wanted[id.index()]) {
                self.unavailable.push(id);
            }
            return Ok(false);
        }
        if header.is_last() || !header.result.is_ok() {
            return Err(self.conclude(header.result));
        }
        match self.results {
            Results::Values => {
                self.take_value(message);
                Ok(false)
            }
            Results::Records => {
                let place = place(message, self.has_values).map_err(|e| Err(Failure::garbage(e)))?;
                // what comes after a partition was said not to be here comes from its next holder, too
                if !self.wanted[place.digest.partition().index()] {
                    return Ok(false);
                }
                run.add(place);
                Ok(true)
            }
        }
    }

    /// What the last message says. A set that is not there has no records.
    fn conclude(&mut self, result: ResultCode) -> End {
        match (result, self.reason.take()) {
            (ResultCode::OK | ResultCode::NOT_FOUND, None) => Ok(()),
            (_, Some(reason)) => Err(Failure::new(ResultCode::UDF_EXECUTION.into(), reason)),
            (code, None) => Err(Failure::new(code.into(), "")),
        }
    }

    fn take_value(&mut self, message: &Message<'_>) {
        if let Some(op) = message.ops().find(|op| op.name == b"FAILURE") {
            self.reason = Some(String::from_utf8_lossy(op.value).into_owned());
            return;
        }
        self.held.extend_from_slice(message.op_bytes());
        self.count += message.ops().count() as u32;
        if self.held.len() >= PAGE_SIZE {
            self.flush();
        }
    }

    /// Makes a page of what is held.
    pub(super) fn flush(&mut self) {
        if self.count > 0 {
            let bytes = self.held.split().freeze();
            let count = std::mem::take(&mut self.count);
            self.ready.push(Page { bytes, count, places: std::mem::take(&mut self.places) });
        }
    }

    /// Whether something is held.
    pub(super) fn holds(&self) -> bool {
        self.count > 0
    }
}

/// Messages of a frame that follow one another and belong into a page.
#[derive(Default)]
struct Run {
    begin: Option<usize>,
    /// Where the last of them ends, once the next message is reached.
    end: usize,
    count: u32,
    places: Vec<Place>,
}

impl Run {
    fn add(&mut self, place: Place) {
        self.count += 1;
        match self.places.last_mut() {
            Some(last) if last.digest.partition() == place.digest.partition() => *last = place,
            _ => self.places.push(place),
        }
    }

    /// The message that began before `offset` ends there.
    fn reach(&mut self, cutter: &mut Cutter, frame: &Bytes, offset: usize) {
        if self.begin.is_some_and(|begin| offset - begin >= PAGE_SIZE) {
            self.end = offset;
            self.cut(cutter, frame);
        }
        self.end = offset;
    }

    fn cut(&mut self, cutter: &mut Cutter, frame: &Bytes) {
        let Some(begin) = self.begin.take() else { return };
        let Self { end, count, places, .. } = std::mem::take(self);
        if end - begin >= COPY_LIMIT {
            cutter.flush();
            cutter.ready.push(Page { bytes: frame.slice(begin..end), count, places });
            return;
        }
        cutter.held.extend_from_slice(&frame[begin..end]);
        cutter.count += count;
        cutter.places.extend(places);
        if cutter.held.len() >= PAGE_SIZE {
            cutter.flush();
        }
    }
}

fn place(message: &Message<'_>, has_values: bool) -> Result<Place, DecodeError> {
    const NOT_HERE: DecodeError = DecodeError::Truncated("a record's digest or index value");
    let (mut digest, mut value) = (None, None);
    for field in message.fields() {
        match field.kind {
            FieldType::DIGEST => digest = Digest::from_slice(field.data),
            FieldType::BVAL_ARRAY => value = field.data.try_into().ok().map(i64::from_le_bytes),
            _ => {}
        }
    }
    let digest = digest.ok_or(NOT_HERE)?;
    if has_values && value.is_none() {
        return Err(NOT_HERE);
    }
    Ok(Place { digest, value: value.unwrap_or_default() })
}

/// The failure of a reader that went away.
pub(super) fn nobody_reads() -> Failure {
    Failure::new(Code::CLIENT_ABORT, "nobody reads the query any more")
}
