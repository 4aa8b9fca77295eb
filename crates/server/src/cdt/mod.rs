//! Collections as a server executes them: lists and maps, their orders, selections, contexts and paths, bits of
//! blobs, and HyperLogLogs.
//!
//! The engine is a set of functions from bytes to bytes. A bin is a particle, a type and the wire bytes as stored; an
//! operation is the value of an op of a request (protocol 9.3, 9.9, 9.10). Nothing here knows of records, sockets or
//! time, and no payload makes it panic.
//!
//! | module | subject |
//! |---|---|
//! | `value` | elements in place: how long, what kind, which is greater |
//! | `normal`, `pack` | the stored form, checked and written |
//! | `collection` | lists and maps taken apart and put together |
//! | `opcodes`, `call` | the table of operations, and their arguments |
//! | `list`, `map`, `number` | operations on one kind of collection |
//! | `select`, `list_select`, `map_select`, `heap` | picking elements |
//! | `answer` | telling what was picked |
//! | `context`, `path` | nested collections: one, or any number at once |
//! | `index_context` | what an index finds inside of a bin |
//! | `bits` | bits of blobs |
//! | `hll`, `sketch`, `murmur` | HyperLogLogs: operations, registers and estimates, hash |

mod answer;
mod bits;
mod call;
pub(crate) mod collection;
mod context;
mod heap;
mod hll;
pub(crate) mod index_context;
mod list;
mod list_select;
mod map;
mod map_select;
pub(crate) mod murmur;
mod normal;
pub(crate) mod number;
mod opcodes;
pub(crate) mod pack;
mod path;
mod select;
mod sketch;
pub(crate) mod value;

pub use bits::{bits_modify, bits_read};
pub use hll::{hll_modify, hll_read};
pub use path::{Evaluated, NoExpressions, PathElement, PathExpressions};

use aerospike_wire::{ParticleType, ResultCode};

use call::{Args, Outcome};
use context::Target;
use opcodes::{Missing, Operation};
use path::Path;
use value::{Head, as_integer, take_element, take_head};

/// A bin's value or an operation's result: its type and its wire bytes.
pub type Particle = (ParticleType, Vec<u8>);

/// A bin as an operation sees it; `None` when the record has no such bin.
pub type Bin<'a> = Option<(ParticleType, &'a [u8])>;

/// What a modifying operation leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modified {
    /// What became of the bin.
    pub bin: BinChange,
    /// The result; `None` for operations that answer nothing, or had nothing to work on.
    pub result: Option<Particle>,
}

/// What an operation did to its bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinChange {
    /// Nothing: the bin is as it was, or still absent.
    Unchanged,
    /// The bin now holds this.
    Stored(ParticleType, Vec<u8>),
}

/// The code that wraps an operation in a context.
const CONTEXT: u32 = 0xff;
/// The code of path select and apply.
const PATH: u32 = 0xfe;
/// Codes below are for lists.
const FIRST_OF_MAPS: u32 = 64;

/// Executes the payload of a CDT_READ. `None` means that there was no bin; an operation without a result answers the
/// null particle. Paths with filters need [`read_with`].
///
/// ```
/// use aerospike_server::cdt;
/// use aerospike_wire::ParticleType;
/// let list = [0x93, 0x05, 0x06, 0x07];
/// let size = cdt::read(Some((ParticleType::LIST, &list)), &[0x91, 16]).unwrap();
/// assert_eq!(size, Some((ParticleType::INTEGER, 3_i64.to_be_bytes().to_vec())));
/// ```
pub fn read(bin: Bin<'_>, payload: &[u8]) -> Result<Option<Particle>, ResultCode> {
    read_with(bin, payload, &mut NoExpressions)
}

/// As [`read`], with an evaluator for the expressions of paths.
pub fn read_with(
    bin: Bin<'_>,
    payload: &[u8],
    expressions: &mut dyn PathExpressions,
) -> Result<Option<Particle>, ResultCode> {
    let Some(bin) = bin else { return Ok(None) };
    let outcome = run(Some(bin), payload, false, expressions)?;
    result(&outcome).map(|particle| Some(particle.unwrap_or((ParticleType::NULL, Vec::new()))))
}

/// Executes the payload of a CDT_MODIFY.
///
/// ```
/// use aerospike_server::cdt::{self, BinChange};
/// use aerospike_wire::ParticleType;
/// let append_seven = [0x92, 1, 7];
/// let modified = cdt::modify(None, &append_seven).unwrap();
/// assert_eq!(modified.bin, BinChange::Stored(ParticleType::LIST, vec![0x91, 7]));
/// assert_eq!(modified.result, Some((ParticleType::INTEGER, 1_i64.to_be_bytes().to_vec())));
/// ```
pub fn modify(bin: Bin<'_>, payload: &[u8]) -> Result<Modified, ResultCode> {
    modify_with(bin, payload, &mut NoExpressions)
}

/// As [`modify`], with an evaluator for the expressions of paths.
pub fn modify_with(
    bin: Bin<'_>,
    payload: &[u8],
    expressions: &mut dyn PathExpressions,
) -> Result<Modified, ResultCode> {
    let outcome = run(bin, payload, true, expressions)?;
    let result = result(&outcome)?.filter(|(kind, _)| *kind != ParticleType::NULL);
    let bin = outcome.stored.map_or(BinChange::Unchanged, |stored| BinChange::Stored(kind_of(&stored), stored.into()));
    Ok(Modified { bin, result })
}

/// Executes a CDT call of an expression (protocol 10.3) on a value: a modifying operation answers the whole collection
/// as it leaves it. The payload is that of an operation, its arguments already evaluated.
pub fn call(
    value: (ParticleType, &[u8]),
    payload: &[u8],
    modifies: bool,
    expressions: &mut dyn PathExpressions,
) -> Result<Particle, ResultCode> {
    if !modifies {
        let read = read_with(Some(value), payload, expressions)?;
        return Ok(read.unwrap_or((ParticleType::NULL, Vec::new())));
    }
    Ok(modify_with(Some(value), payload, expressions)?.bin.applied_to(value))
}

impl BinChange {
    /// What the bin, or the value an expression works on, holds after the change.
    pub fn applied_to(self, before: (ParticleType, &[u8])) -> Particle {
        match self {
            Self::Unchanged => (before.0, before.1.to_vec()),
            Self::Stored(kind, bytes) => (kind, bytes),
        }
    }
}

/// The element that a particle is inside a collection, as MessagePack with its type byte; for the arguments of calls
/// and the results of path expressions. `None` for bytes that are no such particle.
pub fn to_element(kind: ParticleType, bytes: &[u8]) -> Option<Vec<u8>> {
    pack::element(kind, bytes).map(Into::into)
}

/// The particle that an element of a collection is on its own. `None` for extensions, and for what is no element.
pub fn from_element(element: &[u8]) -> Option<Particle> {
    pack::particle(element)
}

/// Compares two elements in stored form as the server orders values (protocol 9.2).
pub fn compare(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    value::compare(a, b)
}

fn kind_of(stored: &[u8]) -> ParticleType {
    match value::head(stored) {
        Some(Head::Map(_)) => ParticleType::MAP,
        _ => ParticleType::LIST,
    }
}

/// The stored form of a list or map that is written whole (protocol 9.1).
pub fn normalise(kind: ParticleType, bytes: &[u8]) -> Result<Vec<u8>, ResultCode> {
    normalise_with(normal::normalise, kind, bytes)
}

/// The same of one that a function made: its ordered lists may be out of order.
pub(crate) fn normalise_sorting(kind: ParticleType, bytes: &[u8]) -> Result<Vec<u8>, ResultCode> {
    normalise_with(normal::normalise_sorting, kind, bytes)
}

fn normalise_with(
    normalise: fn(&[u8]) -> Result<bytes::BytesMut, normal::Malformed>,
    kind: ParticleType,
    bytes: &[u8],
) -> Result<Vec<u8>, ResultCode> {
    let fits = match value::head(bytes) {
        Some(Head::List(_)) => kind == ParticleType::LIST,
        Some(Head::Map(_)) => kind == ParticleType::MAP,
        _ => false,
    };
    if !fits {
        return Err(ResultCode::SERVER_ERROR);
    }
    normalise(bytes).map(Into::into).map_err(|_| ResultCode::SERVER_ERROR)
}

fn result(outcome: &Outcome) -> Result<Option<Particle>, ResultCode> {
    match &outcome.result {
        None => Ok(None),
        Some(element) => pack::particle(element).map(Some).ok_or(ResultCode::OP_NOT_APPLICABLE),
    }
}

/// Runs a payload on a bin. What a server looks at first decides which of several faults it reports.
fn run(
    bin: Bin<'_>,
    mut payload: &[u8],
    modifies: bool,
    expressions: &mut dyn PathExpressions,
) -> Result<Outcome, ResultCode> {
    let payload = &mut payload;
    let call = Call::take(payload)?;
    let on = match bin {
        None => None,
        Some((ParticleType::LIST | ParticleType::MAP, bytes)) => Some(bytes),
        Some(_) if call.code == CONTEXT => {
            return Err(ResultCode::PARAMETER);
        }
        Some(_) => return Err(ResultCode::INCOMPATIBLE_TYPE),
    };
    match call.code {
        PATH => {
            let on = on.ok_or(ResultCode::INCOMPATIBLE_TYPE)?;
            Path::parse(payload, call.given, modifies, expressions)?.run(on, expressions)
        }
        CONTEXT if call.given != 2 => Err(ResultCode::PARAMETER),
        CONTEXT => context::at(on, payload, modifies, &mut |target, payload| {
            Call::take(payload)?.run(payload, target, true, modifies)
        }),
        _ => {
            let target = on.map_or(Target::Created { with_bin: true }, Target::There);
            call.run(payload, target, false, modifies)
        }
    }
}

/// The code of an operation and the number of its arguments, which follow.
struct Call {
    code: u32,
    given: usize,
}

impl Call {
    fn take(payload: &mut &[u8]) -> Result<Self, ResultCode> {
        if let [0, low, arguments @ ..] = *payload {
            // the form of clients of long ago: the code in two bytes, then a list of arguments if there are any
            *payload = arguments;
            let given = match take_head(payload) {
                None if arguments.is_empty() => 0,
                Some(Head::List(given)) => given,
                _ => return Err(ResultCode::PARAMETER),
            };
            return Ok(Self { code: u32::from(*low), given });
        }
        let Some(Head::List(n)) = take_head(payload) else { return Err(ResultCode::PARAMETER) };
        let given = n.checked_sub(1).ok_or(ResultCode::PARAMETER)?;
        let code = take_element(payload).and_then(as_integer).ok_or(ResultCode::PARAMETER)?;
        Ok(Self { code: code as u32, given })
    }

    /// Whether codes like this one are for maps.
    const fn is_of_maps(&self) -> bool {
        self.code >= FIRST_OF_MAPS
    }

    fn run(
        &self,
        payload: &mut &[u8],
        target: Target<'_>,
        nested: bool,
        modifies: bool,
    ) -> Result<Outcome, ResultCode> {
        if let Target::There(on) = target {
            let fits = match value::head(on) {
                Some(Head::List(_)) => !self.is_of_maps(),
                Some(Head::Map(_)) => self.is_of_maps(),
                _ => false,
            };
            if !fits {
                return Err(ResultCode::INCOMPATIBLE_TYPE);
            }
        }
        let operation = Operation::find(self.code.into()).filter(|operation| operation.modifies == modifies);
        let operation = operation.ok_or(ResultCode::PARAMETER)?;
        let given = if operation.parameters.is_empty() { 0 } else { self.given }; // arguments nobody wants are not looked at
        let args = Args::parse(payload, given, operation.parameters, operation.required);
        let mut outcome = operation.run(target, nested, &args)?;
        let is_new_bin = matches!(target, Target::Created { .. }) && !nested;
        if is_new_bin && outcome.stored.is_none() && operation.missing == Missing::Create {
            // what write flags keep from being stored still leaves the collection that was to take it
            outcome.stored = Some(operation.empty(&args));
        }
        Ok(outcome)
    }
}
