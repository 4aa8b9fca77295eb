//! Frames inside zlib streams, which an Enterprise server reads and writes.

use std::io::{Read, Write};

use aerospike_wire::limits::{MAX_BODY_SIZE, PROTO_HEADER_SIZE};
use aerospike_wire::proto::write_frame;
use aerospike_wire::{Info1, MessageHeader, ProtoHeader, ProtoType};
use bytes::{BufMut, BytesMut};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Answers that are not larger are sent as they are.
const LEAST_SIZE: usize = 128;

/// The frame in the body of a compressed one; `None` when it is no stream of one whole message.
pub(super) fn inflate(body: &[u8]) -> Option<Vec<u8>> {
    let (size, stream) = body.split_first_chunk()?;
    let size = u64::from_be_bytes(*size);
    if size > (MAX_BODY_SIZE + PROTO_HEADER_SIZE) as u64 {
        return None;
    }
    let mut frame = Vec::new();
    // it grows with what comes out, and no further than it said
    ZlibDecoder::new(stream).take(size + 1).read_to_end(&mut frame).ok()?;
    let header = ProtoHeader::peek(&frame).ok()??;
    let is_whole = frame.len() as u64 == size && header.size + PROTO_HEADER_SIZE == frame.len();
    (is_whole && header.kind == ProtoType::Message).then_some(frame)
}

/// Whether a message asks for an answer that is compressed.
pub(super) fn is_wanted(kind: ProtoType, body: &[u8]) -> bool {
    let header = body.first_chunk().map(MessageHeader::decode);
    kind == ProtoType::Message && header.is_some_and(|header| header.info1.contains(Info1::COMPRESS_RESPONSE))
}

/// Compresses the frames at the end of a buffer, those that become smaller by it.
pub(super) fn deflate(out: &mut BytesMut, start: usize) {
    let plain = out.split_off(start.min(out.len()));
    let mut rest = &plain[..];
    while let Ok(Some(header)) = ProtoHeader::peek(rest) {
        let Some((frame, others)) = rest.split_at_checked(header.size + PROTO_HEADER_SIZE) else { break };
        rest = others;
        let stream = if frame.len() > LEAST_SIZE { compressed(frame) } else { None };
        match stream.filter(|stream| stream.len() + size_of::<u64>() + PROTO_HEADER_SIZE < frame.len()) {
            None => out.put_slice(frame),
            Some(stream) => write_frame(out, ProtoType::Compressed, |out| {
                out.put_u64(frame.len() as u64);
                out.put_slice(&stream);
            }),
        }
    }
    out.put_slice(rest);
}

fn compressed(frame: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(frame).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(size: usize) -> BytesMut {
        let mut out = BytesMut::new();
        write_frame(&mut out, ProtoType::Message, |out| out.put_bytes(7, size));
        out
    }

    #[test]
    fn a_frame_comes_out_as_it_went_in() {
        let (small, large) = (frame(50), frame(5000));
        let mut out = BytesMut::from(&b"before"[..]);
        out.put_slice(&small);
        out.put_slice(&large);
        deflate(&mut out, 6);
        assert!(out.starts_with(b"before") && out[6..].starts_with(&small) && out.len() < 500);
        let compressed = &out[6 + small.len()..];
        assert_eq!(ProtoHeader::peek(compressed).unwrap().unwrap().kind, ProtoType::Compressed);
        assert_eq!(inflate(&compressed[PROTO_HEADER_SIZE..]).unwrap(), large);
    }

    #[test]
    fn what_is_no_stream_of_a_message_is_refused() {
        let stream = compressed(&frame(5000)).unwrap();
        let body = |size: u64| [&size.to_be_bytes()[..], &stream].concat();
        assert!(inflate(&body(5008)).is_some());
        for bad in [body(5007), body(5009), body(u64::MAX), vec![0; 16], vec![], b"12345678not zlib".to_vec()] {
            assert!(inflate(&bad).is_none());
        }
        let info = [2, 1, 0, 0, 0, 0, 0, 0];
        let inner = compressed(&info).unwrap();
        assert!(inflate(&[&8_u64.to_be_bytes()[..], &inner].concat()).is_none(), "only messages are compressed");
    }
}
