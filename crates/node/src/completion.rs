//! Completions: what became of a command, in the form TypeScript reads. Every failure of the core crosses in one form, whether a
//! command, a query or a call of the control plane failed.

use aerospike_core::wire::ResultCode;
use aerospike_core::{BatchReply, Code, Error, NodeCost, Reply, RowOutcome, SubError, Timing, Try, TryReport};

use crate::time::milliseconds_of;

use crate::layout::{completion_flag, completion_kind, outcome_flag, size};

/// A batch whose table and pages take no more than this travels whole in its completion: copying so little twice costs
/// less than fetching it piece by piece.
const MAX_WHOLE: usize = 32 * 1024;

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The server's answer, with result 0.
    Record(Reply),
    /// Why there is none.
    Failure(Error),
    /// A failure of the binding itself: the code and why.
    Refused(Code, &'static str),
    /// The rows of a batch.
    Batch(Box<BatchReply>),
    /// Some of them; the others follow under the same ticket.
    Part(Box<BatchReply>),
}

impl From<Result<Reply, Error>> for Outcome {
    fn from(answer: Result<Reply, Error>) -> Self {
        answer.map_or_else(Self::Failure, Self::Record)
    }
}

/// Appends to a buffer that JavaScript reads, little-endian.
struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn u8(&mut self, n: u8) {
        self.0.push(n);
    }

    fn u16(&mut self, n: u16) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn i16(&mut self, n: i16) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn u32(&mut self, n: u32) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn f64(&mut self, n: f64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    /// Text of at most 65,535 bytes; longer text is cut at a character.
    fn str(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(u16::MAX.into())];
        self.u16(text.len() as u16);
        self.0.extend_from_slice(text.as_bytes());
    }
}

/// Whether a batch is small enough for its table and its pages to be in its completion.
pub(crate) fn fits_whole(reply: &BatchReply) -> bool {
    let pages: usize = reply.pages.iter().map(|page| page.len()).sum();
    reply.rows.len() * size::OUTCOME + pages <= MAX_WHOLE
}

/// A failure as a completion of no ticket.
pub(crate) fn failure(error: Error) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, 0, &Outcome::Failure(error), false);
    out
}

/// What a promise of the control plane rejects with.
pub(crate) fn rejection(error: Error) -> napi::Error {
    napi::Error::from_reason(rejection_text(error))
}

/// A rejection is an `Error` of JavaScript, which has nothing but text: the failure stands in it in hexadecimal digits. Apart from
/// `rejection`, since tests are no addon: what uses Node-API cannot be linked into them.
fn rejection_text(error: Error) -> String {
    let digits: String = failure(error).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("failure {digits}")
}

/// Appends one completion; of a batch, if `whole`, with its table and pages.
pub(crate) fn write(out: &mut Vec<u8>, ticket: u32, outcome: &Outcome, whole: bool) {
    let start = out.len();
    let mut to = Writer(out);
    to.u32(0); // the length, known at the end
    to.u32(ticket);
    match outcome {
        Outcome::Record(reply) => {
            to.u8(completion_kind::RECORD);
            to.u8(if reply.timing.is_some() { completion_flag::HAS_TIMING } else { 0 });
            to.i16(0);
            to.0.extend_from_slice(&reply.message);
            if let Some(timing) = &reply.timing {
                write_timing(&mut to, timing, &reply.node, reply.attempts);
            }
        }
        Outcome::Failure(error) => write_failure(&mut to, error),
        Outcome::Refused(code, detail) => {
            to.u8(completion_kind::FAILURE);
            to.u8(0);
            to.i16(code.0);
            to.u32(0);
            to.f64(0.0);
            to.str("");
            to.str(detail);
            to.u16(0);
        }
        Outcome::Batch(reply) => write_batch(&mut to, reply, 0, whole),
        Outcome::Part(reply) => write_batch(&mut to, reply, completion_flag::IS_PART, whole),
    }
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn write_failure(to: &mut Writer<'_>, error: &Error) {
    let message = error.message();
    to.u8(completion_kind::FAILURE);
    let timing = error.timing();
    let has = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
    to.u8(has(error.in_doubt(), completion_flag::IN_DOUBT)
        | has(message.is_some(), completion_flag::HAS_MESSAGE)
        | has(timing.is_some(), completion_flag::HAS_TIMING));
    to.i16(error.code().0);
    to.u32(error.attempts());
    to.f64(error.elapsed().as_secs_f64() * 1000.0);
    to.str(error.node().map_or("", |node| node));
    to.str(error.detail());
    let sub_errors = &error.sub_errors()[..error.sub_errors().len().min(u16::MAX.into())];
    to.u16(sub_errors.len() as u16);
    sub_errors.iter().for_each(|sub| write_sub_error(to, sub));
    if let Some(message) = message {
        to.u32(message.len() as u32);
        to.0.extend_from_slice(message);
    }
    if let Some(timing) = timing {
        write_timing(to, timing, error.node().map_or("", |node| node), error.attempts());
    }
}

fn write_sub_error(to: &mut Writer<'_>, sub: &SubError) {
    to.i16(sub.code.0);
    to.u8(u8::from(sub.in_doubt));
    to.u32(sub.attempt);
    to.f64(sub.elapsed.as_secs_f64() * 1000.0);
    to.str(sub.node.as_deref().unwrap_or(""));
    to.str(&sub.detail);
}

/// What the attempts of rows ran into, after its length.
fn write_tries(to: &mut Writer<'_>, tries: Option<&TryReport>) {
    let start = to.0.len();
    to.u32(0); // the length, known at the end
    let Some(TryReport { failures, tries, rows }) = tries else { return };
    to.u16(failures.len() as u16);
    failures.iter().for_each(|failure| write_sub_error(to, failure));
    to.u32(tries.len() as u32);
    for Try { before, failure } in tries {
        to.u32(*before);
        to.u16(*failure);
    }
    to.u32(rows.len() as u32);
    for (row, last) in rows {
        to.u32(*row);
        to.u32(*last);
    }
    let length = (to.0.len() - start - 4) as u32;
    to.0[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Ends a completion: moments on the clock of `monotonic_time`, bytes, attempts, the node, and how many bytes that is.
fn write_timing(to: &mut Writer<'_>, timing: &Timing, node: &str, attempts: u32) {
    let start = to.0.len();
    to.f64(milliseconds_of(timing.begun));
    to.f64(timing.sent.map_or(f64::NAN, milliseconds_of));
    to.f64(milliseconds_of(timing.ended));
    to.f64(timing.bytes_out as f64);
    to.f64(timing.bytes_in as f64);
    to.u32(attempts);
    to.str(node);
    let size = to.0.len() - start + 2;
    to.u16(size as u16);
}

/// What JavaScript would have to go through all rows to know.
struct Tally {
    /// For each page the rows it answers.
    answered: Vec<u32>,
    /// Rows that are not done for good: other than ok, not found and filtered out.
    left: u32,
}

impl Tally {
    fn of(reply: &BatchReply) -> Self {
        let mut tally = Self { answered: vec![0; reply.pages.len()], left: 0 };
        for row in &reply.rows {
            if let Some(page) = tally.answered.get_mut(usize::from(row.page)) {
                *page += 1;
            }
            let result = u8::try_from(row.code.0).map(ResultCode);
            let is_done = row.is_answered() && result.is_ok_and(ResultCode::keeps_batch_going);
            tally.left += u32::from(!is_done);
        }
        tally
    }
}

fn write_batch(to: &mut Writer<'_>, reply: &BatchReply, flags: u8, whole: bool) {
    to.u8(completion_kind::BATCH);
    to.u8(flags | if whole { completion_flag::IS_WHOLE } else { 0 });
    to.i16(0);
    to.u32(reply.rows.len() as u32);
    to.u32(reply.pages.len() as u32);
    to.f64(reply.elapsed.as_secs_f64() * 1000.0);
    to.u16(reply.nodes.len() as u16);
    let Tally { answered, left } = Tally::of(reply);
    to.u32(left);
    for (page, answered) in reply.pages.iter().zip(answered) {
        to.u32(page.len() as u32);
        to.u32(answered);
    }
    for NodeCost { name, asked, answered, bytes_out, bytes_in, round_trips, retries, last_error } in &reply.nodes {
        to.str(name);
        to.u32(*asked);
        to.u32(*answered);
        to.f64(*bytes_out as f64);
        to.f64(*bytes_in as f64);
        to.u32(*round_trips);
        to.u32(*retries);
        to.i16(last_error.as_ref().map_or(0, |e| e.code.0));
        to.str(last_error.as_ref().map_or("", |e| &e.detail));
    }
    write_tries(to, reply.tries.as_deref());
    if whole {
        let table = to.0.len();
        to.0.resize(table + reply.rows.len() * size::OUTCOME, 0);
        write_table(&mut to.0[table..], &reply.rows);
        for page in &reply.pages {
            to.0.extend_from_slice(page);
        }
    }
}

/// Writes the table of a batch's rows; `target` must hold [`size::OUTCOME`] bytes for each.
pub(crate) fn write_table(target: &mut [u8], rows: &[RowOutcome]) {
    for (to, row) in target.chunks_exact_mut(size::OUTCOME).zip(rows) {
        to[0..4].copy_from_slice(&row.offset.to_le_bytes());
        to[4..6].copy_from_slice(&row.page.to_le_bytes());
        to[6..8].copy_from_slice(&row.code.0.to_le_bytes());
        to[8] = if row.in_doubt { outcome_flag::IN_DOUBT } else { 0 }
            | if row.is_elsewhere { outcome_flag::IS_ELSEWHERE } else { 0 };
        to[9] = row.node;
        to[10..12].copy_from_slice(&row.attempts.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::layout::fixture;

    const MILLIS: fn(u64) -> Duration = Duration::from_millis;

    fn written(ticket: u32, outcome: &Outcome) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, ticket, outcome, true);
        out
    }

    fn too_slow() -> Error {
        let node: Arc<str> = "A1".into();
        let before = SubError {
            code: Code(-8),
            detail: "reset".into(),
            node: None,
            attempt: 1,
            in_doubt: true,
            elapsed: MILLIS(250),
        };
        Error::new(Code(9), "too slow")
            .at(Some(node), 3, MILLIS(1500))
            .in_doubt_if(true)
            .with_sub_errors(vec![before])
            .with_message(Some(Bytes::from_static(b"\x16\0\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")))
    }

    #[test]
    fn a_failure_is_written_as_typescript_reads_it() {
        assert_eq!(written(7, &Outcome::Failure(too_slow())), fixture("failure"));
    }

    #[test]
    fn a_rejection_says_what_a_completion_says() {
        let digits: String = failure(too_slow()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(rejection_text(too_slow()), format!("failure {digits}"));
        assert_eq!(failure(too_slow())[8..], fixture("failure")[8..]);
    }

    #[test]
    fn a_batch_is_written_as_typescript_reads_it() {
        let second = SubError {
            code: Code(18),
            detail: "busy".into(),
            node: None,
            attempt: 2,
            in_doubt: false,
            elapsed: MILLIS(250),
        };
        let first = SubError { code: Code(9), detail: "".into(), attempt: 1, elapsed: MILLIS(500), ..second.clone() };
        let reply = BatchReply {
            rows: vec![
                RowOutcome {
                    page: 0,
                    offset: 2,
                    code: Code(0),
                    in_doubt: false,
                    node: 0,
                    attempts: 1,
                    is_elsewhere: false,
                },
                RowOutcome {
                    page: RowOutcome::NO_PAGE,
                    offset: 0,
                    code: Code(-8),
                    in_doubt: true,
                    node: 0,
                    attempts: 258,
                    is_elsewhere: true,
                },
            ],
            pages: vec![Bytes::from_static(b"page")],
            nodes: vec![NodeCost {
                name: "A1".into(),
                asked: 3,
                answered: 1,
                bytes_out: 100,
                bytes_in: 50,
                round_trips: 2,
                retries: 1,
                last_error: Some(second.clone()),
            }],
            elapsed: MILLIS(1500),
            tries: Some(Box::new(TryReport {
                failures: vec![first, second],
                tries: vec![Try { before: 0, failure: 0 }, Try { before: 1, failure: 1 }],
                rows: vec![(1, 1)],
            })),
        };
        assert_eq!(written(7, &Outcome::Part(Box::new(reply))), fixture("batch"));
    }
}
