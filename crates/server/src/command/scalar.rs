//! Operations on plain bins: increment, append, prepend.

use std::borrow::Cow;

use aerospike_wire::{Op, OpCode, ParticleType, ResultCode};

use crate::store::BinRef;
use crate::value;

/// The value of a bin after an operation; its type is that of the operation. A missing bin is made of the
/// operation's own value.
pub(super) fn modify<'a>(code: OpCode, op: &Op<'a>, bin: Option<BinRef<'_>>) -> Result<Cow<'a, [u8]>, ResultCode> {
    let Some(bin) = bin else { return value::from_wire(op.particle, op.value) };
    if !value::is_stored(op.particle) {
        return Err(ResultCode::PARAMETER);
    }
    if bin.particle == ParticleType::GEOJSON {
        return Err(ResultCode::SERVER_ERROR); // nothing can be added to it, and the real server has no better code
    }
    if bin.particle != op.particle {
        return Err(ResultCode::INCOMPATIBLE_TYPE);
    }
    Ok(Cow::Owned(match (code, op.particle) {
        (OpCode::Increment, ParticleType::INTEGER) => {
            value::integer(bin.value)?.wrapping_add(value::integer(op.value)?).to_be_bytes().to_vec()
        }
        (OpCode::Increment, ParticleType::FLOAT) => {
            (value::float(bin.value)? + value::float(op.value)?).to_be_bytes().to_vec()
        }
        (OpCode::Append, kind) if is_spliced(kind) => [bin.value, op.value].concat(),
        (OpCode::Prepend, kind) if is_spliced(kind) => [op.value, bin.value].concat(),
        _ => return Err(ResultCode::INCOMPATIBLE_TYPE),
    }))
}

/// Whether values of a type can be put one after the other.
fn is_spliced(kind: ParticleType) -> bool {
    kind == ParticleType::STRING || kind.is_blob()
}
