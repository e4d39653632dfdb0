//! Threads with room for deep recursion: generated SQL nests as deeply as it has terms, and a stack that overflows ends
//! the process.

use std::future::Future;
use std::io;
use std::time::Duration;

/// Stack of each thread. Only what is used becomes memory.
pub const BYTES: usize = 128 * 1024 * 1024;
/// How long idle threads may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// Runs a future to its end, on threads with deep stacks.
pub fn run<F: Future>(work: impl FnOnce() -> F + Send) -> io::Result<F::Output>
where
    F::Output: Send,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(BYTES).build()?;
    let done = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("main".to_owned()).stack_size(BYTES);
        let thread = thread.spawn_scoped(scope, || runtime.block_on(work()))?;
        // A panic of the work's is one of the caller's.
        thread.join().or_else(|panic| std::panic::resume_unwind(panic))
    });
    // Joined, not detached: glibc's `pthread_detach` reads a stack that its thread may have unmapped by then. What was
    // given up (a query without an end) may still be at work, and is not waited for much longer.
    runtime.shutdown_timeout(GRACE);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(left: u32) -> u32 {
        let here = std::hint::black_box([left; 1024]);
        if left == 0 { 0 } else { 1 + depth(left - 1) + here[0] - left }
    }

    #[test]
    fn recursion_may_be_deep_on_every_thread() {
        let work = || async { depth(10_000) + tokio::spawn(async { depth(10_000) }).await.unwrap_or_default() };
        assert_eq!(run(work).unwrap(), 20_000);
    }

    #[test]
    fn work_without_an_end_is_not_waited_for() {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let work = || async {
            tokio::task::spawn_blocking(move || stopped.recv());
            1
        };
        assert_eq!(run(work).unwrap(), 1);
        drop(stop);
    }
}
