//! One Lua state: the sandbox, our objects in it, and the hook that ends what takes too long.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mlua::chunk::ChunkMode;
use mlua::debug::HookTriggers;
use mlua::{AnyUserData, Function, Lua, LuaOptions, StdLib, Table, Value, VmState};

use crate::args::add;
use crate::error::failed;
use crate::libraries::{DIRECTORY, Libraries};
use crate::limits::{MAX_MEMORY, Watch};
use crate::{byte_functions, class, geojson, iterator, list, map, record_functions, text};

/// Instructions after which the hook looks at the time.
const INSTRUCTIONS: u32 = 128;

/// The part of the sandbox that is written in Lua, in the order it is loaded: each with the name that errors give it, and
/// the line it begins at. What a server has in files of its own has its lines there, since functions see them in errors.
const PRELUDE: [(&str, usize, &str); 6] = [
    ("=sandbox.lua", 1, include_str!("prelude/sandbox.lua")),
    ("=types.lua", 1, include_str!("prelude/types.lua")),
    ("=[string \"as.lua\"]", 1, include_str!("prelude/copies.lua")),
    ("=[string \"stream_ops.lua\"]", 6, include_str!("prelude/operations.lua")),
    ("=[string \"stream_ops.lua\"]", 146, include_str!("prelude/groups.lua")),
    ("=[string \"aerospike.lua\"]", 2, include_str!("prelude/stream.lua")),
];

/// A Lua state with the sandbox in it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) lua: Lua,
    pub(crate) watch: Arc<Watch>,
    /// Calls a function of the module: `name, arguments, count[, record]`.
    pub(crate) call: Function,
    /// Runs a stream function of the module: `name, arguments, count, is client, read, write`.
    pub(crate) stream: Function,
    /// Lua's own `pcall`.
    pub(crate) pcall: Function,
}

impl State {
    /// Makes a state without a module.
    pub(crate) fn new(libraries: &Libraries) -> mlua::Result<Self> {
        let libs = StdLib::COROUTINE | StdLib::TABLE | StdLib::STRING | StdLib::UTF8 | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libs, LuaOptions::default())?;
        lua.set_memory_limit(MAX_MEMORY)?;
        let watch = Arc::new(Watch::default());
        lua.set_app_data(Arc::clone(&watch));
        let host = lua.create_table()?;
        install(&lua, &host, &watch)?;
        host.raw_set("directory", DIRECTORY)?;
        let libraries = libraries.clone();
        let find = move |lua: &Lua, name: mlua::LuaString| {
            let source = name.to_str().ok().and_then(|name| libraries.find(&name));
            source.map(|source| lua.create_string(source)).transpose()
        };
        host.raw_set("library", lua.create_function(find)?)?;
        for (name, first, source) in PRELUDE {
            let source = "\n".repeat(first - 1) + source;
            lua.load(source).set_name(name).set_mode(ChunkMode::Text).call::<()>(&host)?;
        }
        set_hook(&lua, &watch, INSTRUCTIONS)?;
        let function = |name: &str| host.raw_get::<Function>(name);
        Ok(Self { call: function("call")?, stream: function("stream")?, pcall: function("pcall")?, watch, lua })
    }
}

fn install(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    let classes = lua.create_table()?;
    for class in class::ALL {
        let metatable = lua.create_table()?;
        lua.set_named_registry_value(class.name(), &metatable)?;
        classes.raw_set(class.name(), metatable)?;
    }
    host.raw_set("classes", classes)?;
    let error_text = lua.create_function(|lua, error: Value| match error {
        Value::Error(error) => lua.create_string(failed(*error).1).map(Value::String),
        other => Ok(other),
    })?;
    host.raw_set("error_text", error_text)?;
    let asked = Arc::clone(watch);
    // not one of the functions that fail when the call has ended: it has to answer then
    host.raw_set("ended", lua.create_function(move |_, ()| Ok(asked.check(String::new).is_some()))?)?;
    host.raw_set(
        "class_of",
        lua.create_function(|_, object: AnyUserData| Ok(class::of(&object).map(class::Class::name)))?,
    )?;
    add(lua, host, watch, "used_memory", |lua, _| Ok(lua.used_memory()))?;
    add(lua, host, watch, "current_time", |_, _| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    })?;
    list::install(lua, host, watch)?;
    map::install(lua, host, watch)?;
    iterator::install(lua, host, watch)?;
    byte_functions::install(lua, host, watch)?;
    geojson::install(lua, host, watch)?;
    record_functions::install(lua, host, watch)?;
    text::install(lua, host, watch)
}

/// Has the time looked at every so many instructions. Once a call has to end, every instruction of it fails: what
/// catches the error cannot do anything with it.
fn set_hook(lua: &Lua, watch: &Arc<Watch>, instructions: u32) -> mlua::Result<()> {
    let watch = Arc::clone(watch);
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(instructions), move |lua, _| {
        let Some(text) = watch.check(|| caller(lua)) else { return Ok(VmState::Continue) };
        if instructions > 1 {
            set_hook(lua, &watch, 1)?;
        }
        Err(mlua::Error::RuntimeError(text))
    })
}

/// Where the running function was called from, as errors of Lua say it.
fn caller(lua: &Lua) -> String {
    let place = lua.inspect_stack(1, |debug| {
        let line = debug.current_line()?;
        let source = debug.source().short_src?.into_owned();
        Some(format!("{source}:{line}: "))
    });
    place.flatten().unwrap_or_default()
}
