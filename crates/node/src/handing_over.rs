//! Entries that were submitted and have not begun yet: the runtime takes them over after the call from JavaScript. A client that
//! closes in the same tick waits for them to begin, since they were there before.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Counts those of one client.
#[derive(Debug, Default)]
pub(crate) struct HandingOver {
    count: AtomicUsize,
    all_begun: Notify,
}

/// Held until what was submitted has begun.
#[derive(Debug)]
pub(crate) struct Handover(Arc<HandingOver>);

impl HandingOver {
    pub(crate) fn begin(self: &Arc<Self>) -> Handover {
        self.count.fetch_add(1, Ordering::SeqCst);
        Handover(self.clone())
    }

    /// Waits until all has begun, for a time at most.
    pub(crate) async fn all_begun(&self, most: Duration) {
        let waiting = async {
            loop {
                let begun = self.all_begun.notified();
                if self.count.load(Ordering::SeqCst) == 0 {
                    return;
                }
                begun.await;
            }
        };
        let _ = tokio::time::timeout(most, waiting).await;
    }
}

impl Clone for Handover {
    fn clone(&self) -> Self {
        self.0.begin()
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.all_begun.notify_waiters();
        }
    }
}

/// A future that has begun once it was polled.
pub(crate) async fn until_polled<F: Future>(handover: Handover, future: F) -> F::Output {
    let mut handover = Some(handover);
    let mut future = pin!(future);
    poll_fn(move |cx| {
        let outcome = future.as_mut().poll(cx);
        drop(handover.take());
        outcome
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a test whose counts do not add up, which would otherwise never end.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_close_waits_until_all_has_begun() {
        let handing_over = Arc::new(HandingOver::default());
        let nothing = tokio::time::timeout(PATIENCE, handing_over.all_begun(Duration::MAX)).await;
        assert!(nothing.is_ok(), "nothing was handed over");
        let first = handing_over.begin();
        let future = until_polled(first.clone(), std::future::pending::<()>());
        drop(first);
        let begun = tokio::time::timeout(Duration::from_millis(20), handing_over.all_begun(Duration::MAX)).await;
        assert!(begun.is_err(), "the future was not polled yet");
        let done = async {
            tokio::select! {
                () = future => {}
                () = handing_over.all_begun(Duration::MAX) => {}
            }
        };
        assert!(tokio::time::timeout(PATIENCE, done).await.is_ok(), "the future was polled, and is still waited for");
    }
}
