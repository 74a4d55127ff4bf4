//! The differences that are meant, each with its reason.
//!
//! A line that begins at the margin is a reason; the indented lines below it are a kind of
//! difference and the queries that it is about, where `*` stands for any text. Lines that begin
//! with `#` are about the list itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::difference::{Difference, Kind};

/// One indented line.
struct Pattern {
    line: usize,
    kind: Kind,
    glob: String,
}

/// The list of reasons.
pub(super) struct Reasons {
    patterns: Vec<Pattern>,
}

impl Reasons {
    /// Reads the list.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut patterns = Vec::new();
        let mut reason = None;
        for (index, written) in text.lines().enumerate() {
            let line = index + 1;
            if written.trim().is_empty() || written.starts_with('#') {
                continue;
            }
            if !written.starts_with(' ') {
                reason = Some(written);
                continue;
            }
            if reason.is_none() {
                return Err(format!("line {line} has no reason above it"));
            }
            let (kind, glob) = written
                .trim()
                .split_once(' ')
                .unwrap_or((written.trim(), ""));
            let Some(kind) = Kind::ALL.into_iter().find(|known| known.word() == kind) else {
                return Err(format!("line {line}: '{kind}' is no kind of difference"));
            };
            patterns.push(Pattern {
                line,
                kind,
                glob: glob.trim().to_owned(),
            });
        }
        Ok(Self { patterns })
    }

    /// Prints the differences without a reason and the reasons without a difference, and fails when
    /// there is one of either.
    pub(super) fn hold_against(&self, differences: &[Difference]) -> Result<(), String> {
        let mut used = vec![false; self.patterns.len()];
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut bare = 0;
        for difference in differences {
            let mut meant = false;
            for (pattern, used) in self.patterns.iter().zip(&mut used) {
                if pattern.kind == difference.kind && matches(&pattern.glob, &difference.query) {
                    (meant, *used) = (true, true);
                }
            }
            let count = counts.entry(difference.kind.word()).or_default();
            count.0 += 1;
            if !meant {
                println!("{difference}");
                count.1 += 1;
                bare += 1;
            }
        }
        let idle: Vec<&Pattern> = (self.patterns.iter().zip(used))
            .filter_map(|(pattern, used)| (!used).then_some(pattern))
            .collect();
        for pattern in &idle {
            let (line, kind) = (pattern.line, pattern.kind.word());
            println!(
                "line {line} of the reasons meets nothing: {kind} {}",
                pattern.glob
            );
        }
        for (kind, (all, bare)) in counts {
            println!("{kind}: {all} differences, {bare} without a reason");
        }
        if bare == 0 && idle.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{bare} differences without a reason, {} reasons without a difference",
            idle.len()
        ))
    }
}

/// Whether `text` is what `glob` says, `*` being any text.
fn matches(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in between {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{Difference, Kind, Reasons, matches};

    #[test]
    fn a_star_is_any_text() {
        assert!(matches("T | extend abs(*)", "T | extend abs(c_int)"));
        assert!(matches("*abs*int*", "T | extend abs(c_int)"));
        assert!(!matches("T | extend abs(*)", "T | extend abs(c_int), 1"));
        assert!(!matches("abs", "abs("));
        assert!(!matches("ab*ba", "aba"));
    }

    #[test]
    fn every_difference_has_a_reason_and_every_reason_a_difference() {
        let list = "# About the list.\n\nIt is meant.\n  type *abs*\n";
        let reasons = Reasons::parse(list).unwrap();
        let difference = |kind| Difference {
            kind,
            query: "T | extend abs(c_int)".to_owned(),
            note: String::new(),
        };
        assert_eq!(reasons.hold_against(&[difference(Kind::Type)]), Ok(()));
        assert!(reasons.hold_against(&[]).is_err());
        let both = [difference(Kind::Type), difference(Kind::Name)];
        assert!(reasons.hold_against(&both).is_err());
        assert!(Reasons::parse("  type *abs*\n").is_err());
        assert!(Reasons::parse("Why.\n  kind *abs*\n").is_err());
    }
}
