//! One client connection: frames in, answers out, in order.
//!
//! All frames that are at hand are answered before anything is sent, so that a client which pipelines gets one write
//! for many answers. Buffers grow with what arrives, never with what a header announces.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use aerospike_wire::limits::PROTO_HEADER_SIZE;
use aerospike_wire::{ProtoHeader, ProtoType, ResultCode};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::compression;
use crate::cluster::{NodeIndex, State};
use crate::query::{Progress, QueryRun};
use crate::service::{AggregateRun, RowStep, Service, Step, fail};

/// Room a read has at least.
const READ_SIZE: usize = 16 * 1024;
/// Answers that are sent before more requests are looked at.
const FLUSH_SIZE: usize = 256 * 1024;
/// Buffers above this are given back once they are empty.
const KEEP_SIZE: usize = 1024 * 1024;

/// Serves a connection, of whoever a certificate names if it has one, until the client closes it, breaks the protocol, or the task is aborted.
pub(super) async fn run(stream: impl Stream, certified: Option<String>, state: Arc<State>, here: NodeIndex) {
    let Ok(peer) = stream.peer_addr() else { return };
    let service = Service::new(state, here, peer, certified);
    // how a connection ends is told by its end; there is nobody else to tell
    let _ = Connection { stream, service, out: BytesMut::new() }.serve().await;
}

/// A stream of bytes that knows where it comes from.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    fn peer_addr(&self) -> io::Result<SocketAddr>;
}

impl Stream for TcpStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        TcpStream::peer_addr(self)
    }
}

impl Stream for TlsStream<TcpStream> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().0.peer_addr()
    }
}

struct Connection<S> {
    stream: S,
    service: Service,
    /// Answers that are not sent yet.
    out: BytesMut,
}

impl<S: Stream> Connection<S> {
    async fn serve(&mut self) -> io::Result<()> {
        let mut input = BytesMut::with_capacity(READ_SIZE);
        loop {
            self.await_thaw().await;
            while let Some(size) = whole_frame(&input)? {
                self.answer(&input[..size]).await?;
                input.advance(size);
                if self.out.len() >= FLUSH_SIZE {
                    self.flush().await?;
                }
            }
            self.flush().await?;
            if input.is_empty() && input.capacity() > KEEP_SIZE {
                input = BytesMut::with_capacity(READ_SIZE);
            }
            input.reserve(READ_SIZE);
            if self.stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        }
    }

    /// Answers one whole frame, which may be compressed where the edition reads that.
    async fn answer(&mut self, frame: &[u8]) -> io::Result<()> {
        let is_compressed =
            ProtoHeader::peek(frame).is_ok_and(|header| header.is_some_and(|h| h.kind == ProtoType::Compressed));
        if !is_compressed || !self.service.state.options.edition.is_enterprise() {
            return self.answer_plain(frame).await;
        }
        match frame.get(PROTO_HEADER_SIZE..).and_then(compression::inflate) {
            Some(frame) => self.answer_plain(&frame).await,
            None => {
                fail(&mut self.out, ResultCode::PARAMETER);
                Ok(())
            }
        }
    }

    async fn answer_plain(&mut self, frame: &[u8]) -> io::Result<()> {
        let (Ok(Some(header)), Some(body)) = (ProtoHeader::peek(frame), frame.get(PROTO_HEADER_SIZE..)) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        self.misbehave_before(header, body).await?;
        let start = self.out.len();
        let compresses =
            self.service.state.options.edition.is_enterprise() && compression::is_wanted(header.kind, body);
        match self.service.serve(header.kind, body, &mut self.out) {
            Step::Deaf => return self.ignore_all().await,
            Step::Done if compresses => compression::deflate(&mut self.out, start),
            Step::Done => {}
            Step::Batch(mut run) => {
                let mut start = start;
                loop {
                    match self.service.run_rows(&mut run, &mut self.out) {
                        RowStep::Done => break,
                        RowStep::Call => self.service.call_row(&mut run, &mut self.out).await,
                        RowStep::Full => {
                            if compresses {
                                compression::deflate(&mut self.out, start);
                            }
                            self.flush().await?;
                            start = 0;
                        }
                    }
                }
                self.service.finish_batch(*run, &mut self.out).await;
                if compresses {
                    compression::deflate(&mut self.out, start);
                }
            }
            Step::Query(run) => self.answer_query(run).await?,
            Step::Aggregate(run) => self.answer_aggregation(run).await?,
            Step::Udf(run) => {
                self.send_earlier(start).await?;
                self.service.finish_call(*run, &mut self.out).await;
            }
            Step::Stalled(stalled) => {
                self.send_earlier(start).await?;
                self.service.finish(*stalled, &mut self.out, 0).await;
            }
        }
        self.misbehave_after(header, start).await
    }

    /// Answers a query as fast as its client reads.
    async fn answer_query(&mut self, mut run: Box<QueryRun<'_>>) -> io::Result<()> {
        loop {
            let progress = run.step(&mut self.out);
            if progress == Progress::End {
                return Ok(());
            }
            self.await_thaw().await;
            let sent = match run.socket_timeout() {
                Some(timeout) => tokio::time::timeout(timeout, self.flush()).await,
                None => Ok(self.flush().await),
            };
            match sent {
                Ok(result) => result?,
                Err(_) => {
                    run.give_up();
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            match progress {
                Progress::Wait(time) => tokio::time::sleep(time).await,
                _ => tokio::task::yield_now().await,
            }
        }
    }

    /// Answers an aggregation, one partition after another.
    async fn answer_aggregation(&mut self, mut run: Box<AggregateRun<'_>>) -> io::Result<()> {
        loop {
            let goes_on = run.step(&mut self.out).await;
            if !goes_on {
                return Ok(());
            }
            if self.out.len() < FLUSH_SIZE {
                continue;
            }
            match run.socket_timeout() {
                Some(timeout) => match tokio::time::timeout(timeout, self.flush()).await {
                    Ok(result) => result?,
                    Err(_) => {
                        run.give_up();
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                },
                None => self.flush().await?,
            }
        }
    }

    /// Answers nothing more; ends when the client does.
    async fn ignore_all(&mut self) -> io::Result<()> {
        self.flush().await?;
        let mut ignored = [0; 4096];
        while self.stream.read(&mut ignored).await? > 0 {}
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Sends what was answered before something that takes its time.
    async fn send_earlier(&mut self, start: usize) -> io::Result<()> {
        let earlier = self.out.split_to(start);
        self.stream.write_all(&earlier).await?;
        self.stream.flush().await
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        self.await_thaw().await;
        self.stream.write_all(&self.out).await?;
        self.stream.flush().await?;
        self.out.clear();
        if self.out.capacity() > KEEP_SIZE {
            self.out = BytesMut::new();
        }
        Ok(())
    }

    /// A frozen node neither reads nor answers.
    async fn await_thaw(&self) {
        if let Some(node) = self.service.node() {
            node.faults.thawed().await;
        }
    }

    /// Delays an answer, if delays are asked for.
    async fn misbehave_before(&mut self, header: ProtoHeader, body: &[u8]) -> io::Result<()> {
        let node_delay = self.service.node().and_then(|node| node.faults.delay());
        let delay = node_delay.max(self.service.set_delay(header.kind, body));
        if let Some(delay) = delay {
            self.flush().await?;
            tokio::time::sleep(delay).await;
        }
        self.await_thaw().await;
        Ok(())
    }

    /// Spoils an answer, if that is asked for.
    async fn misbehave_after(&mut self, header: ProtoHeader, start: usize) -> io::Result<()> {
        let Some(garble) = self.service.node().and_then(|node| node.faults.garble()) else { return Ok(()) };
        let is_info = header.kind == aerospike_wire::ProtoType::Info;
        if garble.concerns_info() != is_info {
            return Ok(());
        }
        let start = start.min(self.out.len());
        if garble.apply(&mut self.out, start) {
            self.flush().await?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

/// The size of the frame at the front of the buffer, if all of it is there.
fn whole_frame(input: &[u8]) -> io::Result<Option<usize>> {
    let header = ProtoHeader::peek(input).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
    Ok(header.map(|header| PROTO_HEADER_SIZE + header.size).filter(|size| *size <= input.len()))
}
