//! The summaries of many slices as one.

use std::collections::HashMap;

use defender_table::{Completeness, Summary, Warning, WarningKind};

/// Adds summaries up: the same thing said about many slices is said once.
#[derive(Debug, Default)]
pub(super) struct Merged {
    summary: Summary,
    places: HashMap<(WarningKind, Option<String>, String), usize>,
    slices: usize,
    /// Why the first slice is not whole that is not, and how many are not.
    lacking: Option<(String, usize)>,
}

impl Merged {
    pub(super) fn add(&mut self, summary: Summary) {
        let all = &mut self.summary;
        self.slices += 1;
        if self.slices == 1 {
            all.provenance = summary.provenance;
        } else {
            let (all, from) = (&mut all.provenance, summary.provenance);
            all.request_ids.extend(from.request_ids);
            all.client_request_ids.extend(from.client_request_ids);
            all.attempts += from.attempts;
            all.answer_bytes += from.answer_bytes;
        }
        if let Completeness::Incomplete { reason } = summary.completeness {
            self.lacking.get_or_insert((reason, 0)).1 += 1;
        }
        for warning in summary.warnings {
            // The number in a message differs from slice to slice.
            let told: String = warning
                .message
                .chars()
                .filter(|character| !character.is_ascii_digit())
                .collect();
            let key = (warning.kind, warning.column.clone(), told);
            if let Some(place) = self.places.get(&key) {
                add_count(&mut all.warnings[*place], &warning);
            } else {
                self.places.insert(key, all.warnings.len());
                all.warnings.push(warning);
            }
        }
    }

    /// The summary of all of them, to which `missing` was counted and did not come.
    pub(super) fn finish(mut self, rows: usize, missing: Option<String>) -> Summary {
        let lacking = self.lacking.map(|(reason, slices)| match slices {
            1 => reason,
            _ => format!("{reason}, and so in {slices} of {} slices", self.slices),
        });
        let reasons: Vec<String> = missing.into_iter().chain(lacking).collect();
        if !reasons.is_empty() {
            self.summary.completeness = Completeness::Incomplete {
                reason: reasons.join("; "),
            };
        }
        self.summary.rows = rows;
        self.summary
    }
}

/// Adds the values of `more` to a warning that says how many it is about.
fn add_count(warning: &mut Warning, more: &Warning) {
    if warning.count == 0 || more.count == 0 {
        return;
    }
    let sum = warning.count + more.count;
    warning.message = warning
        .message
        .replacen(&warning.count.to_string(), &sum.to_string(), 1);
    warning.count = sum;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(rows: usize, warnings: Vec<Warning>) -> Summary {
        let mut summary = Summary {
            rows,
            warnings,
            ..Summary::default()
        };
        summary.provenance.attempts = 1;
        summary.provenance.answer_bytes = rows as u64 * 10;
        summary.provenance.request_ids.push(format!("id-{rows}"));
        summary
    }

    #[test]
    fn what_is_said_of_many_slices_is_said_once() {
        let misfit = |count: u64| {
            Warning::of_values(
                WarningKind::Value,
                "Port",
                count,
                format!("{count} values of column Port did not fit"),
            )
        };
        let ended = || Warning::new(WarningKind::Retirement, "the API ends on 1 February 2027");
        let mut merged = Merged::default();
        merged.add(summary(3, vec![misfit(2), ended()]));
        merged.add(summary(4, vec![misfit(5), ended()]));
        let all = merged.finish(7, None);
        let told: Vec<String> = all.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "7 values of column Port did not fit",
                "the API ends on 1 February 2027"
            ]
        );
        assert_eq!(all.provenance.attempts, 2);
        assert_eq!(all.provenance.answer_bytes, 70);
        assert_eq!(all.provenance.request_ids, ["id-3", "id-4"]);
        assert_eq!(all.rows, 7);
    }
}
