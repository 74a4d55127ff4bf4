//! What of a collection is wanted, and the address that says so.

use std::borrow::Cow;

use defender_core::{DataEnvironment, Error, ErrorKind, Result};
use defender_table::{DatetimeMode, Timespan, ticks};
use url::{Url, form_urlencoded};

use super::page::Shape;
use super::{Collection, CollectionsDescription, kql};

/// What of a collection is wanted: `OData`'s options, and how much of it.
///
/// Source: <https://learn.microsoft.com/graph/query-parameters>
#[derive(Clone, PartialEq, Eq)]
pub struct CollectionRequest {
    /// Where it is below the API's version, `security/alerts_v2`; it may have options of its own,
    /// and begin with a version. Spaces and quotes need no escapes.
    pub path: String,
    /// `$filter`; joined with `and` to one that the path brings.
    pub filter: Option<String>,
    /// `$expand`: `alerts`.
    pub expand: Option<String>,
    /// `$select`: `id,title`.
    pub select: Option<String>,
    /// `$orderby`.
    pub order_by: Option<String>,
    /// `$top`. Microsoft Graph takes it for the size of a page, Defender for Endpoint for the end.
    pub top: Option<u64>,
    /// `$skip`: how many rows to leave out.
    pub skip: Option<u64>,
    /// `$count`: ask how many there are.
    pub count: bool,
    /// Only what was made in this range of time; of collections that are known. A range from
    /// [`ticks::MIN`] on, or up to [`ticks::MAX`], has no such bound in the filter.
    pub timespan: Option<Timespan>,
    /// How many rows to keep at most.
    pub max_rows: Option<usize>,
    /// Only these properties, in this order; the service sends them all none the less.
    pub columns: Option<Vec<String>>,
    /// How datetimes are kept.
    pub datetimes: DatetimeMode,
}

/// Where a request leads.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) url: Url,
    /// Below the version.
    pub(crate) path: String,
    pub(crate) collection: Option<&'static Collection>,
    /// The names of `$select`.
    pub(crate) selected: Option<Vec<String>>,
    /// Whether the request says itself how many rows it is about.
    pub(crate) limited: bool,
}

impl Located {
    /// What may be there.
    pub(crate) fn shape(&self) -> Shape {
        let path = &self.path;
        let applied = |(name, _): (Cow<'_, str>, _)| {
            name.eq_ignore_ascii_case("$apply") || name.eq_ignore_ascii_case("$compute")
        };
        match self.collection {
            // It has columns of its own.
            Some(_) if self.url.query_pairs().any(applied) => Shape::Any,
            Some(known) if path.eq_ignore_ascii_case(known.path) => Shape::List(known),
            Some(known) => Shape::Row(known),
            None if path.to_ascii_lowercase().ends_with("/$count") => Shape::Count,
            None => Shape::Any,
        }
    }
}

/// The least that a collection takes as the size of a page.
const SMALL_PAGE: usize = 50;

impl CollectionRequest {
    /// The whole address that the request begins with, below `base`, the API's root with its
    /// version.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when its path leads elsewhere than to this API, or its range of time
    /// is of no use there.
    pub fn url(&self, description: &CollectionsDescription, base: &Url) -> Result<Url> {
        Ok(self.located(description, base)?.url)
    }

    /// Says before anybody signs in that the path is not KQL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when it is.
    pub fn require_path(&self, environment: DataEnvironment) -> Result<()> {
        if kql::is_kql(&self.path) {
            return Err(kql::refused(environment));
        }
        Ok(())
    }

    pub(crate) fn located(
        &self,
        description: &CollectionsDescription,
        base: &Url,
    ) -> Result<Located> {
        self.require_path(description.environment)?;
        let (path, query) = relative(&self.path, base)?;
        let (root, path) = versioned(path, base);
        let path = path.trim_matches('/');
        if path.is_empty() || path.split('/').any(is_dots) {
            return Err(
                Error::new(ErrorKind::Usage, format!("'{}' is no path", self.path))
                    .with_hint("a path is security/alerts_v2, alerts or machines/ID"),
            );
        }
        let collection = description.collection(path);
        let mut options = self.options(query, path, collection)?;
        let limited = has(&options, "$top");
        if let Some(most) = self.max_rows
            && collection.is_some_and(|known| path.eq_ignore_ascii_case(known.path))
            && most < description.page_cap.unwrap_or(SMALL_PAGE)
            && !limited
        {
            // One more than is kept tells whether there are more.
            options.push(("$top".to_owned(), (most + 1).to_string()));
        }
        let mut url = base.clone();
        url.set_path(&format!("{root}/{path}"));
        url.set_query(written(&options).as_deref());
        url.set_fragment(None);
        let selected = options
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("$select"))
            .map(|(_, names)| {
                names
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .collect()
            });
        Ok(Located {
            url,
            path: path.to_owned(),
            collection,
            selected,
            limited,
        })
    }

    /// The path's own options with those of the request.
    fn options(
        &self,
        query: &str,
        path: &str,
        collection: Option<&Collection>,
    ) -> Result<Vec<(String, String)>> {
        let query = with_offsets(query);
        let mut options: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut filters: Vec<String> = Vec::new();
        filters.extend(self.filter.clone());
        if let Some(timespan) = self.timespan {
            let Some(collection) = collection else {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("{path} takes no range of time beside its path"),
                )
                .with_hint("put a $filter by one of its times into the path"));
            };
            filters.extend(within(collection.time, timespan));
        }
        for filter in filters {
            let own = options
                .iter_mut()
                .find(|(name, _)| name.eq_ignore_ascii_case("$filter"));
            match own {
                Some((_, own)) => *own = format!("({own}) and ({filter})"),
                None => options.push(("$filter".to_owned(), filter)),
            }
        }
        let given = [
            ("$expand", self.expand.clone()),
            ("$select", self.select.clone()),
            ("$orderby", self.order_by.clone()),
            ("$top", self.top.map(|top| top.to_string())),
            ("$skip", self.skip.map(|skip| skip.to_string())),
            ("$count", self.count.then(|| "true".to_owned())),
        ];
        for (name, value) in given {
            let Some(value) = value else { continue };
            if has(&options, name) {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("{name} is in the path and given beside it"),
                )
                .with_hint("leave out one of them"));
            }
            options.push((name.to_owned(), value));
        }
        Ok(options)
    }
}

fn has(options: &[(String, String)], name: &str) -> bool {
    options
        .iter()
        .any(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// A filter for what was made in a range of time, from its start up to and with its end; an end of
/// all time bounds nothing.
fn within(time: &str, timespan: Timespan) -> Option<String> {
    let (start, end) = (timespan.start(), timespan.end());
    let start = (start > ticks::MIN).then_some(("ge", start));
    let end = (end < ticks::MAX).then_some(("le", end));
    let bounds: Vec<String> = [start, end]
        .into_iter()
        .flatten()
        .map(|(operator, bound)| format!("{time} {operator} {}", ticks::format_datetime(bound)))
        .collect();
    (!bounds.is_empty()).then(|| bounds.join(" and "))
}

/// Path and query of `text`, which may be a whole address of the same host.
fn relative<'a>(text: &'a str, base: &Url) -> Result<(&'a str, &'a str)> {
    let text = text.trim();
    let text = text.split_once('#').map_or(text, |(text, _)| text);
    let path = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            let host = Url::parse(text).ok().map(|url| url.origin());
            if host != Some(base.origin()) {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "the path leads to another host than the environment's",
                )
                .with_hint("give the path only, such as security/alerts_v2"));
            }
            rest.find('/').map_or("", |slash| &rest[slash..])
        }
        _ => text,
    };
    Ok(path.split_once('?').unwrap_or((path, "")))
}

/// The version's path, as the base has it or as `path` begins with it, and the rest.
fn versioned<'a>(path: &'a str, base: &Url) -> (String, &'a str) {
    let root = base.path().trim_end_matches('/');
    let path = path.trim_start_matches('/');
    let own = root.trim_start_matches('/');
    if let Some(rest) = path.strip_prefix(own)
        && (own.is_empty() || rest.starts_with('/'))
    {
        return (root.to_owned(), rest);
    }
    let before = root.rsplit_once('/').map_or("", |(before, _)| before);
    for version in ["v1.0", "beta"] {
        if let Some(rest) = path.strip_prefix(version)
            && rest.starts_with('/')
            && matches!(root.rsplit('/').next(), Some("v1.0" | "beta"))
        {
            return (format!("{before}/{version}"), rest);
        }
    }
    (root.to_owned(), path)
}

fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain.is_empty() || plain == "." || plain == ".."
}

/// The plus of an offset as itself: everywhere else in a query it is a space.
fn with_offsets(query: &str) -> String {
    let bytes = query.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut text = String::with_capacity(query.len());
    for (at, letter) in query.char_indices() {
        let offset = letter == '+'
            && at > 0
            && digit(at - 1)
            && digit(at + 1)
            && digit(at + 2)
            && bytes.get(at + 3) == Some(&b':')
            && digit(at + 4)
            && digit(at + 5);
        if offset {
            text.push_str("%2B");
        } else {
            text.push(letter);
        }
    }
    text
}

/// The options in a query, escaped where they must be, so that it stays readable.
pub(super) fn written(options: &[(String, String)]) -> Option<String> {
    use std::fmt::Write as _;
    if options.is_empty() {
        return None;
    }
    let mut text = String::new();
    for (index, (name, value)) in options.iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        for (part, more) in [(name, "="), (value, "")] {
            for byte in part.bytes() {
                if byte.is_ascii_alphanumeric() || b"-_.~!*()$,:;@/".contains(&byte) {
                    text.push(char::from(byte));
                } else {
                    let _ = write!(text, "%{byte:02X}");
                }
            }
            text.push_str(more);
        }
    }
    Some(text)
}

/// Without the filter: what an analyst looks for is not for logs.
impl std::fmt::Debug for CollectionRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        f.debug_struct("CollectionRequest")
            .field("path", &path)
            .field("top", &self.top)
            .field("skip", &self.skip)
            .field("timespan", &self.timespan)
            .field("max_rows", &self.max_rows)
            .finish_non_exhaustive()
    }
}
