//! Lists and maps behave as a plain vector and a plain tree map do, and no payload makes the engine panic.

use std::collections::BTreeMap;

use aerospike_server::cdt::{self, BinChange, Particle};
use aerospike_wire::value::{pack_integer, pack_list_header, pack_map_header};
use aerospike_wire::{ParticleType, ResultCode, Value};
use bytes::{BufMut, BytesMut};
use proptest::prelude::*;

/// An operation's payload: its code and integer arguments.
fn payload(code: i64, args: &[i64]) -> Vec<u8> {
    let mut out = BytesMut::new();
    pack_list_header(&mut out, args.len() + 1);
    pack_integer(&mut out, code);
    args.iter().for_each(|n| pack_integer(&mut out, *n));
    out.to_vec()
}

/// A bin that operations run on, one after the other.
struct Bin(Option<Particle>);

impl Bin {
    fn run(&mut self, payload: &[u8]) -> Result<Option<Value>, ResultCode> {
        let bin = self.0.as_ref().map(|(kind, bytes)| (*kind, bytes.as_slice()));
        let result = match cdt::modify(bin, payload) {
            Ok(modified) => {
                if let BinChange::Stored(kind, bytes) = modified.bin {
                    self.0 = Some((kind, bytes));
                }
                modified.result
            }
            Err(ResultCode::PARAMETER) => cdt::read(bin, payload)?,
            Err(code) => return Err(code),
        };
        Ok(result.map(|(kind, bytes)| Value::from_particle(kind, &bytes).unwrap()))
    }

    fn value(&self) -> Value {
        let (kind, bytes) = self.0.as_ref().unwrap();
        Value::from_particle(*kind, bytes).unwrap()
    }
}

fn list(numbers: &[i64]) -> Value {
    Value::List(numbers.iter().map(|n| Value::Integer(*n)).collect())
}

#[derive(Debug, Clone)]
enum ListStep {
    Append(i64),
    Insert(usize, i64),
    Set(usize, i64),
    Pop(usize),
    RemoveRange(usize, usize),
    Trim(usize, usize),
    RemoveAll(i64),
    Sort,
    Increment(usize, i64),
}

fn list_step() -> impl Strategy<Value = ListStep> {
    let (at, n) = (0_usize..6, -3_i64..6);
    prop_oneof![
        4 => n.clone().prop_map(ListStep::Append),
        2 => (at.clone(), n.clone()).prop_map(|(at, n)| ListStep::Insert(at, n)),
        1 => (at.clone(), n.clone()).prop_map(|(at, n)| ListStep::Set(at, n)),
        1 => at.clone().prop_map(ListStep::Pop),
        1 => (at.clone(), at.clone()).prop_map(|(a, b)| ListStep::RemoveRange(a, b)),
        1 => (at.clone(), 1_usize..9).prop_map(|(a, b)| ListStep::Trim(a, b)),
        1 => n.clone().prop_map(ListStep::RemoveAll),
        1 => Just(ListStep::Sort),
        1 => (at, n).prop_map(|(at, n)| ListStep::Increment(at, n)),
    ]
}

/// The step on the engine and on a vector; what the engine does beyond a vector's end is left to the recorded cases.
fn step_list(bin: &mut Bin, model: &mut Vec<i64>, step: &ListStep) {
    let n = model.len();
    let expected = match *step {
        ListStep::Append(value) => {
            model.push(value);
            assert_eq!(bin.run(&payload(1, &[value])), Ok(Some(Value::Integer(model.len() as i64))));
            return;
        }
        ListStep::Insert(at, value) if at <= n => {
            model.insert(at, value);
            (payload(3, &[at as i64, value]), Some(Value::Integer(model.len() as i64)))
        }
        ListStep::Set(at, value) if at < n => {
            model[at] = value;
            (payload(9, &[at as i64, value]), None)
        }
        ListStep::Pop(at) if at < n => (payload(5, &[at as i64]), Some(Value::Integer(model.remove(at)))),
        ListStep::RemoveRange(at, count) if at < n => {
            let gone = model.drain(at..(at + count).min(n)).count();
            (payload(8, &[at as i64, count as i64]), Some(Value::Integer(gone as i64)))
        }
        ListStep::Trim(at, count) if at < n => {
            *model = model[at..(at + count).min(n)].to_vec();
            (payload(10, &[at as i64, count as i64]), Some(Value::Integer((n - model.len()) as i64)))
        }
        ListStep::RemoveAll(value) => {
            model.retain(|v| *v != value);
            (payload(35, &[5, value]), Some(Value::Integer((n - model.len()) as i64)))
        }
        ListStep::Sort => {
            model.sort_unstable();
            (payload(13, &[]), None)
        }
        ListStep::Increment(at, by) if at < n => {
            model[at] += by;
            (payload(12, &[at as i64, by]), Some(Value::Integer(model[at])))
        }
        _ => return,
    };
    assert_eq!(bin.run(&expected.0), Ok(expected.1), "{step:?}");
}

proptest! {
    #[test]
    fn a_list_is_a_vector(steps in prop::collection::vec(list_step(), 1..30)) {
        let (mut bin, mut model) = (Bin(None), vec![0]);
        bin.run(&payload(1, &[0])).unwrap();
        for step in &steps {
            step_list(&mut bin, &mut model, step);
            prop_assert_eq!(bin.value(), list(&model));
        }
        let mut sorted = model.clone();
        sorted.sort_unstable();
        for (rank, value) in sorted.iter().enumerate() {
            prop_assert_eq!(bin.run(&payload(21, &[7, rank as i64])), Ok(Some(Value::Integer(*value))));
            let below = sorted.partition_point(|v| v < value);
            prop_assert_eq!(bin.run(&payload(20, &[3, *value])), Ok(Some(Value::Integer(below as i64))));
        }
    }

    #[test]
    fn an_ordered_list_stays_sorted(values in prop::collection::vec(-50_i64..50, 0..40), from in -50_i64..50, to in -50_i64..50) {
        let mut bin = Bin(None);
        bin.run(&payload(0, &[1])).unwrap();
        let mut model = Vec::new();
        for value in values {
            bin.run(&payload(1, &[value, 1])).unwrap();
            model.push(value);
            model.sort_unstable();
            prop_assert_eq!(bin.value(), list(&model));
        }
        let between: Vec<i64> = model.iter().copied().filter(|v| (from..to).contains(v)).collect();
        prop_assert_eq!(bin.run(&payload(25, &[7, from, to])), Ok(Some(list(&between))));
        let others: Vec<i64> = model.iter().copied().filter(|v| !(from..to).contains(v)).collect();
        prop_assert_eq!(bin.run(&payload(38, &[7, from, to])), Ok(Some(list(&between))));
        prop_assert_eq!(bin.value(), list(&others));
    }

    #[test]
    fn a_map_is_a_tree(
        order in prop_oneof![Just(0_i64), Just(1), Just(3)],
        puts in prop::collection::vec((-9_i64..9, -9_i64..9), 1..40),
        gone in prop::collection::vec(-9_i64..9, 0..6),
        from in -9_i64..9,
        count in 0_i64..12,
    ) {
        let (mut bin, mut model) = (Bin(None), BTreeMap::new());
        bin.run(&payload(64, &[order])).unwrap();
        for (key, value) in puts {
            model.insert(key, value);
            prop_assert_eq!(bin.run(&payload(67, &[key, value, order])), Ok(Some(Value::Integer(model.len() as i64))));
        }
        for key in gone {
            let had = model.remove(&key).map_or(0, |_| 1);
            prop_assert_eq!(bin.run(&payload(76, &[5, key])), Ok(Some(Value::Integer(had))));
        }
        let pairs = model.iter().map(|(k, v)| (Value::Integer(*k), Value::Integer(*v))).collect();
        prop_assert_eq!(bin.value(), Value::Map(order as u8, pairs));
        let keys: Vec<i64> = model.range(from..).take(count as usize).map(|(k, _)| *k).collect();
        prop_assert_eq!(bin.run(&payload(109, &[6, from, 0, count])), Ok(Some(list(&keys))));
        let mut by_value: Vec<(i64, i64)> = model.iter().map(|(k, v)| (*v, *k)).collect();
        by_value.sort_unstable();
        for (rank, (_, key)) in by_value.iter().enumerate() {
            prop_assert_eq!(bin.run(&payload(100, &[6, rank as i64])), Ok(Some(Value::Integer(*key))));
            prop_assert_eq!(bin.run(&payload(97, &[3, *key])), Ok(Some(Value::Integer(rank as i64))));
        }
    }
}

/// MessagePack that is mostly well-formed: deep enough, with flags, wildcards and codes of operations in it.
fn element() -> impl Strategy<Value = Vec<u8>> + Clone {
    let leaf = prop_oneof![
        (-3_i64..260).prop_map(|n| {
            let mut out = BytesMut::new();
            pack_integer(&mut out, n);
            out.to_vec()
        }),
        any::<i64>().prop_map(|n| [&[0xd3], &n.to_be_bytes()[..]].concat()),
        any::<f64>().prop_map(|n| [&[0xcb], &n.to_be_bytes()[..]].concat()),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(|text| [&[0xa1 + text.len() as u8, 3], &text[..]].concat()),
        prop::sample::select(vec![
            vec![0xc0],
            vec![0xc1],
            vec![0xc2],
            vec![0xc3],
            vec![0xa0],
            vec![0xd4, 0xff, 0],
            vec![0xd4, 0xff, 1],
            vec![0xc7, 0, 1],
            vec![0xc7, 0, 3],
            vec![0xdd, 0xff, 0xff, 0xff, 0xff],
            vec![0xdf, 0xff, 0xff, 0xff, 0xff],
            vec![0xce, 0, 1, 0, 7],
            vec![0xcc, 0xff],
            vec![0xcc, 0xfe],
            vec![0xcd, 2, 4],
            vec![0xc4, 0],
        ]),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let many = prop::collection::vec(inner, 0..6);
        prop_oneof![
            many.clone().prop_map(|items| {
                let mut out = BytesMut::new();
                pack_list_header(&mut out, items.len());
                items.iter().for_each(|item| out.put_slice(item));
                out.to_vec()
            }),
            many.prop_map(|items| {
                let mut out = BytesMut::new();
                pack_map_header(&mut out, items.len() / 2);
                items[..items.len() / 2 * 2].iter().for_each(|item| out.put_slice(item));
                out.to_vec()
            }),
        ]
    })
}

/// A payload with a code that exists, so that arguments are looked at.
fn call() -> impl Strategy<Value = Vec<u8>> {
    let plain = (0_i64..112, prop::collection::vec(element(), 0..5)).prop_map(|(code, args)| {
        let mut out = BytesMut::new();
        pack_list_header(&mut out, args.len() + 1);
        pack_integer(&mut out, code);
        args.iter().for_each(|arg| out.put_slice(arg));
        out.to_vec()
    });
    let step = (
        prop::sample::select(vec![0x10_i64, 0x11, 0x13, 0x20, 0x21, 0x22, 0x23, 0x50, 0x90, 0xd0, 0x62, 0xe2, 4]),
        element(),
    );
    let path = prop::collection::vec(step, 0..4).prop_map(|steps| {
        let mut out = BytesMut::new();
        pack_list_header(&mut out, steps.len() * 2);
        for (kind, value) in steps {
            pack_integer(&mut out, kind);
            out.put_slice(&value);
        }
        out.to_vec()
    });
    let nested = (path.clone(), plain.clone()).prop_map(|(path, call)| [IN_CONTEXT, &path[..], &call].concat());
    let select = (path, -1_i64..34).prop_map(|(path, flags)| {
        let mut out = BytesMut::from(&[&[0x93, 0xcc, 0xfe], &path[..]].concat()[..]);
        pack_integer(&mut out, flags);
        out.to_vec()
    });
    prop_oneof![3 => plain, 2 => nested, 1 => select, 1 => element()]
}

/// How a payload begins that names the collection inside the bin by a path.
const IN_CONTEXT: &[u8] = &[0x93, 0xcc, 0xff];

/// Every entry of the engine, whatever it says.
fn survive(bin: Option<(ParticleType, &[u8])>, payload: &[u8]) {
    let _ = cdt::read(bin, payload);
    let _ = cdt::bits_read(bin, payload);
    let _ = cdt::bits_modify(bin, payload);
    let _ = cdt::hll_read(bin, payload);
    let _ = cdt::hll_modify(bin, payload);
    if let Ok(modified) = cdt::modify(bin, payload)
        && let BinChange::Stored(kind, bytes) = modified.bin
    {
        match cdt::normalise(kind, &bytes) {
            Ok(normal) => assert_eq!(normal, bytes, "what is stored is in stored form"),
            // a path creates maps under keys that no value may have: real servers (8.1.2) do, too
            Err(_) => assert!(payload.starts_with(IN_CONTEXT), "what is stored cannot be stored"),
        }
    }
}

#[test]
fn a_path_creates_a_map_under_a_key_of_any_type() {
    // map put items { "": 0 } into the map under the key 0.0, which is created
    let key = [0xcb, 0, 0, 0, 0, 0, 0, 0, 0];
    let payload = [IN_CONTEXT, &[0x92, 0x62], &key, &[0x92, 66, 0x81, 0xa1, 3, 0]].concat();
    let created = [&[0x81][..], &key, &[0x81, 0xa1, 3, 0]].concat();
    let modified = cdt::modify(None, &payload).unwrap();
    assert!(matches!(&modified.bin, BinChange::Stored(ParticleType::MAP, bytes) if bytes[..] == created));
    survive(None, &payload);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_payload_panics(payload in call(), bin in element()) {
        survive(None, &payload);
        for kind in [ParticleType::LIST, ParticleType::MAP] {
            if let Ok(stored) = cdt::normalise(kind, &bin) {
                survive(Some((kind, &stored)), &payload);
            }
        }
        for kind in [ParticleType::BLOB, ParticleType::HLL, ParticleType::INTEGER] {
            survive(Some((kind, &bin)), &payload);
        }
    }

    #[test]
    fn random_bytes_do_not_panic(payload in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = cdt::normalise(ParticleType::LIST, &payload);
        let _ = cdt::normalise(ParticleType::MAP, &payload);
        survive(Some((ParticleType::LIST, &[0x93, 1, 2, 3])), &payload);
        survive(Some((ParticleType::MAP, &[0x82, 1, 2, 3, 4])), &payload);
    }
}

#[test]
fn values_are_as_deep_as_they_come() {
    const DEPTH: usize = 100_000;
    let nested = |inner: u8| {
        let mut deep = vec![0x91; DEPTH];
        deep.push(inner);
        deep
    };
    let deep = nested(0x01);
    assert_eq!(cdt::normalise(ParticleType::LIST, &deep).as_deref(), Ok(&*deep));
    let append = [&[0x92, 0x01], &deep[..]].concat();
    let appended = cdt::modify(None, &append).unwrap();
    let BinChange::Stored(ParticleType::LIST, stored) = appended.bin else { panic!("nothing is stored") };
    assert_eq!(stored, [&[0x91], &deep[..]].concat());
    let bin = Some((ParticleType::LIST, &*stored));
    let count = |value: &[u8]| cdt::read(bin, &[&[0x93, 22, 5], value].concat());
    assert_eq!(count(&deep), Ok(Some((ParticleType::INTEGER, 1_i64.to_be_bytes().to_vec()))));
    assert_eq!(count(&nested(0x02)), Ok(Some((ParticleType::INTEGER, 0_i64.to_be_bytes().to_vec()))));
    // a way of so many steps is another matter: each of them looks at the whole value
    let steps = [[0x10, 0x00]; DEPTH].concat();
    let size = [&[0x93, 0xcc, 0xff, 0xdd], &(2 * DEPTH as u32).to_be_bytes()[..], &steps, &[0x91, 16]].concat();
    assert_eq!(cdt::read(bin, &size), Err(ResultCode::OP_NOT_APPLICABLE));
}

#[test]
fn a_list_of_ten_thousand_is_quick_to_work_on() {
    let numbers: Vec<i64> = (0..10_000).map(|i| i * 7919 % 10_007).collect();
    let mut items = BytesMut::new();
    pack_list_header(&mut items, 3);
    pack_integer(&mut items, 2);
    pack_list_header(&mut items, numbers.len());
    numbers.iter().for_each(|n| pack_integer(&mut items, *n));
    let (mut unordered, mut ordered) = (items.clone(), items);
    unordered.put_u8(0);
    ordered.put_u8(1);
    let started = std::time::Instant::now();
    for append in [&unordered, &ordered] {
        let mut bin = Bin(None);
        assert_eq!(bin.run(append), Ok(Some(Value::Integer(10_000))));
        // unique: none gets in again
        let again = [&[0x94], &append[1..], &[0x0d]].concat();
        assert_eq!(bin.run(&again), Ok(Some(Value::Integer(10_000))));
        // every value by a list of all values
        let by_list = [&[0x93, 23, 5], &append[2..append.len() - 1]].concat();
        assert_eq!(bin.run(&by_list), Ok(Some(Value::Integer(10_000))));
        assert_eq!(bin.run(&payload(26, &[5, 0])), Ok(Some(Value::Integer(10_000))));
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
