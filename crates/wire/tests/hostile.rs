//! Bytes from a stranger: every decoder answers with a value or an error, and takes no memory on their word.

use aerospike_wire::batch::BatchRequest;
use aerospike_wire::info::{self, PartitionBitmap};
use aerospike_wire::limits::MAX_VALUE_DEPTH;
use aerospike_wire::message::Messages;
use aerospike_wire::proto::ProtoHeader;
use aerospike_wire::{DecodeError, Message, ParticleType, Value};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..400), kind: u8) {
        let _ = ProtoHeader::peek(&bytes);
        if let Ok(message) = Message::decode_exact(&bytes) {
            prop_assert_eq!(message.fields().count(), usize::from(message.header.field_count));
            prop_assert_eq!(message.ops().count(), usize::from(message.header.op_count));
        }
        let _ = Messages::new(&bytes).count();
        if let Ok(batch) = BatchRequest::decode(&bytes) {
            let _ = batch.rows();
        }
        let _ = Value::unpack(&bytes);
        let _ = Value::from_particle(ParticleType(kind), &bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = (info::parse_peers(&text), info::parse_replicas(&text), info::parse_services(&text), info::error(&text));
    }

    #[test]
    fn text_that_looks_like_info_never_panics(text in "[0-9A-F:,;\\[\\]./a-z=]{0,80}") {
        let _ = (info::parse_peers(&text), info::parse_replicas(&text), info::parse_services(&text));
        let _ = info::parse_peers(&format!("4,3000,[{text}]"));
        let _ = PartitionBitmap::from_base64(&text);
    }
}

#[test]
fn a_count_above_the_bytes_at_hand_is_refused_before_memory_is_taken() {
    for bytes in [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &[0xdf, 0xff, 0xff, 0xff, 0xff], &[0xdb, 0xff, 0xff, 0xff, 0xff]]
    {
        assert!(matches!(Value::unpack(bytes), Err(DecodeError::Truncated(_))));
    }
    let batch = [&u32::MAX.to_be_bytes()[..], &[0x0d]].concat();
    assert!(BatchRequest::decode(&batch).unwrap().rows().is_err());
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
    assert!(Value::unpack(&nested(MAX_VALUE_DEPTH)).is_ok());
    assert_eq!(Value::unpack(&nested(MAX_VALUE_DEPTH + 1)), Err(DecodeError::TooDeep));
    assert_eq!(Value::unpack(&nested(1_000_000)), Err(DecodeError::TooDeep));
}

#[test]
fn a_frame_header_names_what_is_wrong() {
    assert_eq!(ProtoHeader::decode(&[1, 3, 0, 0, 0, 0, 0, 0]), Err(DecodeError::Version(1)));
    assert_eq!(ProtoHeader::decode(&[2, 9, 0, 0, 0, 0, 0, 0]), Err(DecodeError::Invalid("frame type")));
    let too_large = ProtoHeader::decode(&[2, 3, 0, 0, 0x08, 0, 0, 1]).unwrap_err();
    assert_eq!(too_large.to_string(), "frame body of 134217729 is above the limit of 134217728");
}
