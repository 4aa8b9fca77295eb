//! Tells the linker what Node.js expects of an addon.

fn main() {
    napi_build::setup();
}
