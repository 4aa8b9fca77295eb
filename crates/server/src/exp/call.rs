//! Operations on lists, maps, blobs and sketches inside expressions (protocol 10.3).
//!
//! The arguments that are expressions are evaluated and put into the operation's payload; what comes out is what a
//! client would have sent, and runs as such, on a value instead of a bin.

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::eval::Run;
use super::parse::{Node, Parser};
use super::path::{Budget, PathEvaluator};
use super::types::Type;
use super::value::Value;
use crate::cdt::Particle;
use crate::cdt::value::{Head, head, take_element, take_head};

/// An operation on a value, called by an expression.
#[derive(Debug)]
pub(super) struct Call<'e> {
    /// The type the caller says the result has.
    declared: Type,
    system: System,
    /// Whether the result is the changed value.
    modifies: bool,
    payload: Vec<Part<'e>>,
    subject: Node<'e>,
}

/// Whose operation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// Lists and maps.
    Collections,
    /// Blobs.
    Bits,
    /// HyperLogLogs.
    Hll,
}

/// A piece of an operation's payload.
#[derive(Debug)]
enum Part<'e> {
    AsIs(&'e [u8]),
    Evaluated(Node<'e>),
}

const MODIFIES: u32 = 0x40;
/// A context comes before the operation.
const CONTEXT: i64 = 0xff;
/// The operation selects by a path, or applies an expression along it.
const SELECT: i64 = 0xfe;
/// Values may grow with every call, doubling by calls inside calls; nothing larger than this can be stored anyway.
const MAX_VALUE_SIZE: usize = 16 * 1024 * 1024;

impl System {
    const fn takes(self, kind: Type) -> bool {
        match self {
            Self::Collections => matches!(kind, Type::List | Type::Map),
            Self::Bits => matches!(kind, Type::Blob),
            Self::Hll => matches!(kind, Type::Hll),
        }
    }
}

impl<'e> Call<'e> {
    /// Reads what follows the declared type. On nil the result's type is nil, whatever was declared.
    pub(super) fn parse(declared: Type, parser: &mut Parser<'e>) -> Option<(Self, Type)> {
        let system = parser.integer()? as u32;
        let modifies = system & MODIFIES != 0;
        let system = match system & !MODIFIES {
            0 => System::Collections,
            1 => System::Bits,
            2 => System::Hll,
            _ => return None,
        };
        let payload = parse_payload(parser)?;
        let subject = parser.next()?;
        let kind = match subject.kind {
            Type::Nil => Type::Nil,
            kind if system.takes(kind) => declared,
            _ => return None,
        };
        Some((Self { declared, system, modifies, payload, subject: subject.node }, kind))
    }

    /// Runs the operation. Whatever it refuses, and a result that is not what was declared, is unknown.
    pub(super) fn evaluate<'a>(&'a self, run: &mut Run<'a>) -> Value<'a> {
        let mut payload = BytesMut::new();
        for part in &self.payload {
            match part {
                Part::AsIs(bytes) => payload.extend_from_slice(bytes),
                Part::Evaluated(node) => {
                    if !run.evaluate(node).write_element(&mut payload) || payload.len() > MAX_VALUE_SIZE {
                        return Value::Unknown;
                    }
                }
            }
        }
        let subject = run.evaluate(&self.subject);
        if !matches!(subject.kind(), Some(kind) if kind == Type::Nil || self.system.takes(kind)) {
            return Value::Unknown;
        }
        match self.run(&payload, &subject, run.budget()) {
            Ok(Some((kind, bytes))) if kind == self.declared.particle() && bytes.len() <= MAX_VALUE_SIZE => {
                let value = Value::of_particle(kind, bytes.into());
                match &value {
                    Value::GeoJson(text) if !super::geo::is_valid(text) => Value::Unknown,
                    _ => value,
                }
            }
            Ok(Some(_)) | Err(_) => Value::Unknown,
            // the value stays as it is
            Ok(None) if self.modifies && subject.kind() == Some(self.declared) => subject,
            Ok(None) => Value::Unknown,
        }
    }

    fn run(&self, payload: &[u8], subject: &Value<'_>, budget: Budget) -> Result<Option<Particle>, ResultCode> {
        let bytes = match subject {
            Value::Collection(bytes) | Value::Blob(bytes) | Value::Hll(bytes) => Some(&**bytes),
            _ => None,
        };
        let bin = bytes.and_then(|bytes| Some((subject.kind()?.particle(), bytes)));
        super::engine::run(self.system, self.modifies, payload, bin, &mut PathEvaluator::within(budget))
    }
}

/// Reads an operation as an array of its code and its arguments, some of which are expressions: every list is one.
fn parse_payload<'e>(parser: &mut Parser<'e>) -> Option<Vec<Part<'e>>> {
    let mut start = parser.rest;
    let mut given = list_size(parser)?;
    match parser.integer()? {
        CONTEXT => {
            (given == 3).then_some(())?;
            take_element(&mut parser.rest)?;
            given = list_size(parser)?;
            parser.integer()?;
        }
        SELECT => {
            let is_path = matches!(head(parser.rest), Some(Head::List(_)));
            ((3..=4).contains(&given) && is_path).then_some(())?;
            take_element(&mut parser.rest)?;
            parser.integer()?;
            if given == 4 {
                take_element(&mut parser.rest)?;
            }
            given = 1;
        }
        _ => {}
    }
    let mut parts = Vec::new();
    let take_until = |parser: &Parser<'e>, start: &'e [u8]| Part::AsIs(&start[..start.len() - parser.rest.len()]);
    for _ in 1..given {
        if matches!(head(parser.rest)?, Head::List(_)) {
            parts.push(take_until(parser, start));
            parts.push(Part::Evaluated(parser.next()?.node));
            start = parser.rest;
        } else if parts.is_empty() {
            take_element(&mut parser.rest)?;
        } else {
            parser.literal_argument()?; // after the first expression, literals are checked too
        }
    }
    parts.push(take_until(parser, start));
    Some(parts)
}

fn list_size(parser: &mut Parser<'_>) -> Option<usize> {
    match take_head(&mut parser.rest)? {
        Head::List(n @ 1..) => Some(n),
        _ => None,
    }
}
