//! Lines below the header that are no rows: what tables for people have there, and types.

/// What the line below the header is, where it is no row. Of one column, a value may be the name of
/// a type; `several` says that there are more, or that the table is known.
pub(super) fn no_row<'a>(
    cells: impl Iterator<Item = &'a str> + Clone,
    several: bool,
) -> Option<&'static str> {
    let filled = || {
        let cells = cells.clone().map(str::trim);
        cells.filter(|cell| !cell.is_empty())
    };
    filled().next()?;
    if filled().all(is_line) && filled().any(|cell| cell.contains("--") || cell.contains("==")) {
        return Some(
            "is a line below the names of columns, as tables for people have it (sqlcmd, Markdown, \
             the command's own without --format): save it as CSV, or take that line out",
        );
    }
    if several && filled().all(is_type) {
        return Some(
            "has the types of columns below their names, and no values: take that line out",
        );
    }
    None
}

/// `----`, `:---:`, `==== ====`
fn is_line(cell: &str) -> bool {
    cell.contains(['-', '=']) && cell.chars().all(|one| "-=:+| ".contains(one))
}

/// Types of KQL, of SQL and of data frames, as they are written in a line of types.
const TYPES: &[&str] = &[
    "bigint",
    "bit",
    "bool",
    "boolean",
    "char",
    "date",
    "datetime",
    "datetime2",
    "datetime64[ns]",
    "decimal",
    "double",
    "dynamic",
    "float",
    "float32",
    "float64",
    "guid",
    "int",
    "int32",
    "int64",
    "integer",
    "json",
    "long",
    "nvarchar",
    "object",
    "real",
    "smallint",
    "str",
    "string",
    "text",
    "time",
    "timespan",
    "timestamp",
    "tinyint",
    "uniqueidentifier",
    "uuid",
    "varchar",
];

/// `string`, `nvarchar(50)`, `System.DateTime`
fn is_type(cell: &str) -> bool {
    let name = cell.split('(').next().unwrap_or(cell).trim();
    let name = name.strip_prefix("System.").unwrap_or(name);
    TYPES.iter().any(|one| one.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::no_row;

    #[test]
    fn lines_and_types_are_no_rows() {
        for (cells, several, expected) in [
            (&["---", "---"][..], true, Some("is a line")),
            (&["", "---", ":--:", ""], true, Some("is a line")),
            (&["--------------------  ----"], false, Some("is a line")),
            (&["-", "----"], true, Some("is a line")),
            (&["====", "=="], true, Some("is a line")),
            (&["-", "-"], true, None),
            (&["", ""], true, None),
            (&["---", "a"], true, None),
            (&["a-b"], true, None),
            (
                &["string", "DateTime", "nvarchar(50)"],
                true,
                Some("has the types"),
            ),
            (&["System.String", ""], true, Some("has the types")),
            (&["string"], false, None),
            (&["string", "x"], true, None),
        ] {
            let found = no_row(cells.iter().copied(), several);
            let is = |found: &str| expected.is_some_and(|begin| found.starts_with(begin));
            assert!(found.map_or(expected.is_none(), is), "{cells:?}: {found:?}");
        }
    }
}
