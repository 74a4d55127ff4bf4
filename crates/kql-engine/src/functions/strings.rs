//! Functions of strings.

use kql_semantics::ScalarType;

use super::terms;
use super::{Call, array};
use crate::EngineError;
use crate::convert;
use crate::datum::Datum;
use crate::dynamic;
use crate::dynamic::path::{follow, steps};
use crate::expression::{Kernel, kernel, size};

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "strcat" => kernel(|values| {
            let mut out = String::new();
            for value in values {
                out.push_str(&value.display());
            }
            Ok(Datum::text(out))
        }),
        "strcat_delim" => kernel(|values| {
            let parts: Vec<_> = values[1..].iter().map(Datum::display).collect();
            joined(&parts, &values[0].display())
        }),
        "strcat_array" => kernel(|values| {
            // What is no array is a text of its own.
            let Some(items) = super::raw_items(&values[0]) else {
                return Ok(Datum::text(values[0].display().into_owned()));
            };
            // An element is spelled as in JSON: `true`, where `tostring` makes `True` of a bool.
            let parts: Vec<_> = items.iter().map(|item| dynamic::display(item)).collect();
            joined(&parts, &values[1].display())
        }),
        "strcmp" => kernel(|values| {
            let ordering = values[0].display().cmp(&values[1].display());
            Ok(Datum::Long(ordering as i64))
        }),
        "strrep" => kernel(|values| {
            let times = values[1].as_long().unwrap_or(0).clamp(0, 1024);
            let text = values[0].display();
            let between = values.get(2).map(Datum::display).unwrap_or_default();
            let parts: Vec<&str> = (0..times).map(|_| text.as_ref()).collect();
            joined(&parts, &between)
        }),
        "strlen" => kernel(|values| Ok(Datum::Long(length(values[0].display().chars().count())))),
        "string_size" => kernel(|values| Ok(Datum::Long(length(values[0].display().len())))),
        "toupper" => kernel(|values| Ok(Datum::text(values[0].display().to_uppercase()))),
        "tolower" => kernel(|values| Ok(Datum::text(values[0].display().to_lowercase()))),
        "reverse" => kernel(|values| {
            Ok(Datum::text(
                values[0].display().chars().rev().collect::<String>(),
            ))
        }),
        "substring" => {
            // Where all is constant the service takes a start of null for 0; over rows it makes a null,
            // which is an empty text here.
            let folded = (0..call.len()).all(|at| call.constant(at).is_some());
            kernel(move |values| {
                let null = values[1..].iter().any(|value| value.as_long().is_none());
                Ok(Datum::text(if null && !folded {
                    String::new()
                } else {
                    substring(values)
                }))
            })
        }
        "indexof" => kernel(|values| Ok(index_of(values))),
        "split" => kernel(|values| Ok(split(values))),
        "replace_string" => kernel(|values| {
            let (text, from) = (values[0].display(), values[1].display());
            if from.is_empty() {
                return Ok(Datum::text(text.into_owned()));
            }
            let with = values[2].display();
            bounded(&text, &with, || text.matches(from.as_ref()).count())?;
            Ok(Datum::text(text.replace(from.as_ref(), &with)))
        }),
        "replace_strings" => kernel(|values| {
            let froms = super::items(&values[1]).unwrap_or_default();
            let into = super::items(&values[2]);
            // What one replacement has put there is not replaced again. Elements that are not texts are
            // passed over: one that is looked for is not found, one that replaces keeps what it found.
            let mut parts = vec![(values[0].display().into_owned(), false)];
            let mut bytes = parts[0].0.len();
            for (at, from) in froms.iter().enumerate() {
                let Some(from) = from.as_str().filter(|from| !from.is_empty()) else {
                    continue;
                };
                let with = match &into {
                    Some(list) => match list.get(at) {
                        Some(one) => one.as_str().unwrap_or(from).to_owned(),
                        None => String::new(),
                    },
                    None => values[2].display().into_owned(),
                };
                let mut next = Vec::new();
                for (part, done) in parts {
                    if done {
                        next.push((part, true));
                        continue;
                    }
                    for (place, piece) in part.split(from).enumerate() {
                        if place > 0 {
                            bytes += with.len();
                            size::expected(bytes)?;
                            next.push((with.clone(), true));
                        }
                        next.push((piece.to_owned(), false));
                    }
                }
                parts = next;
            }
            Ok(Datum::text(
                parts.into_iter().map(|(part, _)| part).collect::<String>(),
            ))
        }),
        "extractjson" => {
            let ty = call.ty;
            kernel(move |values| Ok(extract_json(&values[0].display(), &values[1].display(), ty)))
        }
        "countof" => kernel(|values| {
            Ok(Datum::Long(count_of(
                &values[0].display(),
                &values[1].display(),
            )))
        }),
        "translate" => kernel(|values| {
            let from: Vec<char> = values[0].display().chars().collect();
            let into: Vec<char> = values[1].display().chars().collect();
            let text = values[2].display();
            Ok(Datum::text(
                text.chars()
                    .filter_map(|one| match from.iter().position(|known| *known == one) {
                        None => Some(one),
                        Some(at) => into.get(at).or(into.last()).copied(),
                    })
                    .collect::<String>(),
            ))
        }),
        "has_any_index" => kernel(|values| {
            let text = values[0].display();
            let items = super::items(&values[1]).unwrap_or_default();
            for (at, item) in items.iter().enumerate() {
                let test = terms::test(kql_semantics::bound::TextOp::Has, &item.display())?;
                if test(&text) {
                    return Ok(Datum::Long(length(at)));
                }
            }
            Ok(Datum::Long(-1))
        }),
        "unicode_codepoints_from_string" => kernel(|values| {
            let points: Vec<Datum<'_>> = values[0]
                .display()
                .chars()
                .map(|one| Datum::Long(i64::from(u32::from(one))))
                .collect();
            Ok(array(&points))
        }),
        "unicode_codepoints_to_string" => kernel(|values| {
            let mut out = String::new();
            let mut push = |value: &Datum<'_>| {
                let point = value.as_long().and_then(|point| u32::try_from(point).ok());
                out.extend(point.and_then(char::from_u32));
            };
            for value in values {
                match super::items(value) {
                    Some(items) => items.iter().for_each(&mut push),
                    None => push(value),
                }
            }
            Ok(Datum::text(out))
        }),
        "isascii" => kernel(|values| Ok(Datum::Bool(values[0].display().is_ascii()))),
        "isutf8" => kernel(|_| Ok(Datum::Bool(true))),
        "tohex" => {
            let int = call.types[0] == ScalarType::Int;
            kernel(move |values| {
                let Some(number) = values[0].as_long() else {
                    return Ok(Datum::text(""));
                };
                let width = values.get(1).and_then(Datum::as_long).unwrap_or(0);
                let width = usize::try_from(width.clamp(0, 16)).unwrap_or(0);
                #[expect(clippy::cast_possible_truncation, reason = "an int's own bits")]
                let digits = if int {
                    format!("{:x}", number as i32)
                } else {
                    format!("{number:x}")
                };
                Ok(Datum::text(format!("{digits:0>width$}")))
            })
        }
        "parse_csv" => kernel(|values| {
            let fields: Vec<Datum<'_>> = csv(&values[0].display())
                .into_iter()
                .map(Datum::text)
                .collect();
            Ok(array(&fields))
        }),
        "parse_command_line" => kernel(|values| {
            if !values[1].display().eq_ignore_ascii_case("windows") {
                return Ok(Datum::Null);
            }
            let line = values[0].display();
            if line.is_empty() {
                return Ok(Datum::Null);
            }
            let words: Vec<Datum<'_>> = command_line(&line).into_iter().map(Datum::text).collect();
            Ok(array(&words))
        }),
        "format_bytes" => kernel(|values| Ok(format_bytes(values))),
        _ => return Ok(None),
    }))
}

pub(crate) fn length(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Texts with another between them.
fn joined<T: AsRef<str>>(parts: &[T], between: &str) -> Result<Datum<'static>, EngineError> {
    let texts: usize = parts.iter().map(|one| one.as_ref().len()).sum();
    size::expected(texts.saturating_add(between.len().saturating_mul(parts.len())))?;
    let mut out = String::with_capacity(texts);
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(between);
        }
        out.push_str(part.as_ref());
    }
    Ok(Datum::text(out))
}

/// Refuses to put `with` into `text` so often that nothing can hold it; the places are counted only
/// where that is possible at all.
pub(super) fn bounded(
    text: &str,
    with: &str,
    places: impl FnOnce() -> usize,
) -> Result<(), EngineError> {
    if size::expected(text.len().saturating_mul(with.len())).is_ok() {
        return Ok(());
    }
    size::expected(
        text.len()
            .saturating_add(with.len().saturating_mul(places())),
    )
}

fn substring(values: &[Datum<'_>]) -> String {
    let text = values[0].display();
    let size = length(text.chars().count());
    let start = values[1].as_long().unwrap_or(0);
    let wanted = match values.get(2) {
        None => i64::MAX,
        Some(value) => value.as_long().unwrap_or(0),
    };
    let start = if start < 0 { size + start } else { start };
    // Nothing begins before the first character, however much is wanted.
    if wanted <= 0 || start < 0 || start >= size {
        return String::new();
    }
    text.chars()
        .skip(usize::try_from(start).unwrap_or(usize::MAX))
        .take(usize::try_from(wanted).unwrap_or(usize::MAX))
        .collect()
}

fn index_of(values: &[Datum<'_>]) -> Datum<'static> {
    let text: Vec<char> = values[0].display().chars().collect();
    let wanted: Vec<char> = values[1].display().chars().collect();
    let size = length(text.len());
    let start = values.get(2).and_then(Datum::as_long).unwrap_or(0);
    let start = if start < 0 {
        (size + start).max(0)
    } else {
        start
    };
    let span = values.get(3).and_then(Datum::as_long).unwrap_or(-1);
    let nth = values.get(4).and_then(Datum::as_long).unwrap_or(1);
    if wanted.is_empty() || nth < 1 || span < -1 {
        return Datum::Null;
    }
    if start > size {
        return Datum::Long(-1);
    }
    // The length counts the places where a find may begin; it may reach beyond them.
    let places = usize::try_from(span).unwrap_or(text.len());
    let mut at = usize::try_from(start).unwrap_or(0);
    let end = text.len().min(at.saturating_add(places));
    for _ in 0..nth {
        match (at..end).find(|at| text[*at..].starts_with(&wanted)) {
            Some(found) => at = found + 1,
            None => return Datum::Long(-1),
        }
    }
    Datum::Long(length(at) - 1)
}

fn split(values: &[Datum<'_>]) -> Datum<'static> {
    let (text, delimiter) = (values[0].display(), values[1].display());
    let parts: Vec<Datum<'_>> = if delimiter.is_empty() {
        vec![Datum::text(text.as_ref())]
    } else {
        text.split(delimiter.as_ref()).map(Datum::text).collect()
    };
    match values.get(2) {
        None => array(&parts),
        Some(at) => {
            let part = at
                .as_long()
                .and_then(|at| usize::try_from(at).ok())
                .and_then(|at| parts.get(at));
            part.map_or(Datum::Null, |part| array(std::slice::from_ref(part)))
        }
    }
}

/// How often `wanted` occurs, overlapping occurrences included.
fn count_of(text: &str, wanted: &str) -> i64 {
    if wanted.is_empty() {
        return 0;
    }
    length(
        text.char_indices()
            .filter(|(at, _)| text[*at..].starts_with(wanted))
            .count(),
    )
}

/// The first record of comma-separated values.
fn csv(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields[last].push('"');
            }
            '"' if quoted => quoted = false,
            '"' if fields[last].is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            '\n' | '\r' if !quoted => break,
            other => fields[last].push(other),
        }
    }
    fields
}

/// Words of a Windows command line, as `CommandLineToArgvW` cuts it.
fn command_line(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut inside = false;
    let mut started = false;
    let mut slashes = 0;
    for character in line.chars() {
        match character {
            '\\' => {
                slashes += 1;
                started = true;
                continue;
            }
            '"' => {
                word.push_str(&"\\".repeat(slashes / 2));
                if slashes % 2 == 1 {
                    word.push('"');
                } else {
                    inside = !inside;
                }
                started = true;
            }
            other => {
                word.push_str(&"\\".repeat(slashes));
                if (other == ' ' || other == '\t') && !inside {
                    if started {
                        words.push(std::mem::take(&mut word));
                    }
                    started = false;
                } else {
                    word.push(other);
                    started = true;
                }
            }
        }
        slashes = 0;
    }
    word.push_str(&"\\".repeat(slashes));
    if started {
        words.push(word);
    }
    words
}

/// A value at a JSON path such as `$.a[0].b`.
fn extract_json(path: &str, text: &str, ty: ScalarType) -> Datum<'static> {
    let Datum::Dynamic(document) = convert::parse_json(text) else {
        return missing(ty);
    };
    let found = steps(path).and_then(|steps| follow(&document, &steps));
    let value = found.map_or(Datum::Null, Datum::dynamic);
    if value.is_null() {
        return missing(ty);
    }
    match ty {
        ScalarType::Dynamic => Datum::dynamic(value.to_dynamic().into_owned()),
        ScalarType::String => match &value {
            Datum::Dynamic(bytes) => Datum::text(dynamic::display(bytes).into_owned()),
            other => Datum::text(other.display().into_owned()),
        },
        _ => convert::to_type(&value, ty).into_owned(),
    }
}

fn missing(ty: ScalarType) -> Datum<'static> {
    if ty == ScalarType::String {
        Datum::text("")
    } else {
        Datum::Null
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped"
)]
fn format_bytes(values: &[Datum<'_>]) -> Datum<'static> {
    const UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];
    let Some(mut size) = values[0].as_real() else {
        return Datum::text("");
    };
    let digits = values
        .get(1)
        .and_then(Datum::as_real)
        .unwrap_or(0.0)
        .clamp(0.0, 15.0) as usize;
    let wanted = values.get(2).map(|unit| unit.display().into_owned());
    let mut at = 0;
    loop {
        let stop = match &wanted {
            Some(unit) => UNITS[at].eq_ignore_ascii_case(unit),
            None => size.abs() < 1024.0,
        };
        if stop || at + 1 == UNITS.len() {
            break;
        }
        size /= 1024.0;
        at += 1;
    }
    let scale = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
    let rounded = (size * scale).round() / scale;
    Datum::text(format!("{rounded} {}", UNITS[at]))
}
