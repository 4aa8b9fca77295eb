//! Tells the linker what Node.js expects of an addon, and the compiler whether there is inline I/O.

use std::env::var_os;

fn main() {
    // the event loop watches sockets by file descriptor, as systems of the unix family have them
    println!("cargo::rustc-check-cfg=cfg(inline_io)");
    if var_os("CARGO_CFG_UNIX").is_some() && var_os("CARGO_FEATURE_NO_INLINE").is_none() {
        println!("cargo::rustc-cfg=inline_io");
    }
    napi_build::setup();
}
