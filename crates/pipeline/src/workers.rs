//! Threads for long work, one for each core: what a thread frees it uses again.
//!
//! A thread of a large pool that makes the columns of a batch now and then keeps their memory until its next turn, and so
//! does each of the others. Here the same few take turns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::{Error, Priority, Result};

type Job = Box<dyn FnOnce() + Send>;

/// Does the work on one of the threads, as soon as one is free.
///
/// # Errors
/// [`Error::Interrupted`] when the work panics.
pub(crate) async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    static WORKERS: OnceLock<Sender<Job>> = OnceLock::new();
    let (done, result) = oneshot::channel();
    let job = Box::new(move || drop(done.send(work())));
    WORKERS.get_or_init(start).send(job).map_err(|_| Error::Interrupted)?;
    result.await.map_err(|_| Error::Interrupted)
}

/// How many there are.
pub(crate) fn count() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}

fn start() -> Sender<Job> {
    let (sender, receiver) = channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..count() {
        let receiver = receiver.clone();
        let work = move || {
            Priority::Conversion.take();
            while let Ok(job) = next(&receiver) {
                // Whoever waits sees that no result comes.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        };
        // Without a single thread the jobs are dropped, and those who wait see it.
        let _ = thread::Builder::new().name("carelake-worker".into()).spawn(work);
    }
    sender
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Result<Job, RecvError> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv()
}
