//! Work that blocks, such as files and decoders. It leaves the async threads: one piece at a time, or all that is done
//! for one thing on one thread, so that its many small pieces need no thread each.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why work did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// It came upon a bug. The message of a panic is not kept: it may quote a row.
    #[error("the work stopped at a bug in tributary: please report it")]
    Panicked,
    /// It is waited for no longer.
    #[error("the work was cancelled")]
    Cancelled,
}

/// Whether work is waited for no longer.
#[derive(Debug, Clone, Default)]
pub struct Cancelled {
    own: Arc<AtomicBool>,
    /// Of the work that this is a part of.
    outer: Option<Arc<AtomicBool>>,
}

impl Cancelled {
    /// That of a piece of work that begins on this thread: it is cancelled with the whole that it is a part of.
    pub fn here() -> Self {
        Self { own: Arc::default(), outer: alone_here().map(|whole| whole.own) }
    }

    /// Whether it is.
    pub fn get(&self) -> bool {
        [Some(&self.own), self.outer.as_ref()].into_iter().flatten().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// What says so when it is dropped.
    pub fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(Arc::clone(&self.own))
    }
}

/// Cancels work when the future that waits for it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

thread_local! {
    /// On a thread that is for one thing: whether that is cancelled.
    static ALONE: RefCell<Option<Cancelled>> = const { RefCell::new(None) };
}

fn alone_here() -> Option<Cancelled> {
    ALONE.with_borrow(Option::clone)
}

/// Runs work that blocks: at once on a thread of [`alone`], else on another thread than this one.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stopped> {
    match alone_here() {
        Some(cancelled) if cancelled.get() => Err(Stopped::Cancelled),
        Some(_) => catch_unwind(AssertUnwindSafe(work)).map_err(|_| Stopped::Panicked),
        None => tokio::task::spawn_blocking(work).await.map_err(|join| why(&join)),
    }
}

/// Takes a future to its end on a thread of its own, together with all the work that blocks in it. Where the caller stops
/// waiting, no further piece of work begins.
pub async fn alone<T: Send + 'static, F: Future<Output = T>>(
    begin: impl FnOnce() -> F + Send + 'static,
) -> Result<T, Stopped> {
    let cancelled = Cancelled::default();
    let _guard = cancelled.on_drop();
    let runtime = tokio::runtime::Handle::current();
    let work = move || {
        let _leave = Leave(ALONE.replace(Some(cancelled)));
        runtime.block_on(begin())
    };
    tokio::task::spawn_blocking(work).await.map_err(|join| why(&join))
}

/// Makes the thread one like any other again, after a panic as well.
struct Leave(Option<Cancelled>);

impl Drop for Leave {
    fn drop(&mut self) {
        ALONE.set(self.0.take());
    }
}

fn why(join: &tokio::task::JoinError) -> Stopped {
    if join.is_panic() { Stopped::Panicked } else { Stopped::Cancelled }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn work_of_one_thing_stays_on_its_thread() {
        let here = thread::current().id();
        let elsewhere = run(|| thread::current().id()).await.unwrap();
        assert_ne!(elsewhere, here);
        let (own, inner) =
            alone(|| async { (thread::current().id(), run(|| thread::current().id()).await.unwrap()) }).await.unwrap();
        assert_eq!(own, inner);
        assert_ne!(own, here);
        // The thread is one like any other afterwards, even if it panicked.
        assert_eq!(alone(|| async { panic!("a bug") }).await, Err::<(), _>(Stopped::Panicked));
        assert!(run(|| alone_here().is_none()).await.unwrap());
    }

    #[tokio::test]
    async fn a_bug_in_one_piece_of_work_is_an_error_of_it() {
        for result in [
            run(|| -> () { panic!("a bug") }).await,
            alone(|| async { run(|| -> () { panic!("a bug") }).await }).await.unwrap(),
        ] {
            assert_eq!(result, Err(Stopped::Panicked));
        }
    }

    #[tokio::test]
    async fn no_work_begins_once_the_caller_is_gone() {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, is_gone) = tokio::sync::oneshot::channel::<()>();
        let (report, reported) = tokio::sync::oneshot::channel();
        let call = tokio::spawn(alone(|| async move {
            begun.send(()).unwrap();
            is_gone.await.unwrap();
            report.send(run(|| ()).await).unwrap();
        }));
        has_begun.await.unwrap();
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        go_on.send(()).unwrap();
        assert_eq!(reported.await.unwrap(), Err(Stopped::Cancelled));
    }
}
