//! What an export asks, and whether another run asks the same.

use std::collections::VecDeque;
use std::path::Path;
use std::time::SystemTime;

use defender_core::{DataEnvironment, Error, ErrorKind, Result, strike_out_shapes};
use defender_table::{Timespan, ticks};
use serde::{Deserialize, Serialize};

/// The form of the file.
const VERSION: u32 = 1;
/// What an export asks, so that it is not continued with another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The KQL.
    pub text: String,
    /// The environment that is asked.
    pub environment: DataEnvironment,
    /// The range of time as it was given, such as `-7d/now`.
    pub range: String,
    /// What that range was when the export began.
    pub timespan: Timespan,
    /// When the export began: relative times of the query count from it.
    pub asked: SystemTime,
    /// Who is asked, in any order.
    pub tenants: Vec<String>,
    /// Whatever else decides what is in a row.
    pub form: String,
}

/// When and over which range of time an export began, as its file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The range of time.
    pub timespan: Timespan,
    /// When it began.
    pub asked: SystemTime,
}

/// The question as the file has it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recorded {
    version: u32,
    query: String,
    environment: String,
    range: String,
    start: i64,
    end: i64,
    asked: i64,
    tenants: Vec<String>,
    form: String,
}

impl Recorded {
    pub(super) fn of(question: &Question) -> Self {
        Self {
            version: VERSION,
            query: question.text.clone(),
            environment: question.environment.to_string(),
            range: question.range.clone(),
            start: question.timespan.start(),
            end: question.timespan.end(),
            asked: ticks::from_system_time(question.asked).unwrap_or(ticks::UNIX_EPOCH),
            tenants: sorted(&question.tenants),
            form: question.form.clone(),
        }
    }

    /// When the export began; `None` when it cannot have begun then.
    pub(super) fn begun(&self) -> Option<Begun> {
        Some(Begun {
            timespan: Timespan::new(self.start, self.end).ok()?,
            asked: ticks::to_system_time(self.asked)?,
        })
    }

    /// The range of the export when it is the same question.
    pub(super) fn compare(&self, question: &Question, path: &Path) -> Result<Timespan> {
        let Self {
            version,
            query,
            environment,
            range,
            start,
            end,
            asked: _,
            tenants,
            form,
        } = self;
        let differs = if *version != VERSION {
            Some("form of an export".to_owned())
        } else if *environment != question.environment.to_string() {
            Some("environment".to_owned())
        } else if *range != question.range {
            let [kept, asked] = [range, &question.range].map(|range| shortened(range));
            Some(format!("range of time: '{kept}' in place of '{asked}'"))
        } else if *query != question.text {
            let [kept, asked] = [query, &question.text]
                .map(|text| strike_out_shapes(text, (0..text.len()).step_by(1 << 10)));
            Some(if kept == asked {
                "query".to_owned()
            } else {
                let [kept, asked] = differing(&kept, &asked);
                format!("query: '{kept}' in place of '{asked}'")
            })
        } else if *tenants != sorted(&question.tenants) {
            let [kept, asked] =
                [tenants, &question.tenants].map(|names| shortened(&names.join(", ")));
            Some(format!("tenant: '{kept}' in place of '{asked}'"))
        } else if *form != question.form {
            // How times are written, then the width of the slices.
            let parts = |form: &str| {
                let (times, width) = form.split_once(' ').unwrap_or((form, ""));
                (times.to_owned(), shortened(width))
            };
            let ((times, kept), (other, asked)) = (parts(form), parts(&question.form));
            Some(if times == other {
                format!("--split-by: '{kept}' in place of '{asked}'")
            } else {
                "form of the times in its rows".to_owned()
            })
        } else {
            None
        };
        match differs {
            Some(what) => Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "{} belongs to an export with another {what}",
                    path.display()
                ),
            )
            .with_hint("repeat the command as it was, parameters included, or name another file")),
            None => Timespan::new(*start, *end),
        }
    }
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

/// The words that only one of two texts has, from the first to the last that differ.
fn differing(left: &str, right: &str) -> [String; 2] {
    let mut words = [left, right].map(|text| text.split_whitespace().collect::<VecDeque<_>>());
    let [left, right] = &mut words;
    while left.front().is_some() && left.front() == right.front() {
        left.pop_front();
        right.pop_front();
    }
    while left.back().is_some() && left.back() == right.back() {
        left.pop_back();
        right.pop_back();
    }
    words.map(|words| shortened(&Vec::from(words).join(" ")))
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
