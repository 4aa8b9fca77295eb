//! Writing a record: put, touch and every mix of operations.

use aerospike_wire::limits::{MAX_BINS, MAX_SET_SIZE};
use aerospike_wire::{Info1, Info2, Info4, Op, OpCode, ParticleType, ResultCode};

use super::check::{self, Expiry};
use super::engine::{self, BinChange};
use super::expression::{self, About};
use super::reply::Reply;
use super::request::Request;
use super::{Change, Context, Failure, Outcome, read, scalar};
use crate::exp::BinOutcome;
use crate::store::{Bins, Record, RecordMeta, View, generation_after};
use crate::value;

/// Bytes a record may need on the real server's device.
const MAX_RECORD_SIZE: usize = 1024 * 1024;

pub(super) fn run(
    request: &Request<'_>,
    records: &mut View<'_>,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let must_exist = check::write(request)?;
    let outcome = change(request, must_exist, records, context, reply);
    if outcome.is_err() && !must_exist {
        // a record that has expired gives way to the new one before anything is looked at, and is gone even if that fails
        records.sweep_up(&request.digest, context.now);
    }
    outcome
}

fn change(
    request: &Request<'_>,
    must_exist: bool,
    records: &mut View<'_>,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let found = records.get(&request.digest, context.now);
    // failures tell of a record that has expired and was not swept up as well
    let fail = Failure::at(found.or_else(|| records.get_stored(&request.digest)));
    if found.is_none() && must_exist {
        return Err(fail(ResultCode::NOT_FOUND));
    }
    // a record that was removed durably is still there for those who count generations
    let before = found.map_or_else(|| records.buried(&request.digest), |record| record.meta.generation);
    admit(request, found, before, records.holds(&request.digest), context).map_err(fail)?;
    if !request.has_sound_key() {
        return Err(fail(ResultCode::UNSUPPORTED_FEATURE));
    }
    let expiry = check::expiry(request.ttl, context.now, context.namespace.default_ttl()).map_err(fail)?;

    let mut bins = match found {
        Some(record) if !request.replaces() => Bins::of(record),
        _ => Bins::default(),
    };
    let about = About::written(request, found, expiry.void_time(found), context);
    for op in request.ops() {
        apply(&op, request, &about, &mut bins, reply).map_err(fail)?;
    }

    if bins.len() == 0 {
        return match found {
            None => Err(fail(ResultCode::NOT_FOUND)),
            // what a record held before is not looked at when it is replaced, unless an index has to know
            Some(_) if request.replaces() && !is_indexed(request, context) => Err(fail(ResultCode::NOT_FOUND)),
            Some(_) => {
                let durably = check::durability(request, context).map_err(fail)?;
                drop(bins);
                records.remove(&request.digest, context.now, durably);
                Ok(Change::Record)
            }
        };
    }
    let key = request.key.or_else(|| found.and_then(Record::key)).unwrap_or_default();
    let record = assemble(request, expiry, (found, before), key, &bins, context).map_err(fail)?;
    drop(bins);
    reply.set_meta(record.meta.generation, record.meta.void_time);
    records.insert(request.digest, record);
    Ok(Change::Record)
}

/// Whether there is an index of the set, or of all.
fn is_indexed(request: &Request<'_>, context: &Context<'_>) -> bool {
    context.namespace.indexes.read().iter().any(|index| index.covers(request.set))
}

/// Whether the policies of a write allow it for the record that is there, or is not.
fn admit(
    request: &Request<'_>,
    found: Option<&Record>,
    before: u16,
    is_locked: bool,
    context: &Context<'_>,
) -> Result<(), ResultCode> {
    if found.is_some() && request.info2.contains(Info2::CREATE_ONLY) {
        return Err(ResultCode::RECORD_EXISTS);
    }
    if is_locked && request.info4.contains(Info4::MRT_ON_LOCKING_ONLY) {
        return Err(ResultCode::MRT_ALREADY_LOCKED);
    }
    generation_allows(request, before)?;
    let Some(record) = found else {
        return if request.set.len() > MAX_SET_SIZE { Err(ResultCode::PARAMETER) } else { Ok(()) };
    };
    read::in_set(request, record, context.namespace)?;
    read::admit(request, record, context)
}

/// Compares generations; a missing record's is 0. Of a command that asks for both comparisons only the first is made.
pub(super) fn generation_allows(request: &Request<'_>, stored: u16) -> Result<(), ResultCode> {
    let stored = u32::from(stored);
    let is_allowed = if request.info2.contains(Info2::GENERATION) {
        request.generation == stored
    } else {
        !request.info2.contains(Info2::GENERATION_GT) || request.generation > stored
    };
    if is_allowed { Ok(()) } else { Err(ResultCode::GENERATION) }
}

/// Applies one operation and answers it (protocol 6.3).
fn apply<'a>(
    op: &Op<'a>,
    request: &Request<'a>,
    about: &About<'_>,
    bins: &mut Bins<'a>,
    reply: &mut Reply<'_>,
) -> Result<(), ResultCode> {
    let code = OpCode::from_code(op.code).ok_or(ResultCode::PARAMETER)?;
    let all = request.responds_all();
    let answer = match code {
        OpCode::Touch => return Ok(()),
        OpCode::Read if op.name.is_empty() && request.info1.contains(Info1::GET_ALL) => {
            bins.iter().for_each(|bin| reply.bin(bin));
            return Ok(());
        }
        OpCode::Read => match bins.get(op.name) {
            Some(bin) => {
                reply.bin(bin);
                return Ok(());
            }
            None => None,
        },
        OpCode::ExpRead => {
            Some(expression::read_changing(op, about, bins)?.unwrap_or((ParticleType::NULL, Vec::new())))
        }
        OpCode::ExpModify => {
            match expression::modify(op, about, bins)? {
                BinOutcome::Keep => {}
                BinOutcome::Set(particle, value) => bins.set(op.name, particle, value.into()),
                BinOutcome::Remove => bins.remove(op.name),
            }
            None
        }
        OpCode::CdtRead | OpCode::BitsRead | OpCode::HllRead => {
            let bin = bins.get(op.name);
            // an operation that ran answers, even with nothing; one that had no bin to run on does not
            let ran = bin.is_some();
            match engine::read(code, op, bin)? {
                Some((particle, value)) => Some((particle, value.into_owned())),
                None if ran => Some((ParticleType::NULL, Vec::new())),
                None => None,
            }
        }
        OpCode::Write if op.particle == ParticleType::NULL => {
            bins.remove(op.name);
            None
        }
        OpCode::Write => {
            bins.set(op.name, op.particle, value::from_wire(op.particle, op.value)?);
            None
        }
        OpCode::DeleteAll => {
            bins.clear();
            None
        }
        OpCode::Increment | OpCode::Append | OpCode::Prepend => {
            let value = scalar::modify(code, op, bins.get(op.name))?;
            bins.set(op.name, op.particle, value);
            None
        }
        OpCode::CdtModify | OpCode::BitsModify | OpCode::HllModify => {
            let modified = engine::modify(code, op, bins)?;
            match modified.bin {
                BinChange::Keep => {}
                BinChange::Set(particle, value) => bins.set(op.name, particle, value.into()),
            }
            modified.answer
        }
    };
    match answer {
        Some((particle, value)) => reply.op(op.code, particle, op.name, &value),
        None if all => reply.null(op.code, op.name),
        None => {}
    }
    Ok(())
}

/// Makes the record that is stored, of the one that was found and of the generation it has, or had before it was removed.
pub(super) fn assemble(
    request: &Request<'_>,
    expiry: Expiry,
    (found, before): (Option<&Record>, u16),
    key: &[u8],
    bins: &Bins<'_>,
    context: &mut Context<'_>,
) -> Result<Record, ResultCode> {
    if bins.len() > MAX_BINS {
        return Err(ResultCode::PARAMETER);
    }
    let set = match found {
        Some(record) => record.meta.set,
        None => context.namespace.add_set(request.set).ok_or(ResultCode::PARAMETER)?,
    };
    let meta = RecordMeta {
        generation: generation_after(before),
        void_time: expiry.void_time(found),
        last_update: context.now,
        set,
    };
    context.scratch.clear();
    bins.encode(context.scratch);
    let record = Record::new(meta, key, bins.len() as u16, context.scratch);
    if record.storage_size(context.namespace.set_name_size(set)) > MAX_RECORD_SIZE {
        return Err(ResultCode::RECORD_TOO_BIG);
    }
    Ok(record)
}
