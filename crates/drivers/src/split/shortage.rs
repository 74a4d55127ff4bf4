//! Rows that were counted and did not come.

use defender_core::{Error, ErrorKind, Result};
use defender_table::ticks::{format_datetime, parse_datetime};
use defender_table::{Cell, Column, ColumnType, Table, Warning, WarningKind};

use super::Slice;
use super::slice::TIME;

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
            "the service counted {counted} rows {place} and sent {came}"
        ))
    }

    /// What to say of rows that were there when they were counted, and when they were asked for
    /// no longer.
    pub(super) fn warning(&self) -> Option<Warning> {
        let phrase = self.phrase()?;
        let message = format!("{phrase}; counted again, no more are there: they may have aged out");
        Some(Warning::new(WarningKind::Rows, message))
    }
}

/// Refuses rows whose time is outside of the slice that was asked for.
pub(super) fn check_times(table: &Table, slice: &Slice) -> Result<()> {
    let schema = table.schema();
    let Ok(place) = schema.index_of(TIME) else {
        return Ok(());
    };
    for batch in table.batches() {
        let times = Column::of(schema.field(place), batch.column(place));
        for row in 0..batch.num_rows() {
            let tick = match times.cell(row) {
                // What is compared with null is in no time range.
                Cell::Null if times.column_type() == ColumnType::DateTime => {
                    return Err(Error::new(
                        ErrorKind::Protocol,
                        format!("the service sent a row without a {TIME} for {slice}"),
                    )
                    .with_hint("the rows of other slices cannot be trusted either; report it"));
                }
                Cell::DateTime(tick) => Some(tick),
                Cell::Text(text) if times.column_type() == ColumnType::DateTime => {
                    parse_datetime(&text)
                }
                _ => None,
            };
            if let Some(tick) = tick.filter(|tick| !slice.contains(*tick)) {
                let time = format_datetime(tick);
                return Err(Error::new(
                    ErrorKind::Protocol,
                    format!("the service sent a row of {time} for {slice}, where it is not"),
                )
                .with_hint("the rows of other slices cannot be trusted either; report it"));
            }
        }
    }
    Ok(())
}
