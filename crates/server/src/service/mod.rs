//! From a frame to its answer.
//!
//! | file | subject |
//! |---|---|
//! | `route` | which copy of a record a command runs on, and what the other copies get |
//! | `single` | a command on one record |
//! | `batch` | commands on many |
//! | `udf` | a function on one record |
//! | `query` | commands on whatever matches |
//! | `aggregate` | a function on whatever matches |
//! | `abandoned` | transactions whose clients do not end them |
//!
//! Nothing here waits, save where a frozen node or a function is waited for, and queries in the background.

mod abandoned;
mod aggregate;
mod batch;
mod query;
mod route;
mod single;
mod udf;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::batch::BatchRequest;
use aerospike_wire::proto::write_frame;
use aerospike_wire::{FieldType, Info1, Info3, Message, MessageHeader, ProtoType, ResultCode};
use bytes::BytesMut;

use crate::clock::Moment;
use crate::cluster::{Node, NodeIndex, State};
use crate::info::{self, Session};
use crate::query::QueryRun;
use crate::security::Guard;
pub(crate) use abandoned::end_abandoned;
pub(crate) use aggregate::AggregateRun;
pub(crate) use batch::{BatchRun, RowStep};
use route::Route;
pub(crate) use single::Stalled;
pub(crate) use udf::UdfRun;

/// What became of a frame.
pub(crate) enum Step<'f> {
    /// Its answer is written, or it has none.
    Done,
    /// Nothing more is answered on its connection.
    Deaf,
    /// It is a batch, to be run bit by bit.
    Batch(Box<BatchRun<'f>>),
    /// It is a query, to be answered bit by bit.
    Query(Box<QueryRun<'f>>),
    /// It is an aggregation, to be answered bit by bit.
    Aggregate(Box<AggregateRun<'f>>),
    /// It calls a function.
    Udf(Box<UdfRun<'f>>),
    /// It waits for a frozen node.
    Stalled(Box<Stalled<'f>>),
}

/// What one connection needs to answer.
pub(crate) struct Service {
    pub(crate) state: Arc<State>,
    /// The node the connection came to.
    pub(crate) here: NodeIndex,
    /// Where it came from.
    peer: SocketAddr,
    session: Session,
    guard: Guard,
    scratch: BytesMut,
}

impl Service {
    /// Serves a connection from `peer` to node `here`, and of whoever a certificate names.
    pub(crate) fn new(state: Arc<State>, here: NodeIndex, peer: SocketAddr, certified: Option<String>) -> Self {
        let session = Session::new(Arc::clone(&state), here);
        let guard = Guard::new(state.security.clone(), here, peer.ip(), certified);
        Self { peer, session, guard, state, here, scratch: BytesMut::new() }
    }

    /// The node the connection came to; `None` never happens, as connections come to nodes.
    pub(crate) fn node(&self) -> Option<&Node> {
        self.state.nodes.get(self.here)
    }

    /// Answers a frame at the end of `out`.
    pub(crate) fn serve<'f>(&mut self, kind: ProtoType, body: &'f [u8], out: &mut BytesMut) -> Step<'f> {
        match kind {
            ProtoType::Info => {
                write_frame(out, ProtoType::Info, |out| info::answer(&mut self.session, &mut self.guard, body, out));
            }
            ProtoType::Message => return self.message(body, out),
            ProtoType::Security => self.guard.answer(self.state.options.edition, body, out),
            ProtoType::Compressed => fail(out, ResultCode::ENTERPRISE_ONLY),
            // the real Community server does not answer it either, nor anything after it, unless it is no message
            ProtoType::Xdr
                if Message::decode_exact(body).is_ok_and(|message| !message.header.info1.contains(Info1::BATCH)) =>
            {
                return Step::Deaf;
            }
            ProtoType::Xdr => return self.message(body, out),
        }
        Step::Done
    }

    /// Runs something while no partition moves.
    fn with_route<R>(&mut self, run: impl FnOnce(&mut Route<'_>) -> R) -> R {
        let map = self.state.map();
        let (state, scratch) = (&self.state, &mut self.scratch);
        run(&mut Route { state, map: &map, here: self.here, now: Moment::now(), scratch })
    }

    fn message<'f>(&mut self, body: &'f [u8], out: &mut BytesMut) -> Step<'f> {
        let Ok(message) = Message::decode_exact(body) else {
            // what calls itself a batch is answered as one, however little of it can be read
            let is_batch = body.get(1).is_some_and(|bits| Info1::from_bits_retain(*bits).contains(Info1::BATCH));
            let info3 = if is_batch { Info3::LAST } else { Info3::empty() };
            let header = MessageHeader { result: ResultCode::PARAMETER, info3, ..MessageHeader::default() };
            write_frame(out, ProtoType::Message, |out| header.encode(out));
            return Step::Done;
        };
        if let Err(code) = self.guard.admit() {
            // a batch that is refused as a whole ends with that
            if message.header.info1.contains(Info1::BATCH) {
                batch::trailer(out, code)
            } else {
                fail(out, code)
            }
            return Step::Done;
        }
        if message.header.info1.contains(Info1::BATCH) {
            return self.batch(message, out);
        }
        let namespace = message.field(FieldType::NAMESPACE).and_then(|name| self.state.find_namespace(name));
        match namespace {
            None => fail(out, ResultCode::NAMESPACE_NOT_FOUND),
            // no digest: a query
            Some(namespace) if message.field(FieldType::DIGEST).is_none() => {
                return self.query(&message, body, namespace, out);
            }
            Some(namespace) => return self.single(&message, namespace, out),
        }
        Step::Done
    }

    /// How long the command in a frame waits because of the sets it is on.
    pub(crate) fn set_delay(&self, kind: ProtoType, body: &[u8]) -> Option<Duration> {
        if kind != ProtoType::Message || !self.state.has_set_delays() {
            return None;
        }
        let message = Message::decode_exact(body).ok()?;
        let own = message.field(FieldType::SET).and_then(|set| self.state.delay_of(set));
        let rows = batch_field(&message).and_then(|field| BatchRequest::decode(field).ok());
        let rows = rows.iter().flat_map(BatchRequest::iter).map_while(Result::ok).filter(|row| !row.repeats);
        let sets = rows.filter_map(|row| row.spec.field(FieldType::SET));
        sets.filter_map(|set| self.state.delay_of(set)).chain(own).max()
    }
}

/// The rows of a batch, under either of the two names of their field.
fn batch_field<'f>(message: &Message<'f>) -> Option<&'f [u8]> {
    message.field(FieldType::BATCH).or_else(|| message.field(FieldType::BATCH_WITH_SET))
}

/// Answers with a header and nothing else.
pub(crate) fn fail(out: &mut BytesMut, result: ResultCode) {
    write_frame(out, ProtoType::Message, |out| MessageHeader { result, ..MessageHeader::default() }.encode(out));
}
