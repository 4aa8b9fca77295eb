//! Digests of keys, as a real server and its client computed them.

use std::io::Read as _;

use aerospike_wire::{Digest, KeyType};
use flate2::read::GzDecoder;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

/// A recorded user key: plain where JSON is exact, else under a tag.
fn key(json: &Json) -> (KeyType, Vec<u8>) {
    let integer = |n: i64| (KeyType::Integer, n.to_be_bytes().to_vec());
    match json {
        Json::String(text) => (KeyType::String, text.as_bytes().to_vec()),
        Json::Number(n) => integer(n.as_i64().unwrap()),
        Json::Object(tagged) => match (tagged.get("$int"), tagged.get("$bytes")) {
            (Some(n), _) => integer(n.as_str().unwrap().parse().unwrap()),
            (_, Some(hex)) => (KeyType::Blob, bytes(hex.as_str().unwrap())),
            _ => panic!("unknown tag in {json}"),
        },
        _ => panic!("unknown key {json}"),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn digests_and_partitions_are_as_recorded() {
    let path = format!("{}/../../__test__/corpus/digests.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut compared = 0;
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let set = case["key"][1].as_str().unwrap_or_default();
        let (kind, key) = key(&case["key"][2]);
        let digest = Digest::of_key(set.as_bytes(), kind, &key);
        assert_eq!(digest.to_string(), case["digest"].as_str().unwrap(), "{line}");
        assert_eq!(digest.partition().index() as u64, case["partition"].as_u64().unwrap(), "{line}");
        compared += 1;
    }
    assert_eq!(compared, 400);
}

proptest! {
    #[test]
    fn many_digests_at_once_are_the_same_as_one_by_one(
        sets in vec(vec(any::<u8>(), 0..63), 1..4),
        keys in vec((any::<prop::sample::Index>(), 0usize..3, vec(any::<u8>(), 0..80)), 0..80),
    ) {
        let kinds = [KeyType::Integer, KeyType::String, KeyType::Blob];
        let keys: Vec<_> =
            keys.iter().map(|(set, kind, key)| (&set.get(&sets)[..], kinds[*kind], &key[..])).collect();
        let mut digests = Vec::new();
        Digest::of_keys(keys.iter().copied(), &mut digests);
        let single: Vec<_> = keys.iter().map(|(set, kind, key)| Digest::of_key(set, *kind, key)).collect();
        prop_assert_eq!(digests, single);
    }
}
