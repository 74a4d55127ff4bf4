//! The notation of a file of cases.

use std::ops::Range;

use super::answer::Answer;

/// A file: its tables, and its cases in order.
#[derive(Default)]
pub(super) struct File {
    pub(super) tables: Vec<(String, Answer)>,
    pub(super) cases: Vec<Case>,
}

/// A query and what Kusto answers.
pub(super) struct Case {
    /// Where its `query` line is, counted from 1.
    pub(super) line: usize,
    pub(super) query: String,
    pub(super) unordered: bool,
    /// `now()` in ticks.
    pub(super) now: Option<i64>,
    pub(super) verdict: Verdict,
    /// The answer, or a part of the error's message.
    pub(super) expected: Result<Answer, String>,
    /// The lines below the dashes, counted from 0.
    pub(super) expected_lines: Range<usize>,
}

/// What the file says about the engine's answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the expected one.
    Met,
    /// `unsupported`: the engine refuses what Kusto answers.
    Unsupported,
    /// `differs`: the engine answers something else; the comment above says why.
    Differs,
}

/// Reads a file; an error begins with the number of its line.
pub(super) fn parse(text: &str) -> Result<File, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut file = File::default();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim_end();
        let place = |message: String| format!("{}: {message}", at + 1);
        if line.is_empty() || line.starts_with('#') {
            at += 1;
        } else if let Some(name) = line.strip_prefix("data ") {
            let end = end_of_block(&lines, at + 1);
            let rows = Answer::parse(&lines[at + 1..end]).map_err(place)?;
            file.tables.push((name.trim().to_owned(), rows));
            at = end;
        } else if line == "query" || line.starts_with("query ") {
            let dashes = lines[at..]
                .iter()
                .position(|line| line.trim_end() == "----")
                .ok_or_else(|| place("no line `----` follows the query".to_owned()))?
                + at;
            let end = end_of_block(&lines, dashes + 1);
            let mut case = Case {
                line: at + 1,
                query: lines[at + 1..dashes].join("\n"),
                unordered: false,
                now: None,
                verdict: Verdict::Met,
                expected: expected(&lines[dashes + 1..end]).map_err(place)?,
                expected_lines: dashes + 1..end,
            };
            for word in line["query".len()..].split_whitespace() {
                case.option(word).map_err(place)?;
            }
            file.cases.push(case);
            at = end;
        } else {
            return Err(place(format!(
                "expected `query`, `data NAME`, a comment or an empty line, found {line:?}"
            )));
        }
    }
    Ok(file)
}

impl Case {
    fn option(&mut self, word: &str) -> Result<(), String> {
        match word {
            "unordered" => self.unordered = true,
            "unsupported" => self.verdict = Verdict::Unsupported,
            "differs" => self.verdict = Verdict::Differs,
            _ => {
                let now = word.strip_prefix("now=").and_then(super::answer::ticks);
                self.now = Some(now.ok_or_else(|| {
                    format!(
                        "{word:?} is none of `unordered`, `unsupported`, `differs`, `now=DATETIME`"
                    )
                })?);
            }
        }
        Ok(())
    }
}

fn end_of_block(lines: &[&str], from: usize) -> usize {
    lines[from..]
        .iter()
        .position(|line| line.trim().is_empty())
        .map_or(lines.len(), |count| from + count)
}

fn expected(lines: &[&str]) -> Result<Result<Answer, String>, String> {
    match lines {
        [only] if only.starts_with("error:") => Ok(Err(only["error:".len()..].trim().to_owned())),
        _ => Answer::parse(lines).map(Ok),
    }
}

/// The file's text with other lines below the dashes of some cases.
pub(super) fn with(text: &str, changes: &[(Range<usize>, String)]) -> String {
    let mut out = String::new();
    let mut changes = changes.iter().peekable();
    for (at, line) in text.lines().enumerate() {
        if let Some((range, new)) = changes.peek()
            && at == range.start
        {
            out.push_str(new);
            out.push('\n');
        }
        let replaced = changes.peek().is_some_and(|(range, _)| range.contains(&at));
        if !replaced {
            out.push_str(line);
            out.push('\n');
        }
        changes.next_if(|(range, _)| at >= range.start && at + 1 >= range.end);
    }
    for (_, new) in changes {
        out.push_str(new);
        out.push('\n');
    }
    out
}

#[test]
fn answers_are_written_where_others_were() {
    let text =
        "query\nprint 1\n----\n\nquery\nprint 2\n----\na:long\n[1]\n\nquery\nprint 3\n----\n";
    let parsed = parse(text).unwrap();
    let changes: Vec<_> = parsed
        .cases
        .iter()
        .zip(["x", "y", "z"])
        .map(|(case, new)| (case.expected_lines.clone(), new.to_owned()))
        .collect();
    assert_eq!(
        with(text, &changes),
        "query\nprint 1\n----\nx\n\nquery\nprint 2\n----\ny\n\nquery\nprint 3\n----\nz\n"
    );
}

#[test]
fn a_line_that_is_none_of_a_case_is_refused_with_its_place() {
    for (text, part) in [
        ("print 1\n", "1: expected `query`"),
        ("\nquery\nprint 1\n", "2: no line `----`"),
        ("query sorted\nprint 1\n----\n", "1: \"sorted\" is none of"),
        (
            "query\nprint 1\n----\na:long\n[1,2]\n",
            "1: a row has 2 values",
        ),
        (
            "query\nprint 1\n----\na:lung\n",
            "1: no scalar type named 'lung'",
        ),
    ] {
        let error = parse(text).err().unwrap_or_default();
        assert!(error.starts_with(part), "{error}");
    }
}
