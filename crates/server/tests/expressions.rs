//! The evaluator by itself: expressions as bytes, on a record made up for the purpose.

use aerospike_server::exp::{BinOutcome, Evaluated, Expression, RecordView, Type, exp_modify, exp_read};
use aerospike_wire::{Digest, ParticleType, ResultCode, Value};
use bytes::BytesMut;
use proptest::prelude::*;

struct Sample {
    bins: Vec<(&'static [u8], ParticleType, Vec<u8>)>,
    has_bins: bool,
    void_time: u32,
}

impl Sample {
    fn new() -> Self {
        let map = Value::Map(1, vec![("a".into(), 1.into()), ("b".into(), Value::List(vec![1.into(), 2.into()]))]);
        let bins = [
            (&b"i"[..], Value::Integer(5)),
            (b"d", Value::Float(1.5)),
            (b"s", "hello".into()),
            (b"t", Value::Bool(true)),
            (b"l", Value::List(vec![3.into(), 1.into(), 2.into()])),
            (b"m", map),
            (b"b", Value::Blob(ParticleType::BLOB, vec![1, 2, 3])),
        ];
        let particle = |(name, value): (&'static [u8], Value)| {
            let mut out = BytesMut::new();
            let kind = value.write_particle(&mut out);
            (name, kind, out.to_vec())
        };
        Self { bins: bins.into_iter().map(particle).collect(), has_bins: true, void_time: 0 }
    }
}

impl RecordView for Sample {
    fn bin(&self, name: &[u8]) -> Option<(ParticleType, &[u8])> {
        self.bins.iter().find(|(known, ..)| *known == name).map(|(_, kind, value)| (*kind, &value[..]))
    }
    fn has_bins(&self) -> bool {
        self.has_bins
    }
    fn key(&self) -> Option<&[u8]> {
        Some(b"\x03user")
    }
    fn set_name(&self) -> &[u8] {
        b"set"
    }
    fn digest(&self) -> &[u8; Digest::SIZE] {
        &[7; Digest::SIZE]
    }
    fn last_update_millis(&self) -> u64 {
        1_000
    }
    fn void_time(&self) -> u32 {
        self.void_time
    }
    fn now_millis(&self) -> u64 {
        5_000
    }
    fn stored_size(&self) -> u64 {
        112
    }
}

/// `[code, argument…]`, the arguments packed already.
fn call(code: u8, arguments: &[&[u8]]) -> Vec<u8> {
    [&[0x90 | (arguments.len() as u8 + 1), code][..], &arguments.concat()].concat()
}

fn name(text: &str) -> Vec<u8> {
    [&[0xa0 | text.len() as u8], text.as_bytes()].concat()
}

fn bin(kind: u8, bin: &str) -> Vec<u8> {
    call(81, &[&[kind], &name(bin)])
}

fn truth(expression: &[u8]) -> Option<bool> {
    Expression::parse_filter(expression).unwrap().matches(&Sample::new())
}

const TRUE: &[u8] = &[0xc3];
const FALSE: &[u8] = &[0xc2];

#[test]
fn an_unknown_argument_matters_only_when_nothing_else_decides() {
    let unknown = call(1, &[&bin(2, "nope"), &[1]]);
    assert_eq!(truth(&unknown), None);
    assert_eq!(truth(&call(16, &[&unknown, FALSE])), Some(false));
    assert_eq!(truth(&call(16, &[&unknown, TRUE])), None);
    assert_eq!(truth(&call(17, &[&unknown, TRUE])), Some(true));
    assert_eq!(truth(&call(17, &[&unknown, FALSE])), None);
    assert_eq!(truth(&call(18, &[&unknown])), None);
    assert_eq!(truth(&call(19, &[TRUE, TRUE, &unknown])), Some(false));
    assert_eq!(truth(&call(19, &[&unknown, TRUE, TRUE])), None);
}

#[test]
fn the_value_of_a_variable_may_define_variables_itself() {
    let (x, y) = (name("x"), name("y"));
    let inner = call(125, &[&y, &[3], &call(20, &[&call(124, &[&y]), &[4]])]);
    let outer = call(125, &[&x, &inner, &y, &[9], &call(1, &[&call(124, &[&x]), &[7]])]);
    assert_eq!(truth(&outer), Some(true));
}

#[test]
fn types_are_checked_before_anything_runs() {
    let wrong: &[Vec<u8>] = &[
        vec![],
        vec![0x90],
        vec![0x01, 0x01],
        vec![0xa0],
        call(10, &[]),
        call(1, &[&[1], &bin(7, "d")]),
        call(16, &[TRUE]),
        call(20, &[TRUE]),
        call(20, &[&[1], &bin(7, "d")]),
        call(123, &[TRUE, &[1], TRUE]),
        call(123, &[TRUE, &[1]]),
        call(124, &[&name("x")]),
        call(125, &[&name("x"), &call(124, &[&name("x")]), &[1]]),
        call(125, &[&name("1"), &[1], &[1]]),
        call(127, &[&[2], &[1], &call(51, &[&[0], &[8]]), &bin(4, "l")]),
        call(81, &[&[2], &name("sixteen_bytes_ab")]),
        call(64, &[&[0]]),
        call(7, &[&[1], &name("("), &bin(3, "s")]),
    ];
    for bytes in wrong {
        assert_eq!(Expression::parse(bytes).err(), Some(ResultCode::PARAMETER), "{bytes:x?}");
    }
    assert_eq!(Expression::parse_filter(&[5]).err(), Some(ResultCode::PARAMETER), "no filter");
    assert_eq!(Expression::parse(&call(123, &[TRUE, &call(0, &[]), &[1]])).unwrap().result_type(), Type::Integer);
}

#[test]
fn metadata_can_decide_before_the_bins_are_there() {
    let mut sample = Sample::new();
    sample.has_bins = false;
    let in_set = call(1, &[&call(70, &[]), &[0xa4, 3, b's', b'e', b't']]);
    let of_bin = call(1, &[&bin(2, "i"), &[5]]);
    let matches = |expression: &[u8]| Expression::parse_filter(expression).unwrap().matches(&sample);
    assert_eq!(matches(&in_set), Some(true));
    assert_eq!(matches(&of_bin), None);
    assert_eq!(matches(&call(17, &[&of_bin, &in_set])), Some(true));
}

#[test]
fn times_are_counted_from_1970() {
    let mut sample = Sample::new();
    let value = |sample: &Sample, code| match Expression::parse(&call(code, &[])).unwrap().evaluate(sample) {
        Evaluated::Particle(ParticleType::INTEGER, bytes) => i64::from_be_bytes(bytes.try_into().unwrap()),
        other => panic!("{other:?}"),
    };
    assert_eq!(value(&sample, 66), 1_262_304_001_000_000_000);
    assert_eq!((value(&sample, 67), value(&sample, 68), value(&sample, 69)), (4_000, -1, -1));
    sample.void_time = 65;
    assert_eq!((value(&sample, 68), value(&sample, 69)), (1_262_304_065_000_000_000, 60));
}

#[test]
fn a_variable_is_what_a_call_made() {
    // let x = append(l, 9) in x == [3, 1, 2, 9]
    let append = call(127, &[&[4], &[0x40], &call(1, &[&[9]]), &bin(4, "l")]);
    let quoted = call(126, &[&[0x94, 3, 1, 2, 9]]);
    let compare = call(1, &[&call(124, &[&name("x")]), &quoted]);
    assert_eq!(truth(&call(125, &[&name("x"), &append, &compare])), Some(true));
}

#[test]
fn a_path_filters_by_what_it_stands_on() {
    // select the elements of l above 1
    let above = call(3, &[&call(122, &[&[2], &[1]]), &[1]]);
    let select = [&[0x93, 0xcc, 0xfe, 0x92, 0x04], &above[..], &[1]].concat();
    let expression = call(127, &[&[4], &[0], &select, &bin(4, "l")]);
    let evaluated = Expression::parse(&expression).unwrap().evaluate(&Sample::new());
    assert_eq!(evaluated, Evaluated::Particle(ParticleType::LIST, vec![0x92, 3, 2]));
}

#[test]
fn paths_inside_filters_of_paths_come_to_an_end() {
    // every element of a long list asks every element of a long list, and so on
    let long = call(126, &[&[&[0xdc, 0, 200][..], &[1; 200]].concat()]);
    let mut filter = TRUE.to_vec();
    for _ in 0..8 {
        let select = [&[0x93, 0xcc, 0xfe, 0x92, 0x04], &filter[..], &[1]].concat();
        let size = call(127, &[&[2], &[0], &call(16, &[]), &call(127, &[&[4], &[0], &select, &long])]);
        filter = call(3, &[&size, &[0]]);
    }
    let started = std::time::Instant::now();
    let _ = Expression::parse_filter(&filter).unwrap().matches(&Sample::new());
    assert!(started.elapsed().as_secs() < 300, "{:?}", started.elapsed());
}

#[test]
fn flags_of_operations_are_those_of_their_kind() {
    let sample = Sample::new();
    let payload = |expression: &[u8], flags: u8| [&[0x92], expression, &[flags]].concat();
    let unknown = call(0, &[]);
    let nil: &[u8] = &[0xc0];
    assert_eq!(exp_read(&payload(&[5], 16), &sample), Ok(Some((ParticleType::INTEGER, 5_i64.to_be_bytes().to_vec()))));
    assert_eq!(exp_read(&payload(&[5], 1), &sample), Err(ResultCode::PARAMETER));
    assert_eq!(exp_read(&payload(&unknown, 0), &sample), Err(ResultCode::OP_NOT_APPLICABLE));
    assert_eq!(exp_read(&payload(&unknown, 16), &sample), Ok(None));
    let modify = |expression: &[u8], flags, bin: &str| exp_modify(&payload(expression, flags), bin.as_bytes(), &sample);
    assert_eq!(modify(&[5], 1, "i"), Err(ResultCode::BIN_EXISTS));
    assert_eq!(modify(&[5], 1 | 8, "i"), Ok(BinOutcome::Keep));
    assert_eq!(modify(&[5], 2, "x"), Err(ResultCode::BIN_NOT_FOUND));
    assert_eq!(modify(nil, 4, "i"), Ok(BinOutcome::Remove));
    assert_eq!(modify(nil, 0, "i"), Err(ResultCode::OP_NOT_APPLICABLE));
    assert_eq!(modify(nil, 16, "i"), Ok(BinOutcome::Keep));
    assert_eq!(modify(nil, 0, "x"), Ok(BinOutcome::Keep));
    assert_eq!(modify(&[5], 32, "i"), Err(ResultCode::PARAMETER));
}

#[test]
fn depth_has_a_limit() {
    let deep = |levels: usize| [[0x92, 18].repeat(levels), vec![0xc3]].concat();
    assert!(Expression::parse(&deep(256)).is_ok());
    assert!(Expression::parse(&deep(257)).is_err());
    assert!(Expression::parse(&deep(500_000)).is_err());
    assert!(Expression::parse(&[0xdd, 0xff, 0xff, 0xff, 0xff, 16]).is_err(), "a count that lies");
}

/// Expressions that mostly make sense, so that mutations of them reach far.
fn expression() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        (0_u8..10, prop::sample::select(vec!["i", "d", "s", "t", "l", "m", "b", "x"])).prop_map(|(k, n)| bin(k, n)),
        any::<i64>().prop_map(|n| {
            let mut out = BytesMut::new();
            aerospike_wire::value::pack_integer(&mut out, n);
            out.to_vec()
        }),
        prop::sample::select(vec![
            TRUE.to_vec(),
            FALSE.to_vec(),
            vec![0xc0],
            call(0, &[]),
            call(126, &[&[0x92, 1, 2]])
        ]),
        (64_u8..75).prop_map(|code| call(code, &[])),
    ];
    leaf.prop_recursive(6, 64, 4, |inner| {
        prop_oneof![
            (0_u8..128, prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(code, arguments)| call(code, &arguments.iter().map(Vec::as_slice).collect::<Vec<_>>())),
            (0_u8..10, prop::sample::select(vec![0_u8, 1, 2, 0x40, 0x41, 0x42]), 0_u8..128, inner.clone(), inner)
                .prop_map(|(kind, system, code, argument, subject)| {
                    let operation = call(code, &[&[7], &argument]);
                    call(127, &[&[kind], &[system], &operation, &subject])
                }),
        ]
    })
}

fn run(bytes: &[u8]) {
    let sample = Sample::new();
    if let Ok(expression) = Expression::parse(bytes) {
        let _ = (expression.evaluate(&sample), expression.matches(&sample));
    }
    let _ = (exp_read(bytes, &sample), exp_modify(bytes, b"i", &sample));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        run(&bytes);
    }

    #[test]
    fn no_expression_makes_it_panic(
        bytes in expression(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        run(&bytes);
        let mut changed = bytes;
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        run(&changed);
    }

    #[test]
    fn no_pattern_makes_it_panic(pattern in r"[-^$.*+?()\[\]{}|\\a-c0-9:=,\n]{0,30}", flags in 0_u8..16) {
        let text = call(7, &[&[flags], &name(&pattern), &bin(3, "s")]);
        run(&text);
    }
}
