//! Lines of CSV below the header that readers take for no rows: what tables for people have there,
//! and types. The writer marks rows that look like one, and the reader goes by the mark.

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

/// A line of CSV below the header that is no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRow {
    /// It underlines the names of columns.
    Underline,
    /// It has the types of the columns.
    Types,
}

impl NoRow {
    /// What a line of these cells is, where it is no row.
    pub fn of<'a>(cells: &(impl Iterator<Item = &'a str> + Clone)) -> Option<Self> {
        let filled = || {
            let cells = cells.clone().map(str::trim);
            cells.filter(|cell| !cell.is_empty())
        };
        // Where each needs quotes, none could mark a row that looks so.
        cells
            .clone()
            .find(|cell| !cell.trim().is_empty() && is_plain(cell))?;
        let is_long = |cell: &str| cell.contains("--") || cell.contains("==");
        if filled().all(is_underline) && filled().any(is_long) {
            return Some(Self::Underline);
        }
        filled().all(is_type).then_some(Self::Types)
    }

    /// Whether a line may be one whose first cell with anything in it is this.
    pub(crate) fn may_begin_with(cell: &str) -> bool {
        let cell = cell.trim();
        is_underline(cell) || is_type(cell)
    }
}

/// Whether a cell needs no quotes in CSV.
pub fn is_plain(cell: &str) -> bool {
    !cell.contains(['"', ',', '\r', '\n', '\0'])
}

/// `----`, `:---:`, `==== ====`
fn is_underline(cell: &str) -> bool {
    cell.contains(['-', '=']) && cell.chars().all(|one| "-=:+| ".contains(one))
}

/// `string`, `nvarchar(50)`, `System.DateTime`
fn is_type(cell: &str) -> bool {
    let name = cell.split('(').next().unwrap_or(cell).trim();
    let name = name.strip_prefix("System.").unwrap_or(name);
    TYPES.iter().any(|one| one.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::NoRow;

    #[test]
    fn lines_and_types_are_no_rows() {
        for (cells, expected) in [
            (&["---", "---"][..], Some(NoRow::Underline)),
            (&["", "---", ":--:", ""], Some(NoRow::Underline)),
            (&["--------------------  ----"], Some(NoRow::Underline)),
            (&["-", "----"], Some(NoRow::Underline)),
            (&["====", "=="], Some(NoRow::Underline)),
            (&["-", "-"], None),
            (&["", ""], None),
            (&["---", "a"], None),
            (&["a-b"], None),
            (&["string", "DateTime", "nvarchar(50)"], Some(NoRow::Types)),
            (&["System.String", ""], Some(NoRow::Types)),
            (&["int", "decimal(10,2)"], Some(NoRow::Types)),
            (&["decimal(10,2)"], None),
            (&["string\n", ""], None),
            (&["string", "x"], None),
        ] {
            assert_eq!(NoRow::of(&cells.iter().copied()), expected, "{cells:?}");
        }
    }
}
