//! Which keywords may also be names, and where.

/// How freely a word can be used as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Freedom {
    /// Only in brackets: `['first']`.
    Bracketed,
    /// Where a name is given: `title = 1`, `(title: string)`; not where one is read.
    Given,
    /// Everywhere.
    Anywhere,
}

/// How freely `word` can be used as a name.
#[expect(clippy::too_many_lines, reason = "a table of words")]
pub(crate) fn freedom(word: &str) -> Freedom {
    match word {
        "accumulate" | "as" | "by" | "contains" | "datatable" | "earliest" | "externaldata"
        | "find" | "has" | "in" | "invoke" | "latest" | "materialize" | "mdm" | "of" | "print"
        | "sample" | "sample-distinct" | "search" | "set" | "sql" | "title" | "to" | "toscalar"
        | "totable" | "top-hitters" | "top-nested" | "verbose" | "viewers" | "where" => {
            Freedom::Given
        }
        "kind"
        | "withsource"
        | "with_source"
        | "and"
        | "or"
        | "between"
        | "asc"
        | "desc"
        | "first"
        | "last"
        | "like"
        | "likecs"
        | "notlike"
        | "notlikecs"
        | "notcontains"
        | "notcontainscs"
        | "containscs"
        | "contains_cs"
        | "startswith"
        | "startswith_cs"
        | "endswith"
        | "endswith_cs"
        | "has_any"
        | "has_all"
        | "has_cs"
        | "hasprefix"
        | "hasprefix_cs"
        | "hassuffix"
        | "hassuffix_cs"
        | "in~"
        | "union"
        | "project"
        | "external_data"
        | "others"
        | "nooptimization"
        | "simple"
        | "relaxed"
        | "flags"
        | "bagexpansion"
        | "isfuzzy"
        | "force_remote"
        | "hotcache"
        | "datascope"
        | "decodeblocks"
        | "expandoutput"
        | "with_itemindex"
        | "with_match_id"
        | "with_step_name"
        | "cycles"
        | "missing"
        | "queries"
        | "query_results"
        | "views"
        | "statistics"
        | "journal"
        | "seal"
        | "seals"
        | "shards"
        | "rowstore"
        | "rowstores"
        | "callout"
        | "cancel"
        | "harddelete"
        | "hardretention"
        | "softdelete"
        | "softretention"
        | "tablepurge"
        | "writeaheadlog"
        | "unrestrictedviewers"
        | "restricted_view_access"
        | "row_level_security"
        | "rowstore_references"
        | "rowstore_sealinfo"
        | "rowstorepolicy"
        | "storedqueryresultcontainers"
        | "extent_tags_retention"
        | "encodingpolicy"
        | "cachingpolicy"
        | "dataexport"
        | "pathformat"
        | "anomalychart"
        | "areachart"
        | "barchart"
        | "card"
        | "columnchart"
        | "ladderchart"
        | "linechart"
        | "piechart"
        | "pivotchart"
        | "scatterchart"
        | "stackedareachart"
        | "timechart"
        | "timeline"
        | "timepivot"
        | "treemap"
        | "3Dchart"
        | "boolean"
        | "byte"
        | "char"
        | "date"
        | "datetime"
        | "double"
        | "dynamic"
        | "float"
        | "int"
        | "int16"
        | "int32"
        | "int64"
        | "int8"
        | "long"
        | "real"
        | "decimal"
        | "string"
        | "time"
        | "timespan"
        | "uint"
        | "uint16"
        | "uint32"
        | "uint64"
        | "uint8"
        | "ulong"
        | "uniqueid" => Freedom::Bracketed,
        _ if word.starts_with('!') => Freedom::Bracketed,
        _ if word.contains('-') => Freedom::Bracketed,
        _ => Freedom::Anywhere,
    }
}

/// Whether `word` names a type in a declaration.
pub(crate) fn is_type(word: &str) -> bool {
    matches!(
        word,
        "bool"
            | "boolean"
            | "date"
            | "datetime"
            | "decimal"
            | "double"
            | "dynamic"
            | "guid"
            | "int"
            | "int64"
            | "int8"
            | "long"
            | "real"
            | "string"
            | "time"
            | "timespan"
            | "uniqueid"
    )
}

/// Whether `word` names a type in `typeof(…)` and in the columns of `find`.
pub(crate) fn is_extended_type(word: &str) -> bool {
    is_type(word)
        || matches!(
            word,
            "float"
                | "int16"
                | "int32"
                | "uint"
                | "uint16"
                | "uint32"
                | "uint64"
                | "uint8"
                | "ulong"
        )
}
