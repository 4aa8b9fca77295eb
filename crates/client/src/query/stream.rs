//! The end of a query that is read: pages, one after the other, and where the reader is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::cursor::{Cursor, Standing};
use super::node_stream::{Event, Received, Shared, follow};
use super::{Query, Results, run};
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::{Code, Error};

/// Pages that wait for the reader. While they do, sockets are not read.
const WAITING_PAGES: usize = 4;
/// Pages are handed out together up to this many bytes.
const STEP_SIZE: usize = 192 * 1024;

/// What a query gives next.
#[derive(Debug, Clone)]
pub enum Step {
    /// Results: whole messages back to back, or operations with a value each.
    Page {
        /// The bytes, in order.
        chunks: Vec<Bytes>,
        /// How many results there are.
        count: u32,
    },
    /// There are no more; with `more`, because the limit of records was reached.
    End {
        /// Whether the cursor leads on.
        more: bool,
    },
    /// Why there are no more. The cursor is good all the same.
    Failure(Error),
}

/// A query that is being read. Dropping it ends the query: its connections are closed, and servers stop working on it.
#[derive(Debug)]
pub struct QueryStream {
    cluster: Arc<Cluster>,
    inbox: tokio::sync::Mutex<Inbox>,
    delivered: Mutex<Delivered>,
    /// Ends the work.
    task: Mutex<Option<AbortHandle>>,
    is_closed: AtomicBool,
}

#[derive(Debug)]
enum Inbox {
    /// Work begins with the first step.
    Idle(Box<Query>),
    Open {
        events: mpsc::Receiver<Event>,
        /// An event that did not fit into the last step.
        held: Option<Event>,
    },
    Over(Step),
}

/// Where the reader is.
#[derive(Debug)]
struct Delivered {
    /// Before the page handed out last.
    cursor: Cursor,
    /// What that page, and what was told after it, make of the cursor.
    pending: Vec<Event>,
    done: usize,
    total: usize,
}

impl QueryStream {
    pub(crate) fn new(cluster: Arc<Cluster>, query: Query) -> Self {
        let cursor = query.from.clone();
        let (done, total) = cursor.progress();
        Self {
            cluster,
            inbox: tokio::sync::Mutex::new(Inbox::Idle(Box::new(query))),
            delivered: Mutex::new(Delivered { cursor, pending: Vec::new(), done, total }),
            task: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// The next step. After an end or a failure it is always the same one.
    pub async fn next(&self) -> Step {
        let mut inbox = self.inbox.lock().await;
        if let Inbox::Idle(query) = &*inbox {
            *inbox = self.open((**query).clone());
        }
        let step = match &mut *inbox {
            Inbox::Over(step) => return step.clone(),
            Inbox::Open { events, held } if !self.is_closed() => self.receive(events, held).await,
            Inbox::Open { .. } | Inbox::Idle(_) => Step::End { more: true },
        };
        if !matches!(step, Step::Page { .. }) {
            *inbox = Inbox::Over(step.clone());
        }
        step
    }

    /// Where the query is, before the page that was handed out last: whoever reads it knows how much of that page
    /// counts.
    pub fn cursor(&self) -> Cursor {
        self.delivered.lock().cursor.clone()
    }

    /// Partitions that are done, and partitions in all.
    pub fn progress(&self) -> (usize, usize) {
        let delivered = self.delivered.lock();
        (delivered.done, delivered.total)
    }

    /// Ends the query. A step that is waited for becomes the end. Closing twice is closing once.
    pub fn close(&self) {
        let mut task = self.task.lock();
        self.is_closed.store(true, Ordering::Release);
        if let Some(task) = task.take() {
            task.abort();
        }
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn open(&self, query: Query) -> Inbox {
        // under the lock, so that a close sees the task or is seen here
        let mut task = self.task.lock();
        if self.is_closed() {
            return Inbox::Over(Step::End { more: true });
        }
        let (reader, events) = mpsc::channel(WAITING_PAGES);
        let received = Received {
            cursor: query.from.clone(),
            remaining: Some(query.max_records).filter(|most| *most > 0 && query.results == Results::Records),
        };
        let deadline = Deadline::after(Instant::now(), query.policy.total_timeout);
        let received = Mutex::new(received);
        let shared = Arc::new(Shared { query, received, reader, deadline, satisfied: Notify::new() });
        let running = self.cluster.runtime.spawn(run::run(self.cluster.clone(), shared));
        *task = Some(running.abort_handle());
        Inbox::Open { events, held: None }
    }

    /// Takes events until there is a step, and with it what else is ready.
    async fn receive(&self, events: &mut mpsc::Receiver<Event>, held: &mut Option<Event>) -> Step {
        let mut fresh = Vec::new(); // what this step adds to where the reader is
        let (mut chunks, mut size, mut count) = (Vec::new(), 0, 0);
        loop {
            let next = match held.take() {
                Some(event) => Some(event),
                None if chunks.is_empty() => events.recv().await,
                None => match events.try_recv() {
                    Ok(event) => Some(event),
                    Err(_) => break,
                },
            };
            match next {
                Some(Event::Page(mut page)) if chunks.is_empty() || size + page.bytes.len() <= STEP_SIZE => {
                    size += page.bytes.len();
                    count += page.count;
                    chunks.push(std::mem::take(&mut page.bytes));
                    fresh.push(Event::Page(page));
                }
                Some(event @ (Event::Done(_) | Event::LeftOut(_))) => fresh.push(event),
                Some(event @ (Event::Page(_) | Event::End { .. } | Event::Failure(_))) if !chunks.is_empty() => {
                    *held = Some(event);
                    break;
                }
                Some(Event::End { more }) => {
                    self.delivered.lock().end(fresh, more);
                    return Step::End { more };
                }
                Some(Event::Failure(error)) => {
                    self.delivered.lock().deliver(fresh);
                    return Step::Failure(error);
                }
                Some(Event::Page(_)) => {} // not reached: the first page of a step always fits
                None => return self.broken(),
            }
        }
        self.delivered.lock().deliver(fresh);
        Step::Page { chunks, count }
    }

    /// The work ended without a word.
    fn broken(&self) -> Step {
        if self.is_closed() {
            return Step::End { more: true };
        }
        Step::Failure(Error::new(Code::CLIENT, "the task that ran the query ended early"))
    }
}

impl Drop for QueryStream {
    fn drop(&mut self) {
        self.close();
    }
}

impl Delivered {
    /// Hands something out: what was handed out before counts now.
    fn deliver(&mut self, fresh: Vec<Event>) {
        for event in &fresh {
            match event {
                Event::Done(ids) => self.done += ids.len(),
                Event::LeftOut(ids) => self.total = self.total.saturating_sub(ids.len()),
                _ => {}
            }
        }
        for event in std::mem::replace(&mut self.pending, fresh) {
            self.apply(event);
        }
    }

    /// Everything was handed out.
    fn end(&mut self, fresh: Vec<Event>, more: bool) {
        self.deliver(fresh);
        self.deliver(Vec::new());
        if !more {
            self.done = self.total;
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Page(page) => follow(&mut self.cursor, &page.places),
            Event::Done(ids) => ids.iter().for_each(|id| self.cursor.set(*id, Standing::Done)),
            Event::LeftOut(ids) => ids.iter().for_each(|id| self.cursor.remove(*id)),
            Event::End { .. } | Event::Failure(_) => {}
        }
    }
}
