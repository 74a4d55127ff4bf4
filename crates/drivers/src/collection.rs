//! The collections of a security API: lists of alerts, incidents, machines, read to their end.

mod columns;
mod description;
mod filter;
mod identity;
mod kql;
pub(crate) mod page;
mod request;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use defender_core::{Body, DataEnvironment, Error, ErrorKind, Redaction, Result};
use defender_http::Paused;
use defender_table::{
    Answer, Completeness, DatetimeMode, Provenance, Summary, Warning, WarningKind, ticks,
};
use http::header::{HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::Value;
use tracing::Instrument as _;
use url::Url;

pub use description::{Collection, CollectionsDescription};
pub use request::CollectionRequest;

use crate::envelope::{self, Next};
use crate::exchange::{Outgoing, refused};
use crate::failure::{self, Asked};
use crate::pace::Call;
use crate::{Capabilities, Connection, Driver, Query, RowLimit};
use page::{Page, Row, Shape};
use request::Located;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const UNKNOWN_ENUM_MEMBERS: HeaderValue = HeaderValue::from_static("include-unknown-enum-members");

/// The collections of one security API, asked as one identity.
///
/// As a [`Driver`] it runs `OData` paths: `security/alerts_v2?$filter=severity eq 'high'`.
///
/// ```no_run
/// # async fn f(connection: defender_drivers::Connection) -> defender_core::Result<()> {
/// use defender_drivers::{CollectionRequest, Collections, SECURITY_GRAPH};
///
/// let graph = Collections::new(SECURITY_GRAPH, connection);
/// let request = CollectionRequest {
///     filter: Some("severity eq 'high'".to_owned()),
///     ..CollectionRequest::new("security/alerts_v2")
/// };
/// let answer = graph.list(&request).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Collections {
    description: CollectionsDescription,
    connection: Connection,
}

/// As many pages in a row may bring no new row: a service that filters may send empty ones.
const IDLE_PAGES: usize = 100;

/// A page with what its service says beside it.
struct Received {
    page: Page,
    /// The error that it reports beside the rows.
    failure: Option<Error>,
    request_id: Option<String>,
    /// What its words pass before anybody reads them.
    gate: Redaction,
}

/// Everything that a request brought, before it has columns.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) rows: Vec<Row>,
    count: Option<u64>,
    cut: bool,
    /// Why there may be more rows than these.
    pub(crate) incomplete: Option<String>,
    /// How many properties stood a second time in their row, or in an object inside.
    repeated: u64,
    /// How many numbers have more digits than what is kept of them.
    rounded: u64,
    /// What stands beside the rows of the first page that has such, and is not known.
    unknown: Option<String>,
    /// How many rows are outside of the time range that was asked for, and left out.
    outside: u64,
    /// How many rows do not say their time.
    timeless: u64,
    /// What else to say of the rows.
    pub(crate) notes: Vec<Warning>,
    bytes: usize,
    request_ids: Vec<String>,
    client_request_ids: Vec<String>,
    attempts: u32,
}

impl Collections {
    /// The collections that `description` describes, below the address of `connection`: the API's
    /// root with its version, such as `https://graph.microsoft.com/v1.0`.
    pub fn new(description: CollectionsDescription, connection: Connection) -> Self {
        Self {
            description,
            connection,
        }
    }

    /// The API that is asked.
    pub fn description(&self) -> &CollectionsDescription {
        &self.description
    }

    /// Where and how it is asked.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Reads what `request` names, page after page.
    ///
    /// A known collection has its documented columns with their types, then whatever else the
    /// service sent; any other has what its rows have. Nested values are JSON.
    ///
    /// # Errors
    ///
    /// Those of [`Driver::query`], and [`ErrorKind::Protocol`] when a page leads to another host.
    pub async fn list(&self, request: &CollectionRequest) -> Result<Answer> {
        let located = self.located(request)?;
        let mut listed = self.rows(request, &located).await?;
        listed.say_range(request, &located);
        self.answer(request, &located, listed).await
    }

    pub(crate) fn located(&self, request: &CollectionRequest) -> Result<Located> {
        request.located(&self.description, &self.connection.url)
    }

    /// The rows of every page.
    pub(crate) async fn rows(
        &self,
        request: &CollectionRequest,
        located: &Located,
    ) -> Result<Listed> {
        let span = tracing::info_span!(
            "collection",
            environment = %self.description.environment,
            path = located.path,
        );
        self.pages(request, located).instrument(span).await
    }

    async fn pages(&self, request: &CollectionRequest, located: &Located) -> Result<Listed> {
        let mut listed = Listed {
            rows: Vec::new(),
            count: None,
            cut: false,
            incomplete: None,
            repeated: 0,
            rounded: 0,
            unknown: None,
            outside: 0,
            timeless: 0,
            notes: Vec::new(),
            bytes: 0,
            request_ids: Vec::new(),
            client_request_ids: Vec::new(),
            attempts: 0,
        };
        let most = request.max_rows.unwrap_or(usize::MAX);
        let mut url = located.url.clone();
        // A service that leads in a circle would be asked for ever.
        let mut asked = BTreeSet::from([url.to_string()]);
        let mut keys = BTreeSet::new();
        let (mut last, mut idle) = (0, 0);
        loop {
            let Received {
                page,
                failure,
                gate,
                ..
            } = self
                .page(&url, located, &mut listed)
                .await
                .map_err(|error| lost(error, asked.len(), located))?;
            let size = page.rows.len();
            let before = listed.rows.len();
            listed.note(&page);
            let mut own = unseen(page.rows, &mut keys, located);
            listed.keep_within(&mut own, request, located);
            listed.rows.append(&mut own);
            if let Some(failure) = failure {
                return Ok(listed.ending(envelope::beside(&failure)));
            }
            if let Some(name) = page.shortened {
                let name = gate.apply(&name);
                let reason = format!("a list within a row goes on elsewhere, as {name} says");
                listed.incomplete.get_or_insert(reason);
            }
            let more = page.around.more().map(str::to_owned);
            let has_next = page.around.next != Next::End || more.is_some();
            if listed.rows.len() > most || listed.rows.len() == most && has_next {
                listed.rows.truncate(most);
                listed.cut = true;
                return Ok(listed);
            }
            self.check_size(&listed, located)?;
            let (old, new) = listed.rows.split_at(before);
            idle = if new.is_empty() || old.ends_with(new) && new.len() == last {
                idle + 1
            } else {
                0
            };
            last = new.len();
            url = match page.around.next {
                Next::At(next) => {
                    following(&url, &next, &gate).map_err(|error| gate.error(error))?
                }
                Next::Unclear(what) => {
                    let reason = "the response goes on in a way that is not understood";
                    return Ok(listed.ending(format!("{reason}: {what}")));
                }
                Next::End if let Some(more) = more => {
                    return Ok(listed.ending(more));
                }
                Next::End if !located.limited && Some(size) == self.description.page_cap => {
                    if located.collection.is_none() {
                        // Whether it takes $skip is not known.
                        let rows = listed.rows.len();
                        return Ok(listed.ending(format!(
                            "the service stops at {rows} rows and does not say whether there are \
                             more"
                        )));
                    }
                    skipping(&url, size)
                }
                Next::End => return Ok(listed.counted(located)),
            };
            let pages = asked.len();
            if !asked.insert(url.to_string()) {
                let reason = "the service leads back to a page that it sent before";
                return Ok(listed.ending(format!("{reason}, after {pages} pages")));
            }
            if idle >= IDLE_PAGES {
                let reason = format!("{idle} pages one after the other brought no new row");
                return Ok(listed.ending(reason));
            }
            let limit = self.connection.limits.pages;
            if pages >= limit {
                return Ok(listed.ending(format!("the list has more than {limit} pages")));
            }
        }
    }

    /// Refuses to hold more than was allowed.
    fn check_size(&self, listed: &Listed, located: &Located) -> Result<()> {
        let limits = self.connection.limits;
        let what = if listed.rows.len() > limits.rows {
            format!("has more than {} rows", limits.rows)
        } else if listed.bytes > limits.body {
            format!("is larger than {} bytes", limits.body)
        } else {
            return Ok(());
        };
        Err(
            Error::new(ErrorKind::Incomplete, format!("the answer {what}"))
                .with_hint("filter, or take fewer rows")
                .with_url(&located.url),
        )
    }

    /// One page; what is repeated as a whole.
    async fn page(&self, url: &Url, located: &Located, listed: &mut Listed) -> Result<Received> {
        let paused = Paused::default();
        let mut tried = 0;
        let outcome = self
            .connection
            .retry
            .run_apart_from(&paused, |number| {
                tried = number;
                // A new id for each: the service's logs tell attempts apart by it.
                let id = self.connection.ids.next();
                let span = tracing::debug_span!("attempt", number);
                let paused = &paused;
                async move { self.attempt(url, located, id, paused).await }.instrument(span)
            })
            .await;
        listed.attempts += tried;
        let (mut received, client_request_id) = outcome?;
        listed.request_ids.extend(received.request_id.take());
        listed.client_request_ids.push(client_request_id);
        Ok(received)
    }

    async fn attempt(
        &self,
        url: &Url,
        located: &Located,
        id: String,
        paused: &Paused,
    ) -> Result<(Received, String)> {
        let preference = [(PREFER, UNKNOWN_ENUM_MEMBERS)];
        let outgoing = Outgoing {
            environment: self.description.environment,
            method: Method::GET,
            url,
            headers: if self.description.evolvable_enums {
                &preference
            } else {
                &[]
            },
            body: Bytes::new(),
            id: &id,
        };
        let outcome = async {
            let incoming = outgoing.exchange(&self.connection, paused).await?;
            let (response, gate) = (incoming.response, incoming.gate);
            let received = self.receive(response, located, &incoming.call, &gate).await;
            incoming.call.finished();
            // The address of the next page is the service's word as well.
            received.map_err(|error| gate.error(error))
        };
        let received = outcome.await.map_err(|error| outgoing.named(error))?;
        Ok((received, id))
    }

    async fn receive(
        &self,
        response: Response<Body>,
        located: &Located,
        call: &Call<'_>,
        gate: &Redaction,
    ) -> Result<Received> {
        let (head, body) = response.into_parts();
        let known = located.collection;
        let asked = Asked {
            environment: self.description.environment,
            application_role: known.map_or("", |known| known.application_role),
            delegated_scope: known.map_or("", |known| known.delegated_scope),
            path: Some(&located.path),
        };
        if head.status != StatusCode::OK {
            let error = refused(&self.connection, gate, &head, body, false, asked).await;
            return Err(self.explained(error, located));
        }
        let request_id = failure::request_id(&head.headers, gate);
        let named = |error: Error| {
            let error = error.with_status(head.status.as_u16());
            match &request_id {
                Some(id) => error.with_request_id(id),
                None => error,
            }
        };
        let limit = self.connection.limits.held;
        let page = async {
            let bytes = whole(body, limit).await?;
            let page = Page::parse(&bytes, located.shape()).await?;
            if let Shape::List(known) | Shape::Row(known) = located.shape() {
                identity::require(&page.rows, known, located.selected.as_deref())?;
            }
            Ok(page)
        };
        let mut page = call.deadline().within(page).await.map_err(named)?;
        envelope::headers(&mut page.around, &head.headers);
        page.around.redact(gate);
        let failure = page.around.failure.take().map(|failure| {
            let error = envelope::reported(&self.connection, gate, &head, &failure, false, asked);
            self.explained(error, located)
        });
        match failure {
            // Without a row it is the whole response.
            Some(error) if page.rows.is_empty() => Err(named(error)),
            failure => Ok(Received {
                page,
                failure,
                request_id,
                gate: gate.clone(),
            }),
        }
    }

    /// A refusal with what is known about its path.
    fn explained(&self, error: Error, located: &Located) -> Error {
        match (self.description.retired(&located.path), located.collection) {
            (Some(hint), _) if !error.is_transient() => error.with_hint(hint),
            (None, Some(known))
                if error.kind() == ErrorKind::Query && located.url.query().is_some() =>
            {
                let words = located.url.query_pairs();
                let filter = words.into_iter().find(|(name, _)| name == "$filter");
                let otherwise = filter.and_then(|(_, filter)| filter::otherwise_written(&filter));
                error.with_hint(otherwise.map_or_else(
                    || {
                        format!(
                            "it can be filtered by {}; see {}",
                            known.filters.join(", "),
                            known.documentation
                        )
                    },
                    str::to_owned,
                ))
            }
            _ => error,
        }
    }

    /// `listed` as a table.
    pub(crate) async fn answer(
        &self,
        request: &CollectionRequest,
        located: &Located,
        mut listed: Listed,
    ) -> Result<Answer> {
        let rows = listed.rows.len();
        let completeness = match listed.incomplete {
            Some(reason) => Completeness::Incomplete { reason },
            None => Completeness::Complete,
        };
        let (schema, batches, mut warnings) = columns::batches(
            &listed.rows,
            located.collection,
            &columns::Wanted {
                selected: located.selected.as_deref(),
                kept: request.columns.as_deref(),
            },
            request.datetimes,
            &self.connection.limits,
        )
        .await?;
        let counted = |count: u64, one: &str, many: &str, what: &str| {
            let noun = if count == 1 { one } else { many };
            let mut warning = Warning::new(WarningKind::Schema, format!("{count} {noun} {what}"));
            warning.count = count;
            (count > 0).then_some(warning)
        };
        warnings.extend(counted(
            listed.repeated,
            "value",
            "values",
            "stood a second time in their row or object: the last one counts",
        ));
        warnings.extend(counted(
            listed.rounded,
            "number is",
            "numbers are",
            "rounded: they have more digits than 64 bits hold",
        ));
        if let Some(count) = listed.count.filter(|count| *count < rows as u64) {
            warnings.push(Warning::new(
                WarningKind::Rows,
                format!(
                    "the service counted {} and sent {rows}",
                    envelope::rows(count)
                ),
            ));
        }
        let unknown = listed.unknown.take();
        warnings.extend(unknown.map(|unknown| Warning::new(WarningKind::Schema, unknown)));
        warnings.extend(listed.notes);
        if let Some(hint) = self.description.retired(&located.path) {
            warnings.push(Warning::new(WarningKind::Retirement, hint));
        }
        if listed.cut {
            warnings.push(Warning::cut(rows));
        }
        let summary = Summary {
            rows,
            completeness,
            stats: listed
                .count
                .map(|count| Value::from(serde_json::Map::from_iter([count_of(count)]))),
            warnings,
            provenance: Provenance {
                environment: Some(self.description.environment),
                tenant: self.connection.tenant.clone(),
                instance: self.connection.instance.clone(),
                timespan: request.timespan,
                request_ids: listed.request_ids,
                client_request_ids: listed.client_request_ids,
                attempts: listed.attempts,
                ..Provenance::default()
            },
        };
        Ok(Answer::from_batches(schema, batches, summary))
    }
}

impl Listed {
    /// Keeps in mind what a page says beside its rows.
    fn note(&mut self, page: &Page) {
        // Each page may count: what one of them says that there is has to come.
        self.count = self.count.max(page.around.count);
        if let Some(reason) = page.around.lacking() {
            self.incomplete.get_or_insert(reason.to_owned());
        }
        if let (None, Some(unknown)) = (&self.unknown, page.around.unknown()) {
            self.unknown = Some(unknown);
        }
        self.repeated += page.repeated;
        self.rounded += page.rounded;
        self.bytes = self.bytes.saturating_add(page.bytes);
    }

    /// Leaves out what is outside of the time range that was asked for, before rows are counted. A
    /// row that does not say its time stays.
    fn keep_within(&mut self, rows: &mut Vec<Row>, request: &CollectionRequest, located: &Located) {
        let (Some(range), Shape::List(known)) = (request.timespan, located.shape()) else {
            return;
        };
        rows.retain(|row| {
            let Some(time) = row.get(known.time) else {
                self.timeless += 1;
                return true;
            };
            // What is compared with null is in no time range.
            let time = time.as_str().and_then(ticks::parse_datetime);
            let is_within = time.is_some_and(|time| (range.start()..=range.end()).contains(&time));
            self.outside += u64::from(!is_within);
            is_within
        });
    }

    /// Says what the time range that was asked for left out. A service that sends such rows does
    /// not filter: what else it did not look at is not known.
    fn say_range(&mut self, request: &CollectionRequest, located: &Located) {
        let (Some(_), Shape::List(known)) = (request.timespan, located.shape()) else {
            return;
        };
        if self.outside > 0 {
            let (outside, time) = (envelope::rows(self.outside), known.time);
            let reason = format!(
                "the service does not filter by {time}: {outside} outside of the time range left \
                 out, and others may be missing"
            );
            self.incomplete.get_or_insert(reason);
        }
        // Another selection of properties leaves the time out.
        let is_wanted = located.selected.as_ref().is_none_or(|names| {
            let is_time = |name: &String| name == "*" || name.eq_ignore_ascii_case(known.time);
            names.iter().any(is_time)
        });
        if self.timeless > 0 && is_wanted {
            let mut warning = Warning::new(
                WarningKind::Rows,
                format!(
                    "{} without {}: whether in the time range is not known",
                    envelope::rows(self.timeless),
                    known.time
                ),
            );
            warning.count = self.timeless;
            self.notes.push(warning);
        }
    }

    /// The rows so far, when there may be more for this reason.
    fn ending(mut self, reason: String) -> Self {
        self.incomplete = Some(reason);
        self
    }

    /// The rows, when the service says that these are all: its own count has to agree.
    fn counted(self, located: &Located) -> Self {
        let option = |wanted: &str| {
            let mut options = located.url.query_pairs();
            let (_, value) = options.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
            value.parse::<u64>().ok()
        };
        let Some(counted) = self.count else {
            return self;
        };
        let wanted = counted.saturating_sub(option("$skip").unwrap_or(0));
        let wanted = wanted.min(option("$top").unwrap_or(u64::MAX));
        let rows = self.rows.len() as u64 + self.outside;
        if rows < wanted {
            let counted = envelope::rows(counted);
            return self.ending(format!("the service counted {counted} and sent {rows}"));
        }
        self
    }
}

/// The rows of a page that no page before it had: a collection that grows between two pages brings
/// its rows again. Two rows of one page are two.
fn unseen(mut rows: Vec<Row>, keys: &mut BTreeSet<String>, located: &Located) -> Vec<Row> {
    let key = |row: &Row| page::key(row, located.collection?);
    rows.retain(|row| key(row).is_none_or(|key| !keys.contains(&key)));
    keys.extend(rows.iter().filter_map(key));
    rows
}

/// A page that the one before it named, and that is not there.
fn lost(error: Error, number: usize, located: &Located) -> Error {
    if number < 2 || error.status() != Some(StatusCode::NOT_FOUND.as_u16()) {
        return error;
    }
    let path = &located.path;
    Error::new(
        ErrorKind::Service,
        format!("page {number} of {path} is not there, although the page before leads to it"),
    )
    .with_hint("run it again; a next page is kept for a short time only")
    .with_source(error)
}

fn count_of(count: u64) -> (String, Value) {
    ("count".to_owned(), count.into())
}

/// The whole of a body, as long as it is not too large.
async fn whole(mut body: Body, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            return Err(Error::new(
                ErrorKind::Incomplete,
                format!("a page is larger than {limit} bytes"),
            )
            .with_hint("ask for smaller pages with $top"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The next page's address: what follows goes out with the token, and to nobody else.
///
/// An address that repeats what the request proved itself with is not asked: it would stand in the
/// logs of everything on the way.
fn following(url: &Url, next: &str, gate: &Redaction) -> Result<Url> {
    let wrong = |what: &str| {
        Error::new(ErrorKind::Protocol, format!("the next page is {what}")).with_url(url)
    };
    let next = url
        .join(next)
        .map_err(|error| wrong("at no address").with_source(error))?;
    if !next.has_host() {
        return Err(wrong(
            "at no address of the service: what is there has no host",
        ));
    }
    if next.origin() != url.origin() || !next.username().is_empty() || next.password().is_some() {
        let host = next.origin().ascii_serialization();
        return Err(wrong(&format!("at another host, {host}"))
            .with_hint("the token is for the first host only; nothing was sent to the other"));
    }
    if gate.is_in(next.path()) {
        return Err(wrong("at an address that repeats the token")
            .with_hint("report it: the service, or a gateway before it, repeats what it is sent"));
    }
    Ok(next)
}

/// The address of what comes after the `size` rows of the page at `url`.
fn skipping(url: &Url, size: usize) -> Url {
    let mut next = url.clone();
    let is_skip = |name: &str| name.eq_ignore_ascii_case("$skip");
    let skipped = url.query_pairs().find(|(name, _)| is_skip(name));
    let skipped = skipped.and_then(|(_, value)| value.parse::<usize>().ok());
    let options: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !is_skip(name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .chain([(
            "$skip".to_owned(),
            skipped.unwrap_or(0).saturating_add(size).to_string(),
        )])
        .collect();
    next.set_query(request::written(&options).as_deref());
    next
}

#[async_trait]
impl Driver for Collections {
    fn environment(&self) -> DataEnvironment {
        self.description.environment
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // A list is read to its last page.
            rows: RowLimit::Unlimited,
            connection: Some(self.connection.clone()),
            collections: Some(Arc::new(self.clone())),
            ..Capabilities::unknown(self.environment())
        }
    }

    /// Runs an `OData` path as MSTICPy's provider does: `/security/alerts_v2?$top=5`.
    async fn query(&self, query: &Query) -> Result<Answer> {
        if query.text.trim().is_empty() {
            return Err(Error::new(ErrorKind::Usage, "the query is empty")
                .with_hint("a query of this environment is a path such as security/alerts_v2"));
        }
        self.list(&query.into()).await
    }
}

impl From<&Query> for CollectionRequest {
    /// The request for the path that is the query's text.
    fn from(query: &Query) -> Self {
        Self {
            timespan: query.timespan,
            max_rows: query.max_rows,
            datetimes: query.datetimes,
            ..Self::new(query.text.trim())
        }
    }
}

impl CollectionRequest {
    /// A request for everything at `path`, which may bring its own `?$filter=…`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            filter: None,
            expand: None,
            select: None,
            order_by: None,
            top: None,
            skip: None,
            count: false,
            timespan: None,
            max_rows: None,
            columns: None,
            datetimes: DatetimeMode::default(),
        }
    }
}

#[cfg(test)]
mod tests;
