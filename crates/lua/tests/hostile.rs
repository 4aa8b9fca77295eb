//! Programs that want to take the server with them: each is ended, with an error, in bounded time and memory.

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use aerospike_lua::{FailureKind, Limits, Module};
use support::{apply, limits, target};

/// A program that never ends by itself; it has to be ended by its deadline.
fn ends_at_its_deadline(body: &str) {
    let module = Module::compile("hostile.lua", format!("function f(r) {body} end").as_bytes()).unwrap();
    let short = Limits::until(Instant::now() + Duration::from_millis(100));
    let failure = module.apply("f", target(), &[0x90], &short).expect_err(body);
    assert_eq!(failure.kind, FailureKind::Timeout, "{body}: {failure}");
    assert!(failure.message.ends_with("UDF Execution Timeout"), "{body}: {failure}");
}

#[test]
fn a_loop_without_an_end_is_ended() {
    ends_at_its_deadline("while true do end");
}

#[test]
fn catching_the_end_does_not_avert_it() {
    ends_at_its_deadline("while true do pcall(function() while true do end end) end");
    ends_at_its_deadline("local function g() pcall(g) pcall(g) while true do end end g()");
    ends_at_its_deadline("xpcall(function() while true do end end, function() while true do end end)");
    ends_at_its_deadline("xpcall(error, function() while true do end end)");
    ends_at_its_deadline("while true do load(function() while true do end end) end");
}

#[test]
fn coroutines_have_no_time_of_their_own() {
    ends_at_its_deadline("coroutine.wrap(function() while true do end end)()");
    ends_at_its_deadline("while true do coroutine.resume(coroutine.create(function() while true do end end)) end");
    ends_at_its_deadline(
        "local function g() local c = coroutine.create(g) coroutine.resume(c) coroutine.resume(coroutine.create(g)) \
         while true do end end g()",
    );
}

#[test]
fn metamethods_and_callbacks_are_ended() {
    ends_at_its_deadline("local t = setmetatable({}, {__index = function(t, k) while true do end end}) return t.x");
    ends_at_its_deadline("table.sort({3, 2, 1}, function() while true do end end)");
    ends_at_its_deadline("('x'):gsub('x', function() while true do end end)");
    ends_at_its_deadline("local x <close> = setmetatable({}, {__close = function() while true do end end}) error('x')");
    ends_at_its_deadline("return tostring(setmetatable({}, {__tostring = function() while true do end end}))");
}

#[test]
fn finalizers_do_not_run() {
    let answer = apply(
        "for i = 1, 1000 do setmetatable({}, {__gc = function() while true do end end}) end \
         local garbage = {} for i = 1, 100000 do garbage = {garbage} end return 1",
    );
    assert_eq!(answer, Ok(1.into()));
}

#[test]
fn patterns_that_explode_are_ended() {
    ends_at_its_deadline("return (('a'):rep(50000)):find(('.-'):rep(10) .. 'b')");
    ends_at_its_deadline("return (('a'):rep(50000)):gsub(('a*'):rep(10) .. 'b', 'c')");
    ends_at_its_deadline("for x in (('a'):rep(50000)):gmatch(('a?'):rep(20) .. ('a-'):rep(10) .. 'b') do end");
}

#[test]
fn functions_of_the_library_do_not_loop_for_ever() {
    ends_at_its_deadline("table.move({}, 1, math.maxinteger - 1, 2)");
    ends_at_its_deadline("table.insert(setmetatable({}, {__len = function() return 2 ^ 53 // 1 | 0 end}), 1, 1)");
    ends_at_its_deadline("table.remove(setmetatable({}, {__len = function() return 2 ^ 53 // 1 | 0 end}), 1)");
    assert_eq!(apply("return #(''):rep(math.maxinteger)"), Ok(0.into()));
}

#[test]
fn values_that_unfold_without_end_are_ended() {
    ends_at_its_deadline("local l = list{} for i = 1, 60 do l = list{l, l} end return l");
    ends_at_its_deadline("local l = list{} for i = 1, 60 do l = list{l, l} end return tostring(l)");
}

#[test]
fn memory_is_bounded() {
    for body in [
        "local t = {} while true do t[#t + 1] = {} end",
        "local s = 'x' while true do s = s .. s end",
        "return ('x'):rep(1e9 // 1 | 0)",
        "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000000) .. i end",
        "local b = bytes() while true do bytes.append_string(b, ('x'):rep(1000000)) end",
        "local l = list() while true do list.append(l, list()) end",
        "local m = map() local i = 0 while true do i = i + 1 m[i] = 'x' .. i end",
        "local l = list() list.insert(l, 4000000000, 1)",
        "pcall(function() local t = {} while true do t[#t + 1] = {} end end) local u = {} while true do u[#u + 1] = {} end",
    ] {
        let module = Module::compile("hostile.lua", format!("function f(r) {body} end").as_bytes()).unwrap();
        let failure = module.apply("f", target(), &[0x90], &limits()).expect_err(body);
        let expected = [FailureKind::Memory, FailureKind::Raised, FailureKind::Output];
        assert!(expected.contains(&failure.kind), "{body}: {failure:?}");
    }
}

#[test]
fn recursion_is_bounded() {
    for body in [
        "local function g() return 1 + g() end return g()",
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] end return t.x",
        "local function g() return (('x'):gsub('x', g)) end return g()",
        "local function g() table.sort({2, 1}, g) end g()",
        "local s = ('('):rep(100000) .. (')'):rep(100000) return assert(load('return ' .. s))",
        "local l = list() list.append(l, l) return l",
        "local l = list() list.append(l, l) return tostring(l)",
        "local m = map() m.m = m return m",
    ] {
        let failure = apply(body).expect_err(body);
        assert_ne!(failure.kind, FailureKind::Timeout, "{body}: {failure:?}");
    }
}

#[test]
fn nothing_outside_is_in_reach() {
    for name in ["io", "package", "dofile", "loadfile"] {
        assert_eq!(apply(&format!("return {name} == nil")), Ok(true.into()), "{name}");
    }
    for name in ["execute", "exit", "getenv", "remove", "rename", "setlocale", "tmpname"] {
        assert_eq!(apply(&format!("return os.{name} == nil")), Ok(true.into()), "{name}");
    }
    let failure = apply("os.execute('true')").unwrap_err();
    assert!(failure.message.contains("attempt to call a nil value (field 'execute')"), "{failure}");
    assert!(apply("return os.date(string.rep('%c', 1000000))").is_err());
    assert!(apply("return require('../../etc/passwd')").is_err());
    assert_eq!(apply("return string.dump == nil"), Ok(true.into()));
    assert_eq!(apply("return load('\\27Lua', 'x', 'b') == nil"), Ok(true.into()));
    assert_eq!(
        apply("return (select(2, load('\\27Lua')))").map(|value| format!("{value:?}").contains("text")),
        Ok(false)
    );
}

#[test]
fn a_call_can_be_cancelled() {
    let module = Module::compile("hostile.lua", b"function f(r) while true do end end").unwrap();
    let limits = limits();
    let cancelled = limits.cancelled.clone();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        cancelled.store(true, Ordering::Relaxed);
    });
    assert_eq!(module.apply("f", target(), &[0x90], &limits).unwrap_err().kind, FailureKind::Cancelled);
    canceller.join().unwrap();
}

#[test]
fn a_module_that_does_not_end_while_it_is_loaded_is_refused() {
    assert!(Module::compile("hostile.lua", b"while true do end").is_err());
    assert!(Module::compile("hostile.lua", &vec![b' '; aerospike_lua::MAX_SOURCE_SIZE + 1]).is_err());
}

#[test]
fn many_arguments_are_refused_and_few_are_not() {
    let module = Module::compile("args.lua", b"function f(r, ...) return select('#', ...) end").unwrap();
    let many = |n: u32| [&[0xdd], &n.to_be_bytes()[..], &vec![0xc0; n as usize]].concat();
    let few = module.apply("f", target(), &many(1000), &limits()).unwrap();
    assert_eq!(few.value.1, 1000_i64.to_be_bytes());
    assert_eq!(module.apply("f", target(), &many(1_000_000), &limits()).unwrap_err().kind, FailureKind::Arguments);
}

#[test]
fn arguments_that_are_no_list_are_none() {
    let module = Module::compile("args.lua", b"function f(r, ...) return select('#', ...) end").unwrap();
    for bytes in [&[][..], &[0x01], &[0x92, 0x01], &[0xdd, 0xff, 0xff, 0xff, 0xff], &[0x91; 100_000], &[0x80]] {
        assert_eq!(module.apply("f", target(), bytes, &limits()).unwrap().value.1, [0; 8]);
    }
}
