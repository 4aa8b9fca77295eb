#![no_main]
//! List, map, bit and HyperLogLog operations of the embedded server, on any payload and any bin.

use aerospike_server::cdt;
use aerospike_wire::ParticleType;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, Vec<u8>, Vec<u8>)| {
    let (kind, bin, payload) = data;
    let kind = [ParticleType::LIST, ParticleType::MAP, ParticleType::BLOB, ParticleType::HLL][usize::from(kind & 3)];
    // what a server stores was normalised when it was written
    let stored = match kind {
        ParticleType::LIST | ParticleType::MAP => cdt::normalise(kind, &bin).ok(),
        _ => Some(bin),
    };
    let stored = stored.as_deref().map(|bytes| (kind, bytes));
    match kind {
        ParticleType::BLOB => {
            let _ = (cdt::bits_read(stored, &payload), cdt::bits_modify(stored, &payload));
        }
        ParticleType::HLL => {
            let _ = (cdt::hll_read(stored, &payload), cdt::hll_modify(stored, &payload));
        }
        _ => {
            let _ = (cdt::read(stored, &payload), cdt::modify(stored, &payload));
        }
    }
});
