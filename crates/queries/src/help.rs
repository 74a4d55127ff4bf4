//! What a query asks and takes, in words.

use crate::definition::Definition;
use crate::value::Value;

/// Defaults are shown up to this length.
const MAX_DEFAULT: usize = 50;

/// The help of a query, laid out as MSTICPy does.
pub(crate) fn help(definition: &Definition) -> String {
    let mut lines = vec![definition.description.trim().to_owned(), String::new()];
    lines.push("Parameters".to_owned());
    lines.push("----------".to_owned());
    for parameter in &definition.parameters {
        let optional = if parameter.default.is_some() {
            " (optional)"
        } else {
            ""
        };
        lines.push(format!(
            "{}: {}{optional}",
            parameter.name,
            parameter.ty.name()
        ));
        lines.push(format!("    {}", parameter.description.trim()));
        if let Some(default) = parameter.default.as_ref().map(shown)
            && !default.is_empty()
        {
            let short: String = default.chars().take(MAX_DEFAULT).collect();
            let dots = if short.len() < default.len() {
                "..."
            } else {
                ""
            };
            lines.push(format!("    (default value is: {short}{dots})"));
        }
        if !parameter.aliases.is_empty() {
            let aliases: Vec<_> = parameter
                .aliases
                .iter()
                .map(|alias| format!("'{alias}'"))
                .collect();
            lines.push(format!("    Aliases: {}", aliases.join(", ")));
        }
    }
    lines.join("\n")
}

fn shown(value: &Value) -> String {
    match value {
        Value::List(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Time(moment) => crate::time::text(*moment),
        other => other.scalar().unwrap_or_default().replace('\n', " "),
    }
}
