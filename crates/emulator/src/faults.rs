//! What goes wrong on request: a list of faults, matched against requests.

mod file;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::Result;
use crate::hosts::Api;
use crate::options::Tenant;

/// A list of faults; the first that matches a request is the one that happens.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    faults: Vec<Fault>,
}

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The list with one more at its end.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The faults, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.faults.iter()
    }

    /// Reads a list from YAML or JSON.
    ///
    /// ```
    /// let faults = defender_emulator::Faults::parse(
    ///     "
    /// - path: '*/security/runHuntingQuery'
    ///   requests: [1, 2]          # the first two; one number, or nothing for every request
    ///   status: 429
    ///   retry_after: 3
    /// - host: login.microsoftonline.com
    ///   delay: 250ms
    /// - path: /api/advancedqueries/run
    ///   truncate_after: 1000      # bytes of the body
    /// ",
    /// )?;
    /// assert_eq!(faults.iter().count(), 3);
    /// # Ok::<(), defender_emulator::Error>(())
    /// ```
    ///
    /// Keys: `path`, `host` and `query` (with `*` for anything), `method`, `tenant`, `api`,
    /// `requests`, `share`; `status`, `retry_after`, `headers`, `body` (`service`, `html`,
    /// `empty`), `json`, `text`;
    /// `delay`, `drip` (`bytes`, `every`), `truncate_after`, `drop_after`, `stall_after`,
    /// `content_length`, `invalid_utf8_at`, `late_schema`. Durations are `250ms`, `2s`, `1m`.
    ///
    /// # Errors
    ///
    /// [`Error::Faults`](crate::Error::Faults), with the line.
    pub fn parse(text: &str) -> Result<Self> {
        file::parse(text)
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        Self {
            faults: faults.into_iter().collect(),
        }
    }
}

/// One thing that goes wrong: which requests it meets, and what it does to their answers.
///
/// What is `None` or false leaves the answer as it is, so that one fault can both delay an
/// answer and cut it short.
#[derive(Debug, Clone, Default)]
pub struct Fault {
    /// The path, with `*` for any number of characters; every path when `None`.
    pub path: Option<String>,
    /// The host, with `*`; every host when `None`.
    pub host: Option<String>,
    /// The method; every method when `None`.
    pub method: Option<String>,
    /// The tenant that the request is about, by its identifier, name or domain: the one that is
    /// signed in to, that issued the token or whose vault it is; every request when `None`.
    pub tenant: Option<String>,
    /// The API that answers; every request, those of the authority and of vaults too, when `None`.
    pub api: Option<Api>,
    /// The text of a hunting query, with `*`; every request when `None`.
    pub query: Option<String>,
    /// Which of the matching requests it meets, from 1 on; all when empty.
    pub requests: Vec<u32>,
    /// Which part of those it meets, from 0 to 1; every one when `None`. Which ones looks like
    /// chance, and is the same in every run.
    pub share: Option<f64>,
    /// Another answer instead of the service's own; the service does not see the request.
    pub answer: Option<FaultAnswer>,
    /// Time that passes before the answer.
    pub delay: Option<Duration>,
    /// The answer comes in pieces of so many bytes, with so much time between them.
    pub drip: Option<(usize, Duration)>,
    /// The connection ends after so many bytes of the body.
    pub truncate_after: Option<usize>,
    /// The connection ends after so many bytes of the whole answer, head included.
    pub drop_after: Option<usize>,
    /// Nothing more comes after so many bytes of the body; the connection stays open.
    pub stall_after: Option<usize>,
    /// What `Content-Length` says instead of the truth; the connection ends after the body.
    pub content_length: Option<u64>,
    /// The body's byte at this place becomes `FF`, which no UTF-8 text has.
    pub invalid_utf8_at: Option<usize>,
    /// A hunting answer gives its rows before its schema.
    pub late_schema: bool,
}

/// An answer in place of the service's own.
#[derive(Debug, Clone)]
pub struct FaultAnswer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: FaultBody,
}

impl FaultAnswer {
    /// `status` with the body that the service sends with it.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            retry_after: None,
            headers: Vec::new(),
            body: FaultBody::Service,
        }
    }
}

/// The body of an answer in place of the service's own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FaultBody {
    /// What the API that was called sends with such a status.
    Service,
    /// A gateway's page.
    Html,
    /// Nothing.
    Empty,
    /// A JSON document.
    Json(serde_json::Value),
    /// Plain text.
    Text(String),
}

/// The faults of a running emulator, with how often each has matched.
#[derive(Debug)]
pub(crate) struct Matcher {
    faults: Vec<(Fault, AtomicU32)>,
}

impl Matcher {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            faults: faults
                .faults
                .into_iter()
                .map(|fault| (fault, AtomicU32::new(0)))
                .collect(),
        }
    }

    /// Whether nothing ever goes wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The fault that meets this request; every fault that matches counts it.
    pub(crate) fn meet(&self, subject: &Subject<'_>) -> Option<Fault> {
        let mut met = None;
        for (index, (fault, count)) in (0_u64..).zip(&self.faults) {
            if !fault.matches(subject) {
                continue;
            }
            let number = count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            let due = fault.requests.is_empty() || fault.requests.contains(&number);
            let chosen = |share: f64| chance(index << 32 | u64::from(number)) < share;
            if met.is_none() && due && fault.share.is_none_or(chosen) {
                met = Some(fault.clone());
            }
        }
        met
    }
}

/// What a fault may be chosen by.
#[derive(Debug, Default)]
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) api: Option<Api>,
    pub(crate) query: Option<String>,
    pub(crate) tenant: Option<&'a Tenant>,
}

impl Fault {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_deref().is_none_or(|pattern| glob(pattern, text))
        };
        let of_tenant = |wanted: &str| {
            subject.tenant.is_some_and(|tenant| {
                [Some(&tenant.id), Some(&tenant.name), tenant.domain.as_ref()]
                    .into_iter()
                    .flatten()
                    .any(|name| name.eq_ignore_ascii_case(wanted))
            })
        };
        fits(&self.path, subject.path)
            && fits(&self.host, subject.host)
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(subject.method))
            && self.api.is_none_or(|wanted| subject.api == Some(wanted))
            && self.tenant.as_deref().is_none_or(of_tenant)
            && (self.query.is_none()
                || subject
                    .query
                    .as_deref()
                    .is_some_and(|query| fits(&self.query, query.trim())))
    }
}

/// A number from 0 to 1 that looks like chance: the finalizer of splitmix64.
fn chance(number: u64) -> f64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let bits = u32::try_from(bits >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / f64::from(u32::MAX)
}

/// Whether `text` is `pattern`, in which `*` stands for anything; cases do not differ.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Subject<'_> {
        Subject {
            method: "GET",
            host: "h",
            path,
            ..Subject::default()
        }
    }

    #[test]
    fn a_fault_may_be_for_one_tenant_one_api_or_one_query() {
        let second = Tenant::second();
        let demo = Tenant::demo();
        let of = |tenant, api, query: &str| Subject {
            tenant,
            api,
            query: (!query.is_empty()).then(|| query.to_owned()),
            ..at("/")
        };
        for name in [second.id.as_str(), "second", "SECOND.example"] {
            let fault = Fault {
                tenant: Some(name.to_owned()),
                ..Fault::default()
            };
            assert!(fault.matches(&of(Some(&second), None, "")), "{name}");
            assert!(!fault.matches(&of(Some(&demo), None, "")), "{name}");
            assert!(!fault.matches(&of(None, None, "")), "{name}");
        }
        let fault = Fault {
            api: Some(Api::Mde),
            query: Some("DeviceInfo*count".to_owned()),
            ..Fault::default()
        };
        assert!(fault.matches(&of(None, Some(Api::Mde), "deviceinfo | count\n")));
        assert!(!fault.matches(&of(None, Some(Api::Graph), "DeviceInfo | count")));
        assert!(!fault.matches(&of(None, Some(Api::Mde), "AlertInfo | count")));
        assert!(!fault.matches(&of(None, Some(Api::Mde), "")));
    }

    #[test]
    fn a_star_stands_for_anything() {
        assert!(glob("*", ""));
        assert!(glob("/v1.0/*", "/v1.0/security/runHuntingQuery"));
        assert!(glob("*/runhuntingquery", "/beta/security/runHuntingQuery"));
        assert!(glob("/*/security/*query", "/beta/security/runHuntingQuery"));
        assert!(!glob("/v1.0/*", "/beta/security/runHuntingQuery"));
        assert!(!glob("a*a", "a"));
        assert!(!glob("/api", "/api/alerts"));
    }

    #[test]
    fn the_nth_request_is_counted_among_those_that_match() {
        let matcher = Matcher::new(Faults::new().with(Fault {
            path: Some("/b".to_owned()),
            requests: vec![2],
            ..Fault::default()
        }));
        assert!(matcher.meet(&at("/b")).is_none());
        assert!(matcher.meet(&at("/a")).is_none());
        assert!(matcher.meet(&at("/b")).is_some());
        assert!(matcher.meet(&at("/b")).is_none());
    }

    #[test]
    fn a_share_of_the_requests_is_met_the_same_in_every_run() {
        let met = || -> Vec<(u32, u16)> {
            let fault = |status| Fault {
                share: Some(0.05),
                answer: Some(FaultAnswer::status(status)),
                ..Fault::default()
            };
            let matcher = Matcher::new([fault(429), fault(503)].into_iter().collect());
            (0..10_000)
                .filter_map(|number| Some((number, matcher.meet(&at("/"))?)))
                .map(|(number, fault)| (number, fault.answer.unwrap().status))
                .collect()
        };
        let first = met();
        let of = |status| first.iter().filter(|met| met.1 == status).count();
        assert!((450..550).contains(&of(429)), "{}", of(429));
        assert!((420..530).contains(&of(503)), "{}", of(503));
        assert_eq!(first, met());
    }

    #[test]
    fn the_first_fault_that_is_due_wins() {
        let fault = |status| Fault {
            answer: Some(FaultAnswer::status(status)),
            ..Fault::default()
        };
        let matcher = Matcher::new(
            [
                Fault {
                    requests: vec![1],
                    ..fault(429)
                },
                fault(503),
            ]
            .into_iter()
            .collect(),
        );
        let status = |fault: Option<Fault>| fault.unwrap().answer.unwrap().status;
        assert_eq!(status(matcher.meet(&at("/"))), 429);
        assert_eq!(status(matcher.meet(&at("/"))), 503);
    }
}
