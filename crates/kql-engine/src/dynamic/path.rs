//! Paths into documents: `$.a['b c'][0]`.
//!
//! Source: <https://learn.microsoft.com/kusto/query/jsonpath>

use super::{Dynamic, view};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Property(String),
    Element(i64),
}

/// The steps of a path, which may begin with `$`; `None` where the text is no path.
pub(crate) fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step;
        (step, rest) = match rest.strip_prefix('[') {
            Some(inner) => bracketed(inner)?,
            None => named(rest.strip_prefix('.').unwrap_or(rest))?,
        };
        steps.push(step);
    }
    Some(steps)
}

/// What is inside of brackets, in quotes or not, and what follows them.
fn bracketed(inner: &str) -> Option<(Step, &str)> {
    if let Some(quote) = inner.chars().next().filter(|one| matches!(one, '\'' | '"')) {
        let (name, rest) = inner[1..].split_once(&format!("{quote}]"))?;
        return Some((Step::Property(name.to_owned()), rest));
    }
    let (name, rest) = inner.split_once(']')?;
    let step = match name.parse() {
        Ok(at) => Step::Element(at),
        Err(_) => Step::Property(name.to_owned()),
    };
    Some((step, rest))
}

fn named(inner: &str) -> Option<(Step, &str)> {
    let end = inner.find(['.', '[']).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    (!name.is_empty()).then(|| (Step::Property(name.to_owned()), rest))
}

/// What is at the end of a path, if its steps are there.
pub(crate) fn follow<'a>(mut bytes: &'a [u8], steps: &[Step]) -> Option<&'a [u8]> {
    for step in steps {
        bytes = match (view(bytes), step) {
            (Dynamic::Object(entries), Step::Property(name)) => entries.get(name)?,
            (Dynamic::Array(items), Step::Element(at)) => items.at(*at)?,
            _ => return None,
        };
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Step, steps};

    #[test]
    fn a_path_is_properties_and_elements() {
        let property = |name: &str| Step::Property(name.to_owned());
        for (path, expected) in [
            ("$", Some(vec![])),
            ("$.a.b", Some(vec![property("a"), property("b")])),
            ("a[0]", Some(vec![property("a"), Step::Element(0)])),
            (
                "$['a b'][\"c]d\"]",
                Some(vec![property("a b"), property("c]d")]),
            ),
            (
                "$.a[-1].b",
                Some(vec![property("a"), Step::Element(-1), property("b")]),
            ),
            ("$..a", None),
            ("$.a.", None),
            ("$[0", None),
        ] {
            assert_eq!(steps(path), expected, "{path}");
        }
    }
}
