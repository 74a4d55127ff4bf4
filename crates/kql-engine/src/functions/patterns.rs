//! Functions of regular expressions.

use kql_semantics::ScalarType;
use regex::{Captures, Regex};

use super::strings::{bounded, length};
use super::terms::regex;
use super::{Call, array};
use crate::EngineError;
use crate::convert;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        // The pattern comes first in `replace`, the oldest of the three.
        "replace" => trying_regex(call, 0, |regex, values| {
            let (text, with) = (values[2].display(), values[1].display());
            bounded(&text, &with, || regex.find_iter(&text).count())?;
            Ok(Datum::text(
                regex.replace_all(&text, rewrite(&with)).into_owned(),
            ))
        })?,
        "replace_regex" => trying_regex(call, 1, |regex, values| {
            let (text, with) = (values[0].display(), values[2].display());
            bounded(&text, &with, || regex.find_iter(&text).count())?;
            Ok(Datum::text(
                regex.replace_all(&text, rewrite(&with)).into_owned(),
            ))
        })?,
        "extract" => {
            let ty = call.ty;
            with_regex(call, 0, move |regex, values| {
                let text = values[2].display();
                let group = values[1]
                    .as_long()
                    .and_then(|group| usize::try_from(group).ok());
                let found = regex
                    .captures(&text)
                    .and_then(|found| found.get(group?).map(|one| one.as_str().to_owned()));
                match (found, ty) {
                    (Some(text), ty) => convert::to_type(&Datum::text(text), ty).into_owned(),
                    (None, ScalarType::String) => Datum::text(""),
                    (None, _) => Datum::Null,
                }
            })?
        }
        "extract_all" => {
            if let Some(pattern) = call.constant_text(0) {
                require_groups(&regex(&pattern)?)?;
            }
            trying_regex(call, 0, move |regex, values| {
                require_groups(regex)?;
                let text = values[values.len() - 1].display();
                let wanted = if values.len() == 3 {
                    Some(&values[1])
                } else {
                    None
                };
                Ok(extract_all(regex, wanted, &text))
            })?
        }
        "countof" if call.constant_text(2).is_some_and(|kind| kind == "regex") => {
            with_regex(call, 1, |regex, values| {
                Datum::Long(length(regex.find_iter(&values[0].display()).count()))
            })?
        }
        "indexof_regex" => with_regex(call, 1, |regex, values| {
            index_of_regex(regex, values).unwrap_or(Datum::Null)
        })?,
        "trim" => trim(call, true, true)?,
        "trim_start" => trim(call, true, false)?,
        "trim_end" => trim(call, false, true)?,
        "regex_quote" => kernel(|values| Ok(Datum::text(regex::escape(&values[0].display())))),
        _ => return Ok(None),
    }))
}

/// A kernel with a regular expression as argument `at`, compiled once when it is a constant.
fn with_regex(
    call: &Call,
    at: usize,
    body: impl Fn(&Regex, &[Datum<'_>]) -> Datum<'static> + Send + Sync + 'static,
) -> Result<Kernel, EngineError> {
    trying_regex(call, at, move |regex, values| Ok(body(regex, values)))
}

/// The same, of what can fail.
fn trying_regex(
    call: &Call,
    at: usize,
    body: impl Fn(&Regex, &[Datum<'_>]) -> Result<Datum<'static>, EngineError> + Send + Sync + 'static,
) -> Result<Kernel, EngineError> {
    if let Some(pattern) = call.constant_text(at) {
        let compiled = regex(&pattern)?;
        return Ok(kernel(move |values| body(&compiled, values)));
    }
    Ok(kernel(move |values| {
        let compiled = regex(&values[at].display())?;
        body(&compiled, values)
    }))
}

/// A rewrite with `\1` for groups.
fn rewrite(pattern: &str) -> impl Fn(&Captures<'_>) -> String {
    let pattern = pattern.to_owned();
    move |found: &Captures<'_>| {
        let mut out = String::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            if character != '\\' {
                out.push(character);
                continue;
            }
            match characters.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    let group = digit.to_digit(10).unwrap_or(0) as usize;
                    out.push_str(found.get(group).map_or("", |one| one.as_str()));
                }
                Some(other) => out.push(other),
                None => out.push('\\'),
            }
        }
        out
    }
}

/// `extract_all` takes an expression with 1 to 16 capture groups.
///
/// Source: <https://learn.microsoft.com/kusto/query/extract-all-function>
fn require_groups(regex: &Regex) -> Result<(), EngineError> {
    let groups = regex.captures_len() - 1;
    if (1..=16).contains(&groups) {
        return Ok(());
    }
    Err(EngineError::argument(format!(
        "extract_all() takes a regular expression with 1 to 16 capture groups, and '{regex}' has {groups}"
    )))
}

fn extract_all(regex: &Regex, wanted: Option<&Datum<'_>>, text: &str) -> Datum<'static> {
    let asked: Vec<usize> = wanted
        .and_then(super::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|item| match item {
            Datum::String(name) => regex
                .capture_names()
                .position(|known| known == Some(name.as_ref())),
            number => usize::try_from(number.as_long()?).ok(),
        })
        .filter(|group| *group < regex.captures_len())
        .collect();
    // Groups that are not there are passed over; where none is left, all of them are meant.
    let groups = if asked.is_empty() {
        (1..regex.captures_len()).collect()
    } else {
        asked
    };
    let group = |found: &Captures<'_>, at: usize| {
        Datum::text(found.get(at).map_or("", |one| one.as_str()).to_owned())
    };
    let matches: Vec<Datum<'static>> = regex
        .captures_iter(text)
        .map(|found| {
            if groups.len() == 1 {
                group(&found, groups[0])
            } else {
                let parts: Vec<_> = groups.iter().map(|at| group(&found, *at)).collect();
                array(&parts)
            }
        })
        .collect();
    if matches.is_empty() {
        Datum::Null
    } else {
        array(&matches)
    }
}

/// `None` for arguments out of range, which give null.
fn index_of_regex(regex: &Regex, values: &[Datum<'_>]) -> Option<Datum<'static>> {
    let number = |at: usize, default| values.get(at).map_or(Some(default), Datum::as_long);
    let (start, span, nth) = (number(2, 0)?, number(3, -1)?, number(4, 1)?);
    if start < 0 || span < -1 || nth < 1 {
        return None;
    }
    let start = usize::try_from(start).ok()?;
    let text: String = {
        let text = values[0].display();
        let rest = text.chars().skip(start);
        match usize::try_from(span) {
            Ok(span) => rest.take(span).collect(),
            Err(_) => rest.collect(),
        }
    };
    let nth = usize::try_from(nth - 1).ok()?;
    let at = regex
        .find_iter(&text)
        .nth(nth)
        .map(|found| start + text[..found.start()].chars().count());
    Some(Datum::Long(at.map_or(-1, length)))
}

fn trim(call: &Call, start: bool, end: bool) -> Result<Kernel, EngineError> {
    let compile = move |pattern: &str| -> Result<(Option<Regex>, Option<Regex>), EngineError> {
        let front = start.then(|| regex(&format!("^(?:{pattern})"))).transpose();
        let back = end.then(|| regex(&format!("(?:{pattern})$"))).transpose();
        Ok((front?, back?))
    };
    let cut = |(front, back): &(Option<Regex>, Option<Regex>), text: &str| {
        let mut rest = text;
        if let Some(found) = front.as_ref().and_then(|front| front.find(rest)) {
            rest = &rest[found.end()..];
        }
        if let Some(found) = back.as_ref().and_then(|back| back.find(rest)) {
            rest = &rest[..found.start()];
        }
        Datum::text(rest.to_owned())
    };
    if let Some(pattern) = call.constant_text(0) {
        let compiled = compile(&pattern)?;
        return Ok(kernel(move |values| {
            Ok(cut(&compiled, &values[1].display()))
        }));
    }
    Ok(kernel(move |values| {
        Ok(cut(&compile(&values[0].display())?, &values[1].display()))
    }))
}
