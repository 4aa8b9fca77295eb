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
//! | `select`, `list_select`, `map_select`, `heap` | picking elements and telling what was picked |
//! | `context`, `path` | nested collections: one, or any number at once |
//! | `bits` | bits of blobs |
//! | `hll`, `sketch`, `murmur` | HyperLogLogs: operations, registers and estimates, hash |

mod bits;
mod call;
pub(crate) mod collection;
pub(crate) mod context;
mod heap;
mod hll;
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
use context::Step;
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
const CONTEXT: i64 = 0xff;
/// The code of path select and apply.
const PATH: i64 = 0xfe;

/// A payload, decoded.
enum Call {
    Operation { steps: Vec<Step>, operation: &'static Operation, args: Args },
    Path(Path),
}

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
    let call = Call::parse(payload, expressions)?;
    if call.modifies() {
        return Err(ResultCode::PARAMETER);
    }
    if bin.is_none() {
        return Ok(None);
    }
    let outcome = call.run(bin, expressions)?;
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
    let call = Call::parse(payload, expressions)?;
    if !call.modifies() {
        return Err(ResultCode::PARAMETER);
    }
    let outcome = call.run(bin, expressions)?;
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
    let fits = match value::head(bytes) {
        Some(Head::List(_)) => kind == ParticleType::LIST,
        Some(Head::Map(_)) => kind == ParticleType::MAP,
        _ => false,
    };
    if !fits {
        return Err(ResultCode::SERVER_ERROR);
    }
    normal::normalise(bytes).map(Into::into).map_err(|_| ResultCode::SERVER_ERROR)
}

fn result(outcome: &Outcome) -> Result<Option<Particle>, ResultCode> {
    match &outcome.result {
        None => Ok(None),
        Some(element) => pack::particle(element).map(Some).ok_or(ResultCode::OP_NOT_APPLICABLE),
    }
}

impl Call {
    fn parse(mut payload: &[u8], expressions: &mut dyn PathExpressions) -> Result<Self, ResultCode> {
        let mut steps = Vec::new();
        let (mut code, mut given) = take_operation(&mut payload)?;
        if code == PATH {
            return Path::parse(&mut payload, given, expressions).map(Self::Path);
        }
        if code == CONTEXT {
            if given != 2 {
                return Err(ResultCode::PARAMETER);
            }
            steps = context::parse(&mut payload)?;
            (code, given) = take_operation(&mut payload)?;
        }
        let operation = Operation::find(code).ok_or(ResultCode::PARAMETER)?;
        if operation.parameters.is_empty() {
            given = given.saturating_sub(1); // SIZE and CLEAR tolerate an argument
        }
        if !operation.modifies {
            steps = steps.into_iter().map(Step::existing).collect();
        }
        let args = Args::parse(&mut payload, given, operation.parameters, operation.required);
        Ok(Self::Operation { steps, operation, args })
    }

    fn modifies(&self) -> bool {
        match self {
            Self::Operation { operation, .. } => operation.modifies,
            Self::Path(path) => path.modifies(),
        }
    }

    fn run(&self, bin: Bin<'_>, expressions: &mut dyn PathExpressions) -> Result<Outcome, ResultCode> {
        let in_context = matches!(self, Self::Operation { steps, .. } if !steps.is_empty());
        let on = match bin {
            None => None,
            Some((ParticleType::LIST | ParticleType::MAP, bytes)) => Some(bytes),
            Some(_) if in_context => return Err(ResultCode::PARAMETER),
            Some(_) => return Err(ResultCode::INCOMPATIBLE_TYPE),
        };
        match self {
            Self::Path(path) => run_path(path, on, expressions),
            Self::Operation { steps, operation, args } if steps.is_empty() => run_whole(operation, args, on),
            Self::Operation { steps, operation, args } => {
                context::at(on, steps, false, &mut |on| match (on, operation.missing) {
                    (None, Missing::Fail(ResultCode::INCOMPATIBLE_TYPE)) => Ok(Outcome::NOTHING),
                    _ => operation.run(on, args),
                })
            }
        }
    }
}

fn run_path(path: &Path, on: Option<&[u8]>, expressions: &mut dyn PathExpressions) -> Result<Outcome, ResultCode> {
    let on = on.ok_or(ResultCode::INCOMPATIBLE_TYPE)?;
    Ok(if path.modifies() {
        Outcome { stored: path.apply(on, expressions)?, result: None }
    } else {
        Outcome { stored: None, result: Some(path.select(on, expressions)?) }
    })
}

/// Runs on the bin itself. What write flags keep from being stored still leaves the collection that was to take it.
fn run_whole(operation: &Operation, args: &Args, on: Option<&[u8]>) -> Result<Outcome, ResultCode> {
    let mut outcome = operation.run(on, args)?;
    if on.is_none() && outcome.stored.is_none() && operation.missing == Missing::Create {
        outcome.stored = Some(operation.empty(args));
    }
    Ok(outcome)
}

/// The code of an operation and the number of its arguments.
fn take_operation(payload: &mut &[u8]) -> Result<(i64, usize), ResultCode> {
    let Some(Head::List(n)) = take_head(payload) else { return Err(ResultCode::PARAMETER) };
    let given = n.checked_sub(1).ok_or(ResultCode::PARAMETER)?;
    let code = take_element(payload).and_then(as_integer).ok_or(ResultCode::PARAMETER)?;
    Ok((code, given))
}
