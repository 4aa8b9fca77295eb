//! Giving memory back when a client is closed.
//!
//! The allocator of Linux keeps what each thread has freed in an arena of that thread. A client reads pages of 100 KiB and more
//! on the threads of the runtime, so that a process that has closed its clients would keep up to 100 MiB that nobody uses, and more
//! with every pattern of use that is new to the arenas (benches/cycles.mjs, queries).

use std::time::Duration;

use tokio::runtime::Handle;

/// Those who close many clients pay once: what is freed within this time is given back together.
const PAUSE: Duration = Duration::from_millis(200);

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back(runtime: &Handle) {
    use std::sync::atomic::{AtomicBool, Ordering};

    static IS_DUE: AtomicBool = AtomicBool::new(false);
    if IS_DUE.swap(true, Ordering::Relaxed) {
        return;
    }
    let blocking = runtime.clone();
    runtime.spawn(async move {
        tokio::time::sleep(PAUSE).await;
        IS_DUE.store(false, Ordering::Relaxed);
        blocking.spawn_blocking(|| {
            // SAFETY: it takes no pointers, and locks each arena while it looks at it.
            unsafe { libc::malloc_trim(0) }
        });
    });
}

/// Other allocators give memory back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back(_runtime: &Handle) {
    let _ = PAUSE;
}
