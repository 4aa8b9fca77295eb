//! Where the operations on lists, maps, blobs and sketches meet the commands.
//!
//! A command hands over an operation and the bin it names, and gets back what to answer and what to store; it never
//! looks into a payload.

use std::borrow::Cow;

use aerospike_wire::{Op, OpCode, ParticleType, ResultCode};

use crate::cdt;
use crate::exp::PathEvaluator;
use crate::store::{BinRef, Bins};

/// A value an operation answers with.
pub(super) type Answer<'a> = (ParticleType, Cow<'a, [u8]>);

/// What an operation does to its bin.
#[derive(Debug)]
pub(super) enum BinChange {
    /// Nothing.
    Keep,
    /// It holds this now.
    Set(ParticleType, Vec<u8>),
}

/// What came of an operation that may change its bin.
#[derive(Debug)]
pub(super) struct Modified {
    /// What it does to the bin.
    pub(super) bin: BinChange,
    /// What it answers; `None` for nothing.
    pub(super) answer: Option<(ParticleType, Vec<u8>)>,
}

/// Runs an operation that reads. `None` is an empty result, or none for want of a bin.
pub(super) fn read<'a>(code: OpCode, op: &Op<'_>, bin: Option<BinRef<'a>>) -> Result<Option<Answer<'a>>, ResultCode> {
    let Some(bin) = bin else { return Ok(None) }; // a payload is not looked at where there is nothing to run it on
    let bin = Some((bin.particle, bin.value));
    let answer = match code {
        OpCode::CdtRead => cdt::read_with(bin, op.value, &mut PathEvaluator::default())?,
        OpCode::BitsRead => cdt::bits_read(bin, bits_payload(op)?)?,
        OpCode::HllRead => cdt::hll_read(bin, op.value)?,
        _ => return Err(ResultCode::UNSUPPORTED_FEATURE),
    };
    Ok(answer.filter(|(kind, _)| *kind != ParticleType::NULL).map(|(kind, value)| (kind, value.into())))
}

/// Runs an operation that may change its bin.
pub(super) fn modify(code: OpCode, op: &Op<'_>, bins: &Bins<'_>) -> Result<Modified, ResultCode> {
    let bin = bins.get(op.name).map(|bin| (bin.particle, bin.value));
    let modified = match code {
        OpCode::CdtModify => cdt::modify_with(bin, op.value, &mut PathEvaluator::default())?,
        OpCode::BitsModify => cdt::bits_modify(bin, bits_payload(op)?)?,
        OpCode::HllModify => cdt::hll_modify(bin, op.value)?,
        _ => return Err(ResultCode::UNSUPPORTED_FEATURE),
    };
    let bin = match modified.bin {
        cdt::BinChange::Unchanged => BinChange::Keep,
        cdt::BinChange::Stored(kind, value) => BinChange::Set(kind, value),
    };
    Ok(Modified { bin, answer: modified.result })
}

/// The payload of a bit operation; these alone insist that it is a blob.
fn bits_payload<'a>(op: &Op<'a>) -> Result<&'a [u8], ResultCode> {
    if op.particle == ParticleType::BLOB { Ok(op.value) } else { Err(ResultCode::INCOMPATIBLE_TYPE) }
}
