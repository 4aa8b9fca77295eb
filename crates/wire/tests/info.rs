//! The grammars of cluster tending, against what a real three-node cluster said.

use aerospike_wire::PartitionId;
use aerospike_wire::info::{self, Endpoint, PartitionBitmap};

fn endpoint(host: &str, port: u16) -> Endpoint {
    Endpoint { host: host.into(), port }
}

#[test]
fn peers_as_real_nodes_list_them() {
    let peers = info::parse_peers("4,3000,[[A1,,[127.0.0.1]],[A3,,[127.0.0.1:3020]]]").unwrap();
    assert_eq!(peers.generation, 4);
    assert_eq!(peers.peers[0].node, "A1");
    assert_eq!(peers.peers[0].endpoints, [endpoint("127.0.0.1", 3000)]);
    assert_eq!(peers.peers[1].endpoints, [endpoint("127.0.0.1", 3020)]);
    assert!(info::parse_peers("4,3000,[]").unwrap().peers.is_empty());
}

#[test]
fn peers_with_addresses_of_version_6_and_departed_nodes() {
    let peers = info::parse_peers("7,3000,[[A1,tls,[[::1],[fe80::1]:3100,10.0.0.1]],[A2,,]]").unwrap();
    assert_eq!(peers.peers[0].tls_name, "tls");
    assert_eq!(
        peers.peers[0].endpoints,
        [endpoint("::1", 3000), endpoint("fe80::1", 3100), endpoint("10.0.0.1", 3000)]
    );
    assert!(peers.peers[1].endpoints.is_empty());
    let only_v6 = info::parse_peers("1,3000,[[A1,,[[::1]]]]").unwrap();
    assert_eq!(only_v6.peers[0].endpoints, [endpoint("::1", 3000)]);
}

#[test]
fn errors_in_both_grammars() {
    let error = info::error("ERROR:25:enterprise only").unwrap();
    assert_eq!((error.code, error.message.as_str()), (25, "enterprise only"));
    assert_eq!(info::error("ERROR::msg").unwrap().code, 1);
    assert_eq!(info::error("FAIL:201:NO INDEX").unwrap().code, 201);
    assert_eq!(info::error("fail").unwrap().code, 1);
    assert_eq!(info::error("test:errors=0"), None);
}

#[test]
fn a_bitmap_reads_back() {
    let mut bits = PartitionBitmap::empty();
    for id in PartitionId::all().filter(|id| id.index() % 3 == 0) {
        bits.insert(id);
    }
    let text = bits.to_base64();
    assert_eq!(text.len(), 684);
    let again = PartitionBitmap::from_base64(&text).unwrap();
    assert!(PartitionId::all().all(|id| again.contains(id) == (id.index() % 3 == 0)));
    let map = info::parse_replicas(&format!("test:3,2,{text},{text};bar:0,1,{text};")).unwrap();
    assert_eq!((map[0].regime, map[0].replicas.len(), map[1].replicas.len()), (3, 2, 1));
    assert!(info::parse_replicas(&format!("test:0,2,{text}")).is_err(), "a replica is missing");
}
