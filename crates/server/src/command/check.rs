//! What is refused before anything is done, whatever the record is.

use aerospike_wire::limits::{MAX_BIN_NAME_SIZE, MAX_OPS, MAX_TTL_SECONDS};
use aerospike_wire::{Info1, Info2, Info3, OpCode, ParticleType, ResultCode};

use super::Context;
use super::request::Request;
use crate::clock::Moment;
use crate::edition::Edition;
use crate::store::Record;

/// What a TTL directive asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// Expires at a time in seconds since 2010, or never at 0.
    At(u32),
    /// As it was; for a new record as the namespace says.
    Keep(u32),
}

/// Refuses what is too much for any command, and what only the Enterprise edition does.
pub(super) fn any(request: &Request<'_>, edition: Edition) -> Result<(), ResultCode> {
    if usize::from(request.op_count) > MAX_OPS {
        return Err(ResultCode::PARAMETER);
    }
    let sc_mode = request.info3 & (Info3::SC_READ_TYPE | Info3::SC_READ_RELAX);
    let reads = request.info1.contains(Info1::READ) && !request.is_write();
    let linearized = reads && sc_mode == Info3::SC_READ_TYPE;
    if linearized { edition.require_enterprise() } else { Ok(()) }
}

/// Whether a removal is remembered. A strongly consistent namespace takes no other: a removal that is forgotten could be
/// undone by a node that was away.
pub(super) fn durability(request: &Request<'_>, context: &Context<'_>) -> Result<bool, ResultCode> {
    let is_durable = request.info2.contains(Info2::DURABLE_DELETE);
    if is_durable {
        context.edition.require_enterprise()?;
    } else if context.namespace.strong_consistency {
        return Err(ResultCode::FORBIDDEN);
    }
    Ok(is_durable)
}

impl Expiry {
    /// When the record will expire.
    pub(super) fn void_time(self, found: Option<&Record>) -> u32 {
        match (self, found) {
            (Self::Keep(_), Some(record)) => record.meta.void_time,
            (Self::Keep(default), None) => default,
            (Self::At(time), _) => time,
        }
    }
}

/// Checks the operations and flags of a write against one another, and tells whether they need a record to be there.
pub(super) fn write(request: &Request<'_>) -> Result<bool, ResultCode> {
    const REFUSED: Result<bool, ResultCode> = Err(ResultCode::PARAMETER);
    if request.op_count == 0 {
        return REFUSED;
    }
    let gets_all = request.info1.contains(Info1::GET_ALL);
    let mut reads_all = 0;
    let mut touches = false;
    let mut answers = false;
    let mut reads = false;
    for op in request.ops() {
        let code = OpCode::from_code(op.code);
        if code == Some(OpCode::Touch) {
            if request.replaces() {
                return REFUSED;
            }
            touches = true;
            continue;
        }
        if op.name.len() > MAX_BIN_NAME_SIZE || op.name.contains(&0) {
            return Err(ResultCode::BIN_NAME);
        }
        // one that is none fails when it is its turn
        let Some(code) = code else { continue };
        let builds_on_bins = match code {
            OpCode::Write => op.particle == ParticleType::NULL,
            OpCode::ExpModify => false,
            _ => !code.is_read(),
        };
        if builds_on_bins && request.replaces() {
            return REFUSED;
        }
        reads |= code.is_read();
        if code == OpCode::Read && op.name.is_empty() && gets_all {
            reads_all += 1;
        } else {
            answers |= matches!(code, OpCode::CdtModify | OpCode::HllModify) || code.is_read();
        }
    }
    if reads && !request.info1.contains(Info1::READ) {
        return REFUSED;
    }
    let lone_read_all = reads_all == 1 && !answers && !request.responds_all();
    if (gets_all || reads_all > 0) && !lone_read_all {
        return REFUSED;
    }
    Ok(touches || request.info3.intersects(Info3::UPDATE_ONLY | Info3::REPLACE_ONLY))
}

/// Reads a TTL directive (protocol 2.6).
pub(super) fn expiry(ttl: u32, now: Moment, default_ttl: u32) -> Result<Expiry, ResultCode> {
    const NEVER: u32 = u32::MAX;
    const KEEP: u32 = u32::MAX - 1;
    let default = if default_ttl == 0 { 0 } else { now.seconds().saturating_add(default_ttl) };
    match ttl {
        0 => Ok(Expiry::At(default)),
        NEVER => Ok(Expiry::At(0)),
        KEEP => Ok(Expiry::Keep(default)),
        1..=MAX_TTL_SECONDS => Ok(Expiry::At(now.seconds().saturating_add(ttl))),
        _ => Err(ResultCode::PARAMETER),
    }
}
