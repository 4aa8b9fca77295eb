//! Calling functions: on a record, and on streams.

use mlua::{AnyUserData, Value};

use crate::decode;
use crate::encode::{self, Particle};
use crate::error::{Failure, FailureKind, failed};
use crate::limits::Limits;
use crate::module::{Module, Ran, call};
use crate::record::{Change, Record, Refusal, Target};
use crate::record_functions;
use crate::state::State;

/// Arguments a call may have.
const MAX_ARGUMENTS: usize = 250_000;

/// What a call on a record came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// What the function returned; null for what has no wire form.
    pub value: Particle,
    /// What it wrote; `None` when it only read.
    pub change: Option<Change>,
    /// Why its changes are refused, if they are: then nothing may be written.
    pub refusal: Option<Refusal>,
}

/// One value of a stream on its way in.
#[derive(Debug)]
pub enum Input {
    /// A record, which the function can read but not change.
    Record(Box<Target>),
    /// A value in wire form.
    Value(Particle),
}

/// Which operations of a stream run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Those of a server: up to and with the first `reduce`.
    Server,
    /// Those of a client: the first `reduce` and all behind it.
    Client,
}

/// The arguments of a call as a table, and how many there are.
fn arguments(state: &State, packed: &[u8]) -> Ran<(Value, usize)> {
    let (table, count) = decode::arguments(&state.lua, packed).map_err(failed)?;
    if count > MAX_ARGUMENTS {
        return Err((FailureKind::Arguments, "too many arguments".to_owned()));
    }
    Ok((Value::Table(table), count))
}

/// A value on its way out.
fn output(state: &State, value: Option<&Value>) -> Ran<Particle> {
    encode::particle(&state.lua, value.unwrap_or(&Value::Nil)).map_err(|error| {
        let (kind, text) = failed(error);
        (if kind == FailureKind::Raised { FailureKind::Output } else { kind }, text)
    })
}

impl Module {
    /// Calls a function with a record and arguments, a packed list; anything else is no arguments.
    ///
    /// # Errors
    ///
    /// When the function is not there, raises an error, or takes more than its limits. What it did to the record is
    /// lost then.
    pub fn apply(&self, function: &str, target: Target, packed: &[u8], limits: &Limits) -> Result<Applied, Failure> {
        self.with_state(function, limits, |state| {
            let object = record_functions::create(&state.lua, Record::new(target)).map_err(failed)?;
            let (table, count) = arguments(state, packed)?;
            let results = call(&state.call, (function, table, count, &object))?;
            let value = output(state, results.first())?;
            let record = object.take::<Record>().map_err(failed)?;
            let (change, refusal) = record.finish();
            Ok(Applied { value, change, refusal })
        })
    }

    /// Runs a stream function: the operations of one phase, over what `input` gives until it gives none. `output` takes
    /// the values that come out, and ends the stream by returning `false`.
    ///
    /// On a client that is the last step of an aggregation: the values of all nodes go in, the results come out. It
    /// blocks for as long as `input` does; [`Limits::cancelled`] is looked at between values.
    ///
    /// # Errors
    ///
    /// As for [`Module::apply`]. Values that came out before are good.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use aerospike_lua::{Input, Limits, Module, Phase};
    /// use aerospike_wire::ParticleType;
    ///
    /// let source = b"local function add(a, b) return a + b end function total(s) return s : reduce(add) end";
    /// let module = Module::compile("sums.lua", source).unwrap();
    /// let mut numbers = (1..=4_i64).map(|n| Input::Value((ParticleType::INTEGER, n.to_be_bytes().to_vec())));
    /// let mut results = Vec::new();
    /// let limits = Limits::until(Instant::now() + Duration::from_secs(60));
    /// let run = module.run_stream(Phase::Client, "total", &[0x90], &limits, || numbers.next(), |value| {
    ///     results.push(value);
    ///     true
    /// });
    /// assert!(run.is_ok());
    /// assert_eq!(results, [(ParticleType::INTEGER, 10_i64.to_be_bytes().to_vec())]);
    /// ```
    pub fn run_stream(
        &self,
        phase: Phase,
        function: &str,
        packed: &[u8],
        limits: &Limits,
        mut input: impl FnMut() -> Option<Input>,
        mut output: impl FnMut(Particle) -> bool,
    ) -> Result<(), Failure> {
        self.with_state(function, limits, |state| {
            let (table, count) = arguments(state, packed)?;
            let mut refused = None;
            let result = state.lua.scope(|scope| {
                let read = scope.create_function_mut(|lua, ()| next_value(lua, &mut input))?;
                let write = scope.create_function_mut(|_, value: Value| {
                    // what is no value of a server is left out; a record is one, of which nothing can be told
                    if matches!(value, Value::Table(_) | Value::Function(_) | Value::Thread(_)) {
                        return Ok(true);
                    }
                    match self::output(state, Some(&value)) {
                        Ok(particle) => Ok(output(particle)),
                        Err(failure) => {
                            refused = Some(failure);
                            Ok(false)
                        }
                    }
                })?;
                Ok(call(&state.stream, (function, table, count, phase == Phase::Client, read, write)))
            });
            match (result.map_err(failed)?, refused) {
                (_, Some(failure)) => Err(failure),
                (result, None) => result.map(|_| ()),
            }
        })
    }
}

/// The next value that is one: null ends a stream for Lua, so it is passed over.
fn next_value(lua: &mlua::Lua, input: &mut impl FnMut() -> Option<Input>) -> mlua::Result<Value> {
    while let Some(next) = input() {
        let value = match next {
            Input::Record(target) => Value::UserData(stream_record(lua, *target)?),
            Input::Value((kind, bytes)) => decode::particle(lua, kind, &bytes)?,
        };
        if !value.is_nil() {
            return Ok(value);
        }
    }
    Ok(Value::Nil)
}

fn stream_record(lua: &mlua::Lua, target: Target) -> mlua::Result<AnyUserData> {
    record_functions::create(lua, Record::read_only(target))
}
