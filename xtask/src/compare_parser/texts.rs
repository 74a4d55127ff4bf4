//! The queries in the files of a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every query below `folder`, each once, in the order of the files' names.
pub(super) fn queries(folder: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut seen = BTreeSet::new();
    let mut queries = Vec::new();
    for file in files {
        for text in texts(&file) {
            for range in kql_syntax::queries(&text) {
                let query = text[range].trim();
                if is_query(query) && seen.insert(query.to_owned()) {
                    queries.push(query.to_owned());
                }
            }
        }
    }
    Ok(queries)
}

/// The parts of a file that are KQL; none of a file in another language or encoding.
fn texts(file: &PathBuf) -> Vec<String> {
    let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
    let Ok(text) = fs::read_to_string(file) else {
        return Vec::new();
    };
    let text = text.replace("\r\n", "\n");
    let text = text.trim_start_matches('\u{FEFF}');
    match ending.to_str() {
        Some("kql" | "csl" | "kusto" | "txt") => vec![text.to_owned()],
        Some("md") => fenced(text),
        Some("yaml" | "yml") => blocks(text),
        _ => Vec::new(),
    }
}

/// A sentence is none, and neither is a lone name or a remark.
fn is_query(text: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
        .any(|line| line.starts_with('|') || line.contains(" | "))
}

/// The fenced blocks of a Markdown page that are KQL or say nothing of their language.
fn fenced(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                let language = language.trim().to_ascii_lowercase();
                let ours = matches!(language.as_str(), "" | "kql" | "kusto" | "csl");
                open = Some((ours, String::new()));
            }
            (Some((ours, block)), Some(_)) => {
                if *ours {
                    found.push(std::mem::take(block));
                }
                open = None;
            }
            (Some((_, block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// The literal blocks that rule files call `query` or `queryText`.
fn blocks(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if let (Some(outside), Some(block)) = (inside, found.last_mut()) {
            if line.trim().is_empty() || indent > outside {
                block.push_str(line);
                block.push('\n');
                continue;
            }
            inside = None;
        }
        let (key, value) = line.trim().split_once(':').unwrap_or_default();
        let key = key.trim_start_matches("- ");
        if matches!(key, "query" | "queryText") && matches!(value.trim(), "|" | "|-" | "|+") {
            inside = Some(indent);
            found.push(String::new());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{blocks, fenced, is_query};

    #[test]
    fn remarks_are_no_queries() {
        assert!(is_query("// all\nA | count"));
        assert!(is_query("A\n  | count"));
        assert!(!is_query("// A | count\n  // | take 5"));
        assert!(!is_query("A"));
    }

    #[test]
    fn blocks_of_pages_and_rules_are_found() {
        let page = "Text\n```kql\nA | count\n```\n```json\n{}\n```\n```\nB\n```\n";
        assert_eq!(fenced(page), ["A | count\n", "B\n"]);
        let rule =
            "id: 1\nquery: |\n  A\n\n  | count\nname: x\nqueryCondition:\n  queryText: |-\n    B\n";
        assert_eq!(blocks(rule), ["  A\n\n  | count\n", "    B\n"]);
    }
}
