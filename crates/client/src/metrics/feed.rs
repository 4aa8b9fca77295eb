//! What happens at the nodes, told to whoever watches: one at a time, and at a bounded cost. Without a watcher it costs a look
//! at a flag; a watcher that is slow misses what there is no room for, and learns how much that was.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Kind;
use crate::error::Code;

/// Events that wait for the watcher.
const MAX_WAITING: usize = 1024;

/// Something that happened at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum NodeEvent {
    NodeAdded,
    NodeRemoved,
    ConnectionOpened,
    ConnectionClosed,
    ConnectionFailed,
    Retry,
    BreakerOpened,
    BreakerClosed,
    NodeSilent,
    NodeAwake,
}

/// An event with its facts.
#[derive(Debug, Clone)]
pub struct Happened {
    /// What happened.
    pub event: NodeEvent,
    /// Where.
    pub node: Arc<str>,
    /// When.
    pub at: Instant,
    /// Why, of a failure or a retry.
    pub code: Code,
    /// The same in words; empty when the code says it all.
    pub detail: Cow<'static, str>,
    /// What is tried again.
    pub kind: Option<Kind>,
    /// Which attempt failed, of a retry.
    pub attempt: u32,
    /// How many rows of a batch are tried again; 0 of other commands.
    pub rows: u32,
}

/// The way from the nodes to the watcher.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    is_watched: AtomicBool,
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Happened>,
    lost: u64,
}

impl Feed {
    /// Tells of something, which is made only if somebody watches.
    pub(crate) fn tell(&self, happened: impl FnOnce() -> Happened) {
        if !self.is_watched.load(Ordering::Relaxed) {
            return;
        }
        let happened = happened();
        let mut waiting = self.waiting.lock();
        if waiting.events.len() < MAX_WAITING {
            waiting.events.push_back(happened);
        } else {
            waiting.lost += 1;
        }
        drop(waiting);
        self.news.notify_one();
    }
}

/// What happens at the nodes of a client, for as long as this is kept.
#[derive(Debug)]
pub struct Events(Arc<Feed>);

impl Events {
    pub(crate) fn of(feed: &Arc<Feed>) -> Self {
        feed.is_watched.store(true, Ordering::Relaxed);
        Self(feed.clone())
    }

    /// Waits for events, and takes them all; also how many were lost.
    pub async fn next(&mut self) -> (Vec<Happened>, u64) {
        loop {
            {
                let mut waiting = self.0.waiting.lock();
                if !waiting.events.is_empty() {
                    return (waiting.events.drain(..).collect(), std::mem::take(&mut waiting.lost));
                }
            }
            self.0.news.notified().await;
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.0.is_watched.store(false, Ordering::Relaxed);
        *self.0.waiting.lock() = Waiting::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Happened {
        Happened {
            event: NodeEvent::ConnectionOpened,
            node: "A1".into(),
            at: Instant::now(),
            code: Code::OK,
            detail: Cow::Borrowed(""),
            kind: None,
            attempt: 0,
            rows: 0,
        }
    }

    #[tokio::test]
    async fn a_watcher_that_is_slow_misses_some_and_learns_how_many() {
        let feed = Arc::new(Feed::default());
        feed.tell(|| unreachable!("nobody watches"));
        let mut events = Events::of(&feed);
        (0..MAX_WAITING + 7).for_each(|_| feed.tell(opened));
        let (taken, lost) = events.next().await;
        assert_eq!((taken.len(), lost), (MAX_WAITING, 7));
        feed.tell(opened);
        assert_eq!(events.next().await.1, 0);
        drop(events);
        feed.tell(|| unreachable!("nobody watches any more"));
    }
}
