//! The operations that evaluate an expression: read it, or write its value into a bin (protocol 10.6).

use aerospike_wire::{ParticleType, ResultCode};

use super::record::RecordView;
use super::{Evaluated, Expression};
use crate::cdt::value::{Head, as_integer, take_element, take_head};

const CREATE_ONLY: u64 = 1;
const UPDATE_ONLY: u64 = 2;
const ALLOW_DELETE: u64 = 4;
const POLICY_NO_FAIL: u64 = 8;
const EVAL_NO_FAIL: u64 = 16;

const READ_FLAGS: u64 = EVAL_NO_FAIL;
const WRITE_FLAGS: u64 = CREATE_ONLY | UPDATE_ONLY | ALLOW_DELETE | POLICY_NO_FAIL | EVAL_NO_FAIL;

/// What an expression write does to its bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinOutcome {
    /// Nothing.
    Keep,
    /// It holds this now.
    Set(ParticleType, Vec<u8>),
    /// It is gone.
    Remove,
}

/// Evaluates the expression of a read operation. `None` stands for null.
pub fn exp_read(payload: &[u8], record: &dyn RecordView) -> Result<Option<(ParticleType, Vec<u8>)>, ResultCode> {
    let (expression, flags) = parse(payload, READ_FLAGS)?;
    match expression.evaluate(record) {
        Evaluated::Particle(kind, bytes) => Ok(Some((kind, bytes))),
        Evaluated::Nil => Ok(None),
        Evaluated::Unknown if flags & EVAL_NO_FAIL != 0 => Ok(None),
        Evaluated::Unknown => Err(ResultCode::OP_NOT_APPLICABLE),
    }
}

/// Evaluates the expression of a write operation on the bin `name`.
pub fn exp_modify(payload: &[u8], name: &[u8], record: &dyn RecordView) -> Result<BinOutcome, ResultCode> {
    let (expression, flags) = parse(payload, WRITE_FLAGS)?;
    let exists = record.bin(name).is_some();
    let refusal = match exists {
        true => (flags & CREATE_ONLY != 0).then_some(ResultCode::BIN_EXISTS),
        false => (flags & UPDATE_ONLY != 0).then_some(ResultCode::BIN_NOT_FOUND),
    };
    match refusal {
        Some(_) if flags & POLICY_NO_FAIL != 0 => return Ok(BinOutcome::Keep),
        Some(code) => return Err(code),
        None => {}
    }
    match expression.evaluate(record) {
        Evaluated::Particle(kind, bytes) => Ok(BinOutcome::Set(kind, bytes)),
        Evaluated::Nil if !exists => Ok(BinOutcome::Keep),
        Evaluated::Nil if flags & ALLOW_DELETE != 0 => Ok(BinOutcome::Remove),
        // any flag at all keeps this from failing, not only the one that is meant for it
        Evaluated::Nil if flags != 0 => Ok(BinOutcome::Keep),
        Evaluated::Unknown if flags & EVAL_NO_FAIL != 0 => Ok(BinOutcome::Keep),
        Evaluated::Nil | Evaluated::Unknown => Err(ResultCode::OP_NOT_APPLICABLE),
    }
}

/// Whether a write operation has an expression and flags that can be.
pub fn is_modify(payload: &[u8]) -> bool {
    parse(payload, WRITE_FLAGS).is_ok()
}

/// Takes an operation's value apart: a list of an expression and flags. Flags are read from after the expression even
/// if the list ends before them, and are none if what is there is no integer.
fn parse(payload: &[u8], allowed: u64) -> Result<(Expression<'_>, u64), ResultCode> {
    let mut rest = payload;
    let Some(Head::List(1 | 2)) = take_head(&mut rest) else { return Err(ResultCode::PARAMETER) };
    let expression = take_element(&mut rest).ok_or(ResultCode::PARAMETER)?;
    let flags = take_element(&mut rest).and_then(as_integer).map_or(0, |flags| flags as u64);
    if flags & !allowed != 0 {
        return Err(ResultCode::PARAMETER);
    }
    Ok((Expression::parse(expression)?, flags))
}
