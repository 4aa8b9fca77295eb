//! Arguments of functions that Lua calls, checked as Lua's own library checks them.
//!
//! An error that a function of ours raises is an object of the binding to Lua. Whatever can catch one turns it into its
//! text first (`sandbox.lua`), so that programs see errors as Lua's own functions raise them.

use std::sync::Arc;

use mlua::{AnyUserData, Function, IntoLuaMulti, Lua, LuaString, MultiValue, Table, Value};

use crate::class;
use crate::limits::Watch;

/// Why a function of ours did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Fault {
    /// An argument is wrong: its place from 1, and what is wrong with it.
    Argument(usize, String),
    /// Something else, in words.
    Said(String),
    /// Lua itself failed.
    Lua(mlua::Error),
}

impl From<mlua::Error> for Fault {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

pub(crate) type Outcome<T> = Result<T, Fault>;

/// The arguments of a call.
pub(crate) struct Args<'a>(&'a [Value]);

impl<'a> Args<'a> {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// One of them, from 1; nil when there are fewer.
    pub(crate) fn get(&self, place: usize) -> &'a Value {
        place.checked_sub(1).and_then(|i| self.0.get(i)).unwrap_or(&Value::Nil)
    }

    /// What the type of an argument is called in messages.
    fn type_name(&self, place: usize) -> &'static str {
        match self.get(place) {
            Value::Nil if place > self.count() => "no value",
            Value::Nil => "nil",
            Value::UserData(object) => class::of(object).map_or("userdata", class::Class::name),
            Value::Integer(_) | Value::Number(_) => "number",
            Value::LightUserData(_) => "light userdata",
            other => other.type_name(),
        }
    }

    fn wrong(&self, place: usize, expected: &str) -> Fault {
        Fault::Argument(place, format!("{expected} expected, got {}", self.type_name(place)))
    }

    /// An object of a class.
    pub(crate) fn object<T: 'static>(&self, place: usize, class: class::Class) -> Outcome<&'a AnyUserData> {
        match self.get(place) {
            Value::UserData(object) if object.is::<T>() => Ok(object),
            Value::UserData(_) => Err(self.wrong(place, class.name())),
            _ => Err(self.wrong(place, "userdata")),
        }
    }

    /// An integer, or nothing; numbers and texts that are one count.
    pub(crate) fn optional_integer(&self, place: usize) -> Outcome<Option<i64>> {
        let whole = |n: f64| {
            let exact = n.floor() == n && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&n);
            let error = || Fault::Argument(place, "number has no integer representation".to_owned());
            if exact { Ok(Some(n as i64)) } else { Err(error()) }
        };
        match self.get(place) {
            Value::Nil => Ok(None),
            Value::Integer(n) => Ok(Some(*n)),
            Value::Number(n) => whole(*n),
            Value::String(text) => match number_of(text) {
                Some(Value::Integer(n)) => Ok(Some(n)),
                Some(Value::Number(n)) => whole(n),
                _ => Err(self.wrong(place, "number")),
            },
            _ => Err(self.wrong(place, "number")),
        }
    }

    /// An integer; 0 where there is none.
    pub(crate) fn integer(&self, place: usize) -> Outcome<i64> {
        self.optional_integer(place).map(Option::unwrap_or_default)
    }

    /// Text, or nothing; numbers count, in the form Lua writes them in.
    pub(crate) fn optional_text(&self, lua: &Lua, place: usize) -> Outcome<Option<LuaString>> {
        match self.get(place) {
            Value::Nil => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            number @ (Value::Integer(_) | Value::Number(_)) => Ok(lua.coerce_string(number.clone())?),
            _ => Err(self.wrong(place, "string")),
        }
    }

    /// Text.
    pub(crate) fn text(&self, lua: &Lua, place: usize) -> Outcome<LuaString> {
        self.optional_text(lua, place)?.ok_or_else(|| self.wrong(place, "string"))
    }
}

/// The number that text spells, as Lua reads it: with space around it, in hexadecimal, with an exponent.
fn number_of(text: &LuaString) -> Option<Value> {
    let bytes = text.as_bytes();
    let text = std::str::from_utf8(&bytes).ok()?.trim();
    if let Ok(n) = text.parse::<i64>() {
        return Some(Value::Integer(n));
    }
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(|n| Value::Integer((n as i64).wrapping_mul(sign)));
    }
    let is_decimal = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    text.parse().ok().filter(|_| is_decimal).map(Value::Number)
}

/// Adds a function to the table that `sandbox.lua` and its neighbours take theirs from.
pub(crate) fn add<R: IntoLuaMulti>(
    lua: &Lua,
    host: &Table,
    watch: &Arc<Watch>,
    name: &str,
    run: impl Fn(&Lua, &Args<'_>) -> Outcome<R> + Send + 'static,
) -> mlua::Result<()> {
    let watch = Arc::clone(watch);
    host.raw_set(name, guarded(lua, watch, name, run)?)
}

/// Adds what calling a class does: the class itself is the first argument, which `run` does not see.
pub(crate) fn add_constructor<R: IntoLuaMulti>(
    lua: &Lua,
    host: &Table,
    watch: &Arc<Watch>,
    name: &str,
    run: impl Fn(&Lua, &Args<'_>) -> Outcome<R> + Send + 'static,
) -> mlua::Result<()> {
    add(lua, host, watch, name, move |lua, args| {
        run(lua, &Args(args.0.get(1..).unwrap_or_default())).map_err(|fault| match fault {
            Fault::Argument(place, text) => Fault::Argument(place + 1, text),
            fault => fault,
        })
    })
}

fn guarded<R: IntoLuaMulti>(
    lua: &Lua,
    watch: Arc<Watch>,
    name: &str,
    run: impl Fn(&Lua, &Args<'_>) -> Outcome<R> + Send + 'static,
) -> mlua::Result<Function> {
    // programs know `list_append` as `append`
    let name = name.split_once('_').map_or(name, |(_, name)| name).to_owned();
    lua.create_function(move |lua, args: MultiValue| {
        // work of ours is not counted as instructions, so each call looks at the time
        if let Some(text) = watch.check(String::new) {
            return Err(mlua::Error::RuntimeError(text));
        }
        match run(lua, &Args(&args.into_vec())) {
            Ok(values) => values.into_lua_multi(lua),
            Err(Fault::Argument(place, text)) => Err(raise(lua, &argument_text(lua, &name, place, &text))),
            Err(Fault::Said(text)) => Err(raise(lua, &text)),
            Err(Fault::Lua(error)) => {
                if matches!(error, mlua::Error::MemoryError(_)) {
                    watch.exhaust();
                }
                Err(error)
            }
        }
    })
}

/// What Lua says of a wrong argument of a function, which is called what its caller calls it; the object of a method call
/// does not count as an argument.
fn argument_text(lua: &Lua, name: &str, place: usize, text: &str) -> String {
    let called = lua.inspect_stack(0, |debug| {
        let names = debug.names();
        (names.name.map(|name| name.into_owned()), names.name_what == Some("method"))
    });
    let (called, is_method) = called.unwrap_or_default();
    let name = called.as_deref().unwrap_or(name);
    match place - usize::from(is_method && place > 0) {
        0 => format!("calling '{name}' on bad self ({text})"),
        place => format!("bad argument #{place} to '{name}' ({text})"),
    }
}

/// An error with the place of the caller in front, as far as that is a program.
fn raise(lua: &Lua, text: &str) -> mlua::Error {
    let place = lua.inspect_stack(1, |debug| {
        let line = debug.current_line()?;
        Some(format!("{}:{line}: ", debug.source().short_src?))
    });
    mlua::Error::RuntimeError(place.flatten().unwrap_or_default() + text)
}
