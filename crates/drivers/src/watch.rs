//! A collection looked at again and again: every row is told once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, Result};
use defender_table::{Answer, Warning, WarningKind, ticks};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::collection::page::{self, Row};
use crate::envelope::rows;
use crate::{Collection, CollectionRequest, Collections};

/// How far back every look goes: a row may become visible later than its time says.
const OVERLAP: Duration = Duration::from_mins(15);

/// New rows of a known collection, since the last time somebody looked.
///
/// Each look asks for what was made since the newest row that was told, and a quarter of an hour
/// before it, since services are late; what was told already is left out. A row of a time yet to
/// come is told and moves nothing, or nothing would be new until then. Keep the
/// [`cursor`](Self::cursor) after the rows are safe, and a later watch goes on from it.
#[derive(Debug)]
pub struct Watch {
    collections: Arc<Collections>,
    request: CollectionRequest,
    collection: &'static Collection,
    cursor: Cursor,
    /// Whether it was said that the service sends what is older than asked for.
    said_unfiltered: bool,
}

/// What a watch has told so far; as JSON it can be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cursor {
    /// The environment, the tenant, the path and the filter that it is about.
    of: Subject,
    /// When the watch began: what is older is not wanted.
    start: String,
    /// The time of the newest row; before the first one, the start.
    since: String,
    /// The rows that the next look may meet again: their ids and times.
    told: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subject {
    environment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
}

impl Watch {
    /// A watch of what `request` names, for rows made from `start` on; or from where `cursor` is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when the collection is none that is known, or the cursor is of
    /// another question; [`ErrorKind::Config`] when the cursor cannot be read.
    pub fn new(
        collections: Arc<Collections>,
        request: CollectionRequest,
        start: SystemTime,
        cursor: Option<Cursor>,
    ) -> Result<Self> {
        let located = collections.located(&request)?;
        let collection = located.collection.ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("{} cannot be watched", located.path),
            )
            .with_hint("only alerts, incidents and machines say since when they are there")
        })?;
        let of = Subject {
            environment: collections.description().environment.name().to_owned(),
            tenant: collections.connection().tenant.clone(),
            path: located.path,
            filter: located
                .url
                .query_pairs()
                .find(|(name, _)| name.eq_ignore_ascii_case("$filter"))
                .map(|(_, filter)| filter.into_owned()),
        };
        let cursor = match cursor {
            None => {
                let start = ticks::from_system_time(start)
                    .map(ticks::format_datetime)
                    .unwrap_or_default();
                Cursor {
                    of,
                    since: start.clone(),
                    start,
                    told: BTreeMap::new(),
                }
            }
            Some(cursor) if cursor.of == of => cursor,
            Some(cursor) if cursor.of.path != of.path => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "the cursor is of another list: of {} and not of {}",
                        cursor.of.path, of.path
                    ),
                )
                .with_hint("give each watch a cursor file of its own"));
            }
            Some(cursor) => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "the cursor is of {} in {}, with another filter or tenant than this watch",
                        cursor.of.path, cursor.of.environment
                    ),
                )
                .with_hint("give each watch a cursor file of its own"));
            }
        };
        let watch = Self {
            collections,
            request,
            collection,
            cursor,
            said_unfiltered: false,
        };
        watch.from()?;
        Ok(watch)
    }

    /// What was told so far, the last answer included.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The rows that were not told yet, the oldest first.
    ///
    /// # Errors
    ///
    /// Those of [`Collections::list`]; nothing counts as told then.
    pub async fn look(&mut self) -> Result<Answer> {
        let from = self.from()?;
        let time = self.collection.time;
        let since = format!("{time} ge {}", ticks::format_datetime(from));
        let request = CollectionRequest {
            filter: Some(match &self.request.filter {
                Some(filter) => format!("({filter}) and {since}"),
                None => since,
            }),
            ..self.request.clone()
        };
        let located = self.collections.located(&request)?;
        let mut listed = self.collections.rows(&request, &located).await?;
        if let Some(reason) = listed.incomplete {
            // What is missing would be older than the cursor at the next look.
            return Err(Error::new(
                ErrorKind::Incomplete,
                format!("the list is incomplete: {reason}"),
            ));
        }
        let now = self.now();
        let at = |row: &Row| {
            let text = row.get(time).and_then(Value::as_str).unwrap_or_default();
            (text.to_owned(), ticks::parse_datetime(text))
        };
        // They were told long ago, or are not wanted: nobody remembers which.
        let before = listed.rows.len();
        listed
            .rows
            .retain(|row| at(row).1.is_none_or(|at| at >= from));
        let older = before - listed.rows.len();
        // Another page of a collection that grows may bring a row again.
        let mut told = self.cursor.told.clone();
        listed.rows.retain(|row| {
            // One without an id is known by all that it says.
            let id = page::key(row, self.collection).unwrap_or_else(|| json!(row).to_string());
            told.insert(id, at(row).0).is_none()
        });
        listed.rows.sort_by_key(|row| at(row).1);
        let times = || told.values().filter_map(|time| ticks::parse_datetime(time));
        let newest = times()
            .filter(|time| *time <= now)
            .chain([self.since(now)?])
            .max()
            .unwrap_or(from);
        let oldest = newest - overlap();
        let ahead = listed.rows.iter().filter_map(|row| at(row).1);
        let ahead = ahead.filter(|time| *time > now).count();
        listed.notes = self.notes(older, ahead);
        self.said_unfiltered |= older > 0;
        told.retain(|_, time| ticks::parse_datetime(time).is_none_or(|time| time >= oldest));
        let answer = self.collections.answer(&request, &located, listed).await?;
        self.cursor.since = ticks::format_datetime(newest);
        self.cursor.told = told;
        Ok(answer)
    }

    /// What to say of rows that a service should not send.
    fn notes(&self, older: usize, ahead: usize) -> Vec<Warning> {
        let mut notes = Vec::new();
        let time = self.collection.time;
        if older > 0 && !self.said_unfiltered {
            notes.push(format!(
                "the service does not filter by {time}: {} older than asked for left out, and \
                 later ones will be without a word",
                rows(older as u64)
            ));
        }
        if ahead > 0 {
            notes.push(format!(
                "{} with a {time} in the future: the watch goes on as if without",
                rows(ahead as u64)
            ));
        }
        let warning = |message| Warning::new(WarningKind::Rows, message);
        notes.into_iter().map(warning).collect()
    }

    fn now(&self) -> i64 {
        let now = self.collections.connection().retry.clock.now();
        ticks::from_system_time(now).unwrap_or(ticks::MAX)
    }

    /// The time of the newest row that was told, which a cursor from elsewhere may have in the
    /// future.
    fn since(&self, now: i64) -> Result<i64> {
        Ok(time_of(&self.cursor.since)?.min(now))
    }

    /// From when on rows are asked for.
    fn from(&self) -> Result<i64> {
        let since = self.since(self.now())?;
        Ok(time_of(&self.cursor.start)?.max(since - overlap()))
    }
}

fn time_of(text: &str) -> Result<i64> {
    ticks::parse_datetime(text).ok_or_else(|| {
        Error::new(ErrorKind::Config, "the cursor has no time")
            .with_hint("name another file to begin anew")
    })
}

fn overlap() -> i64 {
    i64::try_from(OVERLAP.as_nanos() / 100).unwrap_or(i64::MAX)
}

impl Cursor {
    /// Reads a cursor that was kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when `json` is no cursor.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| {
            Error::new(ErrorKind::Config, "the text is not a cursor")
                .with_source(error)
                .with_hint("name another file for the cursor; this one holds something else")
        })
    }

    /// When the watch began.
    pub fn start(&self) -> &str {
        &self.start
    }

    /// The cursor as it is kept.
    pub fn to_json(&self) -> String {
        // A struct of texts has nothing that could not be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
