//! The same work for many pieces, on all cores.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// The bytes of Arrow data below which a second thread costs more than it saves.
pub(super) const WORTH_IT: usize = 1 << 20;

/// How many threads may write beside each other.
pub(super) fn threads() -> usize {
    const MOST: usize = 8;
    thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST)
}

/// What `work` gives for each of `items`, in their order; this thread works along.
pub(super) fn map<T, R>(items: Vec<T>, threads: usize, work: impl Fn(T) -> R + Sync) -> Vec<R>
where
    T: Send,
    R: Send,
{
    if threads < 2 || items.len() < 2 {
        return items.into_iter().map(work).collect();
    }
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        let mut done = Vec::new();
        while let Some((index, item)) = next() {
            done.push((index, work(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            // One thread less is slower and nothing else.
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, run).ok())
            .collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for threads in 1..5 {
            let squares = map((0..1000_u64).collect(), threads, |number| number * number);
            assert!((0..1000).map(|number| number * number).eq(squares));
        }
        assert!(map(Vec::<u8>::new(), 3, |item| item).is_empty());
    }
}
