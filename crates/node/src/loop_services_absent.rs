//! The stand-in for `loop_services` on systems where libuv cannot be reached.

use napi::sys;

pub(crate) fn open(_: sys::napi_env, _: sys::napi_value, _: sys::napi_value, _: *const u8, _: usize) -> Option<u32> {
    None
}

pub(crate) fn ask_for_turn(_: u32) {}
