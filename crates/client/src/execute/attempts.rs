//! The attempts of a command: those that are not over, and why others are.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aerospike_wire::limits::PROTO_HEADER_SIZE;
use bytes::Bytes;
use tokio::time::Instant;

use crate::connection::request::Response;
use crate::error::{Failure, SubError};
use crate::metrics::Answer;
use crate::node::Node;

/// An attempt that is not over.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) response: Response,
    pub(super) node: Arc<Node>,
    pub(super) attempt: u32,
    pub(super) begun: Instant,
    /// A second copy of the attempt, at another replica.
    pub(super) is_copy: bool,
}

impl Pending {
    /// What its answer adds to the counts: how long it took, and bytes sent and received.
    pub(super) fn answer(&self, now: Instant, bytes_out: u64, message: &Bytes) -> Answer {
        let bytes_in = (PROTO_HEADER_SIZE + message.len()) as u64;
        Answer { took: now.saturating_duration_since(self.begun), bytes_out, bytes_in }
    }
}

/// The attempts of a command. Most have one, which has its place here; what only others need is on the heap, since commands
/// are moved.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    latest: Option<Pending>,
    more: Option<Box<More>>,
}

#[derive(Debug, Default)]
struct More {
    /// Those before the latest that are not over either, in the order in which they were begun.
    earlier: Vec<Pending>,
    /// Why others are over.
    failures: Vec<SubError>,
}

impl Attempts {
    /// Whether all are over.
    pub(super) fn is_over(&self) -> bool {
        self.latest.is_none()
    }

    pub(super) fn latest(&self) -> Option<&Pending> {
        self.latest.as_ref()
    }

    /// Those that are not over.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Pending> {
        self.more.iter().flat_map(|more| &more.earlier).chain(&self.latest)
    }

    pub(super) fn push(&mut self, pending: Pending) {
        if let Some(earlier) = self.latest.replace(pending) {
            self.more.get_or_insert_default().earlier.push(earlier);
        }
    }

    /// Puts a copy in front of the attempt that it is a copy of, whose limits go on being those of the command.
    pub(super) fn put_before_latest(&mut self, copy: Pending) {
        self.more.get_or_insert_default().earlier.push(copy);
    }

    /// Takes the latest out; the one before it is the latest then.
    pub(super) fn take_latest(&mut self) -> Option<Pending> {
        let before = self.more.as_mut().and_then(|more| more.earlier.pop());
        std::mem::replace(&mut self.latest, before)
    }

    /// Takes out all that are not over.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Pending> + use<> {
        let earlier = self.more.as_mut().map(|more| std::mem::take(&mut more.earlier)).unwrap_or_default();
        earlier.into_iter().chain(self.latest.take())
    }

    /// Takes out the first that is settled.
    pub(super) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<(Pending, Result<Bytes, Failure>)> {
        if let Some(More { earlier, .. }) = self.more.as_deref_mut() {
            for at in 0..earlier.len() {
                if let Some(pending) = earlier.get_mut(at)
                    && let Poll::Ready(outcome) = Pin::new(&mut pending.response).poll(cx)
                {
                    return Poll::Ready((earlier.remove(at), outcome));
                }
            }
        }
        if let Some(latest) = &mut self.latest
            && let Poll::Ready(outcome) = Pin::new(&mut latest.response).poll(cx)
            && let Some(latest) = self.take_latest()
        {
            return Poll::Ready((latest, outcome));
        }
        Poll::Pending
    }

    /// Keeps why an attempt is over.
    pub(super) fn note(&mut self, failure: SubError) {
        self.more.get_or_insert_default().failures.push(failure);
    }

    pub(super) fn failures(&self) -> &[SubError] {
        self.more.as_ref().map_or(&[], |more| &more.failures)
    }

    pub(super) fn take_failures(&mut self) -> Vec<SubError> {
        self.more.as_mut().map(|more| std::mem::take(&mut more.failures)).unwrap_or_default()
    }
}
