//! Calling a function of a module on a record.
//!
//! A function may take its time, so it does not run under the lock of the partition: [`begin`] looks at the record,
//! the function runs on what was there, and [`commit`] makes its changes if the record is still the same.

use aerospike_lua::{
    Applied, Bins as UdfBins, Failure as UdfFailure, FailureKind, MAX_NAME_SIZE, Refusal, Stored, Target,
};
use aerospike_wire::limits::MAX_SET_SIZE;
use aerospike_wire::transaction::RecordVersion;
use aerospike_wire::{FieldType, Info2, Info3, OpCode, ParticleType, ResultCode};

use super::check;
use super::reply::Reply;
use super::request::{Request, UdfCall};
use super::{Change, Context, Failure, read, write};
use crate::clock::Moment;
use crate::store::{Bins, Namespace, Record, View, generation_after};
use crate::value;

/// What a function is called by.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The module.
    pub(crate) module: String,
    /// The function.
    pub(crate) function: String,
    /// The arguments, packed.
    pub(crate) arguments: Vec<u8>,
}

impl Call {
    /// Reads what the fields of a request say.
    pub(crate) fn parse(call: Option<UdfCall<'_>>) -> Result<Self, ResultCode> {
        let name = |field: Option<&[u8]>| {
            let name = field.filter(|name| name.len() <= MAX_NAME_SIZE).ok_or(ResultCode::PARAMETER)?;
            Ok(String::from_utf8_lossy(name).into_owned())
        };
        let call = call.ok_or(ResultCode::PARAMETER)?;
        let arguments = call.arguments.ok_or(ResultCode::PARAMETER)?.to_vec();
        Ok(Self { module: name(call.module)?, function: name(call.function)?, arguments })
    }
}

/// A record as a call found it.
#[derive(Debug, Clone)]
pub(crate) struct Seen(Option<Record>);

impl UdfBins for Record {
    fn names(&self) -> Vec<Vec<u8>> {
        self.bins().map(|bin| bin.name.to_vec()).collect()
    }

    fn get(&self, name: &[u8]) -> Option<(ParticleType, &[u8])> {
        self.bin(name).map(|bin| (bin.particle, bin.value))
    }
}

/// What a function is shown of a record.
pub(crate) fn target(request: &Request<'_>, found: Option<&Record>, namespace: &Namespace, now: Moment) -> Target {
    let stored = found.map(|record| {
        let set = namespace.set_name(record.meta.set);
        Stored {
            key: record.key().map(<[u8]>::to_vec),
            generation: record.meta.generation,
            time_to_live: record.meta.void_time.saturating_sub(now.seconds()),
            last_update: record.meta.last_update.0,
            size: record.flat_size(set.len()) as u64,
            bins: Box::new(record.clone()),
            set: set.to_vec(),
        }
    });
    Target { digest: request.digest.0, set: request.set.to_vec(), stored }
}

/// Looks at the record that a function is called on, and refuses what may not be called.
pub(crate) fn begin(
    request: &Request<'_>,
    records: &View<'_>,
    context: &Context<'_>,
) -> Result<(Seen, Target), Failure> {
    check::any(request, context.edition)?;
    let policies = request.info2.intersects(Info2::GENERATION | Info2::GENERATION_GT | Info2::CREATE_ONLY)
        || request.info3.intersects(Info3::UPDATE_ONLY | Info3::CREATE_OR_REPLACE | Info3::REPLACE_ONLY);
    if policies || !request.is_write() || request.set.len() > MAX_SET_SIZE {
        return Err(ResultCode::PARAMETER.into());
    }
    if !request.has_sound_key() {
        return Err(ResultCode::UNSUPPORTED_FEATURE.into());
    }
    let found = records.get(&request.digest, context.now);
    let fail = Failure::at(found);
    if let Some(record) = found {
        read::in_set(request, record, context.namespace).map_err(fail)?;
        read::admit(request, record, context).map_err(fail)?;
    }
    if found.is_none() && request.must_be_there {
        return Err(ResultCode::NOT_FOUND.into());
    }
    Ok((Seen(found.cloned()), target(request, found, context.namespace, context.now)))
}

/// Makes the changes of a function and answers; `None` when the record has changed since, and nothing was done. `version` is
/// what the transaction of the call sees of the record, which it is told unless the function wrote it.
pub(crate) fn commit(
    request: &Request<'_>,
    seen: &Seen,
    outcome: &Result<Applied, UdfFailure>,
    version: Option<RecordVersion>,
    records: &mut View<'_>,
    context: &mut Context<'_>,
    mut reply: Reply<'_>,
) -> Option<Change> {
    let found = records.get(&request.digest, context.now);
    let is_same = match (found, &seen.0) {
        (Some(now), Some(before)) => now.is_same(before),
        (now, before) => now.is_none() && before.is_none(),
    };
    if !is_same {
        reply.discard();
        return None;
    }
    if let Some(record) = found {
        reply.set_meta(record.meta.generation, record.meta.void_time);
    }
    let tell_version = |reply: &mut Reply<'_>| {
        if let Some(version) = version {
            reply.field(FieldType::RECORD_VERSION, version.as_bytes());
        }
    };
    let applied = match outcome {
        Ok(applied) => applied,
        Err(failure) => {
            tell_version(&mut reply);
            reply.set_result(ResultCode::UDF_EXECUTION);
            reply.op(OpCode::Read as u8, ParticleType::STRING, b"FAILURE", failure_text(failure).as_bytes());
            reply.finish();
            return Some(Change::None);
        }
    };
    match write(request, applied, records, context, &mut reply) {
        Ok(change) => {
            if change == Change::None {
                tell_version(&mut reply);
            }
            reply.op(OpCode::Read as u8, applied.value.0, b"SUCCESS", &applied.value.1);
            reply.finish();
            Some(change)
        }
        // a function that returned, but whose changes cannot be made
        Err(code) => {
            tell_version(&mut reply);
            reply.set_result(code);
            reply.finish();
            Some(Change::None)
        }
    }
}

fn failure_text(failure: &UdfFailure) -> &str {
    match failure.kind {
        FailureKind::Module => "UDF: Execution Error 1",
        FailureKind::Arguments => "UDF: Execution Error 2",
        _ => &failure.message,
    }
}

fn write(
    request: &Request<'_>,
    applied: &Applied,
    records: &mut View<'_>,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Result<Change, ResultCode> {
    match applied.refusal {
        Some(Refusal::TooManyBins) => return Err(ResultCode::BIN_NAME),
        Some(Refusal::NoBinValue) => return Err(ResultCode::INCOMPATIBLE_TYPE),
        None => {}
    }
    let Some(change) = &applied.change else { return Ok(Change::None) };
    let found = records.get(&request.digest, context.now);
    let before = found.map_or_else(|| records.buried(&request.digest), |record| record.meta.generation);
    let mut bins = found.map(Bins::of).unwrap_or_default();
    for (name, value) in &change.bins {
        match value {
            Some((kind, bytes)) => bins.set(name, *kind, value::from_function(*kind, bytes)?),
            None => bins.remove(name),
        }
    }
    let ttl = change.time_to_live.unwrap_or(request.ttl);
    let expiry = check::expiry(ttl, context.now, context.namespace.default_ttl())?;
    if bins.len() == 0 {
        let (generation, void_time) = (generation_after(before), expiry.void_time(found));
        if found.is_none() {
            return Err(ResultCode::NOT_FOUND);
        }
        let durably = check::durability(request, context)?;
        drop(bins);
        reply.set_meta(generation, void_time);
        records.remove(&request.digest, context.now, durably);
        return Ok(Change::Record);
    }
    let key = request.key.or_else(|| found.and_then(Record::key)).filter(|_| !change.drops_key).unwrap_or_default();
    let record = write::assemble(request, expiry, (found, before), key, &bins, context)?;
    drop(bins);
    reply.set_meta(record.meta.generation, record.meta.void_time);
    records.insert(request.digest, record);
    Ok(Change::Record)
}
