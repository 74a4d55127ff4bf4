//! Which slice is asked next, by what was counted and by what the answers so far were like.
//!
//! A plan is made one slice at a time: what is left is cut when there is room for another call, so
//! that an answer tells how large the slices after it may be.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use defender_core::Result;

use super::Slice;
use super::division::{self, Estimate, Head};
use super::run::Run;

/// Up to this many rows a range is asked whole, and with about this many the size of a row is
/// learned.
const FEW: u64 = 5_000;

/// The slices of one question, in the order of the answer.
#[derive(Debug)]
pub(super) struct Plan {
    run: Arc<Run>,
    root: Slice,
    /// What is left, the next one last.
    pending: Vec<Slice>,
    /// What was counted, and where.
    counts: Option<(Slice, Estimate)>,
    /// Whether a finer count was refused.
    finest: bool,
    handed_out: usize,
}

impl Plan {
    pub(super) fn new(run: Arc<Run>) -> Self {
        let root = Slice::of(run.timespan);
        Self {
            run,
            root,
            pending: vec![root],
            counts: None,
            finest: false,
            handed_out: 0,
        }
    }

    /// The next slice to ask for.
    pub(super) async fn next(&mut self) -> Result<Option<Slice>> {
        while let Some(slice) = self.pending.pop() {
            if let Some(parts) = self.run.known_division(&slice)? {
                self.push(parts);
            } else if let Some(slice) = self.cut(slice).await? {
                self.handed_out += 1;
                self.foresee()?;
                return Ok(Some(slice));
            }
        }
        Ok(None)
    }

    fn push(&mut self, mut parts: Vec<Slice>) {
        self.run.order(&mut parts);
        self.pending.extend(parts.into_iter().rev());
    }

    /// Says how many slices there may be.
    fn foresee(&self) -> Result<()> {
        const MANY: usize = 64;
        let left = if self.pending.len() > MANY {
            // So many are of an earlier run or of a given width, and not of a plan.
            self.pending.len()
        } else {
            let most = self.run.most();
            let calls = self.pending.iter().map(|slice| {
                let rows = self.run.counted(slice).unwrap_or(0);
                let calls = usize::try_from(rows.div_ceil(most)).unwrap_or(usize::MAX);
                calls.max(1)
            });
            calls.fold(0, usize::saturating_add)
        };
        let planned = self.handed_out.saturating_add(left);
        self.run.planned.store(planned, Ordering::Relaxed);
        let certain = self.handed_out + self.pending.len();
        self.run.certain.store(certain, Ordering::Relaxed);
        self.run.check_number()
    }

    /// The part of `slice` to ask for first; what is left is pending. `None` when all of it is.
    async fn cut(&mut self, slice: Slice) -> Result<Option<Slice>> {
        let width = self.run.asker.options.width;
        if !self.run.splitting.is_timed() {
            if slice == self.root {
                return self.partitioned(slice).await;
            }
            return Ok(Some(slice));
        }
        if let Some(width) = width {
            // A width of some ticks makes more ranges than memory holds.
            self.run.asker.options.check_width(&slice)?;
            let parts = slice.ranges_of(width);
            if slice == self.root && parts.len() > 1 {
                self.run.keep_division(&slice, &parts)?;
                self.push(parts);
                return Ok(None);
            }
            return Ok(Some(slice));
        }
        // What nobody counted was cut where nothing is counted.
        let counted = self.run.counted(&slice);
        if slice.partitions() > 1 || counted.is_none() && slice != self.root {
            return Ok(Some(slice));
        }
        if counted.is_some_and(|rows| rows <= self.wanted()) {
            return Ok(Some(slice));
        }
        if let Some(table) = self.run.asker.store.rows(&slice)? {
            self.run.keep_early(slice, vec![table]);
            return Ok(Some(slice));
        }
        if !self.is_counted(&slice).await? {
            return Ok(Some(slice));
        }
        self.head(slice).await.map(Some)
    }

    /// How many counted rows the next slice may have: few, until it is known how large they are.
    fn wanted(&self) -> u64 {
        let most = self.run.most();
        if self.run.size().is_known() {
            most
        } else {
            most.min(FEW)
        }
    }

    /// Counts the rows of `slice` over time, unless that was done.
    async fn is_counted(&mut self, slice: &Slice) -> Result<bool> {
        let within = |all: &Slice| all.from() <= slice.from() && slice.to() <= all.to();
        if self.counts.as_ref().is_some_and(|(all, _)| within(all)) {
            return Ok(true);
        }
        self.counts = self
            .run
            .estimate(slice)
            .await?
            .map(|estimate| (*slice, estimate));
        Ok(self.counts.is_some())
    }

    async fn head(&mut self, slice: Slice) -> Result<Slice> {
        let newest_first = self.run.splitting.is_newest_first();
        loop {
            let known = self.run.size().is_known();
            let (most, wanted) = (self.run.most(), self.wanted());
            let Some((_, estimate)) = &mut self.counts else {
                return Ok(slice);
            };
            let rows = estimate.rows_in(&slice);
            self.run.count(slice, rows);
            if rows <= wanted {
                return Ok(slice);
            }
            let head = estimate.head(&slice, wanted, newest_first);
            let bound = if known { most } else { most.min(2 * FEW) };
            let coarse = head.rows > bound || known && rows > 4 * most && head.is_meagre(most);
            if coarse
                && !self.finest
                && let Some(range) =
                    estimate.coarse(&slice, wanted, newest_first, self.run.narrow())
            {
                match self.run.estimate(&range).await? {
                    Some(finer) => estimate.refine(&range, finer),
                    None => self.finest = true,
                }
                continue;
            }
            self.run.count(head.slice, head.rows);
            if !known && !self.run.is_hopeless(&head.slice) {
                // The first slices are small, and tell how large a row is.
                let divided = || self.keep_division(&slice, &head);
                if let Some(tables) = self.run.whole_after(&head.slice, divided).await? {
                    self.run.keep_early(head.slice, tables);
                    return Ok(self.handed_out_of(slice, &head));
                } else if self.run.most() < head.rows {
                    continue;
                }
            }
            self.keep_division(&slice, &head)?;
            return Ok(self.handed_out_of(slice, &head));
        }
    }

    /// The part to ask for; what is left is pending.
    fn handed_out_of(&mut self, slice: Slice, head: &Head) -> Slice {
        let Some(rest) = head.rest else {
            return slice;
        };
        self.pending.push(rest);
        head.slice
    }

    /// Keeps that `slice` is its head and what is left of it.
    fn keep_division(&self, slice: &Slice, head: &Head) -> Result<()> {
        let Some(rest) = head.rest else {
            return Ok(());
        };
        if let Some((_, estimate)) = &self.counts {
            self.run.count(rest, estimate.rows_in(&rest));
        }
        let mut parts = vec![head.slice, rest];
        // Divisions are in the order of time.
        self.run.order(&mut parts);
        self.run.keep_division(slice, &parts)
    }

    /// All of a table without a time, by a hash of the row when it has many rows.
    async fn partitioned(&mut self, root: Slice) -> Result<Option<Slice>> {
        let Some(estimate) = self.run.estimate(&root).await? else {
            return Ok(Some(root));
        };
        let rows = estimate.rows();
        self.run.count(root, rows);
        if rows <= FEW.min(self.run.most()) {
            return Ok(Some(root));
        }
        let most = self.run.most().min(4 * FEW);
        let parts = root.partitioned(division::partitions_for(rows, most));
        self.run.share(rows, &parts);
        self.run.keep_division(&root, &parts)?;
        self.push(parts);
        Ok(None)
    }
}
