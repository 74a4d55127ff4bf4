//! `defender schema`: the hunting tables, or the columns of one.

use defender_core::{Error, ErrorKind, Result, nearest};
use defender_schema::Table;
use defender_table::Format;
use serde_json::{Value, json};

use crate::arguments::SchemaOptions;
use crate::listing;

/// Prints the tables, or the columns of the one that is named.
pub(crate) fn run(options: &SchemaOptions) -> Result<()> {
    if let Some(name) = &options.table {
        let table = defender_schema::table(name).ok_or_else(|| unknown(name))?;
        if options.json {
            return listing::print_json(&object(table));
        }
        let rows: Vec<[String; 2]> = table
            .columns
            .iter()
            .map(|column| [column.name.to_owned(), column.ty.name().to_owned()])
            .collect();
        return listing::print(&listing::text(["column", "type"], &rows, Format::Table)?);
    }
    if options.json {
        return listing::print_json(&defender_schema::tables().iter().map(object).collect());
    }
    let rows: Vec<[String; 4]> = defender_schema::tables()
        .iter()
        .map(|table| {
            [
                table.name.to_owned(),
                table.family.name().to_owned(),
                table.columns.len().to_string(),
                table.description.to_owned(),
            ]
        })
        .collect();
    let headings = ["table", "family", "columns", "description"];
    listing::print(&listing::text(headings, &rows, Format::Table)?)
}

fn object(table: &Table) -> Value {
    json!({
        "name": table.name,
        "family": table.family.name(),
        "description": table.description,
        "columns": table
            .columns
            .iter()
            .map(|column| json!({ "name": column.name, "type": column.ty.name() }))
            .collect::<Value>(),
    })
}

fn unknown(name: &str) -> Error {
    let error = Error::new(
        ErrorKind::Usage,
        format!("there is no hunting table '{}'", name.escape_debug()),
    );
    if let Some(gone) = defender_schema::gone_table(name) {
        return error.with_hint(format!(
            "{}; use {}",
            gone.note,
            gone.replacements.join(" or ")
        ));
    }
    let names = defender_schema::tables().iter().map(|table| table.name);
    match nearest(name, names) {
        Some(near) => error.with_hint(format!("did you mean {near}?")),
        None => error.with_hint("`defender schema` lists them"),
    }
}
