//! Tables of Log Analytics and Kusto: columns with names, and rows that are lists.

use std::ops::Range;

use super::object::{Object, Wrapper};
use crate::catalog::aliases::Names;
use crate::catalog::json::spans;

/// The key of a part of a response of Kusto that says what it is.
pub(super) const FRAME: &str = "FrameType";

/// The first and the last frame of a response.
const HEADER: &str = "DataSetHeader";
const COMPLETION: &str = "DataSetCompletion";

/// The frames of a file.
#[derive(Debug, Default)]
pub(in crate::catalog::json) struct Frames {
    any: bool,
    begun: usize,
    ended: usize,
    /// What a response has beside its rows and nobody knows.
    unknown: Option<String>,
}

impl Frames {
    pub(super) fn note(&mut self, unknown: String) {
        self.unknown.get_or_insert(unknown);
    }

    /// What the responses since the last look have beside their rows and nobody knows.
    pub(in crate::catalog::json) fn take_unknown(&mut self) -> Option<String> {
        self.unknown.take()
    }

    pub(super) fn see(&mut self, frame: &str) {
        self.any = true;
        self.begun += usize::from(frame.eq_ignore_ascii_case(HEADER));
        self.ended += usize::from(frame.eq_ignore_ascii_case(COMPLETION));
    }

    /// Whether the end of an answer is missing, and rows may be with it.
    pub(in crate::catalog::json) fn are_cut(&self) -> bool {
        self.any && (self.ended == 0 || self.ended < self.begun)
    }
}

impl Object<'_> {
    /// A part of a response of Kusto.
    pub(super) fn frame(&self, frame: &str) -> Wrapper {
        let is = |name: &str| frame.eq_ignore_ascii_case(name);
        if is("DataTable") {
            let primary = self
                .text("TableKind")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("PrimaryResult"));
            return match self.table() {
                Some(table) if primary => table,
                Some(table) => self
                    .ended_badly(&table)
                    .map_or(Wrapper::Nothing, Wrapper::Refused),
                None => Wrapper::None,
            };
        }
        if is(HEADER) || is(COMPLETION) {
            return Wrapper::Nothing;
        }
        Wrapper::None
    }

    /// Columns with names, and rows that are lists.
    pub(super) fn table(&self) -> Option<Wrapper> {
        let (columns, rows) = (self.get("columns")?, self.get("rows")?);
        let names = names_of(&self.bytes[columns.clone()]);
        let list = spans::elements(&self.bytes[rows.clone()]).ok()?;
        let first = list
            .first()
            .map(|first| self.bytes[rows.start + first.start]);
        (!names.is_empty() && matches!(first, None | Some(b'[')))
            .then_some(Wrapper::Table { columns, rows })
    }

    /// Says that a table about an answer reports an error, or that the answer was cut.
    fn ended_badly(&self, table: &Wrapper) -> Option<String> {
        let Wrapper::Table { columns, rows } = table else {
            return None;
        };
        let names = names_of(&self.bytes[columns.clone()]);
        let list = &self.bytes[rows.clone()];
        for one in spans::elements(list).unwrap_or_default() {
            let row = row(&names, &list[one])?;
            let members = spans::members(&row).unwrap_or_default();
            let row = Object {
                bytes: &row,
                members,
            };
            let level = row.get("Level").or_else(|| row.get("Severity"));
            let level = level.and_then(|span| serde_json::from_slice::<i64>(&row.bytes[span]).ok());
            // 1 is critical, 2 an error, 3 a warning.
            let said = String::from_utf8_lossy(row.bytes).to_ascii_lowercase();
            if level.is_some_and(|level| level <= 2)
                || said.contains("truncated")
                || said.contains("exceeded")
            {
                return Some("says that its query ended with errors".to_owned());
            }
        }
        None
    }

    pub(super) fn holds_tables(list: &[u8]) -> bool {
        let Ok(elements) = spans::elements(list) else {
            return false;
        };
        elements.iter().all(|one| {
            spans::members(&list[one.clone()]).is_ok_and(|members| {
                let object = Object {
                    bytes: &list[one.clone()],
                    members,
                };
                object.table().is_some()
            })
        })
    }

    /// The table with the answer: the first of a response, the others are about it.
    pub(super) fn first_table(&self, span: &Range<usize>, names: &Names) -> Wrapper {
        let list = spans::elements(&self.bytes[span.clone()]).unwrap_or_default();
        let place = |one: &Range<usize>| span.start + one.start..span.start + one.end;
        for one in list.iter().skip(1) {
            let bytes = &self.bytes[place(one)];
            let members = spans::members(bytes).unwrap_or_default();
            let about = Object { bytes, members };
            if let Some(table) = about.table()
                && let Some(what) = about.ended_badly(&table)
            {
                return Wrapper::Refused(what);
            }
        }
        let telling = list.iter().skip(1).any(|one| {
            let bytes = &self.bytes[place(one)];
            let members = spans::members(bytes).unwrap_or_default();
            let columns = Object { bytes, members }.get("columns");
            let columns = columns.map_or_else(Vec::new, |columns| names_of(&bytes[columns]));
            !ABOUT.iter().any(|about| {
                let mut about = about.iter();
                about.all(|name| columns.iter().any(|column| column == name))
            }) && columns.iter().any(|name| names.has(name))
        });
        match list.first() {
            Some(_) if telling => Wrapper::Refused("has rows of more than one answer".to_owned()),
            Some(first) => Wrapper::Around(place(first)),
            None => Wrapper::Nothing,
        }
    }
}

/// Columns of the tables behind an answer that are about it, in version 1 of Kusto: how its query
/// went, and what each of the tables is.
const ABOUT: [&[&str]; 2] = [
    &["Severity", "StatusCode", "StatusDescription"],
    &["Ordinal", "Kind", "Name", "Id"],
];

/// The names of columns, as Log Analytics and Kusto list them.
pub(super) fn names_of(list: &[u8]) -> Vec<String> {
    let elements = spans::elements(list).unwrap_or_default();
    let name = |span: &Range<usize>| {
        let bytes = &list[span.clone()];
        let members = spans::members(bytes).ok()?;
        let object = Object { bytes, members };
        object.text("name").or_else(|| object.text("ColumnName"))
    };
    elements
        .iter()
        .map(name)
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// A list of values as an object.
pub(super) fn row(names: &[String], values: &[u8]) -> Option<Vec<u8>> {
    let elements = spans::elements(values).ok()?;
    if elements.len() != names.len() {
        return None;
    }
    let mut row = vec![b'{'];
    for (name, value) in names.iter().zip(elements) {
        if row.len() > 1 {
            row.push(b',');
        }
        row.extend(serde_json::to_vec(name).ok()?);
        row.push(b':');
        row.extend_from_slice(&values[value]);
    }
    row.push(b'}');
    Some(row)
}
