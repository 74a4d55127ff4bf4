//! What an object is: a row, or what wraps rows.

use std::collections::HashSet;
use std::ops::Range;

use defender_table::around::{Around, Next};

use super::tables::FRAME;
use super::{Walk, is_telling, nested, table_of, wraps};
use crate::catalog::json::spans::{self, Member};

/// Keys of what is around rows.
const AROUND: [&str; 5] = ["records", "results", "value", "tables", "body"];

/// What Event Hubs and Stream Analytics put beside the records that they carry: where those stood in
/// the stream, not how many there are.
///
/// Source: <https://learn.microsoft.com/stream-analytics-query/system-timestamp-stream-analytics>
const OF_EVENT_HUBS: [&str; 8] = [
    "enqueuedtimeutc",
    "eventenqueuedutctime",
    "eventprocessedutctime",
    "offset",
    "partitionid",
    "partitionkey",
    "sequencenumber",
    "systemproperties",
];

fn is_of_event_hubs(key: &str) -> bool {
    OF_EVENT_HUBS
        .iter()
        .any(|one| key.eq_ignore_ascii_case(one))
}

/// The most characters that are shown of what nobody knows.
const LONGEST: usize = 300;

/// How the statistics of a response call the number of rows of a table.
const ROW_COUNT: &str = "table_row_count";

/// What an object is.
pub(super) enum Wrapper {
    /// A row, as far as it goes.
    None,
    /// A part of a response that has no rows.
    Nothing,
    Refused(String),
    /// The row is at this place.
    Record(Range<usize>, Option<String>),
    /// What is at this place.
    Around(Range<usize>),
    Table {
        columns: Range<usize>,
        rows: Range<usize>,
    },
}

pub(super) struct Object<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) members: Vec<Member>,
}

impl Object<'_> {
    /// What the object is; what wraps rows must be whole.
    pub(super) fn wrapper(&self, walk: &Walk<'_>) -> Wrapper {
        let found = self.kind(walk);
        let wrong = match found {
            Wrapper::Around(ref rows) => self
                .doubled()
                .or_else(|| self.incomplete(Some(rows)))
                .or_else(|| self.miscounted(rows)),
            Wrapper::Table { ref rows, .. } => self
                .doubled()
                .or_else(|| self.incomplete(None))
                // Of several tables in a response, its count may be of them.
                .or_else(|| {
                    (self.get("rows").as_ref() == Some(rows)).then(|| self.miscounted(rows))?
                }),
            Wrapper::Nothing => self.doubled().or_else(|| self.incomplete(None)),
            Wrapper::Record(..) => self.doubled(),
            Wrapper::None | Wrapper::Refused(_) => None,
        };
        wrong.map_or(found, Wrapper::Refused)
    }

    /// Says that there is a key of wrappers twice, in two cases.
    fn doubled(&self) -> Option<String> {
        let keys: Vec<&str> = self
            .members
            .iter()
            .map(|member| member.key.as_str())
            .collect();
        keys.iter().enumerate().find_map(|(place, key)| {
            let mut others = keys[place + 1..].iter();
            let other = others.find(|other| wraps(key) && key.eq_ignore_ascii_case(other))?;
            Some(format!(
                "has the key '{key}' twice, the second time as '{other}'"
            ))
        })
    }

    /// Says that a response has errors, or that more of it is elsewhere than in `rows`, by the rules
    /// for those that come from a service.
    fn incomplete(&self, rows: Option<&Range<usize>>) -> Option<String> {
        self.beside(rows).find_map(|(key, around)| {
            if around.failure.is_some() {
                Some(format!("has an error beside its rows ('{key}')"))
            } else if around.next != Next::End
                || around.lacking().is_some()
                || around.more().is_some()
            {
                Some(format!("has a part of its rows only ('{key}')"))
            } else {
                None
            }
        })
    }

    /// What the members beside the rows say about them, one by one.
    fn beside<'o>(
        &'o self,
        rows: Option<&'o Range<usize>>,
    ) -> impl Iterator<Item = (&'o str, Around)> {
        let members = self.members.iter();
        let others = members.filter(move |member| {
            let holds = |rows: &Range<usize>| {
                member.value.start <= rows.start && rows.end <= member.value.end
            };
            let is_table = ["rows", "columns"]
                .iter()
                .any(|key| member.key.eq_ignore_ascii_case(key));
            !rows.is_some_and(holds) && !is_table && !is_of_event_hubs(&member.key)
        });
        others.map(|member| {
            let mut around = Around::default();
            around.member(&member.key, &self.bytes[member.value.clone()]);
            (member.key.as_str(), around)
        })
    }

    /// What a response has beside its `rows` and nobody knows, by the rules for those that come from
    /// a service. What carries records may have anything beside them.
    pub(super) fn unknown(&self, rows: &Range<usize>) -> Option<String> {
        let is_response = ["results", "value"]
            .iter()
            .any(|key| self.get(key).as_ref() == Some(rows));
        let mut beside = self.beside(Some(rows)).filter(|_| is_response);
        let what = beside.find_map(|(_, around)| around.unknown())?;
        Some(match what.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &what[..end]),
            None => what,
        })
    }

    /// Says that a response tells another number of rows than it has.
    fn miscounted(&self, place: &Range<usize>) -> Option<String> {
        let rows = spans::elements(&self.bytes[place.clone()]).ok()?.len();
        let mut beside = self.beside(Some(place));
        let told = beside.find_map(|(key, around)| Some((key, around.count?)));
        let (key, told) = told.or_else(|| Some((ROW_COUNT, self.counted_in_statistics()?)))?;
        (u64::try_from(rows) != Ok(told))
            .then(|| format!("has a part of its rows only ({rows}, where its '{key}' is {told})"))
    }

    /// The rows of the tables that the statistics of a response tell of.
    fn counted_in_statistics(&self) -> Option<u64> {
        let statistics: serde_json::Value =
            serde_json::from_slice(&self.bytes[self.get("stats")?]).ok()?;
        let tables = statistics.get("dataset_statistics")?.as_array()?;
        let rows = tables.iter().map(|table| table.get(ROW_COUNT)?.as_u64());
        (!tables.is_empty())
            .then(|| rows.sum::<Option<u64>>())
            .flatten()
    }

    /// Says that the object is what a service answers in the place of rows.
    ///
    /// Source: <https://learn.microsoft.com/graph/errors>
    fn failure(&self) -> Option<String> {
        let own = self.members.iter();
        let mut own = own.filter(|member| !member.key.starts_with("@odata."));
        let error = own.next().filter(|one| one.key == "error")?;
        if own.next().is_some() {
            return None;
        }
        let error: serde_json::Value =
            serde_json::from_slice(&self.bytes[error.value.clone()]).ok()?;
        let code = error.get("code")?;
        Some(format!(
            "is an error that a service answered in the place of rows (code {code})"
        ))
    }

    fn kind(&self, walk: &Walk<'_>) -> Wrapper {
        if let Some(what) = self.failure() {
            return Wrapper::Refused(what);
        }
        if !self.members.iter().any(|member| wraps(&member.key)) {
            return Wrapper::None;
        }
        if let Some(frame) = self.text(FRAME) {
            return self.frame(&frame);
        }
        if let Some(table) = self.table() {
            return self.alone("rows", walk).unwrap_or(table);
        }
        if let Some(key) = self.twice() {
            return Wrapper::Refused(format!("has the key '{key}' twice"));
        }
        let free = walk.names.is_free() && !walk.certain;
        let own = self
            .members
            .iter()
            .any(|member| is_telling(&member.key) && walk.names.has(&member.key));
        let category = self.text("category");
        let table = category.as_deref().and_then(table_of);
        let properties = self.get("properties");
        if !free && let Some(table) = &table {
            match &properties {
                Some(span) if !self.is_object(span) => {
                    let what = self.in_words(span);
                    let what = format!("is a record of {table} whose 'properties' is {what}");
                    return Wrapper::Refused(what);
                }
                None if !own => {
                    return Wrapper::Refused(format!(
                        "is a record of {table} without 'properties'"
                    ));
                }
                _ => {}
            }
        }
        if let Some(properties) = properties
            && self.is_object(&properties)
        {
            let timed = self.get("time").is_some() && self.begins(&properties) == Some(b'{');
            if table.is_some()
                || (category.is_some() && timed && !own)
                || (!free && !own && walk.leads_to_rows(&self.bytes[properties.clone()]))
            {
                let record = Wrapper::Record(properties, table);
                return self.alone("properties", walk).unwrap_or(record);
            }
        }
        let mut found: Option<(&str, Range<usize>)> = None;
        for key in AROUND {
            let Some(span) = self.get(key) else { continue };
            if !self.is_around(key, &span, walk, free, own) {
                continue;
            }
            match &found {
                Some((other, _)) if !self.is_empty(&span) => {
                    let what = format!("has rows in '{other}' and in '{key}'");
                    return Wrapper::Refused(what);
                }
                Some(_) => {}
                None => found = Some((key, span)),
            }
        }
        let Some((key, span)) = found else {
            return Wrapper::None;
        };
        if key == "tables" && Self::holds_tables(&self.bytes[span.clone()]) {
            return self.first_table(&span, walk.names);
        }
        Wrapper::Around(span)
    }

    /// Refuses rows under one key and others under another.
    fn alone(&self, key: &str, walk: &Walk<'_>) -> Option<Wrapper> {
        let other = AROUND.into_iter().find(|other| {
            self.get(other)
                .is_some_and(|span| walk.leads_to_rows(&self.bytes[span]))
        })?;
        let what = format!("has rows in '{key}' and in '{other}'");
        Some(Wrapper::Refused(what))
    }

    /// Whether rows of the table are in the value of a key.
    fn is_around(
        &self,
        key: &str,
        span: &Range<usize>,
        walk: &Walk<'_>,
        free: bool,
        own: bool,
    ) -> bool {
        let inner = &self.bytes[span.clone()];
        let is_list = self.begins(span) == Some(b'[');
        let unmistakable = is_list
            && match key {
                "records" => self.members.len() == 1,
                "results" => self.members.len() == 1 || self.get("schema").is_some(),
                "value" => self
                    .members
                    .iter()
                    .any(|member| member.key.starts_with("@odata.")),
                "tables" => Self::holds_tables(inner),
                _ => false,
            };
        if unmistakable || free {
            return unmistakable;
        }
        // What is wrong with the elements of a list is told of them.
        (is_list && !own)
            || ((is_list || self.begins(span) == Some(b'{') || nested(inner).is_some())
                && walk.leads_to_rows(inner))
    }

    /// The value of a key, however it is written.
    pub(super) fn get(&self, key: &str) -> Option<Range<usize>> {
        self.members
            .iter()
            .find(|member| member.key.eq_ignore_ascii_case(key))
            .map(|member| member.value.clone())
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        serde_json::from_slice(&self.bytes[self.get(key)?]).ok()
    }

    fn begins(&self, span: &Range<usize>) -> Option<u8> {
        self.bytes.get(span.start).copied()
    }

    /// Whether a value is an object, or a text that holds one.
    fn is_object(&self, span: &Range<usize>) -> bool {
        match self.begins(span) {
            Some(b'{') => true,
            Some(b'"') => nested(&self.bytes[span.clone()])
                .is_some_and(|text| spans::first(&text) == Some(b'{')),
            _ => false,
        }
    }

    /// What a value is that should be an object.
    fn in_words(&self, span: &Range<usize>) -> &'static str {
        match self.begins(span) {
            Some(b'"') => "a text that holds no JSON object",
            Some(b'[') => "a list",
            Some(b'n') => "null",
            Some(b't' | b'f') => "a bool",
            _ => "a number",
        }
    }

    /// Whether nothing is in an object or a list.
    fn is_empty(&self, span: &Range<usize>) -> bool {
        let value = &self.bytes[span.clone()];
        spans::members(value).is_ok_and(|members| members.is_empty())
            || spans::elements(value).is_ok_and(|elements| elements.is_empty())
    }

    /// A key that is there twice.
    fn twice(&self) -> Option<&str> {
        let mut seen = HashSet::new();
        let mut keys = self.members.iter().map(|member| member.key.as_str());
        keys.find(|key| !seen.insert(*key))
    }
}
