#![no_main]
//! The admin protocol, as a server and as a client reads it.

use aerospike_wire::admin::{AdminMessage, AdminRequest, LoginReply, RoleReply, UserReply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = AdminRequest::decode(data) {
        let mut out = bytes::BytesMut::new();
        request.encode(&mut out);
        assert_eq!(AdminRequest::decode(&out[8..]).as_ref(), Ok(&request));
    }
    let mut rest = data;
    while let Ok(message) = AdminMessage::decode(&mut rest) {
        let _ = (LoginReply::of(&message), UserReply::of(&message), RoleReply::of(&message));
    }
});
