#![no_main]
//! Requests of the admin protocol, as the embedded server reads them: what is read is written as it was understood.

use aerospike_wire::admin::AdminRequest;
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = AdminRequest::decode(data) {
        let mut out = BytesMut::new();
        request.encode(&mut out);
        assert_eq!(AdminRequest::decode(&out[8..]).as_ref(), Ok(&request));
    }
});
