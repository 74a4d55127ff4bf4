//! Which value of a record is which column: by order and name, or as `ingestionMapping` says.
//!
//! Source: <https://learn.microsoft.com/kusto/management/mappings>

use kql_semantics::bound::Column;
use serde_json::{Map, Value as Json};

use crate::dynamic::path::{self, Step};

/// What is done to a value before it is a column's.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Keep,
    /// A number of units since 1970, which are so many ticks.
    UnixTime(f64),
    /// An array of bags of one property each becomes one bag.
    ArrayToBag,
    /// A bag loses what other columns are made of.
    DropMapped,
}

/// Where the value of a column is.
#[derive(Debug, Clone)]
pub(super) enum From {
    Nowhere,
    Constant(String),
    /// The cell of this place.
    Cell(usize),
    /// What a path leads to.
    Path(Vec<Step>, Change),
    /// The address of the document.
    Address,
    /// The number of the record, from 1.
    Number,
}

/// The places of all columns when the query does not say: the order of cells, names of properties.
pub(super) fn by_name_and_order(columns: &[Column]) -> Vec<(From, From)> {
    let places = columns.iter().enumerate();
    places
        .map(|(at, column)| {
            let name = Step::Property(column.name.to_string());
            (From::Cell(at), From::Path(vec![name], Change::Keep))
        })
        .collect()
}

/// The places of all columns as a mapping has them.
pub(super) fn written(text: &str, columns: &[Column]) -> Result<Vec<From>, String> {
    let list: Vec<Map<String, Json>> = serde_json::from_str(text)
        .map_err(|error| format!("ingestionMapping is no JSON array of objects: {error}"))?;
    let mut places = vec![From::Nowhere; columns.len()];
    for entry in &list {
        let Some(name) = text_of(entry, &["column", "name"]) else {
            return Err("an element of ingestionMapping has no Column".to_owned());
        };
        let from = place(entry).map_err(|why| format!("the ingestionMapping of {name} {why}"))?;
        if let Some(at) = columns.iter().position(|column| *column.name == *name) {
            places[at] = from;
        }
    }
    Ok(places)
}

fn place(entry: &Map<String, Json>) -> Result<From, String> {
    // An older form has the properties beside the name.
    let properties = match value_of(entry, &["properties"]) {
        Some(Json::Object(properties)) => properties,
        _ => entry,
    };
    if let Some(constant) = text_of(properties, &["constvalue", "constantvalue"]) {
        return Ok(From::Constant(constant));
    }
    let change = match text_of(properties, &["transform"]).as_deref() {
        None | Some("" | "None") => Change::Keep,
        Some("SourceLocation") => return Ok(From::Address),
        Some("SourceLineNumber") => return Ok(From::Number),
        Some("DateTimeFromUnixSeconds") => Change::UnixTime(10_000_000.0),
        Some("DateTimeFromUnixMilliseconds") => Change::UnixTime(10_000.0),
        Some("DateTimeFromUnixMicroseconds") => Change::UnixTime(10.0),
        Some("DateTimeFromUnixNanoseconds") => Change::UnixTime(0.01),
        Some("PropertyBagArrayToDictionary") => Change::ArrayToBag,
        Some("DropMappedFields") => Change::DropMapped,
        Some(other) => {
            return Err(format!(
                "has the transform '{other}', which is not supported"
            ));
        }
    };
    if let Some(written) = text_of(properties, &["path"]) {
        if !written.starts_with('$') {
            return Ok(From::Constant(written));
        }
        return match path::steps(&written) {
            Some(steps) => Ok(From::Path(steps, change)),
            None => Err(format!("has the path '{written}', which is no JSONPath")),
        };
    }
    match text_of(properties, &["ordinal"]) {
        Some(ordinal) => match ordinal.parse() {
            Ok(at) => Ok(From::Cell(at)),
            Err(_) => Err(format!("has the ordinal '{ordinal}', which is no number")),
        },
        None => Err("has neither Path nor Ordinal nor ConstValue".to_owned()),
    }
}

/// The property of one of these names; the service does not look at their case.
fn value_of<'j>(entry: &'j Map<String, Json>, names: &[&str]) -> Option<&'j Json> {
    let mut found = entry
        .iter()
        .filter(|(key, _)| names.iter().any(|name| key.eq_ignore_ascii_case(name)));
    found.next().map(|(_, value)| value)
}

fn text_of(entry: &Map<String, Json>, names: &[&str]) -> Option<String> {
    match value_of(entry, names)? {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
