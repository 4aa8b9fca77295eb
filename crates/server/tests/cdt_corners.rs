//! Corners of lists, maps, bits and sketches that the recorded cases leave out: what a server of version 8.1 answered, row by row.
//!
//! Values are written as JSON. An object is a map without order, except `{"ext": flags}`, the element that leads an
//! ordered list in stored form, `{"order": flags, …}`, a map with these flags, and `{"bytes": "hex"}` and `{"hll": "hex"}`.

use aerospike_server::cdt::{self, BinChange, Modified, Particle};
use aerospike_wire::{ParticleType, ResultCode, Value};
use bytes::BytesMut;
use serde_json::Value as Json;

/// A bin, an operation on it, its result and what the bin is afterwards. Nothing is written `""`.
type Row = (&'static str, &'static str, Result<&'static str, ResultCode>, &'static str);

/// The bin is as it was.
const SAME: &str = "same";
const NOT_APPLICABLE: Result<&str, ResultCode> = Err(ResultCode::OP_NOT_APPLICABLE);
const PARAMETER: Result<&str, ResultCode> = Err(ResultCode::PARAMETER);
const EXISTS: Result<&str, ResultCode> = Err(ResultCode::ELEMENT_EXISTS);

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap()), Value::Integer),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(pairs) => {
            let flags = |name: &str| pairs.get(name).map(|flags| flags.as_u64().unwrap() as u8);
            for (name, kind) in [("bytes", ParticleType::BLOB), ("hll", ParticleType::HLL)] {
                if let Some(Json::String(hex)) = pairs.get(name) {
                    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
                    return Value::Blob(kind, (0..hex.len()).step_by(2).map(byte).collect());
                }
            }
            if let Some(flags) = flags("ext") {
                return Value::Ext(flags, Vec::new());
            }
            let pair = |(key, json): (&String, &Json)| (key.as_str().into(), value(json));
            let stored = pairs.iter().filter(|(key, _)| *key != "order").map(pair).collect();
            Value::Map(flags("order").unwrap_or(0), stored)
        }
    }
}

fn particle(text: &str) -> Option<Particle> {
    let json = (!text.is_empty()).then(|| serde_json::from_str(text).expect(text))?;
    let mut out = BytesMut::new();
    let kind = value(&json).write_particle(&mut out);
    Some((kind, out.to_vec()))
}

type Modify = fn(cdt::Bin<'_>, &[u8]) -> Result<Modified, ResultCode>;
type Read = fn(cdt::Bin<'_>, &[u8]) -> Result<Option<Particle>, ResultCode>;

/// Runs rows with the engine of their kind of operation. What is no operation that modifies is one that reads; without a bin
/// nothing is read, so what is refused there is one that modifies.
fn check((modify, read): (Modify, Read), rows: &[Row]) {
    for (before, operation, expected, after) in rows {
        let row = format!("{before} {operation}");
        let (bin, payload) = (particle(before), particle(operation).unwrap().1);
        let on = bin.as_ref().map(|(kind, bytes)| (*kind, bytes.as_slice()));
        let modified = match modify(on, &payload) {
            Err(ResultCode::PARAMETER) if on.is_some() || expected.is_ok() => {
                read(on, &payload).map(|result| Modified { bin: BinChange::Unchanged, result })
            }
            modified => modified,
        };
        assert_eq!(modified.as_ref().map(|m| m.result.clone()), expected.as_ref().map(|text| particle(text)), "{row}");
        let stored = match modified.map(|m| m.bin) {
            Ok(BinChange::Stored(kind, bytes)) => Some((kind, bytes)),
            _ => bin,
        };
        assert_eq!(stored, particle(if *after == SAME { before } else { after }), "{row}");
    }
}

const COLLECTIONS: (Modify, Read) = (cdt::modify, cdt::read);
const BITS: (Modify, Read) = (cdt::bits_modify, cdt::bits_read);
const SKETCHES: (Modify, Read) = (cdt::hll_modify, cdt::hll_read);

#[test]
fn everything_but_a_list_of_values_is_told_one_by_one_if_the_list_names_any() {
    const LIST: &str = r#"[{"ext":1},0,5,6]"#;
    const MAP: &str = r#"{"order":1,"a":1,"b":1,"c":1,"d":1,"e":1}"#;
    const UNORDERED: &str = r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#;
    check(
        COLLECTIONS,
        &[
            (LIST, r#"[36,65538,[""]]"#, Ok("[2,1,0]"), r#"[{"ext":1}]"#),
            (LIST, r#"[36,65537,[""]]"#, Ok("[0,1,2]"), r#"[{"ext":1}]"#),
            (LIST, "[36,65538,[]]", Ok("[0,1,2]"), r#"[{"ext":1}]"#),
            (LIST, "[23,65540,[12]]", Ok("[2,1,0]"), SAME),
            (LIST, "[23,65538,[5]]", Ok("[2,0]"), SAME),
            (MAP, r#"[107,65538,["zz"]]"#, Ok("[4,3,2,1,0]"), SAME),
            (MAP, r#"[107,65538,["b"]]"#, Ok("[4,2,1,0]"), SAME),
            (MAP, r#"[107,65537,["b"]]"#, Ok("[0,2,3,4]"), SAME),
            (MAP, "[107,65538,[]]", Ok("[0,1,2,3,4]"), SAME),
            (UNORDERED, r#"[107,65538,["zz"]]"#, Ok("[0,1,2,3,4]"), SAME),
            (UNORDERED, r#"[107,65538,["b"]]"#, Ok("[4,0,1,2]"), SAME),
        ],
    );
}

#[test]
fn everything_but_no_rank_is_two_runs_of_ranks() {
    const LIST: &str = "[0,3,9,6,-4,2,5]";
    check(
        COLLECTIONS,
        &[
            (LIST, "[39,65540,3,0]", Ok("[4,5,6,0,1,2,3]"), "[]"),
            (LIST, "[26,65540,3,0]", Ok("[4,5,6,0,1,2,3]"), SAME),
            (LIST, "[27,65540,3,0,0]", Ok("[4,5,6,0,1,2,3]"), SAME),
            (LIST, "[26,65540,9,0]", Ok("[0,1,2,3,4,5,6]"), SAME),
            (LIST, "[26,65539,3,0]", Ok("[0,1,2,3,4,5,6]"), SAME),
            (LIST, "[26,65538,3,0]", Ok("[6,5,4,3,2,1,0]"), SAME),
            (LIST, "[26,65548,3,0]", NOT_APPLICABLE, SAME),
            (LIST, "[26,65549,3,0]", Ok("true"), SAME),
        ],
    );
}

#[test]
fn the_first_item_that_is_not_unique_decides() {
    const LIST: &str = "[0,[[4]]]";
    const ORDERED: &str = r#"[{"ext":1},0,[[4]]]"#;
    check(
        COLLECTIONS,
        &[
            (LIST, "[4,0,[[4],4,4,[[4]]],1]", NOT_APPLICABLE, SAME),
            (LIST, "[2,[[4],4,4,[[4]]],0,1]", NOT_APPLICABLE, SAME),
            (LIST, "[2,[[[4]],4,4],0,1]", EXISTS, SAME),
            (LIST, "[2,[[[4]],[[4]]],0,1]", EXISTS, SAME),
            (ORDERED, "[2,[[[4]],4,4],1,1]", NOT_APPLICABLE, SAME),
            (ORDERED, "[2,[[[4]],4],1,1]", EXISTS, SAME),
        ],
    );
}

#[test]
fn where_no_item_gets_in_nothing_is_filled_up() {
    check(
        COLLECTIONS,
        &[
            ("[-1,9,7]", "[3,5,7,13]", Ok("3"), SAME),
            ("[4]", "[4,3,[4,4,4],13]", Ok("1"), SAME),
            ("[4]", "[4,3,[4,5,4],13]", Ok("4"), "[4,null,null,5]"),
        ],
    );
}

#[test]
fn a_value_that_stays_must_be_the_only_one_to_be_unique() {
    const ORDERED: &str = r#"[{"ext":1},1,1,2]"#;
    check(
        COLLECTIONS,
        &[
            ("[5,6]", "[9,0,5,1]", Ok(""), SAME),
            ("[5,5]", "[9,0,5,1]", EXISTS, SAME),
            ("[5,5]", "[9,1,5,1]", EXISTS, SAME),
            ("[1,1,2]", "[12,0,0,0,1]", EXISTS, SAME),
            ("[1,1,2]", "[12,0,0,0,5]", Ok("1"), SAME),
            ("[1,1,2]", "[12,2,0,0,1]", Ok("2"), SAME),
            // an ordered list looks at the first of equal elements only
            (ORDERED, "[12,0,0,1,1]", Ok("1"), SAME),
            (ORDERED, "[12,1,0,1,1]", EXISTS, SAME),
            (ORDERED, "[12,2,0,1,1]", Ok("2"), SAME),
        ],
    );
}

#[test]
fn a_rank_creates_as_an_index_does_in_an_ordered_list() {
    const NESTED: &str = r#"[{"ext":1},[1]]"#;
    check(
        COLLECTIONS,
        &[
            (r#"[{"ext":1}]"#, "[255,[209,3],[0,1]]", Ok(""), r#"[{"ext":1},[{"ext":1}]]"#),
            (NESTED, "[255,[209,0],[0,1]]", Ok(""), r#"[{"ext":1},[{"ext":1},1]]"#),
            (NESTED, "[255,[81,5],[1,5]]", Ok("1"), r#"[{"ext":1},[1],[5]]"#),
            (NESTED, "[255,[17,5],[1,5]]", NOT_APPLICABLE, SAME),
            ("[[1]]", "[255,[81,1],[1,5]]", NOT_APPLICABLE, SAME),
            ("", "[255,[209,0],[1,5]]", NOT_APPLICABLE, SAME),
        ],
    );
}

#[test]
fn a_scan_backwards_goes_on_to_the_start_of_the_byte() {
    check(
        BITS,
        &[
            (r#"{"bytes":"2463da"}"#, "[53,4,1,true]", Ok("-2"), SAME),
            (r#"{"bytes":"2463da"}"#, "[52,4,1,true]", Ok("-1"), SAME),
            (r#"{"bytes":"20"}"#, "[53,4,4,true]", Ok("-2"), SAME),
            (r#"{"bytes":"d1"}"#, "[53,5,1,true]", Ok("-2"), SAME),
            (r#"{"bytes":"24f000"}"#, "[53,15,1,true]", Ok("-4"), SAME),
            (r#"{"bytes":"24f000"}"#, "[53,8,8,true]", Ok("3"), SAME),
            (r#"{"bytes":"240000"}"#, "[53,12,10,true]", Ok("-1"), SAME),
        ],
    );
}

#[test]
fn a_bin_that_is_to_be_created_may_be_of_any_type_when_it_exists() {
    check(
        BITS,
        &[
            (r#""x""#, r#"[1,3,{"bytes":"bb"},1]"#, Err(ResultCode::BIN_EXISTS), SAME),
            (r#""x""#, r#"[1,3,{"bytes":"bb"},5]"#, Ok(""), SAME),
            (r#""x""#, "[0,3,1]", Err(ResultCode::BIN_EXISTS), SAME),
            (r#""x""#, "[0,3,2]", Err(ResultCode::INCOMPATIBLE_TYPE), SAME),
        ],
    );
}

#[test]
fn an_increment_of_nil_is_one() {
    check(
        COLLECTIONS,
        &[
            ("[5]", "[12,0,null]", Ok("6"), "[6]"),
            ("[5]", "[12,1,null]", Ok("1"), "[5,1]"),
            ("[1.5]", "[12,0,null]", Ok("2.5"), "[2.5]"),
            (r#"["x"]"#, "[12,0,null]", PARAMETER, SAME),
            (r#"{"a":5}"#, r#"[74,"a",null]"#, Ok("4"), r#"{"a":4}"#),
        ],
    );
}

#[test]
fn a_float_that_no_integer_is_adds_the_least_one() {
    check(
        COLLECTIONS,
        &[
            ("[5]", "[12,0,1e300]", Ok("-9223372036854775803"), "[-9223372036854775803]"),
            ("[5]", "[12,0,-1e300]", Ok("-9223372036854775803"), "[-9223372036854775803]"),
            ("[5]", "[12,0,-1.9]", Ok("4"), "[4]"),
            (r#"{"a":5}"#, r#"[74,"a",1e300]"#, Ok("-9223372036854775803"), r#"{"a":-9223372036854775803}"#),
        ],
    );
}

#[test]
fn write_flags_without_a_meaning_are_let_pass() {
    check(
        COLLECTIONS,
        &[
            ("[5]", "[1,6,0,16]", Ok("2"), "[5,6]"),
            ("[5]", "[1,5,0,17]", EXISTS, SAME),
            ("[5]", "[9,0,6,-16]", Ok(""), "[6]"),
            (r#"{"a":5}"#, r#"[67,"a",6,0,64]"#, Ok("1"), r#"{"a":6}"#),
        ],
    );
}

#[test]
fn the_collection_is_looked_at_before_the_arguments() {
    const MAP: &str = r#"{"m":3}"#;
    const WRONG_TYPE: Result<&str, ResultCode> = Err(ResultCode::INCOMPATIBLE_TYPE);
    check(
        COLLECTIONS,
        &[
            ("[3]", "[68,6,0]", WRONG_TYPE, SAME),
            ("[3]", "[68]", WRONG_TYPE, SAME),
            ("[3]", r#"[68,{"a":1},0,0,0]"#, WRONG_TYPE, SAME),
            ("[3]", "[81,5,6]", WRONG_TYPE, SAME),
            (MAP, "[2,6]", WRONG_TYPE, SAME),
            (MAP, "[23,5,6]", WRONG_TYPE, SAME),
            (MAP, r#"[255,[34,"x"],[2,3,0]]"#, NOT_APPLICABLE, SAME),
            (MAP, "[68,6,0]", PARAMETER, SAME),
            ("", "[68,6,0]", PARAMETER, SAME),
            ("", "[70,6]", Err(ResultCode::ELEMENT_NOT_FOUND), SAME),
        ],
    );
}

#[test]
fn a_list_sorted_downwards_drops_duplicates_only_if_all_are_equal() {
    check(
        COLLECTIONS,
        &[
            ("[-4,-4]", "[13,3]", Ok(""), "[-4]"),
            ("[-4,-4,5]", "[13,3]", PARAMETER, SAME),
            ("[5]", "[13,3]", Ok(""), SAME),
            (r#"[{"ext":1},4,4,5]"#, "[13,3]", Ok(""), r#"[{"ext":1},4,5]"#),
        ],
    );
}

#[test]
fn offsets_and_sizes_of_bits_have_limits() {
    const BLOB: &str = r#"{"bytes":"ffff"}"#;
    check(
        BITS,
        &[
            (BLOB, "[8,0,8,-1]", PARAMETER, SAME),
            (BLOB, "[8,0,8,8]", Ok(""), r#"{"bytes":"00ff"}"#),
            (BLOB, "[8,0,8,1073741824]", Ok(""), r#"{"bytes":"00ff"}"#),
            (BLOB, "[8,0,8,1073741825]", PARAMETER, SAME),
            (BLOB, "[51,0,1073741824]", NOT_APPLICABLE, SAME),
            (BLOB, "[51,0,1073741825]", PARAMETER, SAME),
            (BLOB, "[7,0,1073741824,8]", Ok(""), r#"{"bytes":"0000"}"#),
            (BLOB, "[7,0,1073741825,8]", PARAMETER, SAME),
            (BLOB, "[7,1073741824,1]", NOT_APPLICABLE, SAME),
            (BLOB, "[7,1073741825,1]", PARAMETER, SAME),
            (BLOB, "[2,0,134217728,8]", Ok(""), r#"{"bytes":""}"#),
            (BLOB, "[2,0,134217729,8]", PARAMETER, SAME),
        ],
    );
}

/// Sketches of a to e and of c to f, with minhash, and empty ones with and without.
const A_TO_E: &str = r#"{"hll":"00040400000000000000000000009800000470bc0000035000000000013c00"}"#;
const C_TO_F: &str = r#"{"hll":"000404000000000000000000000098000000000000000350002b0000013c00"}"#;
const NONE: &str = r#"{"hll":"0004000000000000000000000000000000000000000000"}"#;
const NONE_WITH_MINHASH: &str = r#"{"hll":"00040400000000000000000000000000000000000000000000000000000000"}"#;

#[test]
fn a_sketch_is_looked_at_before_the_arguments() {
    const WRONG_TYPE: Result<&str, ResultCode> = Err(ResultCode::INCOMPATIBLE_TYPE);
    check(
        SKETCHES,
        &[
            ("5", "[53,[]]", WRONG_TYPE, SAME),
            ("5", "[1,[]]", WRONG_TYPE, SAME),
            ("5", "[0,4,52]", WRONG_TYPE, SAME),
            (NONE, "[1,[]]", PARAMETER, SAME),
            (NONE, "[4,-1]", NOT_APPLICABLE, SAME),
            ("", "[4,-1]", Err(ResultCode::BIN_NOT_FOUND), SAME),
            (NONE_WITH_MINHASH, "[0,4,-1]", Ok(""), SAME),
            (NONE, "[0,16,52]", PARAMETER, SAME),
        ],
    );
}

#[test]
fn sketches_with_minhash_are_alike_less_what_they_share_by_chance() {
    let common = |others: &[&str], code: u8| format!("[{code},[{}]]", others.join(","));
    let read = |bin: &str, payload: &str| {
        let (kind, bytes) = particle(bin).unwrap();
        let result = cdt::hll_read(Some((kind, &bytes)), &particle(payload).unwrap().1);
        result.unwrap().unwrap().1
    };
    let alike = |bin, other| f64::from_be_bytes(read(bin, &common(&[other], 54)).try_into().unwrap());
    assert_eq!(alike(A_TO_E, C_TO_F).to_bits(), 0x3fdf_c233_4d91_a330);
    assert_eq!(alike(A_TO_E, NONE_WITH_MINHASH).to_bits(), 0);
    // two kinds of NaN: one of a division, one of the server's code
    assert_eq!(alike(NONE, NONE).to_bits(), 0xfff8_0000_0000_0000);
    assert_eq!(alike(NONE_WITH_MINHASH, NONE_WITH_MINHASH).to_bits(), 0x7ff8_0000_0000_0000);
    assert_eq!(read(A_TO_E, &common(&[C_TO_F], 53)), 3_i64.to_be_bytes());
    assert_eq!(read(NONE_WITH_MINHASH, &common(&[NONE_WITH_MINHASH], 53)), [0; 8]);
}

#[test]
fn more_than_two_sketches_are_intersected_with_minhash_only() {
    let with_three = |one: &str| format!("[53,[{one},{one},{one}]]");
    for (bin, others, expected) in [
        (NONE, NONE, ResultCode::PARAMETER),
        (NONE, A_TO_E, ResultCode::OP_NOT_APPLICABLE),
        (A_TO_E, NONE, ResultCode::PARAMETER),
    ] {
        let (kind, bytes) = particle(bin).unwrap();
        let payload = particle(&with_three(others)).unwrap().1;
        assert_eq!(cdt::hll_read(Some((kind, &bytes)), &payload), Err(expected), "{bin} {others}");
    }
}

#[test]
fn the_count_that_a_sketch_stores_is_the_count() {
    const STORED: &str = r#"{"hll":"0004003900000000000000000000000000000000000000"}"#;
    check(SKETCHES, &[(STORED, "[50]", Ok("57"), SAME), (NONE, "[50]", Ok("0"), SAME)]);
}

#[test]
fn a_sketch_is_not_shaped_anew_with_more_bits_than_fit() {
    let init = |bin: cdt::Bin<'_>, payload: &str| cdt::hll_modify(bin, &particle(payload).unwrap().1);
    let BinChange::Stored(kind, bytes) = init(None, "[0,4,51]").unwrap().bin else { panic!("no sketch") };
    assert_eq!(init(Some((kind, &bytes)), "[0,16]"), Err(ResultCode::OP_NOT_APPLICABLE));
}
