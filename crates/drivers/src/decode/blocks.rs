//! Rows cut into blocks that are decoded side by side while more of them arrive.
//!
//! Where a row ends is guessed: at the last place in a block that looks like the border between
//! the first two rows, bracket, comma and first key. A guess can be wrong, since values may look
//! like anything. So a block counts only when the one before it was used up to its last byte;
//! otherwise what is left over is read on, one row after the other, and the next block with it.
//! A wrong guess costs time and nothing else.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use defender_core::{Error, ErrorKind, Result};
use futures::channel::oneshot::{self, Receiver};
use memchr::memmem;

use super::rows::Rows;
use super::workers;

/// When answers are cut into blocks, and into which.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockOptions {
    /// The bytes that are decoded where they arrive before blocks are worth it.
    pub(super) after: usize,
    /// The bytes of a block, when no other answer is cut.
    pub(super) size: usize,
    /// The bytes of a block, however many answers are cut at the same time.
    pub(super) least: usize,
    /// How many blocks are on their way at most; with none, nothing is cut.
    pub(super) at_once: usize,
    /// Whose blocks are decoded first: those of the lowest.
    pub(super) turn: usize,
}

/// The answers that are cut at the same time.
static CUT: AtomicUsize = AtomicUsize::new(0);

impl BlockOptions {
    /// What suits this machine, for the answer whose rows are wanted at this `turn`.
    pub(crate) fn of_this_machine(turn: usize) -> Self {
        let workers = workers::count();
        Self {
            after: 1 << 20,
            size: 2 << 20,
            least: 256 << 10,
            turn,
            // Two more than can be decoded at once, so that nobody waits for the download.
            at_once: if workers > 1 { workers + 2 } else { 0 },
        }
    }
}

/// A block and what became of it.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// What its rows gave, when it was not left as it is.
    pub(super) rows: Option<Result<Rows>>,
    /// Up to where the rows go.
    pub(super) end: usize,
}

/// The part of an answer that is on its way through the workers.
#[derive(Debug)]
pub(super) struct Blocks {
    options: BlockOptions,
    /// What stands between the first two rows: the end of one, the beginning of the next.
    border: Vec<u8>,
    buffer: Vec<u8>,
    queue: VecDeque<Receiver<Block>>,
    spare_buffers: Vec<Vec<u8>>,
    spare_rows: Vec<Rows>,
    misses: usize,
}

/// Blocks in a row without a border, or with a wrong one, after which cutting ends.
const MISSES: usize = 4;

impl Blocks {
    /// Begins with bytes that follow a row.
    pub(super) fn new(options: BlockOptions, border: Vec<u8>, first: &[u8]) -> Self {
        CUT.fetch_add(1, Ordering::Relaxed);
        let mut buffer = Vec::with_capacity(first.len());
        buffer.extend_from_slice(first);
        Self {
            options,
            border,
            buffer,
            queue: VecDeque::new(),
            spare_buffers: Vec::new(),
            spare_rows: Vec::new(),
            misses: 0,
        }
    }

    /// Takes the next bytes, and sends off a block when there are enough.
    pub(super) fn push(&mut self, mut chunk: &[u8], rows: &Rows) {
        let size = self.size();
        while !chunk.is_empty() {
            let room = size.saturating_sub(self.buffer.len()).max(1);
            let (head, rest) = chunk.split_at(room.min(chunk.len()));
            self.buffer.extend_from_slice(head);
            chunk = rest;
            if self.buffer.len() >= size {
                self.send(size, rows);
            }
        }
    }

    /// How large a block is now: what waits for the threads is shared by all answers.
    fn size(&self) -> usize {
        let share = self.options.size / CUT.load(Ordering::Relaxed).max(1);
        share.max(self.options.least)
    }

    /// How many blocks may be on their way now.
    fn at_once(&self) -> usize {
        let share = self.options.at_once / CUT.load(Ordering::Relaxed).max(1);
        share.max(1)
    }

    fn send(&mut self, size: usize, rows: &Rows) {
        // The comma goes with the row behind it.
        let border = memmem::rfind(&self.buffer, &self.border);
        if border.is_none() {
            self.misses += 1;
        }
        let end = border.map_or(self.buffer.len(), |place| place + 1);
        let mut next = self
            .spare_buffers
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(size + size / 4));
        next.clear();
        next.extend_from_slice(&self.buffer[end..]);
        let mut bytes = std::mem::replace(&mut self.buffer, next);
        bytes.truncate(end);
        let (sender, receiver) = oneshot::channel();
        self.queue.push_back(receiver);
        let mut rows = self.spare_rows.pop().unwrap_or_else(|| rows.twin());
        let job = Box::new(move || {
            let (rows, end) = match rows.take_run(&bytes) {
                Ok(end) => (Ok(rows), end),
                Err(error) => (Err(error), 0),
            };
            let rows = Some(rows);
            // Nobody may be waiting any more.
            let _ = sender.send(Block { bytes, rows, end });
        });
        workers::run(self.options.turn, job);
    }

    /// The next block in order, when it is done.
    pub(super) fn ready(&mut self) -> Result<Option<Block>> {
        let Some(receiver) = self.queue.front_mut() else {
            return Ok(None);
        };
        let block = receiver.try_recv().map_err(|_| lost())?;
        if block.is_some() {
            self.queue.pop_front();
        }
        Ok(block)
    }

    /// Waits for the next block in order when more than wanted are on their way.
    pub(super) async fn overdue(&mut self, ending: bool) -> Result<Option<Block>> {
        let room = if ending || self.is_over() {
            0
        } else {
            self.at_once()
        };
        if self.queue.len() <= room {
            return Ok(None);
        }
        match self.queue.pop_front() {
            Some(receiver) => receiver.await.map(Some).map_err(|_| lost()),
            None => Ok(None),
        }
    }

    /// Whether cutting is not worth it for this answer.
    pub(super) fn is_over(&self) -> bool {
        self.misses >= MISSES
    }

    /// Notes that a block was not used up, or that it was.
    pub(super) fn note(&mut self, used_up: bool) {
        self.misses = if used_up { 0 } else { self.misses + 1 };
    }

    /// Keeps what a block leaves behind for the next.
    pub(super) fn recycle(&mut self, bytes: Vec<u8>, rows: Option<Rows>) {
        if self.spare_buffers.len() < self.at_once() {
            self.spare_buffers.push(bytes);
        }
        self.spare_rows.extend(rows);
    }

    /// What has not been sent off.
    pub(super) fn into_rest(mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        CUT.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lost() -> Error {
    Error::new(
        ErrorKind::Protocol,
        "a part of the answer could not be decoded",
    )
}
