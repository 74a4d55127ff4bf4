//! Where other numbers of rows came than were counted.

use defender_core::{Error, ErrorKind, Result};
use defender_table::ticks::{format_datetime, parse_datetime};
use defender_table::{Cell, Column, Table, Warning, WarningKind};

use super::Slice;
use super::slice::TIME;
use crate::envelope::rows;

/// What was counted and what came, over the slices in which that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shortage {
    slices: usize,
    first: Option<Slice>,
    counted: u64,
    came: u64,
}

impl Shortage {
    pub(super) fn add(&mut self, slice: &Slice, counted: u64, came: u64) {
        self.slices += 1;
        self.first.get_or_insert(*slice);
        self.counted = self.counted.saturating_add(counted);
        self.came = self.came.saturating_add(came);
    }

    /// Both numbers, when there are any.
    pub(super) fn phrase(&self) -> Option<String> {
        let first = self.first?;
        let Self {
            slices,
            counted,
            came,
            ..
        } = self;
        let place = match slices {
            1 => format!("in {first}"),
            _ => format!("in {slices} slices, {first} the first of them,"),
        };
        Some(format!(
            "the service counted {} {place} and sent {came}",
            rows(*counted)
        ))
    }

    /// What to say of more rows than were counted.
    pub(super) fn surplus(&self) -> Option<Warning> {
        let phrase = self.phrase()?;
        let message = format!("{phrase}: they may have come in since they were counted");
        Some(Warning::new(WarningKind::Rows, message))
    }

    /// What to say of rows that were there when they were counted, and when they were asked for
    /// no longer.
    pub(super) fn warning(&self) -> Option<Warning> {
        let phrase = self.phrase()?;
        let message = format!("{phrase}; counted again, no more are there: they may have aged out");
        Some(Warning::new(WarningKind::Rows, message))
    }
}

/// Refuses rows whose time is outside of the slice that was asked for, or cannot be read, whatever
/// the case of the column's name and its type.
pub(super) fn check_times(table: &Table, slice: &Slice) -> Result<()> {
    let schema = table.schema();
    let places = (0..schema.fields().len())
        .filter(|place| schema.field(*place).name().eq_ignore_ascii_case(TIME));
    let columns = places.flat_map(|place| {
        let batches = table.batches().iter();
        batches.map(move |batch| (batch, place))
    });
    for (batch, place) in columns {
        let times = Column::of(schema.field(place), batch.column(place));
        for row in 0..batch.num_rows() {
            let cell = times.cell(row);
            let tick = match &cell {
                Cell::DateTime(tick) => Some(*tick),
                Cell::Text(text) => parse_datetime(text),
                _ => None,
            };
            let wrong = match (tick, &cell) {
                (Some(tick), _) if slice.contains(tick) => continue,
                (Some(tick), _) => format!("a row of {}", format_datetime(tick)),
                // What is compared with null is in no time range.
                (None, Cell::Null) => format!("a row without a {TIME}"),
                (None, _) => format!("a row whose {TIME} is not a time"),
            };
            let end = if tick.is_some() {
                ", where it is not"
            } else {
                ""
            };
            return Err(Error::new(
                ErrorKind::Protocol,
                format!("the service sent {wrong} for {slice}{end}"),
            )
            .with_hint("the rows of other slices cannot be trusted either; report it"));
        }
    }
    Ok(())
}
