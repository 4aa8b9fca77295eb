//! Modules: source that was checked, and the states that have it loaded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mlua::chunk::ChunkMode;
use mlua::{Function, MultiValue, Value};

use crate::error::{CompileError, Failure, FailureKind, failed};
use crate::libraries::{DIRECTORY, Libraries};
use crate::limits::{End, Limits, MAX_SOURCE_SIZE};
use crate::state::State;

/// How long a module may take to load.
const LOAD_TIME: Duration = Duration::from_secs(1);
/// States that are kept for the next call.
const KEPT_STATES: usize = 8;
/// Bytes of a state that is not worth keeping.
const KEPT_SIZE: usize = 4 * 1024 * 1024;

#[derive(Debug)]
struct Shared {
    name: String,
    place: String,
    source: Vec<u8>,
    libraries: Libraries,
    idle: Mutex<Vec<State>>,
}

/// A module of functions. Clones share the states that have it loaded; those are made as calls come at once.
#[derive(Debug, Clone)]
pub struct Module(Arc<Shared>);

/// What a call came to inside Lua.
pub(crate) type Ran<T> = Result<T, (FailureKind, String)>;

impl Module {
    /// Checks source and makes a module of it, named as its file is without the ending. It cannot `require` any other.
    ///
    /// # Errors
    ///
    /// As for [`Module::compile_with`].
    ///
    /// ```
    /// use aerospike_lua::Module;
    /// assert!(Module::compile("sums.lua", b"function add(r, a, b) return a + b end").is_ok());
    /// assert_eq!(Module::compile("sums.lua", b"function add(").unwrap_err().line, 1);
    /// ```
    pub fn compile(file: &str, source: &[u8]) -> Result<Self, CompileError> {
        Self::compile_with(file, source, Libraries::default())
    }

    /// Checks source and makes a module of it that may `require` others.
    ///
    /// # Errors
    ///
    /// When the source does not parse, when it raises an error while it is loaded, or takes more than a second for it.
    ///
    /// ```
    /// use aerospike_lua::{Libraries, Module};
    /// let libraries = Libraries::new(|name| (name == "sums").then(|| b"function add(a, b) return a + b end".to_vec()));
    /// let source = b"require 'sums' three = add(1, 2)";
    /// assert!(Module::compile_with("uses.lua", source, libraries).is_ok());
    /// assert!(Module::compile("uses.lua", source).is_err());
    /// ```
    pub fn compile_with(file: &str, source: &[u8], libraries: Libraries) -> Result<Self, CompileError> {
        let fail = |message: &str| CompileError::parse(file, message);
        if source.len() > MAX_SOURCE_SIZE {
            return Err(fail("source is too long"));
        }
        let limits = Limits::until(Instant::now() + LOAD_TIME);
        protect(|| load(source, file, &libraries, &limits)).map_err(|(_, text)| fail(&text))?;
        let name = file.rsplit_once('.').map_or(file, |(name, _)| name).to_owned();
        let place = format!("@{DIRECTORY}/{name}.lua");
        Ok(Self(Arc::new(Shared { name, place, source: source.to_vec(), libraries, idle: Mutex::default() })))
    }

    /// The name that calls know it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it was made of.
    #[must_use]
    pub fn source(&self) -> &[u8] {
        &self.0.source
    }

    /// Calls to come load the module anew, and with it what it requires.
    pub fn reload(&self) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Runs something with a state that has the module loaded. A state that failed is not used again.
    pub(crate) fn with_state<T>(
        &self,
        function: &str,
        limits: &Limits,
        run: impl FnOnce(&State) -> Ran<T>,
    ) -> Result<T, Failure> {
        let shared = &self.0;
        let fail = |(kind, text): (FailureKind, String)| Failure::new(kind, &shared.name, function, text);
        protect(|| {
            let idle = shared.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let state = match idle {
                Some(state) => state,
                None => {
                    load(&shared.source, &shared.place, &shared.libraries, limits).map_err(
                        |(kind, text)| match kind {
                            FailureKind::Timeout | FailureKind::Cancelled => (kind, text),
                            _ => (FailureKind::Module, text),
                        },
                    )?
                }
            };
            state.watch.start(limits.clone());
            let result = run(&state);
            let result = match state.watch.stop() {
                Some((end, text)) => Err((end.into(), text)),
                None => result,
            };
            let is_sound = result.is_ok() || result.as_ref().is_err_and(|(kind, _)| *kind == FailureKind::Raised);
            if is_sound && state.lua.used_memory() <= KEPT_SIZE {
                let mut idle = shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
                if idle.len() < KEPT_STATES {
                    idle.push(state);
                }
            }
            result
        })
        .map_err(fail)
    }
}

impl From<End> for FailureKind {
    fn from(end: End) -> Self {
        match end {
            End::Timeout => Self::Timeout,
            End::Cancelled => Self::Cancelled,
            End::Memory => Self::Memory,
        }
    }
}

/// The binding to Lua panics where it has no memory for its own records; that is a failure like any other.
fn protect<T>(run: impl FnOnce() -> Ran<T>) -> Ran<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err((FailureKind::Memory, "not enough memory".to_owned())))
}

/// A state with the source loaded.
fn load(source: &[u8], place: &str, libraries: &Libraries, limits: &Limits) -> Ran<State> {
    let state = State::new(libraries).map_err(failed)?;
    state.watch.start(limits.clone());
    let chunk = state.lua.load(source).set_name(place).set_mode(ChunkMode::Text);
    let loaded = chunk.into_function().map_err(failed).and_then(|chunk| call(&state.pcall, chunk));
    match state.watch.stop() {
        Some((end, text)) => Err((end.into(), text)),
        None => loaded.map(|_| state),
    }
}

/// Calls a function that answers as `pcall` does: what it returned, or the text it raised.
pub(crate) fn call(function: &Function, args: impl mlua::IntoLuaMulti) -> Ran<Vec<Value>> {
    let results: MultiValue = function.call(args).map_err(failed)?;
    let mut results = results.into_iter();
    match results.next() {
        Some(Value::Boolean(true)) => Ok(results.collect()),
        Some(Value::Boolean(false)) => Err(match results.next() {
            Some(Value::String(text)) => (FailureKind::Raised, text.to_string_lossy()),
            Some(Value::Error(error)) => failed(*error),
            _ => (FailureKind::NotText, "result value type unexpected".to_owned()),
        }),
        _ => Err((FailureKind::NoFunction, "function not found".to_owned())),
    }
}
