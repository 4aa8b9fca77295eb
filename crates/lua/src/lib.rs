//! Aerospike's user-defined functions: Lua 5.4 with the types and functions that a server gives to modules.
//!
//! | file | subject |
//! |---|---|
//! | `module` | source that was checked, and the states that have it loaded |
//! | `libraries` | where modules are kept, and those that a module may `require` |
//! | `call` | calling a function on a record or on a stream |
//! | `state`, `prelude/` | the sandbox, and what of it is written in Lua |
//! | `limits` | how long and how large a call may become |
//! | `args` | arguments of our functions, checked as Lua checks its own |
//! | `class`, `value` | which objects there are, and how values are kept inside them |
//! | `list`, `map`, `iterator`, `bytes`, `byte_functions`, `geojson` | one class each |
//! | `record`, `record_functions` | records as functions find and leave them; what functions can call on them |
//! | `text`, `pattern` | string functions that could run for ever, written so that they cannot |
//! | `decode`, `encode`, `print` | values in and out of Lua, and as text |
//!
//! Programs are not trusted: they reach nothing outside, they end at their deadline whatever they do, and their memory
//! is bounded. An error of a program is text in the words of a server.

#![forbid(unsafe_code)]

mod args;
mod byte_functions;
mod bytes;
mod call;
mod class;
mod decode;
mod encode;
mod error;
mod geojson;
mod iterator;
mod libraries;
mod limits;
mod list;
mod map;
mod module;
mod pattern;
mod print;
mod record;
mod record_functions;
mod state;
mod text;
mod value;

pub use call::{Applied, Input, Phase};
pub use encode::Particle;
pub use error::{CompileError, Failure, FailureKind};
pub use libraries::{DIRECTORY, Libraries};
pub use limits::{Limits, MAX_MEMORY, MAX_NAME_SIZE, MAX_SOURCE_SIZE};
pub use module::Module;
pub use record::{Bins, Change, Refusal, Stored, Target};
