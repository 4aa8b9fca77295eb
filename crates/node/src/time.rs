//! Clocks and pauses that nobody in JavaScript can replace or set.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use napi::Result;
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;
use tokio::sync::Notify;

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds on a clock that only goes forward, since a moment of its own.
#[napi]
pub fn monotonic_time() -> f64 {
    BEGINNING.elapsed().as_secs_f64() * 1000.0
}

/// A moment on the clock of [`monotonic_time`].
pub(crate) fn milliseconds_of(moment: Instant) -> f64 {
    match moment.checked_duration_since(*BEGINNING) {
        Some(after) => after.as_secs_f64() * 1000.0,
        None => -(BEGINNING.saturating_duration_since(moment).as_secs_f64() * 1000.0),
    }
}

/// Milliseconds since 1970, by the system's clock.
#[napi]
pub fn unix_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}

/// A pause that can be cut short.
#[napi]
#[derive(Default)]
pub struct NativePause {
    end: Arc<Notify>,
}

#[napi]
impl NativePause {
    /// A pause that has not begun.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Resolves after so many milliseconds, or when it is ended. The process stays alive meanwhile.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn over<'env>(&self, env: &'env Env, milliseconds: f64) -> Result<PromiseRaw<'env, ()>> {
        // also for what is not a number, or has no end
        let length = Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default();
        let end = self.end.clone();
        env.spawn_future(async move {
            let _ = tokio::time::timeout(length, end.notified()).await;
            Ok(())
        })
    }

    /// Ends it now.
    #[napi]
    pub fn end(&self) {
        self.end.notify_one();
    }
}
