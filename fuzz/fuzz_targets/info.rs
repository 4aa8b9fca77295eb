#![no_main]
//! The text answers of cluster tending.

use aerospike_wire::info;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let _ = info::lines(data).count();
    let _ = info::error(data);
    let _ = info::parse_replicas(data);
    let _ = info::parse_services(data);
    if let Ok(peers) = info::parse_peers(data) {
        for endpoint in peers.peers.iter().flat_map(|p| &p.endpoints) {
            assert!(!endpoint.host.is_empty());
        }
    }
});
