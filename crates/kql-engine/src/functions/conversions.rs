//! `tolong`, `tostring` and their kin.

use kql_semantics::ScalarType;

use super::Call;
use crate::EngineError;
use crate::convert;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel};
use crate::text;

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    let to = |ty: ScalarType| kernel(move |values| Ok(convert::to_type(&values[0], ty)));
    Ok(Some(match call.name {
        "tostring" => to(ScalarType::String),
        "tolong" => to(ScalarType::Long),
        "toint" => to(ScalarType::Int),
        "toreal" => to(ScalarType::Real),
        // The service trims a constant, and does not trim what comes from rows.
        "tobool" if call.types[0] == ScalarType::String && call.constant(0).is_some() => {
            kernel(|values| {
                let text = values[0].display();
                Ok(text::boolean(text.trim()).map_or(Datum::Null, Datum::Bool))
            })
        }
        "tobool" => to(ScalarType::Bool),
        "todecimal" => to(ScalarType::Decimal),
        "toguid" => to(ScalarType::Guid),
        "todatetime" => to(ScalarType::DateTime),
        "totimespan" => to(ScalarType::TimeSpan),
        // A dynamic is taken as it is: a text inside of one is not read again.
        "parse_json" => kernel(|values| {
            Ok(match &values[0] {
                Datum::String(text) => convert::parse_json(text),
                other => convert::to_type(other, ScalarType::Dynamic),
            })
        }),
        "dynamic_to_json" => kernel(|values| {
            let sorted = sorted_keys(&dynamic::to_json(&values[0].to_dynamic()));
            Ok(Datum::text(dynamic::json_text(&dynamic::from_json(
                &sorted,
            ))))
        }),
        _ => return Ok(None),
    }))
}

/// Properties in the order of their names, at every depth.
fn sorted_keys(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Json::Array(items) => Json::Array(items.iter().map(sorted_keys).collect()),
        Json::Object(entries) => {
            let mut list: Vec<_> = entries.iter().collect();
            list.sort_by_key(|(key, _)| *key);
            Json::Object(
                list.into_iter()
                    .map(|(key, value)| (key.clone(), sorted_keys(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}
