//! A query with made-up values in it, which knows where its parts stand in the file.

use std::collections::BTreeMap;
use std::time::SystemTime;

use defender_core::Result;

use crate::definition::{Definition, Kind, Parameter, Type};
use crate::scanning::Place;
use crate::template::{Hole, Piece};
use crate::value::Value;
use crate::writing::{Typed, write};

/// A query text for those who read queries without running them, such as a linter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The query: defaults where there are some, made-up values elsewhere.
    pub text: String,
    /// Places in the text, ascending, and where the same stands in the file.
    places: Vec<(usize, usize)>,
    /// Up to where the places are known.
    known: usize,
}

impl Sample {
    /// The byte of the file where the byte `offset` of the text was written; a value stands where
    /// its parameter does. `None` when the query is not of a file, or macros made something else
    /// of it.
    pub fn locate(&self, offset: usize) -> Option<usize> {
        if offset > self.known {
            return None;
        }
        let after = self.places.partition_point(|(place, _)| *place <= offset);
        Some(self.places.get(after.checked_sub(1)?)?.1)
    }
}

impl Sample {
    /// A text without parameters, and where it stands in its file, which `written` is a part of
    /// from `start` on.
    pub(crate) fn plain(text: String, written: Option<(&str, usize)>) -> Self {
        let mut sample = Self {
            places: Vec::new(),
            known: 0,
            text,
        };
        let Some((written, start)) = written else {
            return sample;
        };
        let mut trace = Trace::new(written, start);
        trace.braces = false;
        for (at, letter) in sample.text.char_indices() {
            if letter.is_whitespace() {
                continue;
            }
            let Some(found) = trace.letter(letter) else {
                return sample;
            };
            sample.places.push((at, found));
            sample.known = at + letter.len_utf8();
        }
        sample.known = sample.text.len();
        sample
    }
}

impl Definition {
    /// The query with made-up values, and where it stands in `file`, the text that it was read
    /// from.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](defender_core::ErrorKind::Usage) when no value can be made up for a
    /// parameter.
    pub fn sample(&self, file: Option<&str>, now: SystemTime) -> Result<Sample> {
        let mut values: BTreeMap<&str, Typed> = BTreeMap::new();
        for hole in self.template.holes() {
            if let Some(parameter) = self.parameter(&hole.name)
                && !values.contains_key(hole.name.as_str())
            {
                let value = value_of(parameter, hole, now);
                values.insert(&hole.name, Typed::read(&value, parameter.ty, now)?);
            }
        }
        let written = file
            .zip(self.written)
            .and_then(|(file, (start, end))| Some((file.get(start..end)?, start)));
        let mut trace = written.map(|(written, start)| Trace::new(written, start));
        let mut sample = Sample {
            text: String::new(),
            places: Vec::new(),
            known: 0,
        };
        for piece in &self.template.pieces {
            let start = sample.text.len();
            let mut place = None;
            match piece {
                Piece::Text(text) => {
                    for (at, letter) in text.char_indices() {
                        if letter.is_whitespace() {
                            continue;
                        }
                        let Some(found) = trace.as_mut().and_then(|trace| trace.letter(letter))
                        else {
                            trace = None;
                            break;
                        };
                        sample.places.push((start + at, found));
                    }
                    sample.text.push_str(text);
                }
                Piece::Hole(hole) => {
                    place = trace.as_mut().and_then(Trace::hole);
                    if place.is_none() {
                        trace = None;
                    }
                    if let Some((parameter, value)) = self
                        .parameter(&hole.name)
                        .zip(values.get(hole.name.as_str()))
                    {
                        let value = write(value, parameter, hole, self.language)?;
                        sample.text.push_str(&value);
                    }
                }
            }
            if let Some(place) = place {
                sample.places.push((start, place));
            }
            if trace.is_some() {
                sample.known = sample.text.len();
            }
        }
        Ok(sample)
    }
}

/// The parameter's default, or a value that fits where it stands.
fn value_of(parameter: &Parameter, hole: &Hole, now: SystemTime) -> Value {
    if let Some(value) = &parameter.default {
        return value.clone();
    }
    let kind = parameter
        .kind
        .or_else(|| Kind::of_name(&parameter.name))
        .unwrap_or(if hole.place == Place::Code {
            hole.placement.kind
        } else {
            Kind::Value
        });
    if let (Type::Str, Place::Typed(word)) = (parameter.ty, hole.place) {
        return Value::from(within(word));
    }
    match (parameter.ty, kind) {
        (Type::Datetime, _) => Value::Time(now),
        (Type::Int, _) => Value::Int(1),
        (Type::Float, _) => Value::Float(1.0),
        (Type::Bool, _) => Value::Bool(true),
        (Type::Str | Type::List, Kind::Identifier) => Value::from("Timestamp"),
        (Type::Str, Kind::Operator) => Value::from("=="),
        (Type::Str, Kind::Literal) => Value::from("1d"),
        (Type::Str, Kind::Expression) => Value::from("1"),
        (Type::Str, Kind::Fragment) => Value::from(""),
        (Type::Str | Type::List, _) => Value::from("sample"),
    }
}

/// A text that makes a literal of this type.
fn within(word: &str) -> &'static str {
    match word {
        "datetime" | "date" => "2026-01-15",
        "timespan" | "time" => "1d",
        "guid" => "00000000-0000-0000-0000-000000000000",
        "bool" => "true",
        _ => "1",
    }
}

/// Follows a template through the scalar that it was written with.
struct Trace<'a> {
    written: &'a str,
    /// Where the scalar stands in the file.
    start: usize,
    at: usize,
    quote: Option<char>,
    /// Whether a brace that is meant is written twice.
    braces: bool,
}

impl<'a> Trace<'a> {
    fn new(written: &'a str, start: usize) -> Self {
        let quote = written
            .chars()
            .next()
            .filter(|letter| matches!(letter, '\'' | '"'));
        Self {
            written,
            start,
            at: usize::from(quote.is_some()),
            quote,
            braces: true,
        }
    }

    fn peek(&self) -> Option<char> {
        self.written.get(self.at..)?.chars().next()
    }

    /// Passes blanks, and what stands for them between double quotes.
    fn pass_blanks(&mut self) -> Option<char> {
        loop {
            let letter = self.peek()?;
            if letter.is_whitespace() {
                self.at += letter.len_utf8();
            } else if self.quote == Some('"') && letter == '\\' {
                let next = self.written.get(self.at + 1..)?.chars().next()?;
                if !(next.is_whitespace() || matches!(next, 'n' | 't' | 'r')) {
                    return Some(letter);
                }
                self.at += 1 + next.len_utf8();
            } else {
                return Some(letter);
            }
        }
    }

    /// Where the next letter of the template stands, when it is this one.
    fn letter(&mut self, wanted: char) -> Option<usize> {
        let mut found = self.pass_blanks()?;
        let place = self.start + self.at;
        if self.quote == Some('"') && found == '\\' {
            self.at += 1;
            found = self.peek()?;
            if let Some(letter) = self.numbered() {
                self.at += 5;
                return (letter == wanted).then_some(place);
            }
        }
        if found != wanted {
            return None;
        }
        self.at += found.len_utf8();
        let doubled = (self.braces && matches!(found, '{' | '}'))
            || (self.quote == Some('\'') && found == '\'');
        if doubled && self.peek() == Some(found) {
            self.at += found.len_utf8();
        }
        Some(place)
    }

    /// The letter that is written as its number: `u0027`.
    fn numbered(&self) -> Option<char> {
        let digits = self.written.get(self.at..)?.strip_prefix('u')?.get(..4)?;
        char::from_u32(u32::from_str_radix(digits, 16).ok()?)
    }

    /// Where the next parameter stands.
    fn hole(&mut self) -> Option<usize> {
        if self.pass_blanks()? != '{' {
            return None;
        }
        let place = self.start + self.at;
        self.at += self.written.get(self.at..)?.find('}')? + 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::{Filter, Library};

    /// Where `part` of the sample of the one query of `file` is written.
    fn found(file: &str, part: &str) -> Option<String> {
        let mut library = Library::new();
        let (count, findings) = library.add_text(file, None);
        assert_eq!(count, 1, "{findings:?}");
        let queries = library.queries(&Filter::default());
        let sample = queries[0]
            .1
            .sample(Some(file), SystemTime::UNIX_EPOCH)
            .unwrap();
        let at = sample
            .text
            .find(part)
            .unwrap_or_else(|| panic!("{}", sample.text));
        let place = sample.locate(at)?;
        Some(file[place..].chars().take(4).collect())
    }

    const HEAD: &str = "metadata: {data_environments: [M365DGraph], data_families: [F]}\nsources:\n q:\n  args:\n   query: ";
    const TAIL: &str = "\n  parameters:\n   start: {type: datetime}\n   user: {type: str}\n";

    #[test]
    fn parts_are_found_in_every_kind_of_scalar() {
        for scalar in [
            "|\n    Devices\n    | where Time > {start}\n    | where User == {user} and Last == 1",
            "'Devices | where Time > {start}\n\n      | where User == {user} and Last == 1'",
            "\"Devices | where Time > {start}\\n| where User == {user} \\\n      and Last == 1\"",
            ">\n    Devices | where Time > {start}\n    | where User == {user} and Last == 1",
            "Devices | where Time > {start} | where User == {user} and Last == 1",
        ] {
            for mark in ["", "\u{feff}"] {
                let file = format!("{mark}{HEAD}{scalar}{TAIL}");
                for (part, expected) in [
                    ("Devices", "Devi"),
                    ("datetime(", "{sta"),
                    ("\"sample\"", "{use"),
                    ("Last", "Last"),
                ] {
                    assert_eq!(
                        found(&file, part).as_deref(),
                        Some(expected),
                        "{part} {file}"
                    );
                }
            }
        }
    }

    #[test]
    fn quotes_and_braces_that_are_doubled_are_one() {
        let file =
            format!("{HEAD}'T | where A == ''x'' and B == ''{{{{y}}}}'' and Last == 1'{TAIL}");
        assert_eq!(found(&file, "Last").as_deref(), Some("Last"));
        let file = format!("{HEAD}\"T | where A == \\\"x\\\" and Last == 1\"{TAIL}");
        assert_eq!(found(&file, "Last").as_deref(), Some("Last"));
    }

    #[test]
    fn what_a_macro_made_is_nowhere() {
        let file = format!(
            "{HEAD}T | where $<m>$ and Last == 1\n  query_macros: {{m: {{value: A == 1}}}}{TAIL}"
        );
        assert_eq!(found(&file, "T |").as_deref(), Some("T | "));
        assert_eq!(found(&file, "Last"), None);
    }
}
