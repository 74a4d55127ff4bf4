//! The page of the query library is what the library says.

use std::fmt::Write as _;
use std::path::Path;

use defender_queries::{Definition, Filter, Library};

/// The library as a page: the hunting set by technique, then the other families.
fn markdown() -> String {
    let library = Library::built_in();
    let mut text = String::from(
        "# The query library\n\n<!-- Generated from crates/queries/library; `UPDATE_DOCS=1 cargo test -p defender-queries` writes it anew. -->\n\n\
         `defender queries show NAME` prints a query, `defender run NAME -p parameter=value` runs it.\n\
         Every query takes `start` and `end`, and further steps in `add_query_items`; the hunting set also `limit`.\n\n\
         ## Hunting, by technique\n\n| technique | query | what it finds | severity | tables |\n|---|---|---|---|---|\n",
    );
    let queries = library.queries(&Filter::default());
    let mut hunting: Vec<(&str, &str, &Definition)> = queries
        .iter()
        .filter(|(name, _)| name.starts_with("Hunting."))
        .flat_map(|(name, query)| {
            let techniques = query.techniques().into_iter();
            techniques.map(|technique| (technique, *name, *query))
        })
        .collect();
    hunting.sort_by_key(|(technique, name, _)| (*technique, *name));
    for (technique, name, query) in hunting {
        let _ = writeln!(
            text,
            "| [{technique}](https://attack.mitre.org/techniques/{}/) | `{name}` | {} | {} | {} |",
            technique.replace('.', "/"),
            query.description,
            query.severity().unwrap_or_default(),
            query.tables().join(", "),
        );
    }
    let (following, rest): (Vec<_>, Vec<_>) = queries
        .into_iter()
        .filter(|(name, _)| !name.starts_with("Hunting."))
        .partition(|(name, _)| name.starts_with("Investigation.") || name.starts_with("Exposure."));
    text.push_str("\n## Following a finding\n\n");
    list(&mut text, following);
    text.push_str("\n## Under MSTICPy's names\n\n");
    list(&mut text, rest);
    text.push_str("\nParameters in bold are required.\n");
    text
}

/// Queries by name, with their parameters.
fn list(text: &mut String, queries: Vec<(&str, &Definition)>) {
    text.push_str("| query | what it finds | parameters |\n|---|---|---|\n");
    for (name, query) in queries {
        let required: Vec<&str> = query
            .required()
            .map(|parameter| parameter.name.as_str())
            .collect();
        let parameters: Vec<String> = query
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
            .filter(|name| query.uses(name) && !["start", "end", "add_query_items"].contains(name))
            .map(|name| {
                let mark = if required.contains(&name) { "**" } else { "" };
                format!("{mark}{name}{mark}")
            })
            .collect();
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} |",
            query.description,
            parameters.join(", ")
        );
    }
}

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/queries.md");
    let expected = markdown();
    if option_is_set("UPDATE_DOCS") {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference/queries.md differs from crates/queries/library; \
         UPDATE_DOCS=1 cargo test -p defender-queries writes it anew"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person at the keyboard asks for the file to be written"
)]
fn option_is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}
