//! The queries of Markdown pages.

use std::ops::Range;

/// The fenced blocks of a page that say that they are KQL, without their fences.
pub(super) fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    // The fence that is open, whether its block is KQL, and where the block begins.
    let mut open: Option<(&str, bool, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_start_matches([' ', '\t', '>']).trim_end();
        let length = content.len() - content.trim_start_matches('`').len();
        let (fence, language) = content.split_at(length);
        match open {
            None if length >= 3 => {
                let language = language.trim().to_ascii_lowercase();
                let is_kql = matches!(language.as_str(), "kql" | "kusto" | "csl");
                open = Some((fence, is_kql, at));
            }
            Some((opened, is_kql, begin)) if length >= opened.len() && language.is_empty() => {
                if is_kql {
                    blocks.push(begin..start);
                }
                open = None;
            }
            _ => {}
        }
    }
    // A block that is not closed goes to the end of the page.
    if let Some((_, true, begin)) = open {
        blocks.push(begin..text.len());
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn blocks_of_kql_are_found() {
        let page = "# Page\n```KQL\nA | count\n```\n\n```json\n{}\n```\n````kusto\nB // ```\n````\n```\nC\n```\n- x\n\n  ```kql\n  D\n";
        let found: Vec<&str> = blocks(page).into_iter().map(|range| &page[range]).collect();
        assert_eq!(found, ["A | count\n", "B // ```\n", "  D\n"]);
    }
}
