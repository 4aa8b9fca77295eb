//! Expressions: filters, and the values that expression operations read and write (protocol 10).
//!
//! | file | subject |
//! |---|---|
//! | `types` | the types an expression can have |
//! | `opcodes` | the one table of operations |
//! | `parse`, `literal` | from MessagePack to a tree that is known to be well typed |
//! | `describe` | an expression in words |
//! | `record` | what an expression can see of a record |
//! | `value` | values while an expression runs |
//! | `eval` | walking through the tree |
//! | `logic`, `arithmetic`, `bits`, `compare`, `maps`, `geo`, `metadata` | one family of operations each |
//! | `posix` | regular expressions as the C library reads them |
//! | `call`, `engine` | operations on lists, maps, blobs and sketches inside expressions |
//! | `path` | the expressions inside paths |
//! | `write` | the operations that evaluate an expression |
//!
//! Evaluation is three-valued: where a bin is missing, or an operation does not apply, the value is unknown, and so is
//! all that needs it. It takes time in proportion to the expression and the values it touches.

mod arithmetic;
mod bits;
mod call;
mod compare;
pub(crate) mod describe;
mod engine;
mod eval;
mod geo;
mod literal;
mod logic;
mod maps;
mod metadata;
mod opcodes;
mod parse;
mod path;
mod posix;
mod record;
mod types;
mod value;
mod write;

use aerospike_wire::{ParticleType, ResultCode};

use eval::Run;
use parse::{Node, Sees};
use value::Value;

pub use crate::cdt::Particle;
pub use path::PathEvaluator;
pub use record::RecordView;
pub use types::Type;
pub use write::{BinOutcome, exp_modify, exp_read, is_modify};

/// A parsed expression.
#[derive(Debug)]
pub struct Expression<'e> {
    root: Node<'e>,
    kind: Type,
    sees: Sees,
}

/// What an expression came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluated {
    /// A value, as it is stored and answered.
    Particle(ParticleType, Vec<u8>),
    /// Nothing.
    Nil,
    /// It could not be evaluated.
    Unknown,
}

impl<'e> Expression<'e> {
    /// Reads a packed expression and checks its types. Whatever is wrong with it is a [`ResultCode::PARAMETER`].
    pub fn parse(bytes: &'e [u8]) -> Result<Self, ResultCode> {
        let (typed, sees) = parse::parse(bytes).ok_or(ResultCode::PARAMETER)?;
        Ok(Self { root: typed.node, kind: typed.kind, sees })
    }

    /// Reads a filter: an expression that is true or false.
    pub fn parse_filter(bytes: &'e [u8]) -> Result<Self, ResultCode> {
        Self::parse(bytes).and_then(|it| if it.kind == Type::Bool { Ok(it) } else { Err(ResultCode::PARAMETER) })
    }

    /// The type of what it evaluates to.
    pub fn result_type(&self) -> Type {
        self.kind
    }

    /// Whether an index of its values can be kept: of its bins or its digest, but neither of keys nor of metadata.
    pub fn can_be_indexed(&self) -> bool {
        self.sees.can_be_indexed()
    }

    /// Whether it is true of a record; `None` when that is unknown, which filters take for false.
    pub fn matches(&self, record: &dyn RecordView) -> Option<bool> {
        truth(&Run::new(record).evaluate(&self.root))
    }

    /// Its value for a record.
    pub fn evaluate(&self, record: &dyn RecordView) -> Evaluated {
        match Run::new(record).evaluate(&self.root) {
            Value::Nil => Evaluated::Nil,
            value => match value.into_particle() {
                Some((kind, bytes)) => Evaluated::Particle(kind, bytes),
                None => Evaluated::Unknown,
            },
        }
    }
}

fn truth(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        _ => None,
    }
}
