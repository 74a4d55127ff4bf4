//! Lines below the header that are no rows: what tables for people have there, and types.

use defender_table::{NoRow, is_plain};

use crate::text::separated::Record;

/// What the line below the header is, where it is no row. Of one column, a value may be the name of
/// a type; `several` says that there are more, or that the table is known.
pub(super) fn no_row<'a>(
    cells: &(impl Iterator<Item = &'a str> + Clone),
    several: bool,
) -> Option<&'static str> {
    match NoRow::of(cells)? {
        NoRow::Underline => Some(
            "is a line below the names of columns, as tables for people have it (sqlcmd, Markdown, \
             the command's own without --format): save it as CSV, or take that line out",
        ),
        NoRow::Types if several => {
            Some("has the types of columns below their names, and no values: take that line out")
        }
        NoRow::Types => None,
    }
}

/// Whether a row is marked as one, whatever it looks like: of its cells that need no quotes, the
/// first has them and no other. So the command writes a row that would be taken for a header or
/// one of those lines; other programs quote what needs it, or all.
pub(super) fn is_marked<'a>(record: &Record, cells: impl Iterator<Item = &'a str>) -> bool {
    let mut first = None;
    for (at, cell) in cells.enumerate().filter(|(_, cell)| !cell.is_empty()) {
        // What needs quotes has them, and of the others only the first.
        let has_quotes = record.is_quoted(at);
        let is_as_written = match (is_plain(cell), first) {
            (true, None) => *first.insert(has_quotes),
            (true, Some(_)) => !has_quotes,
            (false, _) => has_quotes,
        };
        if !is_as_written {
            return false;
        }
    }
    first.is_some()
}
