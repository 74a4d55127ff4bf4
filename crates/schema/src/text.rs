//! The text that holds the schema, read once.

use std::sync::OnceLock;

use crate::{Column, Family, Gone, Table, Type, WorkspaceTable};

const TEXT: &str = include_str!("tables.txt");

/// The whole schema.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Schema {
    pub(crate) tables: Vec<Table>,
    /// Places in `tables`, in the order of their names.
    pub(crate) by_name: Vec<usize>,
    pub(crate) gone: Vec<Gone>,
    pub(crate) workspace: Vec<WorkspaceTable>,
}

/// The schema, read at the first call.
#[expect(
    clippy::expect_used,
    reason = "the text is part of the crate and a test reads it"
)]
pub(crate) fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| parse(TEXT).expect("the text of the schema is well formed"))
}

fn parse(text: &'static str) -> Result<Schema, String> {
    let mut schema = Schema::default();
    let mut section = "";
    for (number, line) in text.lines().enumerate() {
        let fault = |what: &str| format!("line {}: {what}", number + 1);
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix('@') {
            section = name;
            continue;
        }
        if line.starts_with(' ') {
            let table = schema
                .tables
                .last_mut()
                .ok_or_else(|| fault("columns of no table"))?;
            for column in line.split_whitespace() {
                table
                    .columns
                    .push(read_column(column).ok_or_else(|| fault(column))?);
            }
            continue;
        }
        if section == "workspace" {
            let (name, nearest) = line.split_once(" -> ").unwrap_or((line, ""));
            schema.workspace.push(WorkspaceTable {
                name,
                nearest: nearest.split_whitespace().collect(),
            });
            continue;
        }
        let (head, note) = line
            .split_once(": ")
            .ok_or_else(|| fault("a colon is missing"))?;
        if section == "gone" {
            let (name, tables) = head.split_once(" -> ").ok_or_else(|| fault("no arrow"))?;
            let replacements = tables.split_whitespace().collect();
            schema.gone.push(Gone {
                name,
                replacements,
                note,
            });
        } else {
            let family = family(section).ok_or_else(|| fault("an unknown family"))?;
            let table = Table {
                name: head,
                description: note,
                family,
                columns: Vec::new(),
            };
            schema.tables.push(table);
        }
    }
    schema.by_name = (0..schema.tables.len()).collect();
    schema
        .by_name
        .sort_unstable_by_key(|&index| schema.tables[index].name);
    Ok(schema)
}

fn read_column(text: &'static str) -> Option<Column> {
    let Some((name, letter)) = text.split_once(':') else {
        return Some(Column {
            name: text,
            ty: Type::String,
        });
    };
    let ty = match letter {
        "t" => Type::DateTime,
        "d" => Type::Dynamic,
        "l" => Type::Long,
        "i" => Type::Int,
        "b" => Type::Bool,
        "g" => Type::Guid,
        "r" => Type::Real,
        _ => return None,
    };
    Some(Column { name, ty })
}

fn family(name: &str) -> Option<Family> {
    use Family as F;
    [
        F::Alert,
        F::Device,
        F::Vulnerability,
        F::Identity,
        F::Email,
        F::Collaboration,
        F::CloudApp,
        F::Cloud,
        F::DataSecurity,
        F::Exposure,
        F::Agent,
    ]
    .into_iter()
    .find(|family| family.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_schema_reads() {
        let schema = parse("# note\n@device\nA: one\n    X Y:l\n    Z:t\n\n@gone\nB -> A: since\n");
        let schema = schema.unwrap();
        let columns: Vec<_> = schema.tables[0]
            .columns
            .iter()
            .map(|c| (c.name, c.ty))
            .collect();
        let expected = [
            ("X", Type::String),
            ("Y", Type::Long),
            ("Z", Type::DateTime),
        ];
        assert_eq!(columns, expected);
        assert_eq!(schema.tables[0].family, Family::Device);
        assert_eq!(schema.gone[0].replacements, ["A"]);
        assert_eq!(schema.gone[0].note, "since");
    }

    #[test]
    fn faults_name_their_line() {
        assert_eq!(parse("    X\n").unwrap_err(), "line 1: columns of no table");
        assert_eq!(
            parse("@device\nA: one\n    X:q\n").unwrap_err(),
            "line 3: X:q"
        );
        assert_eq!(
            parse("@nobody\nA: one\n").unwrap_err(),
            "line 2: an unknown family"
        );
        assert_eq!(
            parse("@device\nA\n").unwrap_err(),
            "line 2: a colon is missing"
        );
        assert_eq!(parse("@gone\nA: b\n").unwrap_err(), "line 2: no arrow");
    }
}
