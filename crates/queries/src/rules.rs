//! The queries of detection rules: of Microsoft Sentinel and of Microsoft Defender, in YAML or JSON.

use crate::finding::Finding;
use crate::node::{Document, Kind, Node};
use crate::sample::Sample;

/// A query of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleQuery {
    /// What the rule is called, where it says so.
    pub rule: Option<String>,
    /// The line of the query, from 1.
    pub line: Option<u64>,
    /// The query, and where its parts stand in the file; `None` for an expression of a template,
    /// which only a deployment makes a query of.
    pub query: Option<Sample>,
}

/// The queries of a file of detection rules, in the order of the file; none when it is a file of
/// something else.
///
/// A rule has its query under `query`, as the rules and hunting queries of Microsoft Sentinel do,
/// under `properties` and there under `query`, as they do in a template of Azure Resource Manager,
/// or under `queryCondition` and there under `queryText`, as custom detections of Microsoft
/// Defender do. A file may hold several: in a list, in a template, or as documents of YAML.
///
/// # Errors
///
/// The finding that says why the file cannot be read.
pub fn rule_queries(text: &str) -> Result<Vec<RuleQuery>, Finding> {
    let mut found = Vec::new();
    for (start, part) in documents(text) {
        let before = text.get(..start).unwrap_or_default();
        let lines = u64::try_from(before.matches('\n').count()).unwrap_or(u64::MAX);
        let document = Document::parse(part).map_err(|finding| Finding {
            line: finding.line.map(|line| line.saturating_add(lines)),
            ..finding
        })?;
        let mut walk = Walk {
            document: &document,
            text: part,
            start,
            lines,
            found: &mut found,
        };
        walk.node(&document.root, None, true);
    }
    Ok(found)
}

/// The documents of a YAML file, and where each begins; a file of JSON is one.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        at += line.len();
        if line.trim_end() == "---" {
            parts.push((start, &text[start..at - line.len()]));
            start = at;
        }
    }
    parts.push((start, &text[start..]));
    parts.retain(|(_, part)| {
        let mut lines = part.lines().map(str::trim_start);
        lines.any(|line| !line.is_empty() && !line.starts_with('#'))
    });
    parts
}

struct Walk<'a> {
    document: &'a Document,
    text: &'a str,
    start: usize,
    lines: u64,
    found: &'a mut Vec<RuleQuery>,
}

impl Walk<'_> {
    /// Looks for rules in a node, `named` being what the one around it is called. The reader's
    /// depth limit bounds the recursion.
    fn node(&mut self, node: &Node, named: Option<&str>, outermost: bool) {
        if let Kind::List(items) = &node.kind {
            for item in items {
                self.node(item, None, outermost);
            }
            return;
        }
        let own = ["displayName", "name", "title"]
            .iter()
            .find_map(|key| self.document.text(node.get(key)?));
        let named = own.as_deref().or(named);
        for (key, value) in node.entries() {
            let is_query = match key.as_str() {
                "query" => outermost,
                "queryText" => true,
                _ => false,
            };
            if is_query && matches!(value.kind, Kind::Text(_)) {
                self.query(value, named);
            } else {
                // A query of something else than a rule is often called so as well.
                self.node(value, named, matches!(key.as_str(), "properties"));
            }
        }
    }

    fn query(&mut self, node: &Node, named: Option<&str>) {
        let Some(text) = self.document.text(node) else {
            return;
        };
        let line = node.line.map(|line| line.saturating_add(self.lines));
        let expression = text.starts_with('[') && !text.starts_with("[[") && text.ends_with(']');
        let query = (!expression).then(|| {
            let written = self.document.bytes(node);
            let written = written
                .and_then(|(start, end)| Some((self.text.get(start..end)?, self.start + start)));
            // A template writes a bracket twice where it would begin an expression.
            let text = text.strip_prefix('[').filter(|_| text.starts_with("[["));
            let text = text.map(str::to_owned);
            let text = text.or_else(|| self.document.lines(node));
            Sample::plain(text.unwrap_or_default(), written)
        });
        self.found.push(RuleQuery {
            rule: named.map(str::to_owned),
            line,
            query,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::rule_queries;

    /// Rule, line, text and what stands in the file where `part` is.
    fn found(file: &str, part: &str) -> Vec<(Option<String>, Option<u64>, String, String)> {
        rule_queries(file)
            .unwrap()
            .into_iter()
            .map(|found| {
                let query = found.query.unwrap();
                let at = query.text.find(part).unwrap();
                let place = query.locate(at).unwrap();
                let there = file[place..].chars().take(part.len()).collect();
                (found.rule, found.line, query.text, there)
            })
            .collect()
    }

    #[test]
    fn rules_of_sentinel_and_defender_have_queries() {
        let text = "A\n| where x == '{{y}}'\n";
        let sentinel = "id: 1\nname: One\nquery: |\n  A\n  | where x == '{{y}}'\nversion: 1\n";
        let expected = |rule: &str, line| {
            (
                Some(rule.to_owned()),
                Some(line),
                text.to_owned(),
                "where".to_owned(),
            )
        };
        assert_eq!(found(sentinel, "where"), [expected("One", 3)]);
        let several = format!("# Rules\n---\n{sentinel}---\n{sentinel}");
        assert_eq!(
            found(&several, "where"),
            [expected("One", 5), expected("One", 12)]
        );
        let defender =
            "displayName: Two\nqueryCondition:\n  queryText: |\n    A\n    | where x == '{{y}}'\n";
        assert_eq!(found(defender, "where"), [expected("Two", 3)]);
        let template = r#"{"resources": [{"type": "x", "properties":
            {"displayName": "Three", "query": "A\n| where x == \u0027{{y}}\u0027\n"}}]}"#;
        assert_eq!(found(template, "where"), [expected("Three", 2)]);
        assert_eq!(found(template, "y}}")[0].3, "y}}");
    }

    #[test]
    fn a_file_of_something_else_has_none() {
        for text in [
            "",
            "services: {web: {query: 'a'}}",
            "[1, 2]",
            "metadata: {}\nsources: {q: {args: {query: T}}}",
        ] {
            assert_eq!(rule_queries(text).unwrap(), [], "{text}");
        }
        let broken = rule_queries("a: 1\n---\nb: [\n").unwrap_err();
        assert!(broken.line >= Some(3), "{broken:?}");
    }

    #[test]
    fn what_a_deployment_makes_is_no_query_yet() {
        let template = r#"{"properties": {"query": "[variables('q')]"}}"#;
        let found = rule_queries(template).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].query, None);
    }
}
