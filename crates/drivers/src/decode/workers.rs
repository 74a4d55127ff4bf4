//! The threads that decode beside the one that downloads: one a core, for the whole process.
//!
//! Any number of answers share them, so that many tenants at once do not start threads each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

static QUEUE: LazyLock<Option<Mutex<Sender<Job>>>> = LazyLock::new(start);

/// How many blocks can be decoded at the same time.
pub(super) fn count() -> usize {
    // More would only wait for the one thread that takes the bytes from the network.
    const MOST: usize = 8;
    thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST)
}

/// Runs `job` on one of the threads, or here where none could be started.
pub(super) fn run(job: Job) {
    let refused = match &*QUEUE {
        Some(queue) => {
            let sent = queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .send(job);
            sent.err().map(|error| error.0)
        }
        None => Some(job),
    };
    if let Some(job) = refused {
        job();
    }
}

fn start() -> Option<Mutex<Sender<Job>>> {
    let (sender, receiver) = channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let started = (0..count()).filter(|_| {
        let receiver = Arc::clone(&receiver);
        thread::Builder::new()
            .name("defender-decode".to_owned())
            .spawn(move || work(&receiver))
            .is_ok()
    });
    (started.count() > 0).then_some(Mutex::new(sender))
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else {
            return;
        };
        // Whoever waits for the job sees that nothing came of it; the thread serves the others.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}
