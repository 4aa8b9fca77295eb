#![no_main]
//! Expressions as the embedded server parses them: any bytes are an expression or an error.

use aerospike_server::exp::Expression;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Expression::parse(data);
    let _ = Expression::parse_filter(data);
});
