//! A query text made of a definition and the values of its parameters.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, Result, nearest};
use serde::Serialize;

use crate::definition::{Definition, Language, Parameter, Type};
use crate::scanning::{Place, without_blank_lines};
use crate::template::Piece;
use crate::value::{Parameters, Value};
use crate::writing::{Typed, write};

/// How far MSTICPy's default time range goes in both directions.
const DEFAULT_RANGE: Duration = Duration::from_hours(24);

/// What [`Library::render`](crate::Library::render) gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rendered {
    /// The query, ready to be sent.
    pub text: String,
    /// The language it is in.
    pub language: Language,
    /// Every parameter that the text uses, by name, with its value and who gave it.
    pub used: BTreeMap<String, Used>,
    /// The times that nobody gave and that MSTICPy's default range filled in: a day back for
    /// `start`, a day ahead for `end`. Say so to the reader.
    pub defaults_filled: BTreeMap<String, Value>,
    /// What the parameters of time came to, by name.
    pub times: BTreeMap<String, SystemTime>,
}

/// A parameter's value and who gave it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Used {
    /// The value.
    pub value: Value,
    /// Who gave it.
    pub origin: Origin,
}

/// Who gave a parameter its value; the first of these that did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The caller.
    Call,
    /// The default of the query.
    Query,
    /// The default of the query's file.
    File,
    /// The default time range.
    TimeRange,
}

/// Renders `definition`, called `name` in messages.
pub(crate) fn render(
    definition: &Definition,
    name: &str,
    parameters: &Parameters,
    now: SystemTime,
) -> Result<Rendered> {
    if definition.language == Language::Other {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "the query '{name}' is for {}, which cannot be asked here",
                definition.other_environments.join(", ")
            ),
        ));
    }
    let given = given(definition, name, parameters)?;
    let mut used = BTreeMap::new();
    let mut filled = BTreeMap::new();
    let mut times = BTreeMap::new();
    let mut missing = Vec::new();
    let mut values = BTreeMap::new();
    for parameter in &definition.parameters {
        let is_used = definition.uses(&parameter.name);
        let chosen = match (given.get(parameter.name.as_str()), &parameter.default) {
            (Some(value), _) => Some(((*value).clone(), Origin::Call)),
            (None, Some(value)) => Some((
                value.clone(),
                if parameter.shared_default {
                    Origin::File
                } else {
                    Origin::Query
                },
            )),
            (None, None) => default_time(parameter, now).map(|value| (value, Origin::TimeRange)),
        };
        let Some((value, origin)) = chosen else {
            if is_used {
                missing.push(parameter.name.as_str());
            }
            continue;
        };
        if !is_used && origin != Origin::Call {
            continue;
        }
        let typed = Typed::read(&value, parameter.ty, now)
            .map_err(|error| about(error, parameter, name))?;
        if !is_used {
            continue;
        }
        if origin == Origin::TimeRange {
            filled.insert(parameter.name.clone(), value.clone());
        }
        if let Typed::Time(moment) = &typed {
            times.insert(parameter.name.clone(), moment.instant);
        }
        values.insert(parameter.name.as_str(), (parameter, typed));
        used.insert(parameter.name.clone(), Used { value, origin });
    }
    if !missing.is_empty() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("the query '{name}' needs {}", missing.join(", ")),
        )
        .with_hint(format!("its parameters are {}", listed(definition))));
    }
    Ok(Rendered {
        text: filled_in(definition, name, &values)?,
        language: definition.language,
        used,
        defaults_filled: filled,
        times,
    })
}

/// The template with the values in it, without the lines that became blank.
fn filled_in(
    definition: &Definition,
    name: &str,
    values: &BTreeMap<&str, (&Parameter, Typed)>,
) -> Result<String> {
    let mut text = String::new();
    for piece in &definition.template.pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Hole(hole) => {
                let Some((parameter, value)) = values.get(hole.name.as_str()) else {
                    // A definition with a hole that has no parameter is not loaded.
                    return Err(Error::new(
                        ErrorKind::Config,
                        format!(
                            "the query '{name}' uses '{}' without declaring it",
                            hole.name
                        ),
                    ));
                };
                let written = write(value, parameter, hole, definition.language)
                    .map_err(|error| about(error, parameter, name))?;
                let signed = hole.place == Place::Code && written.starts_with('-');
                if signed && text.trim_end().ends_with(['-', '+']) {
                    // KQL has no sign of a sign.
                    text.push('(');
                    text.push_str(&written);
                    text.push(')');
                } else {
                    text.push_str(&written);
                }
            }
        }
    }
    Ok(if definition.language == Language::Kql {
        without_blank_lines(&text)
    } else {
        text.trim().to_owned()
    })
}

/// The caller's values by the parameters' own names.
fn given<'a>(
    definition: &'a Definition,
    name: &str,
    parameters: &'a Parameters,
) -> Result<BTreeMap<&'a str, &'a Value>> {
    let mut given: BTreeMap<&str, (&str, &Value)> = BTreeMap::new();
    for (key, value) in parameters.iter() {
        let Some(parameter) = definition.parameter(key) else {
            return Err(unknown(definition, name, key));
        };
        if let Some((other, earlier)) = given.insert(&parameter.name, (key, value))
            && !earlier.same(value)
        {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "'{other}' and '{key}' are the same parameter of '{name}' and have different values"
                ),
            ));
        }
    }
    Ok(given
        .into_iter()
        .map(|(name, (_, value))| (name, value))
        .collect())
}

fn unknown(definition: &Definition, name: &str, key: &str) -> Error {
    let known = definition
        .parameters
        .iter()
        .flat_map(|parameter| std::iter::once(&parameter.name).chain(&parameter.aliases));
    let error = Error::new(
        ErrorKind::Usage,
        format!(
            "the query '{name}' has no parameter '{}'",
            key.escape_debug()
        ),
    );
    match nearest(key, known.map(String::as_str)) {
        Some(near) => error.with_hint(format!("did you mean '{near}'?")),
        None if definition.parameters.is_empty() => error.with_hint("it takes none"),
        None => error.with_hint(format!("its parameters are {}", listed(definition))),
    }
}

fn listed(definition: &Definition) -> String {
    let names = definition
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

fn about(error: Error, parameter: &Parameter, name: &str) -> Error {
    error.reworded(|message| format!("parameter '{}' of '{name}': {message}", parameter.name))
}

/// The default range for the parameters that hold it by convention.
fn default_time(parameter: &Parameter, now: SystemTime) -> Option<Value> {
    if parameter.ty != Type::Datetime {
        return None;
    }
    match parameter.name.as_str() {
        "start" => now.checked_sub(DEFAULT_RANGE),
        "end" => now.checked_add(DEFAULT_RANGE),
        _ => None,
    }
    .map(Value::Time)
}
