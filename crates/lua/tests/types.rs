//! Lists, maps, bytes, iterators and texts, as programs use them.

mod support;

use aerospike_lua::{DIRECTORY, FailureKind, Libraries, Module};
use support::{Answer, apply, limits, target, value};

/// Each expression has the value beside it.
fn all(cases: &[(&str, Answer)]) {
    for (expression, expected) in cases {
        let got = apply(&format!("return {expression}"));
        assert_eq!(got.as_ref(), Ok(expected), "{expression}");
    }
}

/// Each body returns the value beside it.
fn bodies(cases: &[(&str, Answer)]) {
    for (body, expected) in cases {
        let got = apply(body);
        assert_eq!(got.as_ref(), Ok(expected), "{body}");
    }
}

fn fails(body: &str, message: &str) {
    let failure = apply(body).expect_err(body);
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Raised, message), "{body}");
}

#[test]
fn clocks_and_calendar_are_there() {
    all(&[
        (
            "os.time{year = 2024, month = 2, day = 30, hour = 12} - os.time{year = 2024, month = 3, day = 1, hour = 12}",
            0.into(),
        ),
        ("os.date('!%Y-%m-%dT%H:%M:%S', 86400)", "1970-01-02T00:00:00".into()),
        ("os.date('!*t', 0).year", 1970.into()),
        ("math.type(os.time()) == 'integer' and os.time() > 1700000000", true.into()),
        ("os.clock() >= 0 and os.difftime(5, 3) == 2.0", true.into()),
        ("aerospike:get_current_time() > 1700000000000", true.into()),
    ]);
    assert!(apply("return os.date('%Ez')").is_err());
}

#[test]
fn lists_are_counted_from_one() {
    bodies(&[
        ("local l = list{10, 20, 30} return l[1] + l[3]", 40.into()),
        ("local l = list{10} return l[2]", ().into()),
        ("local l = list{10} return l[0]", ().into()),
        ("local l = list{10} return l[-1]", ().into()),
        ("local l = list{10} return l['1']", 10.into()),
        ("local l = list{1, nil, 3} return tostring(l)", "[1, 3]".into()),
        ("local l = list{1, {}, print} return tostring(l)", "[1, NIL, NIL]".into()),
        ("local l = list() l[3] = 'c' return tostring(l)", "[NIL, NIL, \"c\"]".into()),
        ("local l = list{1, 2} l[1] = {} return tostring(l)", "[1, 2]".into()),
        ("local l = list{1, 2} l[1] = nil return tostring(l)", "[NIL, 2]".into()),
        ("return #list{1, 2} + list.size(list{1})", 3.into()),
    ]);
}

#[test]
fn list_functions_change_the_list_they_are_given() {
    bodies(&[
        ("local l = list{1, 2} list.append(l, 3) list.prepend(l, 0) return tostring(l)", "[0, 1, 2, 3]".into()),
        ("local l = list{1, 3} list.insert(l, 2, 2) return tostring(l)", "[1, 2, 3]".into()),
        ("local l = list{1} list.insert(l, 4, 'd') return tostring(l)", "[1, NIL, NIL, \"d\"]".into()),
        ("local l = list{1} list.insert(l, 0, 0) list.insert(l, -1, 0) return tostring(l)", "[1]".into()),
        ("local l = list{1} list.append(l, nil) list.append(l, {}) return tostring(l)", "[1, NIL]".into()),
        ("local l = list{1, 2, 3} list.remove(l, 2) list.remove(l, 9) return tostring(l)", "[1, 3]".into()),
        ("local l = list{1} list.concat(l, list{2, 3}) return tostring(l)", "[1, 2, 3]".into()),
        ("local l = list{1, 2} list.concat(l, l) return tostring(l)", "[1, 2, 1, 2]".into()),
        ("local l = list{1, 2, 3} list.trim(l, 2) list.trim(l, 9) return tostring(l)", "[1]".into()),
        ("return tostring(list.take(list{1, 2, 3}, 2)) .. tostring(list.take(list{1}, 0))", "[1, 2]nil".into()),
        ("return tostring(list.drop(list{1, 2, 3}, 2)) .. tostring(list.drop(list{1}, 5))", "[3][]".into()),
        ("local l = list.create(2, 0) for i = 1, 5 do list.append(l, i) end return #l", 2.into()),
        ("return list.create(-1) == nil and list.create() == nil", true.into()),
        ("return list.nbytes(list{1, 'ab', 1.5})", 15.into()),
    ]);
}

#[test]
fn lists_are_copied_up_to_their_first_nil() {
    bodies(&[
        (
            "local l = list{1, 2} local c = list.clone(l) c[1] = 9 return tostring(l) .. tostring(c)",
            "[1, 2][9, 2]".into(),
        ),
        ("local l = list() l[2] = 2 return #list.clone(l)", 0.into()),
        ("return tostring(list.merge(list{1}, list{2, 3}))", "[1, 2, 3]".into()),
        ("local n = 0 for v in list.iterator(list{1, 2, 3}) do n = n + v end return n", 6.into()),
        (
            "local n = 0 local l = list{1} for v in list.iterator(l) do n = n + 1 if n < 5 then list.append(l, v) end end return n",
            5.into(),
        ),
    ]);
}

#[test]
fn maps_are_in_the_order_of_their_keys() {
    bodies(&[
        ("return tostring(map{b = 1, a = 2, [3] = 'x', [-1] = 'y'})", "{-1:\"y\", 3:\"x\", \"a\":2, \"b\":1}".into()),
        ("local m = map() m.k = 1 m.k = 2 return m.k + map.size(m) + #m", 4.into()),
        ("local m = map{a = 1} m.a = nil return tostring(m)", "{\"a\":NIL}".into()),
        ("local m = map{a = 1} m.a = {} return tostring(m)", "{}".into()),
        ("local m = map{a = 1, b = 2} map.remove(m, 'a') map.remove(m, 'z') return tostring(m)", "{\"b\":2}".into()),
        ("local m = map() m[1.5] = 1 m[true] = 1 m[nil] = 1 return #m", 0.into()),
        ("local m = map() m[1] = 'i' m['1'] = 's' return m[1] .. m['1'] .. #m", "is2".into()),
        (
            "local b = bytes() bytes.append_byte(b, 7) local m = map() m[b] = 1 local c = bytes.get_bytes(b, 1, 1) return m[c]",
            1.into(),
        ),
        ("local s = '' for k, v in map.pairs(map{b = 1, a = 2}) do s = s .. k .. v end return s", "a2b1".into()),
        ("local s = '' for k in map.keys(map{b = 1, a = 2}) do s = s .. k end return s", "ab".into()),
        ("local n = 0 for v in map.values(map{b = 1, a = 2}) do n = n + v end return n", 3.into()),
        ("local n = 0 for k, v in map.iterator(map{b = 1, a = 2}) do n = n + v end return n", 3.into()),
        ("return map.create(0) == nil and map.create(1, 2) == nil and #map.create(4)", 0.into()),
        ("return map.nbytes(map{a = 1})", 5.into()),
    ]);
}

#[test]
fn maps_are_merged_by_a_function_or_by_the_second_one() {
    bodies(&[
        (
            "local f = function(a, b) return a + b end return tostring(map.merge(map{a = 1, b = 2}, map{b = 3, c = 4}, f))",
            "{\"a\":1, \"b\":5, \"c\":4}".into(),
        ),
        ("return tostring(map.merge(map{a = 1, b = 2}, map{b = 3}))", "{\"a\":1, \"b\":3}".into()),
        ("return tostring(map.merge(map{b = 2}, map{b = 3}, function() return nil end))", "{\"b\":3}".into()),
        ("return tostring(map.merge(map{b = false}, map{b = 3}, function() return 9 end))", "{\"b\":3}".into()),
        ("return tostring(map.diff(map{a = 1, b = 2}, map{b = 3, c = 4}))", "{\"a\":1, \"c\":4}".into()),
        ("local m = map{a = 1} local c = map.clone(m) c.a = 2 return m.a", 1.into()),
    ]);
}

#[test]
fn elements_are_shared_not_copied() {
    bodies(&[
        (
            "local inner = list{1} local outer = list{inner} list.append(inner, 2) return tostring(outer)",
            "[[1, 2]]".into(),
        ),
        ("local m = map{l = list()} list.append(m.l, 1) return #m.l", 1.into()),
    ]);
}

#[test]
fn integers_in_bytes_have_a_width_and_an_order() {
    bodies(&[
        ("local b = bytes(4) bytes.set_int32(b, 1, 258) return bytes.get_int32_le(b, 1)", 33_619_968.into()),
        ("local b = bytes() bytes.append_int16_le(b, -2) return bytes.get_int16(b, 1)", (-257).into()),
        ("local b = bytes() return bytes.append_byte(b, 256)", false.into()),
        ("local b = bytes() return bytes.append_byte(b, -1)", false.into()),
        ("local b = bytes() return bytes.append_int16(b, 32768)", false.into()),
        (
            "local b = bytes() bytes.append_int64(b, math.mininteger) return bytes.get_int64_be(b, 1) == math.mininteger",
            true.into(),
        ),
        ("local b = bytes() b[3] = 7 return bytes.size(b) * 10 + b[3] + b[1]", 37.into()),
        ("local b = bytes() bytes.append_byte(b, 1) return bytes.get_int16(b, 1) == nil and b[2] == nil", true.into()),
        ("local b = bytes() return bytes.set_byte(b, 0, 1)", false.into()),
        ("return bytes.size(bytes(10))", 0.into()),
    ]);
}

#[test]
fn parts_of_bytes_are_read_and_written() {
    bodies(&[
        ("local b = bytes() bytes.append_string(b, 'hello') return bytes.get_string(b, 2, 3)", "ell".into()),
        ("local b = bytes() bytes.append_string(b, 'hello') return bytes.get_string(b, 4, 100)", "lo".into()),
        ("local b = bytes() bytes.set_string(b, 3, 'x') return tostring(b)", "00 00 78".into()),
        (
            "local b = bytes() bytes.append_string(b, 'abc') local c = bytes() bytes.append_bytes(c, b, 2) return tostring(c)",
            "61 62".into(),
        ),
        (
            "local b = bytes() bytes.append_string(b, 'abc') local c = bytes() bytes.set_bytes(c, 2, b, 3) return tostring(c)",
            "00 61 62 63".into(),
        ),
        ("local b = bytes() return bytes.append_string(b, '')", false.into()),
        ("return bytes.get_type(bytes())", 4.into()),
        ("local b = bytes() bytes.set_type(b, 7) return bytes.get_type(b)", 7.into()),
        ("return tostring(bytes())", "Bytes()".into()),
        ("local b = bytes(3) return bytes.set_size(b, 3) and not bytes.set_size(b, 4)", true.into()),
    ]);
}

#[test]
fn variable_integers_are_groups_of_seven_bits() {
    bodies(&[
        ("local b = bytes() return bytes.set_var_int(b, 1, 300)", 2.into()),
        (
            "local b = bytes() bytes.set_var_int(b, 1, 300) local v, n = bytes.get_var_int(b, 1) return v * 10 + n",
            3002.into(),
        ),
        ("local b = bytes() return bytes.append_var_int(b, -1)", 5.into()),
    ]);
}

#[test]
fn texts_and_numbers_pass_for_one_another_as_in_lua() {
    all(&[
        ("'10' + 5", 15.into()),
        ("10 .. ''", "10".into()),
        ("list{1, 2}['2']", 2.into()),
        ("4 / 2", 2.0.into()),
        ("7 // 2", 3.into()),
        ("math.sum(2, 3) + math.product(2, 3)", 11.into()),
    ]);
}

#[test]
fn wrong_arguments_are_refused_with_the_place_of_the_caller() {
    let place = format!("{DIRECTORY}/test.lua:1: ");
    let fail = |body: &str, text: &str| fails(body, &format!("{place}{text}"));
    fail("local x = list.append(1, 2)", "bad argument #1 to 'append' (userdata expected, got number)");
    fail("local x = list.append(map(), 2)", "bad argument #1 to 'append' (List expected, got Map)");
    fail("local x = map.size(list())", "bad argument #1 to 'size' (Map expected, got List)");
    fail("local x = list{1}.foo", "bad argument #2 to 'index' (number expected, got string)");
    fail("local x = list{1}[1.5]", "bad argument #2 to 'index' (number has no integer representation)");
    fail("local x = ('x'):find('[')", "malformed pattern (missing ']')");
    fail("error('no')", "no");
    fails("error('no', 0)", "no");
}

#[test]
fn errors_that_are_not_text_have_a_text_of_their_own() {
    for body in ["error({})", "error(nil)", "error(42)", "error(list())"] {
        let failure = apply(body).unwrap_err();
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::NotText, "result value type unexpected"));
    }
}

#[test]
fn caught_errors_are_texts() {
    bodies(&[
        ("local ok, text = pcall(list.append, 1, 2) return type(text)", "string".into()),
        ("local ok, text = xpcall(error, function(e) return e .. '!' end, 'x') return text", "x!".into()),
        ("local ok, text = pcall(error) return text == nil and not ok", true.into()),
        ("return select('#', pcall(function() return 1, nil, 3 end))", 4.into()),
    ]);
}

#[test]
fn patterns_work_as_luas_do() {
    bodies(&[
        ("return ('hello world'):find('o w')", 5.into()),
        ("return ('a.b'):find('.', 1, true)", 2.into()),
        ("return ('key = value'):match('^(%w+)%s*=%s*(%w+)$')", "key".into()),
        ("return (('hello'):gsub('l', 'L'))", "heLLo".into()),
        ("return select(2, ('hello'):gsub('', '-'))", 6.into()),
        ("return (('hello'):gsub('', '-'))", "-h-e-l-l-o-".into()),
        ("return (('abc'):gsub('%w', '%0%0'))", "aabbcc".into()),
        ("return (('abc'):gsub('%w', {a = 1, b = false}))", "1bc".into()),
        ("return (('abc'):gsub('%w', function(c) if c == 'b' then return 'x' end end, 2))", "axc".into()),
        ("return (('aaa'):gsub('^a', 'b'))", "baa".into()),
        ("return (('aaa'):gsub('^a', function() return 'b' end))", "baa".into()),
        ("local s = '' for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do s = s .. k .. v end return s", "a1b2".into()),
        ("local n = 0 for _ in ('abc'):gmatch('') do n = n + 1 end return n", 4.into()),
        ("return ('THE (quick) fox'):find('%((%a+)%)')", 5.into()),
        ("return ('[[x]]'):match('%b[]')", "[[x]]".into()),
        ("return ('THE (quick) fox'):gsub('%f[%a]%a+', '<%0>')", "<THE> (<quick>) <fox>".into()),
        ("return ('abcabc'):match('(abc)%1')", "abc".into()),
        ("return ('x'):match('()')", 1.into()),
        ("return ('hello'):match('.-(l+)')", "ll".into()),
        ("return ('x^y'):match('[%^]')", "^".into()),
        ("return ('a-b'):match('[a-]+')", "a-".into()),
        ("return ('ab]'):match('[]]')", "]".into()),
        ("return ('ab'):rep(3, ',')", "ab,ab,ab".into()),
        ("return ('x'):rep(-1)", "".into()),
    ]);
}

#[test]
fn tables_with_lengths_of_their_own_are_believed() {
    bodies(&[
        (
            "local t = setmetatable({1, 2}, {}) table.insert(t, 3) table.insert(t, 1, 0) return table.concat(t, ',')",
            "0,1,2,3".into(),
        ),
        ("local t = setmetatable({1, 2, 3}, {}) return table.remove(t, 1) * 10 + table.remove(t)", 13.into()),
        ("local t = setmetatable({3, 1, 2}, {}) table.sort(t) return table.concat(t)", "123".into()),
        ("return table.concat(table.move({1, 2, 3}, 1, 3, 2), ',')", "1,1,2,3".into()),
        ("return table.concat(table.move({1, 2, 3}, 2, 3, 1), ',')", "2,3,3".into()),
    ]);
}

#[test]
fn objects_know_their_class() {
    bodies(&[
        ("return type(list())", "userdata".into()),
        (
            "return getmetatable(list()) == List and getmetatable(map()) == Map and getmetatable(bytes()) == Bytes",
            true.into(),
        ),
        ("return getmetatable(list()) == getmetatable(map())", false.into()),
        ("return type(getmetatable('').__index.upper)", "function".into()),
        ("return tostring(geojson('{}'))", "\"{}\"".into()),
    ]);
}

#[test]
fn an_error_names_the_caller_even_of_a_call_in_return() {
    let place = format!("{DIRECTORY}/test.lua:1: ");
    fails("return list.append(1, 2)", &format!("{place}bad argument #1 to 'append' (userdata expected, got number)"));
    fails("return ('x'):find('[')", &format!("{place}malformed pattern (missing ']')"));
    fails("return ('x'):find(nil)", &format!("{place}bad argument #1 to 'find' (string expected, got nil)"));
    bodies(&[("return select(2, pcall(function() return map.size(list()) end))", {
        format!("{place}bad argument #1 to 'size' (Map expected, got List)").as_str().into()
    })]);
}

#[test]
fn the_clock_is_there() {
    bodies(&[
        ("local now = os.time() return now > 1700000000 and os.time() - now < 60", true.into()),
        (
            "return os.time{year=2020, month=1, day=2, hour=12} - os.time{year=2020, month=1, day=1, hour=12}",
            86_400.into(),
        ),
        ("return os.date('!%Y-%m-%d', 0)", "1970-01-01".into()),
        ("return os.difftime(5, 3)", 2.0.into()),
        ("math.randomseed(os.time()) return os.clock() >= 0", true.into()),
    ]);
}

/// A module `uses` that may require the others, and what its function `f` returns.
fn with_libraries(source: &str, others: &'static [(&str, &str)]) -> Result<Answer, String> {
    let find =
        move |name: &str| others.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_bytes().to_vec());
    let module = Module::compile_with("uses.lua", source.as_bytes(), Libraries::new(find));
    let module = module.map_err(|error| error.to_string())?;
    let applied = module.apply("f", target(), &[0x90], &limits()).map_err(|failure| failure.to_string())?;
    Ok(Answer(value(&applied.value)))
}

#[test]
fn registered_modules_can_be_required() {
    let others = &[
        ("sums", "loads = (loads or 0) + 1 local m = {} function m.add(a, b) return a + b end return m"),
        ("globals", "function twice(n) return n * 2 end"),
        ("nested", "local sums = require 'sums' return { three = sums.add(1, 2) }"),
        ("circle", "require('circle')"),
        ("broken", "return +"),
        ("raising", "error('no')"),
    ];
    let one = |body: &str| with_libraries(body, others);
    assert_eq!(one("local s = require('sums') function f() return s.add(2, 3) end"), Ok(5.into()));
    assert_eq!(one("require 'globals' function f() return twice(4) end"), Ok(8.into()));
    assert_eq!(one("function f() return require('nested').three + require('nested').three end"), Ok(6.into()));
    assert_eq!(one("require 'sums' require 'nested' function f() return loads end"), Ok(1.into()));
    assert_eq!(one("function f() return require('math') == math end"), Ok(true.into()));
    for (name, why) in [
        ("nothing", "module 'nothing' not found"),
        ("circle", "loop or previous error loading module 'circle'"),
        ("broken", "error loading module 'broken'"),
        ("raising", "no"),
    ] {
        let text = one(&format!("require('{name}') function f() end")).unwrap_err();
        assert!(text.contains(why), "{name}: {text}");
        let text = one(&format!("function f() require('{name}') end")).unwrap_err();
        assert!(text.contains(why), "{name}: {text}");
    }
}
