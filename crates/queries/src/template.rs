//! A query text with holes, each of which knows what surrounds it.

use crate::definition::{Kind, Language};
use crate::format::{self, Part};
use crate::placing::{self, Placement};
use crate::scanning::{Place, Scanner};

/// A query text cut at its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Hole(Hole),
}

/// Where a parameter goes.
#[derive(Clone, Debug)]
pub(crate) struct Hole {
    pub(crate) name: String,
    /// What stands behind the colon, of the hole or of the parameter's `format`.
    pub(crate) spec: String,
    pub(crate) place: Place,
    /// Whether nothing else stands in the parentheses around it.
    pub(crate) alone: bool,
    pub(crate) placement: Placement,
}

impl Template {
    /// Cuts `text`; `format` gives the format template of a parameter.
    ///
    /// A format template is the author's text around the value, so it becomes part of this one.
    /// The error is what is wrong with the text.
    pub(crate) fn parse<'a>(
        text: &str,
        language: Language,
        format: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, String> {
        let mut parts = Vec::new();
        for part in format::parts(text)? {
            match part {
                Part::Hole { name, spec } if spec.is_empty() => match format(&name) {
                    Some(template) => parts.extend(formatted(&name, template)?),
                    None => parts.push(Part::Hole { name, spec }),
                },
                part => parts.push(part),
            }
        }
        let pieces = placed(&parts, language)?;
        Ok(Self { pieces })
    }

    /// The holes in order.
    pub(crate) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) => Some(hole),
            Piece::Text(_) => None,
        })
    }
}

/// The pieces of a parameter's format template, its holes given the parameter's name.
fn formatted(name: &str, template: &str) -> Result<Vec<Part>, String> {
    format::parts(template)
        .map_err(|error| format!("the format of '{name}': {error}"))?
        .into_iter()
        .map(|part| match part {
            Part::Hole { name: inner, spec } => {
                if inner.is_empty() || inner == "0" {
                    Ok(Part::Hole {
                        name: name.to_owned(),
                        spec,
                    })
                } else {
                    Err(format!(
                        "the format of '{name}' has '{{{inner}}}' in it; only '{{}}' is its value"
                    ))
                }
            }
            text @ Part::Text(_) => Ok(text),
        })
        .collect()
}

/// Finds out what surrounds each hole.
fn placed(parts: &[Part], language: Language) -> Result<Vec<Piece>, String> {
    let odata = language == Language::Odata;
    let mut scanner = Scanner::new(odata);
    let mut pieces: Vec<Piece> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => {
                scanner.read(text);
                if scanner.broken && language == Language::Kql {
                    return Err("a string literal is not closed on its line".to_owned());
                }
                pieces.push(Piece::Text(text.clone()));
            }
            Part::Hole { name, spec } => {
                if name.is_empty() {
                    return Err("'{}' names no parameter".to_owned());
                }
                if scanner.escaping {
                    return Err(format!(
                        "a lone backslash stands before the parameter '{name}' in a string literal"
                    ));
                }
                if scanner.place == Place::Code && !odata && touches_literal(parts, index) {
                    return Err(format!(
                        "the parameter '{name}' stands directly beside a string literal"
                    ));
                }
                pieces.push(Piece::Hole(Hole {
                    name: name.clone(),
                    spec: spec.clone(),
                    place: scanner.place,
                    alone: is_alone(parts, index),
                    placement: Placement {
                        kind: Kind::Value,
                        after_bar: false,
                    },
                }));
            }
        }
    }
    if language == Language::Kql {
        placing::infer(&mut pieces);
    }
    Ok(pieces)
}

/// Whether the hole's neighbours are the parentheses around it.
fn is_alone(parts: &[Part], index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|index| parts.get(index));
    let opens = matches!(before, Some(Part::Text(text)) if text.trim_end().ends_with('('));
    let after = parts.get(index + 1);
    opens && matches!(after, Some(Part::Text(text)) if text.trim_start().starts_with(')'))
}

/// Whether a quote, or the `@` that makes the next one verbatim, is the hole's neighbour.
///
/// Two literals side by side can become one, which reads escapes by other rules.
fn touches_literal(parts: &[Part], index: usize) -> bool {
    let quote = |letter: char| matches!(letter, '\'' | '"' | '`' | '~');
    let before = index.checked_sub(1).and_then(|index| parts.get(index));
    let after = parts.get(index + 1);
    let before = matches!(before, Some(Part::Text(text)) if text.ends_with(|letter: char| letter == '@' || quote(letter)));
    before || matches!(after, Some(Part::Text(text)) if text.starts_with(quote))
}
