//! What a query asks for, and what is wrong with it (protocol 8.2, 8.8).

use std::net::SocketAddr;
use std::time::Duration;

use aerospike_wire::limits::{MAX_SET_SIZE, PARTITIONS};
use aerospike_wire::{Digest, FieldType, Info1, Message, OpCode, PartitionId, ResultCode};

use super::range::{Lookup, Wanted};
use crate::cluster::{About, JobKind, State};
use crate::command::udf::Call;
use crate::command::{QueryKind, Request, row};
use crate::exp::{self, Expression};
use crate::security::Reservation;
use crate::store::{Entry, Namespace};

/// Milliseconds without progress on the socket after which a query ends that does not say.
const SOCKET_TIMEOUT: u32 = 10_000;
/// Records per second that a query in the background writes at most.
const BACKGROUND_RATE: u32 = 10_000;

/// A partition to visit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion {
    pub(crate) id: PartitionId,
    /// The place to go on after.
    pub(crate) after: Option<Entry>,
}

/// A query.
pub(crate) struct Query<'f> {
    pub(crate) kind: QueryKind,
    /// The number of the namespace.
    pub(crate) namespace: usize,
    /// Its id; random where none was sent.
    pub(crate) id: u64,
    /// The partitions to visit, ascending; empty for operations, which run where a node is the master.
    pub(crate) portions: Vec<Portion>,
    /// How many of these are to be resumed.
    pub(crate) resumed: usize,
    /// Records after which it ends.
    pub(crate) sample: Option<u64>,
    /// Records per second, 0 for no limit.
    pub(crate) per_second: u32,
    /// How long the socket may stand still; zero for ever.
    pub(crate) socket_timeout: Duration,
    /// What the records must be like.
    pub(crate) filter: Option<Expression<'f>>,
    /// The index and what is looked for in it.
    pub(crate) lookup: Lookup,
    /// What is asked of, or done to, each record.
    pub(crate) request: Request<'f>,
    /// What its user may do in a second and this query does; free again when it ends.
    pub(crate) reservation: Option<Reservation>,
    /// Milliseconds a short query may take; 0 for the default.
    pub(crate) timeout: u32,
}

impl<'f> Query<'f> {
    /// Reads a query of a namespace. What is wrong is looked for in the order of a real server: what says which records are
    /// meant, whether there are such, and then what is asked of them.
    pub(crate) fn parse(message: &Message<'f>, number: usize, namespace: &Namespace) -> Result<Self, ResultCode> {
        let header = &message.header;
        let kind = QueryKind::of(message)?;
        let is_basic = matches!(kind, QueryKind::Basic { .. });
        if !is_basic && header.info1.contains(Info1::SHORT_QUERY) {
            return Err(ResultCode::PARAMETER);
        }
        if kind == QueryKind::Aggregation && message.field(FieldType::FILTER).is_some() {
            return Err(ResultCode::UNSUPPORTED_FEATURE);
        }
        let request = if is_basic { Request::of_query(message)? } else { Request::of_job(message)? };
        if request.set.len() > MAX_SET_SIZE {
            return Err(ResultCode::PARAMETER);
        }
        let portions = if is_basic { portions(message)? } else { Some((Vec::new(), 0)) };
        let wanted = Wanted::parse(message, request.set)?;
        let per_second = per_second(message, kind)?;
        if !is_basic && namespace.find_set(request.set).is_none() {
            return Err(ResultCode::NOT_FOUND);
        }
        let per_second = match kind {
            QueryKind::Operations | QueryKind::Calls => background_rate(per_second)?,
            QueryKind::Basic { .. } | QueryKind::Aggregation => per_second,
        };
        let (portions, resumed) = portions.ok_or(ResultCode::UNSUPPORTED_FEATURE)?;
        let lookup = wanted.map(|wanted| wanted.find(namespace)).transpose()?;
        // who answers nothing waits for no socket, and only records can be sampled
        let socket_timeout = match kind {
            QueryKind::Basic { .. } | QueryKind::Aggregation => short_number_of(message, FieldType::SOCKET_TIMEOUT)?,
            QueryKind::Operations | QueryKind::Calls => None,
        };
        let sample = if is_basic { number_of(message, FieldType::SAMPLE_MAX)?.filter(|most| *most > 0) } else { None };
        match kind {
            QueryKind::Aggregation | QueryKind::Calls => Call::parse(request.udf).map(|_| ())?,
            QueryKind::Operations => check_operations(message, &request)?,
            // who wants no bins is not asked for operations
            QueryKind::Basic { .. } if request.info1.contains(Info1::GET_NO_BINS) => {}
            QueryKind::Basic { .. } => row::check_ops(&request)?,
        }
        let filter = message.field(FieldType::FILTER).map(Expression::parse_filter).transpose()?;
        Ok(Self {
            kind,
            namespace: number,
            id: number_of(message, FieldType::TASK_ID)?.unwrap_or_else(|| fastrand::u64(1..)),
            portions,
            resumed,
            sample,
            per_second,
            socket_timeout: Duration::from_millis(socket_timeout.unwrap_or(SOCKET_TIMEOUT).into()),
            filter,
            lookup,
            request,
            reservation: None,
            timeout: header.timeout,
        })
    }

    /// What others see of it.
    pub(crate) fn about(&self, state: &State, kind: JobKind, from: SocketAddr) -> About {
        About {
            id: self.id,
            kind,
            from,
            namespace: state.namespaces.get(self.namespace).map(|namespace| namespace.name.clone()).unwrap_or_default(),
            set: String::from_utf8_lossy(self.request.set).into_owned(),
            index: self.lookup.as_ref().map(|(index, _)| index.name.clone()),
            per_second: self.per_second,
            socket_timeout: self.socket_timeout,
        }
    }
}

/// Operations in the background only write.
fn check_operations(message: &Message<'_>, request: &Request<'_>) -> Result<(), ResultCode> {
    let writes = request.ops().all(|op| OpCode::from_code(op.code).is_some_and(|code| !code.is_read()));
    let parse =
        request.ops().all(|op| OpCode::from_code(op.code) != Some(OpCode::ExpModify) || exp::is_modify(op.value));
    let is_good = !message.header.info1.contains(Info1::READ) && writes && request.op_count > 0 && parse;
    if is_good { Ok(()) } else { Err(ResultCode::PARAMETER) }
}

/// Records per second, 0 for no limit.
fn per_second(message: &Message<'_>, kind: QueryKind) -> Result<u32, ResultCode> {
    let wanted = short_number_of(message, FieldType::RECORDS_PER_SECOND)?;
    match kind {
        QueryKind::Basic { is_short: true } if wanted.is_some() => Err(ResultCode::PARAMETER),
        _ => Ok(wanted.unwrap_or(0)),
    }
}

/// The same in the background, where there is a limit.
fn background_rate(wanted: u32) -> Result<u32, ResultCode> {
    match wanted {
        0 => Ok(BACKGROUND_RATE),
        most if most <= BACKGROUND_RATE => Ok(most),
        _ => Err(ResultCode::PARAMETER),
    }
}

/// The partitions a request names, and how many of them it resumes; `None` when it names none. What is too few for another
/// number, digest or value at the end of a field is not looked at.
fn portions(message: &Message<'_>) -> Result<Option<(Vec<Portion>, usize)>, ResultCode> {
    const REFUSED: ResultCode = ResultCode::PARAMETER;
    let ids = message.field(FieldType::PID_ARRAY).map(|field| field.as_chunks::<2>().0);
    let digests = message.field(FieldType::DIGEST_ARRAY).map(|field| field.as_chunks::<{ Digest::SIZE }>().0);
    let values = message.field(FieldType::BVAL_ARRAY).map(|field| field.as_chunks::<8>().0);
    if ids.is_none() && digests.is_none() {
        return Ok(None);
    }
    if ids.is_some_and(|ids| ids.is_empty() || ids.len() > PARTITIONS)
        || digests.is_some_and(|digests| digests.is_empty() || digests.len() > PARTITIONS)
        || (digests.is_none() && values.is_some())
    {
        return Err(REFUSED);
    }
    let (ids, digests) = (ids.unwrap_or_default(), digests.unwrap_or_default());
    // only an index has values to go on after
    let values = match message.field(FieldType::INDEX_RANGE) {
        Some(_) if !digests.is_empty() => Some(values.filter(|v| v.len() == digests.len()).ok_or(REFUSED)?),
        _ => None,
    };
    let mut portions = Vec::with_capacity(ids.len() + digests.len());
    let mut seen = [false; PARTITIONS];
    let mut add = |portion: Portion| {
        let is_new = !std::mem::replace(&mut seen[portion.id.index()], true);
        portions.push(portion);
        if is_new { Ok(()) } else { Err(REFUSED) }
    };
    for id in ids {
        add(Portion { id: PartitionId::new(u16::from_le_bytes(*id)).ok_or(REFUSED)?, after: None })?;
    }
    for (i, digest) in digests.iter().enumerate() {
        let value = values.and_then(|values| values.get(i)).map_or(0, |value| i64::from_le_bytes(*value));
        let digest = Digest(*digest);
        add(Portion { id: digest.partition(), after: Some((value, digest)) })?;
    }
    portions.sort_unstable_by_key(|portion| portion.id);
    Ok(Some((portions, digests.len())))
}

fn number_of(message: &Message<'_>, kind: FieldType) -> Result<Option<u64>, ResultCode> {
    let number = message.field(kind).map(|data| data.try_into().map(u64::from_be_bytes));
    number.transpose().map_err(|_| ResultCode::PARAMETER)
}

fn short_number_of(message: &Message<'_>, kind: FieldType) -> Result<Option<u32>, ResultCode> {
    let number = message.field(kind).map(|data| data.try_into().map(u32::from_be_bytes));
    number.transpose().map_err(|_| ResultCode::PARAMETER)
}
