//! A list of faults as YAML or JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::{Fault, FaultAnswer, FaultBody, Faults};
use crate::error::{Error, Result};
use crate::hosts::Api;
use crate::yaml::read_yaml;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: Option<String>,
    host: Option<String>,
    method: Option<String>,
    tenant: Option<String>,
    #[serde(alias = "environment")]
    api: Option<Api>,
    query: Option<String>,
    #[serde(default, alias = "request")]
    requests: Requests,
    share: Option<f64>,
    status: Option<u16>,
    retry_after: Option<u64>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Body>,
    json: Option<serde_json::Value>,
    text: Option<String>,
    delay: Option<String>,
    drip: Option<Drip>,
    truncate_after: Option<usize>,
    drop_after: Option<usize>,
    stall_after: Option<usize>,
    content_length: Option<u64>,
    invalid_utf8_at: Option<usize>,
    #[serde(default)]
    late_schema: bool,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Requests {
    #[default]
    All,
    One(u32),
    Several(Vec<u32>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    Service,
    Html,
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drip {
    bytes: usize,
    every: String,
}

pub(super) fn parse(text: &str) -> Result<Faults> {
    let entries: Vec<Entry> = read_yaml(text).map_err(Error::Faults)?;
    entries
        .into_iter()
        .enumerate()
        .map(|(index, entry)| {
            fault(entry).map_err(|problem| Error::Faults(format!("entry {}: {problem}", index + 1)))
        })
        .collect()
}

fn fault(entry: Entry) -> std::result::Result<Fault, String> {
    let body = match (entry.body, entry.json, entry.text) {
        (None, None, None) => None,
        (Some(Body::Service), None, None) => Some(FaultBody::Service),
        (Some(Body::Html), None, None) => Some(FaultBody::Html),
        (Some(Body::Empty), None, None) => Some(FaultBody::Empty),
        (None, Some(document), None) => Some(FaultBody::Json(document)),
        (None, None, Some(text)) => Some(FaultBody::Text(text)),
        _ => return Err("give one of body, json and text".to_owned()),
    };
    let answers = entry.status.is_some() || body.is_some();
    if !answers && (entry.retry_after.is_some() || !entry.headers.is_empty()) {
        return Err("retry_after and headers need a status".to_owned());
    }
    if let Some(status) = entry.status
        && !(200..=599).contains(&status)
    {
        return Err(format!("status {status} is not one of an answer"));
    }
    if entry
        .share
        .is_some_and(|share| !(0.0..=1.0).contains(&share))
    {
        return Err("share is a number from 0 to 1".to_owned());
    }
    let drip = match entry.drip {
        None => None,
        Some(Drip { bytes: 0, .. }) => return Err("drip needs at least one byte".to_owned()),
        Some(drip) => Some((drip.bytes, duration(&drip.every)?)),
    };
    Ok(Fault {
        path: entry.path,
        host: entry.host,
        method: entry.method,
        tenant: entry.tenant,
        api: entry.api,
        query: entry.query,
        requests: match entry.requests {
            Requests::All => Vec::new(),
            Requests::One(number) => vec![number],
            Requests::Several(numbers) => numbers,
        },
        share: entry.share,
        answer: answers.then(|| FaultAnswer {
            status: entry.status.unwrap_or(200),
            retry_after: entry.retry_after,
            headers: entry.headers.into_iter().collect(),
            body: body.unwrap_or(FaultBody::Service),
        }),
        delay: entry.delay.as_deref().map(duration).transpose()?,
        drip,
        truncate_after: entry.truncate_after,
        drop_after: entry.drop_after,
        stall_after: entry.stall_after,
        content_length: entry.content_length,
        invalid_utf8_at: entry.invalid_utf8_at,
        late_schema: entry.late_schema,
    })
}

/// `250ms`, `2s`, `1m`.
fn duration(text: &str) -> std::result::Result<Duration, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let parsed = number.parse::<u64>().ok().and_then(|number| match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    });
    parsed.ok_or_else(|| format!("{text:?} is not a duration such as 250ms, 2s or 1m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_a_program_can() {
        let faults = parse(
            r#"
- path: /v1.0/*
  host: graph.microsoft.com
  method: post
  tenant: demo.example
  api: graph
  query: DeviceInfo*
  request: 3
  status: 503
  retry_after: 7
  headers: {x-note: down}
  body: html
- json: {"error": {"code": "x"}}
  delay: 20ms
- drip: {bytes: 10, every: 1s}
  stall_after: 40
  drop_after: 0
  truncate_after: 12
  content_length: 99
  invalid_utf8_at: 5
  late_schema: true
  requests: [1, 4]
  share: 0.5
"#,
        )
        .unwrap();
        let [first, second, third]: [Fault; 3] = faults
            .iter()
            .cloned()
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        assert_eq!(first.requests, [3]);
        assert_eq!(
            (first.tenant.as_deref(), first.api, first.query.as_deref()),
            (Some("demo.example"), Some(Api::Graph), Some("DeviceInfo*"))
        );
        let answer = first.answer.unwrap();
        assert_eq!((answer.status, answer.retry_after), (503, Some(7)));
        assert_eq!(answer.headers, [("x-note".to_owned(), "down".to_owned())]);
        assert!(matches!(answer.body, FaultBody::Html));
        let answer = second.answer.unwrap();
        assert_eq!(answer.status, 200);
        assert!(matches!(answer.body, FaultBody::Json(_)));
        assert_eq!(second.delay, Some(Duration::from_millis(20)));
        assert_eq!(third.drip, Some((10, Duration::from_secs(1))));
        assert_eq!((third.requests, third.share), (vec![1, 4], Some(0.5)));
        assert!(third.answer.is_none() && third.late_schema);
        assert_eq!(
            (third.stall_after, third.drop_after, third.truncate_after),
            (Some(40), Some(0), Some(12))
        );
    }

    #[test]
    fn json_is_read_too() {
        let faults = parse(r#"[{"path": "/x", "status": 500}]"#).unwrap();
        assert_eq!(faults.iter().count(), 1);
    }

    #[test]
    fn mistakes_are_named() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        assert!(message("- status: 500\n  staus: 1\n").contains("staus"));
        assert!(message("- delay: soon\n").contains("\"soon\" is not a duration"));
        assert!(message("- retry_after: 1\n").contains("entry 1: retry_after"));
        assert!(message("- {status: 200, body: html, text: x}\n").contains("one of body"));
        assert!(message("- status: 99\n").contains("status 99"));
        assert!(message("- share: 10\n").contains("share is a number from 0 to 1"));
    }
}
