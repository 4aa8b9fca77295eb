#![no_main]
//! Particles and MessagePack: what decodes, encodes again, and to the same value.

use aerospike_wire::{ParticleType, Value};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

/// An empty extension at the front of a container reads as the container's flags, so a value that holds one need not
/// come back as it was; a NaN is not equal to itself.
fn comes_back(value: &Value) -> bool {
    match value {
        Value::Ext(_, data) => !data.is_empty(),
        Value::Float(n) => !n.is_nan(),
        Value::List(items) => items.iter().all(comes_back),
        Value::Map(_, pairs) => pairs.iter().all(|(k, v)| comes_back(k) && comes_back(v)),
        // without its type byte a string reads as text and is written with one, which may then name another type
        _ => true,
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let _ = Value::from_particle(ParticleType(*kind), rest);
    if let Ok(value) = Value::unpack(rest) {
        let mut packed = BytesMut::new();
        value.pack(&mut packed);
        let again = Value::unpack(&packed).expect("what was packed unpacks");
        assert!(!comes_back(&value) || again == value);
    }
});
