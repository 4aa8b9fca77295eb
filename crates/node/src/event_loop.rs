//! What the package needs of the event loop itself. JavaScript has functions for it, `process.nextTick` and
//! `setImmediate`, but anyone may replace those at any time, and test runners do: a function that is never called back
//! must not cost a call its answer.
//!
//! | service | what it is for |
//! |---|---|
//! | a *turn*: JavaScript is called when everything else that is due was | work that is done in slices |
//! | a *guard*: JavaScript is called when the end of a tick that it waits for was not announced | handing over what was written |
//!
//! Both call the same function, which is told which of the two it is. Where there is no libuv there is neither.

use napi::bindgen_prelude::{Env, Function, JsValue, Uint8ArraySlice};
use napi_derive::napi;

use crate::loop_services;

/// Opens the services of the event loop for one copy of the package. `call` is called with 1 for a turn that was asked
/// for, and with 2 when the first byte of `flags` is not 0 where every tick before has ended. Returns the number that
/// `ask_for_turn` takes, and 0 where the loop offers nothing.
#[napi(ts_args_type = "call: (service: number) => void, flags: Uint8Array")]
pub fn open_event_loop(env: Env, call: Function<'_, i32, ()>, flags: Uint8ArraySlice<'_>) -> u32 {
    loop_services::open(env.raw(), call.raw(), flags.raw(), flags.as_ptr(), flags.len()).unwrap_or_default()
}

/// Asks for a turn, for which the process stays alive.
#[napi]
pub fn ask_for_turn(number: u32) {
    loop_services::ask_for_turn(number);
}

/// A turn of the event loop where it offers no services: another thread resolves the promise.
#[napi]
pub async fn turn() {}
