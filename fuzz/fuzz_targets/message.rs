#![no_main]
//! Frame headers and messages.

use aerospike_wire::Message;
use aerospike_wire::message::Messages;
use aerospike_wire::proto::ProtoHeader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = ProtoHeader::peek(data);
    if let Ok(message) = Message::decode_exact(data) {
        assert_eq!(message.fields().count(), usize::from(message.header.field_count));
        assert_eq!(message.ops().count(), usize::from(message.header.op_count));
    }
    let walked: usize = Messages::new(data).flatten().map(|(offset, m)| offset.min(m.op_bytes().len())).sum();
    assert!(walked <= data.len() * data.len() + data.len());
});
