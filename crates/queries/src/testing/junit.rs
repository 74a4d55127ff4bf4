//! Results of tests as `JUnit` XML, for build servers.

use std::fmt::Write as _;
use std::time::Duration;

/// One test and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// What it belongs to, such as the file it stands in.
    pub class: String,
    /// Its name.
    pub name: String,
    /// How long it took.
    pub duration: Duration,
    /// What went wrong; empty when it passed.
    pub failures: Vec<String>,
}

/// The cases as a `JUnit` document with one suite.
pub fn junit(suite: &str, cases: &[TestCase]) -> String {
    let failed = cases
        .iter()
        .filter(|case| !case.failures.is_empty())
        .count();
    let seconds: Duration = cases.iter().map(|case| case.duration).sum();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{:.3}\">",
        escaped(suite),
        cases.len(),
        seconds.as_secs_f64(),
    );
    for case in cases {
        let _ = write!(
            text,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
            escaped(&case.class),
            escaped(&case.name),
            case.duration.as_secs_f64(),
        );
        let Some(first) = case.failures.first() else {
            text.push_str("/>\n");
            continue;
        };
        let _ = writeln!(
            text,
            ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
            escaped(first.lines().next().unwrap_or_default()),
            escaped(&case.failures.join("\n")),
        );
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// The text without what XML 1.0 cannot hold, and with what means something there escaped.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\n' => written.push_str("&#10;"),
            '\t' => written.push_str("&#9;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                written.push('\u{fffd}');
            }
            letter => written.push(letter),
        }
    }
    written
}
