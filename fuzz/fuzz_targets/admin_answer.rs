#![no_main]
//! Answers of the admin protocol, as the client reads them: a login's, and lists of users and roles with many in a frame.

use aerospike_wire::admin::{AdminMessage, LoginReply, RoleReply, UserReply};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok(message) = AdminMessage::decode(&mut rest) {
        let mut out = BytesMut::new();
        if let Ok(login) = LoginReply::of(&message) {
            login.encode(&mut out);
            assert!(LoginReply::of(&AdminMessage::decode_exact(&out[8..]).unwrap()) == Ok(login));
        }
        out.clear();
        if let Ok(user) = UserReply::of(&message) {
            user.encode(&mut out);
            assert_eq!(UserReply::of(&AdminMessage::decode_exact(&out).unwrap()), Ok(user));
        }
        out.clear();
        if let Ok(role) = RoleReply::of(&message) {
            role.encode(&mut out);
            assert_eq!(RoleReply::of(&AdminMessage::decode_exact(&out).unwrap()), Ok(role));
        }
    }
});
