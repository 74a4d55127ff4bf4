//! The parts of a path: where they end, and which of them differ only in their letters' case.

use std::collections::BTreeMap;

/// A path in its parts, without the empty ones.
///
/// Clients that join a base address and a path may leave two slashes between them, and Microsoft's
/// own examples spell `alerts_V2` and `Machines`; identifiers keep the case they were sent in.
/// An `OData` key stands as a part of its own: `incidents('1027')` is `incidents/1027`.
///
/// Source: <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path {
    parts: Vec<String>,
    /// The same in lower case.
    words: Vec<String>,
}

impl Path {
    pub(crate) fn parse(path: &str) -> Self {
        let mut parts = Vec::new();
        for part in segments(path) {
            match keyed(&part) {
                Some((name, key)) => parts.extend([name.to_owned(), key]),
                None => parts.push(part),
            }
        }
        let words = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
        Self { parts, words }
    }

    /// The parts in lower case, to be told from one another.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }

    /// The parts as they were sent, from the one at `start` on.
    pub(crate) fn parts(&self, start: usize) -> Vec<&str> {
        self.parts.iter().skip(start).map(String::as_str).collect()
    }

    /// The part at `index` as it was sent.
    pub(crate) fn part(&self, index: usize) -> String {
        self.parts.get(index).cloned().unwrap_or_default()
    }

    /// Whether the path is one of Graph's version `beta`.
    pub(crate) fn is_beta(&self) -> bool {
        self.words.first().is_some_and(|word| word == "beta")
    }
}

/// The path that `path` is when its empty parts are left out, for patterns to be held against.
pub(crate) fn collapsed(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

/// The parts between the slashes, with their escapes undone; a slash within the quoted text of a
/// function's parameter ends none.
fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    let mut rest = path;
    // A quote that is never closed hides no slash, here and further on.
    let mut quotes = true;
    while !rest.is_empty() {
        let naive = rest.find('/').unwrap_or(rest.len());
        let closed = if quotes {
            end_after_quotes(rest, naive)
        } else {
            Some(naive)
        };
        quotes = closed.is_some() && quotes;
        let end = closed.unwrap_or(naive);
        let segment = percent_decoded(&rest[..end]);
        if !segment.is_empty() {
            segments.push(segment);
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    segments
}

/// Where the first segment of `path` ends, which has its first slash at `naive`; nothing when a
/// quote is not closed.
fn end_after_quotes(path: &str, naive: usize) -> Option<usize> {
    let Some(mut at) = path[..naive].find('(') else {
        return Some(naive);
    };
    // A quote may be sent escaped, and one that is meant is sent twice.
    let mut quoted = false;
    while at < path.len() {
        let rest = &path[at..];
        if rest.starts_with('\'') || rest.starts_with("%27") {
            quoted = !quoted;
        } else if rest.starts_with('/') && !quoted {
            return Some(at);
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    (!quoted).then_some(path.len())
}

/// The name and the key of `name('key')` or `name(key)`; nothing of a function with parameters.
fn keyed(segment: &str) -> Option<(&str, String)> {
    let (name, rest) = segment.split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    if name.is_empty() || inner.is_empty() {
        return None;
    }
    match quoted(inner) {
        Some(key) => Some((name, key)),
        None if inner.contains(['=', '\'']) => None,
        None => Some((name, inner.to_owned())),
    }
}

/// The text of a literal that is one string from end to end.
fn quoted(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let plain = inner.replace("''", "");
    (!plain.contains('\'')).then(|| inner.replace("''", "'"))
}

/// The name and the parameters of a function: `findbyip(ip='10.0.0.1',timestamp=2026-11-20T08:00:00Z)`.
///
/// Names are in lower case; nothing when it is not a list of names with values.
pub(crate) fn function(segment: &str) -> Option<(String, BTreeMap<String, String>)> {
    let (name, rest) = segment.split_once('(')?;
    let mut rest = rest.strip_suffix(')')?;
    let mut parameters = BTreeMap::new();
    while !rest.is_empty() {
        let (parameter, after) = rest.split_once('=')?;
        let length = literal(after)?;
        let (value, after) = after.split_at(length);
        let value = quoted(value).unwrap_or_else(|| value.to_owned());
        let parameter = parameter.trim().to_ascii_lowercase();
        if parameters.insert(parameter, value).is_some() {
            return None;
        }
        rest = match after.strip_prefix(',') {
            Some(more) if !more.is_empty() => more,
            None if after.is_empty() => after,
            _ => return None,
        };
    }
    Some((name.to_ascii_lowercase(), parameters))
}

/// How long the literal at the start of `text` is.
fn literal(text: &str) -> Option<usize> {
    let Some(inner) = text.strip_prefix('\'') else {
        return Some(text.find(',').unwrap_or(text.len()));
    };
    let mut at = 0;
    loop {
        at += inner[at..].find('\'')? + 1;
        if !inner[at..].starts_with('\'') {
            return Some(at + 1);
        }
        at += 1;
    }
}

/// A part of a path without its escapes.
fn percent_decoded(text: &str) -> String {
    // A plus sign and an ampersand mean themselves in a path.
    let text = text.replace('+', "%2B").replace('&', "%26");
    url::form_urlencoded::parse(format!("v={text}").as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_collapse_escapes_are_undone_and_keys_stand_alone() {
        for (path, expected) in [
            ("/", &[][..]),
            ("", &[]),
            ("///", &[]),
            (
                "/v1.0//security/alerts_V2/",
                &["v1.0", "security", "alerts_V2"],
            ),
            ("/%76%31.0/a%2Fb", &["v1.0", "a/b"]),
            ("/a+b&c/%", &["a+b&c", "%"]),
            ("/incidents('1027')", &["incidents", "1027"]),
            ("/incidents(%271027%27)/x", &["incidents", "1027", "x"]),
            ("/machines(12ab)/alerts", &["machines", "12ab", "alerts"]),
            ("/alerts('o''b')", &["alerts", "o'b"]),
            ("/alerts('a/b')/user", &["alerts", "a/b", "user"]),
            ("/f(a='x/y',b=2)/c", &["f(a='x/y',b=2)", "c"]),
            ("/o'brien/x", &["o'brien", "x"]),
            ("/f('open/x", &["f('open", "x"]),
            ("/f()/x", &["f()", "x"]),
            ("/%ff%fe/é", &["\u{fffd}\u{fffd}", "é"]),
        ] {
            assert_eq!(Path::parse(path).parts(0), expected, "{path}");
        }
    }

    #[test]
    fn parameters_of_functions_are_read() {
        let read = |segment: &str| {
            let (name, parameters) = function(segment)?;
            let parameters: Vec<String> = parameters
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            Some(format!("{name}: {}", parameters.join("; ")))
        };
        assert_eq!(
            read("FindByIp(ip='10.0.0.1',timestamp=2019-09-22T08:44:05Z)").as_deref(),
            Some("findbyip: ip=10.0.0.1; timestamp=2019-09-22T08:44:05Z")
        );
        assert_eq!(
            read("f(query='a, b == ''c''',timespan='P1D')").as_deref(),
            Some("f: query=a, b == 'c'; timespan=P1D")
        );
        assert_eq!(read("f()").as_deref(), Some("f: "));
        for wrong in [
            "f",
            "f(",
            "f(a)",
            "f(a='b)",
            "f(a='b'c)",
            "f(a=1,)",
            "f(a=1,a=2)",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
