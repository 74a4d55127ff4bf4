//! The threads that decode beside the one that downloads: one a core, for the whole process.
//!
//! Any number of answers share them, so that many tenants at once do not start threads each. The
//! answer whose turn comes first goes first: its rows are written and gone while others wait.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Whether there are threads.
static STARTED: LazyLock<bool> = LazyLock::new(start);
static QUEUE: Mutex<Queue> = Mutex::new(Queue::new());
static FILLED: Condvar = Condvar::new();

/// How many blocks can be decoded at the same time.
pub(super) fn count() -> usize {
    // More would only wait for the one thread that takes the bytes from the network.
    const MOST: usize = 8;
    thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST)
}

/// Runs `job` on one of the threads, or here where none could be started; of those that wait,
/// the one with the lowest `turn` first.
pub(super) fn run(turn: usize, job: Job) {
    if !*STARTED {
        job();
        return;
    }
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    queue.push(turn, job);
    drop(queue);
    FILLED.notify_one();
}

/// Jobs in the order of their turns, and in the order they came in where those are the same.
struct Queue {
    waiting: BinaryHeap<Waiting>,
    count: u64,
}

impl Queue {
    const fn new() -> Self {
        Self {
            waiting: BinaryHeap::new(),
            count: 0,
        }
    }

    fn push(&mut self, turn: usize, job: Job) {
        self.count += 1;
        let order = Reverse((turn, self.count));
        self.waiting.push(Waiting { order, job });
    }

    fn pop(&mut self) -> Option<Job> {
        self.waiting.pop().map(|waiting| waiting.job)
    }
}

struct Waiting {
    order: Reverse<(usize, u64)>,
    job: Job,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Waiting {}

fn start() -> bool {
    let started = (0..count()).filter(|_| {
        thread::Builder::new()
            .name("defender-decode".to_owned())
            .spawn(work)
            .is_ok()
    });
    started.count() > 0
}

fn work() {
    loop {
        let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
        let job = loop {
            if let Some(job) = queue.pop() {
                break job;
            }
            queue = FILLED.wait(queue).unwrap_or_else(PoisonError::into_inner);
        };
        drop(queue);
        // Whoever waits for the job sees that nothing came of it; the thread serves the others.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_lowest_turn_goes_first_and_the_earlier_of_the_same() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut queue = Queue::new();
        for (turn, name) in [(2, "c"), (1, "a"), (2, "d"), (1, "b"), (0, "first")] {
            let order = Arc::clone(&order);
            queue.push(turn, Box::new(move || order.lock().unwrap().push(name)));
        }
        while let Some(job) = queue.pop() {
            job();
        }
        assert_eq!(*order.lock().unwrap(), ["first", "a", "b", "c", "d"]);
    }
}
