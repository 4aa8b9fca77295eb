//! Commands on many records: every row runs on its own, and the rows that are ready share frames.

use std::time::Duration;

use aerospike_wire::batch::{BatchFlags, BatchRequest, BatchRows};
use aerospike_wire::limits::PROTO_HEADER_SIZE;
use aerospike_wire::proto::write_frame;
use aerospike_wire::{FieldType, Info3, Message, MessageHeader, ProtoHeader, ProtoType, ResultCode};
use bytes::{BufMut, BytesMut};
use tokio::time::Instant;

use super::route::{Route, Served};
use super::{Service, Step, batch_field, udf};
use crate::clock::Moment;
use crate::cluster::{Measured, RowTimer};
use crate::command::{Reply, Request};
use crate::exp::Expression;
use crate::security::Guard;

/// Bytes of rows that go into one frame; a larger row has a frame of its own.
const BLOCK_SIZE: usize = 128 * 1024;
/// Bytes of answers after which a batch pauses so that they can be sent.
const PAUSE_SIZE: usize = 1024 * 1024;
/// How long a batch may take that does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A row that waits for a frozen node.
struct StalledRow<'f> {
    index: u32,
    namespace: usize,
    request: Request<'f>,
    served: Served,
    /// The answer of a row that ran.
    answer: Vec<u8>,
}

/// Why running rows paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowStep {
    /// No row is left.
    Done,
    /// The answers are to be sent.
    Full,
    /// The next row calls a function.
    Call,
}

/// A row that calls a function.
struct CallingRow<'f> {
    index: u32,
    namespace: usize,
    request: Request<'f>,
}

/// A batch that is being run.
pub(crate) struct BatchRun<'f> {
    flags: BatchFlags,
    info3: Info3,
    filter: Option<&'f [u8]>,
    rows: BatchRows<'f>,
    /// The last full row, for the rows that repeat it: its namespace, and what it asks for or why that is wrong.
    last: Option<(usize, Result<Request<'f>, ResultCode>)>,
    stalled: Vec<StalledRow<'f>>,
    began: std::time::Instant,
    /// Rows that came before, for faults.
    place: u32,
    /// The row that is to be called next.
    calling: Option<CallingRow<'f>>,
    deadline: Instant,
    result: ResultCode,
}

impl Service {
    pub(super) fn batch<'f>(&mut self, message: Message<'f>, out: &mut BytesMut) -> Step<'f> {
        match self.check_batch(&message) {
            Ok(run) => Step::Batch(Box::new(run)),
            Err(result) => {
                trailer(out, result);
                Step::Done
            }
        }
    }

    /// Reads a batch to its end: one that is malformed anywhere must not have done anything.
    fn check_batch<'f>(&self, message: &Message<'f>) -> Result<BatchRun<'f>, ResultCode> {
        let malformed = |_| ResultCode::PARAMETER;
        let batch = BatchRequest::decode(batch_field(message).ok_or(ResultCode::PARAMETER)?).map_err(malformed)?;
        let most = self.state.options.batch_max_requests;
        if most != 0 && batch.row_count > most {
            return Err(ResultCode::BATCH_MAX_REQUESTS);
        }
        if let Some(filter) = message.field(FieldType::FILTER) {
            Expression::parse_filter(filter)?;
        }
        let mut run = BatchRun {
            flags: batch.flags,
            info3: message.header.info3,
            filter: message.field(FieldType::FILTER),
            rows: batch.iter(),
            last: None,
            stalled: Vec::new(),
            began: std::time::Instant::now(),
            place: 0,
            calling: None,
            deadline: Instant::now(),
            result: ResultCode::OK,
        };
        for row in batch.iter() {
            let row = row.map_err(malformed)?;
            if !row.repeats {
                self.state.find_namespace(row.spec.namespace).ok_or(ResultCode::PARAMETER)?;
            }
        }
        run.deadline += match message.header.timeout {
            0 => DEFAULT_TIMEOUT,
            ms => Duration::from_millis(ms.into()),
        };
        Ok(run)
    }

    /// Runs rows until the batch or the room for answers ends, or a function is to be called.
    pub(crate) fn run_rows(&mut self, run: &mut BatchRun<'_>, out: &mut BytesMut) -> RowStep {
        let (state, map) = (&self.state, self.state.map());
        let mut route = Route { state, map: &map, here: self.here, now: Moment::now(), scratch: &mut self.scratch };
        run.run_rows(&mut route, &mut self.guard, out)
    }

    /// Runs the row that calls a function.
    pub(crate) async fn call_row(&mut self, run: &mut BatchRun<'_>, out: &mut BytesMut) {
        let Some(row) = run.calling.take() else { return };
        let deadline = run.deadline.min(udf::deadline(u32::MAX));
        let answer = self.call(row.namespace, &row.request, row.index, deadline).await.unwrap_or_else(|| {
            let mut answer = BytesMut::new();
            Reply::begin(&mut answer, row.index).fail(ResultCode::TIMEOUT, (0, 0));
            answer
        });
        let start = out.len();
        write_frame(out, ProtoType::Message, |out| out.extend_from_slice(&answer));
        run.result = run.result_after(out, start + PROTO_HEADER_SIZE);
        run.drop_answers_if_stopped(out, start);
    }

    /// Waits for the rows that wait for frozen nodes, fails those whose time is over, and ends the batch.
    pub(crate) async fn finish_batch(&mut self, mut run: BatchRun<'_>, out: &mut BytesMut) {
        for mut row in std::mem::take(&mut run.stalled) {
            while let Served::NotRun(node) | Served::Unacknowledged(node) = row.served {
                if !self.await_node(node, run.deadline).await {
                    row.answer = answer_of(|out| Reply::begin(out, row.index).fail(ResultCode::TIMEOUT, (0, 0)));
                    run.result = if run.responds_all() { run.result } else { ResultCode::TIMEOUT };
                    break;
                }
                if matches!(row.served, Served::Unacknowledged(_)) {
                    break;
                }
                (row.served, row.answer) = self.run_again(&row);
            }
            write_frame(out, ProtoType::Message, |out| out.put_slice(&row.answer));
            if let Some(node) = self.node() {
                node.latencies.record(row.namespace, Measured::of(&row.request), run.began);
            }
        }
        trailer(out, run.result);
        if let Some(node) = self.node() {
            node.latencies.record_batch(run.began);
        }
    }

    fn run_again(&mut self, row: &StalledRow<'_>) -> (Served, Vec<u8>) {
        let mut served = Served::Done;
        let answer = answer_of(|out| {
            served = self.with_route(|route| route.run(row.namespace, &row.request, row.index, out));
        });
        (served, answer)
    }
}

impl<'f> BatchRun<'f> {
    fn run_rows(&mut self, route: &mut Route<'_>, guard: &mut Guard, out: &mut BytesMut) -> RowStep {
        let start = out.len();
        let mut block = Block::begin(out);
        let state = route.state;
        let mut timer = state.nodes.get(route.here).map(|node| RowTimer::new(&node.latencies));
        while block.written_since(start) < PAUSE_SIZE {
            // the rows were all read once, so none of them can be wrong now
            let Some(Ok(row)) = self.rows.next() else {
                block.end();
                self.drop_answers_if_stopped(out, start);
                return RowStep::Done;
            };
            if !row.repeats {
                let namespace = route.state.find_namespace(row.spec.namespace);
                let request = Request::of_row(row.digest, &row.spec, self.info3, self.filter).and_then(|request| {
                    guard.check_record(&request, row.spec.namespace)?;
                    Ok(request)
                });
                self.last = namespace.map(|namespace| (namespace, request));
            }
            let Some((namespace, request)) = &mut self.last else { continue };
            let row_start = block.out.len();
            let refused = route.state.nodes.get(route.here).and_then(|node| node.faults.refuse_row(self.place));
            self.place += 1;
            let refused = refused.or_else(|| {
                let request = request.as_ref().ok()?;
                let node = route.state.nodes.get(route.here)?;
                if request.is_write() && node.faults.ailing.stops_writes() {
                    return Some(ResultCode::OUT_OF_SPACE);
                }
                guard.count_record(request.is_write()).err()
            });
            if let (Some(timer), Ok(request)) = (&mut timer, &*request) {
                timer.begin(*namespace, Measured::of(request));
            }
            let served = match (refused, &mut *request) {
                (None, Ok(request)) if request.calls_function() => {
                    request.digest = row.digest;
                    let (namespace, request) = (*namespace, request.clone());
                    self.calling = Some(CallingRow { index: row.index, namespace, request });
                    block.end();
                    self.drop_answers_if_stopped(out, start);
                    return RowStep::Call;
                }
                (None, Ok(request)) => {
                    request.digest = row.digest;
                    route.run(*namespace, request, row.index, block.out)
                }
                (Some(code), _) | (None, &mut Err(code)) => {
                    Reply::begin(block.out, row.index).fail(code, (0, 0));
                    Served::Done
                }
            };
            match (served, request) {
                (Served::NotRun(_) | Served::Unacknowledged(_), Ok(request)) => {
                    let answer = block.out.get(row_start..).unwrap_or_default().to_vec();
                    block.out.truncate(row_start);
                    let (namespace, request) = (*namespace, request.clone());
                    self.stalled.push(StalledRow { index: row.index, namespace, request, served, answer });
                }
                (_, request) => {
                    if let (Some(timer), Ok(_)) = (&mut timer, request) {
                        timer.end();
                    }
                    self.result = self.result_after(block.out, row_start);
                    block.end_row(row_start);
                }
            }
        }
        block.end();
        self.drop_answers_if_stopped(out, start);
        RowStep::Full
    }

    fn responds_all(&self) -> bool {
        self.flags.contains(BatchFlags::RESPOND_ALL_KEYS)
    }

    /// The batch's result after the row whose answer starts at `row`: its first row error, where errors count. A real
    /// server stops at it too, but by then its threads have answered other rows, so here they all are.
    fn result_after(&self, out: &[u8], row: usize) -> ResultCode {
        const RESULT: usize = 5;
        let row = ResultCode(out.get(row + RESULT).copied().unwrap_or_default());
        let harmless = matches!(row, ResultCode::OK | ResultCode::NOT_FOUND | ResultCode::FILTERED_OUT);
        if harmless || self.responds_all() || self.result != ResultCode::OK { self.result } else { row }
    }

    /// A failed batch that was not asked to report answers with its trailer alone.
    fn drop_answers_if_stopped(&self, out: &mut BytesMut, start: usize) {
        let reports = self.flags.intersects(BatchFlags::RESPOND_ALL_KEYS | BatchFlags::REPORT_FAILING_ROW);
        if self.result != ResultCode::OK && !reports {
            out.truncate(start);
        }
    }
}

/// The frame rows are put into, at the end of a buffer.
struct Block<'o> {
    out: &'o mut BytesMut,
    start: usize,
}

impl<'o> Block<'o> {
    fn begin(out: &'o mut BytesMut) -> Self {
        let start = out.len();
        out.put_bytes(0, PROTO_HEADER_SIZE);
        Self { out, start }
    }

    fn written_since(&self, start: usize) -> usize {
        self.out.len() - start
    }

    /// Ends a row that starts at `row`: one that does not fit any more moves into a new frame.
    fn end_row(&mut self, row: usize) {
        let first = self.start + PROTO_HEADER_SIZE;
        if self.out.len() - first <= BLOCK_SIZE || row == first {
            return;
        }
        let end = self.out.len();
        self.out.put_bytes(0, PROTO_HEADER_SIZE);
        self.out.copy_within(row..end, row + PROTO_HEADER_SIZE);
        write_header(self.out, self.start, row);
        self.start = row;
    }

    fn end(self) {
        if self.out.len() == self.start + PROTO_HEADER_SIZE {
            self.out.truncate(self.start);
        } else {
            let end = self.out.len();
            write_header(self.out, self.start, end);
        }
    }
}

/// Fills in the header of a frame that lies between two places.
fn write_header(out: &mut [u8], start: usize, end: usize) {
    let header = ProtoHeader::encode(ProtoType::Message, end - start - PROTO_HEADER_SIZE);
    if let Some(place) = out.get_mut(start..start + PROTO_HEADER_SIZE) {
        place.copy_from_slice(&header);
    }
}

fn answer_of(write: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    write(&mut out);
    out.to_vec()
}

/// The message that ends a batch.
pub(super) fn trailer(out: &mut BytesMut, result: ResultCode) {
    let header = MessageHeader { info3: Info3::LAST, result, ..MessageHeader::default() };
    write_frame(out, ProtoType::Message, |out| header.encode(out));
}
