//! What a query asks for, and what is wrong with it (protocol 8.2, 8.8).

use std::net::SocketAddr;
use std::time::Duration;

use aerospike_wire::limits::{MAX_SET_SIZE, PARTITIONS};
use aerospike_wire::{Digest, FieldType, Info1, Info2, Message, OpCode, PartitionId, ResultCode};

use super::range::{Lookup, lookup};
use crate::cluster::{About, JobKind, State};
use crate::command::udf::Call;
use crate::command::{QueryKind, Request, row};
use crate::exp::Expression;
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
    /// The place to go on behind.
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
    /// Reads a query of a namespace.
    pub(crate) fn parse(message: &Message<'f>, number: usize, namespace: &Namespace) -> Result<Self, ResultCode> {
        let header = &message.header;
        let request = Request::of_query(message)?;
        if request.set.len() > MAX_SET_SIZE {
            return Err(ResultCode::PARAMETER);
        }
        let kind = QueryKind::of(message)?;
        match kind {
            QueryKind::Aggregation | QueryKind::Calls => check_call(message, kind, &request, namespace)?,
            QueryKind::Operations => check_operations(&request, namespace)?,
            QueryKind::Basic { .. } => row::check_ops(&request)?,
        }
        let (portions, resumed) = match kind {
            QueryKind::Basic { .. } => portions(message)?,
            _ => (Vec::new(), 0),
        };
        let filter = message.field(FieldType::FILTER).map(Expression::parse_filter).transpose()?;
        Ok(Self {
            kind,
            namespace: number,
            id: number_of(message, FieldType::TASK_ID)?.unwrap_or_else(|| fastrand::u64(1..)),
            portions,
            resumed,
            sample: number_of(message, FieldType::SAMPLE_MAX)?.filter(|most| *most > 0),
            per_second: per_second(message, kind)?,
            socket_timeout: Duration::from_millis(
                short_number_of(message, FieldType::SOCKET_TIMEOUT)?.unwrap_or(SOCKET_TIMEOUT).into(),
            ),
            filter,
            lookup: lookup(message, request.set, namespace)?,
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

/// Operations in the background only write, on a set that is there.
fn check_operations(request: &Request<'_>, namespace: &Namespace) -> Result<(), ResultCode> {
    let deletes = request.info2.contains(Info2::DELETE);
    let writes = request.ops().all(|op| OpCode::from_code(op.code).is_some_and(|code| !code.is_read()));
    if request.info1.contains(Info1::READ) || !writes || (request.op_count == 0 && !deletes) {
        return Err(ResultCode::PARAMETER);
    }
    namespace.find_set(request.set).map(|_| ()).ok_or(ResultCode::NOT_FOUND)
}

/// A function is called on a set that is there, and an aggregation has no filter.
fn check_call(
    message: &Message<'_>,
    kind: QueryKind,
    request: &Request<'_>,
    namespace: &Namespace,
) -> Result<(), ResultCode> {
    if request.info1.contains(Info1::SHORT_QUERY) {
        return Err(ResultCode::PARAMETER);
    }
    if kind == QueryKind::Aggregation && message.field(FieldType::FILTER).is_some() {
        return Err(ResultCode::UNSUPPORTED_FEATURE);
    }
    namespace.find_set(request.set).ok_or(ResultCode::NOT_FOUND)?;
    Call::parse(request.udf).map(|_| ())
}

fn per_second(message: &Message<'_>, kind: QueryKind) -> Result<u32, ResultCode> {
    let wanted = short_number_of(message, FieldType::RECORDS_PER_SECOND)?;
    match kind {
        QueryKind::Basic { is_short: true } if wanted.is_some() => Err(ResultCode::PARAMETER),
        QueryKind::Operations | QueryKind::Calls => match wanted.unwrap_or(0) {
            0 => Ok(BACKGROUND_RATE),
            most if most <= BACKGROUND_RATE => Ok(most),
            _ => Err(ResultCode::PARAMETER),
        },
        QueryKind::Basic { .. } | QueryKind::Aggregation => Ok(wanted.unwrap_or(0)),
    }
}

/// The partitions a request names, and how many of them it resumes.
fn portions(message: &Message<'_>) -> Result<(Vec<Portion>, usize), ResultCode> {
    const REFUSED: ResultCode = ResultCode::PARAMETER;
    let ids = message.field(FieldType::PID_ARRAY);
    let digests = message.field(FieldType::DIGEST_ARRAY);
    let values = message.field(FieldType::BVAL_ARRAY);
    if ids.is_none() && digests.is_none() {
        return Err(ResultCode::UNSUPPORTED_FEATURE);
    }
    let ids = chunks::<2>(ids)?;
    let digests = chunks::<{ Digest::SIZE }>(digests)?;
    let values = match chunks::<8>(values)? {
        [] if message.field(FieldType::INDEX_RANGE).is_none() => None,
        values if values.len() == digests.len() => Some(values),
        _ => return Err(REFUSED),
    };
    let mut portions = Vec::with_capacity((ids.len() + digests.len()).min(PARTITIONS));
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
    Ok((portions, digests.len()))
}

/// An array of values of one size, which is not empty if it is there.
fn chunks<const N: usize>(field: Option<&[u8]>) -> Result<&[[u8; N]], ResultCode> {
    match field.map(<[u8]>::as_chunks) {
        None => Ok(&[]),
        Some((chunks, [])) if !chunks.is_empty() => Ok(chunks),
        Some(_) => Err(ResultCode::PARAMETER),
    }
}

fn number_of(message: &Message<'_>, kind: FieldType) -> Result<Option<u64>, ResultCode> {
    let number = message.field(kind).map(|data| data.try_into().map(u64::from_be_bytes));
    number.transpose().map_err(|_| ResultCode::PARAMETER)
}

fn short_number_of(message: &Message<'_>, kind: FieldType) -> Result<Option<u32>, ResultCode> {
    let number = message.field(kind).map(|data| data.try_into().map(u32::from_be_bytes));
    number.transpose().map_err(|_| ResultCode::PARAMETER)
}
