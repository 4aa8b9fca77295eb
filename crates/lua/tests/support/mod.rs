//! Calling functions in tests.

#![allow(dead_code, reason = "not every test file needs all of it")]

use std::time::{Duration, Instant};

use aerospike_lua::{Bins, Failure, Limits, Module, Stored, Target};
use aerospike_wire::{ParticleType, Value};

/// Limits that no honest program meets.
pub(crate) fn limits() -> Limits {
    Limits::until(Instant::now() + Duration::from_secs(120))
}

/// A record that is not there.
pub(crate) fn target() -> Target {
    Target { digest: [7; 20], set: b"things".to_vec(), stored: None }
}

/// Bins in a list.
pub(crate) struct Listed(pub(crate) Vec<(&'static str, ParticleType, Vec<u8>)>);

impl Bins for Listed {
    fn names(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(|(name, ..)| name.as_bytes().to_vec()).collect()
    }

    fn get(&self, name: &[u8]) -> Option<(ParticleType, &[u8])> {
        let bin = self.0.iter().find(|(other, ..)| other.as_bytes() == name);
        bin.map(|(_, kind, bytes)| (*kind, bytes.as_slice()))
    }
}

/// A record with bins.
pub(crate) fn stored(bins: &[(&'static str, Value)]) -> Target {
    let particle = |(name, value): &(&'static str, Value)| {
        let mut out = Default::default();
        let kind = value.write_particle(&mut out);
        (*name, kind, out.to_vec())
    };
    let stored = Stored {
        set: b"things".to_vec(),
        key: Some(b"\x03user".to_vec()),
        generation: 3,
        time_to_live: 60,
        last_update: 12_345,
        size: 96,
        bins: Box::new(Listed(bins.iter().map(particle).collect())),
    };
    Target { stored: Some(stored), ..target() }
}

/// A particle as a value.
pub(crate) fn value(particle: &(ParticleType, Vec<u8>)) -> Value {
    Value::from_particle(particle.0, &particle.1).unwrap()
}

/// What a function with this body returns, called on a record that is not there.
pub(crate) fn apply(body: &str) -> Result<Answer, Failure> {
    let source = format!("function f(r) {body} end");
    let module = Module::compile("test.lua", source.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
    module.apply("f", target(), &[0x90], &limits()).map(|applied| Answer(value(&applied.value)))
}

/// A value that is easily written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer(pub(crate) Value);

impl From<i64> for Answer {
    fn from(n: i64) -> Self {
        Self(Value::Integer(n))
    }
}

impl From<f64> for Answer {
    fn from(n: f64) -> Self {
        Self(Value::Float(n))
    }
}

impl From<bool> for Answer {
    fn from(b: bool) -> Self {
        Self(Value::Bool(b))
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self(Value::Nil)
    }
}
