//! Bytes as they come, cut into frames. Memory grows with the bytes that arrived, not with what a header announces.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use aerospike_wire::limits::PROTO_HEADER_SIZE;
use aerospike_wire::message::Message;
use aerospike_wire::{DecodeError, ProtoHeader, ProtoType};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::Failure;

/// Room for a read when no frame is under way.
const READ_SIZE: usize = 16 * 1024;
/// Most room taken ahead of the bytes of a frame that is under way.
const MAX_AHEAD: usize = 256 * 1024;
/// Frames up to this size are copied out, so that one buffer serves a connection for its whole life and a small
/// record does not pin a large one; larger ones are split off without copying.
const COPY_LIMIT: usize = 8 * 1024;

/// A whole frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: ProtoType,
    pub(crate) body: Bytes,
}

impl Frame {
    /// The body of a frame that must hold a whole message.
    pub(crate) fn into_message(self) -> Result<Bytes, Failure> {
        if self.kind != ProtoType::Message {
            return Err(Failure::connection("the server sent a frame that is no message"));
        }
        Message::decode_exact(&self.body).map_err(Failure::garbage)?;
        Ok(self.body)
    }
}

/// What was read from a connection and not yet taken out.
#[derive(Debug, Default)]
pub(crate) struct FrameBuffer {
    bytes: BytesMut,
}

impl FrameBuffer {
    /// Takes the next frame, if all of it is here.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, DecodeError> {
        let Some(header) = ProtoHeader::peek(&self.bytes)? else { return Ok(None) };
        if self.bytes.len() - PROTO_HEADER_SIZE < header.size {
            return Ok(None);
        }
        self.bytes.advance(PROTO_HEADER_SIZE);
        let body = if header.size <= COPY_LIMIT {
            let body = Bytes::copy_from_slice(&self.bytes[..header.size]);
            self.bytes.advance(header.size);
            body
        } else {
            self.bytes.split_to(header.size).freeze()
        };
        Ok(Some(Frame { kind: header.kind, body }))
    }

    /// Takes in bytes that were read elsewhere.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.make_room();
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing is left over.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Gives back the memory a large answer took, once it is read.
    pub(crate) fn shrink(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > 4 * READ_SIZE {
            self.bytes = BytesMut::new();
        }
    }

    /// Reads once, for whatever is there.
    pub(crate) async fn fill<R: AsyncRead + Unpin>(&mut self, from: &mut R) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_fill(cx, from)).await
    }

    /// Reads once. Ready with 0 at the end of the stream.
    pub(crate) fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
    ) -> Poll<io::Result<usize>> {
        self.make_room();
        // the future holds no state between polls, so a new one for each poll reads on where the last one stopped
        pin!(from.read_buf(&mut self.bytes)).poll(cx)
    }

    fn make_room(&mut self) {
        let missing = match ProtoHeader::peek(&self.bytes) {
            Ok(Some(header)) => (PROTO_HEADER_SIZE + header.size).saturating_sub(self.bytes.len()),
            _ => 0,
        };
        self.bytes.reserve(missing.clamp(READ_SIZE, MAX_AHEAD));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame_bytes(bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for body in bodies {
            bytes.extend(ProtoHeader::encode(ProtoType::Message, body.len()));
            bytes.extend(body);
        }
        bytes
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_they_are_cut(
            sizes in prop::collection::vec(0usize..40_000, 1..6),
            cuts in prop::collection::vec(1usize..20_000, 1..8),
        ) {
            let bodies: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(i, n)| vec![i as u8; *n]).collect();
            let bytes = frame_bytes(&bodies);
            let mut buffer = FrameBuffer::default();
            let (mut rest, mut out) = (&bytes[..], Vec::new());
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                rest = later;
                buffer.bytes.extend_from_slice(now);
                while let Some(frame) = buffer.next().unwrap() {
                    out.push(frame.body.to_vec());
                }
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert!(buffer.is_empty());
            prop_assert_eq!(out, bodies);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut buffer = FrameBuffer { bytes: BytesMut::from(&bytes[..]) };
            while let Ok(Some(_)) = buffer.next() {}
        }
    }

    #[test]
    fn an_announced_size_takes_no_memory_before_the_bytes_come() {
        let mut buffer = FrameBuffer::default();
        buffer.bytes.extend_from_slice(&ProtoHeader::encode(ProtoType::Message, 100 << 20));
        buffer.make_room();
        assert!(buffer.bytes.capacity() <= 2 * MAX_AHEAD, "{}", buffer.bytes.capacity());
    }
}
