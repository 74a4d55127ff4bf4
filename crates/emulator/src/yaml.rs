//! Reading YAML, with mistakes told by their line.

use serde::de::DeserializeOwned;

/// Reads YAML (of which JSON is a part); a mistake is told without the lines around it, since
/// they may hold secrets.
pub(crate) fn read_yaml<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let stop = error.location().map(|place| place.line());
        let stop = stop.and_then(|line| usize::try_from(line).ok());
        match stop.and_then(|line| indented_with_tab(text, line)) {
            Some(line) => format!("line {line} is indented with a tab, and YAML takes blanks"),
            None => error.to_string(),
        }
    })
}

/// The line, from 1, whose tab makes a reader stop at `line`, or beside it.
fn indented_with_tab(text: &str, line: usize) -> Option<usize> {
    let is_so = |text: &&str| text.trim_start_matches(' ').starts_with('\t');
    let mut around = (line.saturating_sub(1).max(1)..=line.saturating_add(1)).filter(|number| {
        let found = text.lines().nth(number - 1);
        found.as_ref().is_some_and(is_so)
    });
    around.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_is_named_with_its_line() {
        for (text, expected) in [
            ("- path: /a\n\tstatus: 500\n", 2),
            (
                "- path: /a\n  status: 500\n- path: /b\n  \tstatus: 500\n",
                4,
            ),
            ("-\tpath: /a\n\tstatus: 500\n", 2),
        ] {
            let error = read_yaml::<serde_json::Value>(text).unwrap_err();
            let start = format!("line {expected} is indented with a tab");
            assert!(error.starts_with(&start), "{text:?}: {error}");
        }
    }
}
