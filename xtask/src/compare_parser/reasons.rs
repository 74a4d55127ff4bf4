//! The differences that are meant, each with its reason.
//!
//! A line that begins at the margin is a reason; the indented lines below it are a kind of
//! difference and the queries that it is about, where `*` stands for any text and `{a,b}` for one
//! of the texts between the commas. Lines that begin with `#` are about the list itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::difference::{Difference, Kind};

/// One indented line.
struct Pattern {
    line: usize,
    kind: Kind,
    written: String,
    /// What is written, once for each way to choose among alternatives.
    globs: Vec<String>,
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
                written: glob.trim().to_owned(),
                globs: alternatives(glob.trim()),
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
                let meets = |glob: &String| matches(glob, &difference.query);
                if pattern.kind == difference.kind && pattern.globs.iter().any(meets) {
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
                pattern.written
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

/// A glob for each choice among the texts in braces.
fn alternatives(glob: &str) -> Vec<String> {
    let braces = glob
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    let Some((before, (choices, after))) = braces else {
        return vec![glob.to_owned()];
    };
    let after = alternatives(after);
    let with = |choice: &str| {
        let prefix = format!("{before}{choice}");
        after.iter().map(move |rest| format!("{prefix}{rest}"))
    };
    choices.split(',').flat_map(with).collect()
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
    use super::{Difference, Kind, Reasons, alternatives, matches};

    #[test]
    fn a_star_is_any_text() {
        assert!(matches("T | extend abs(*)", "T | extend abs(c_int)"));
        assert!(matches("*abs*int*", "T | extend abs(c_int)"));
        assert!(!matches("T | extend abs(*)", "T | extend abs(c_int), 1"));
        assert!(!matches("abs", "abs("));
        assert!(!matches("ab*ba", "aba"));
    }

    #[test]
    fn braces_hold_alternatives() {
        assert_eq!(alternatives("a*"), ["a*"]);
        assert_eq!(
            alternatives("{iff,iif}(c_{int,long})"),
            ["iff(c_int)", "iff(c_long)", "iif(c_int)", "iif(c_long)"]
        );
        assert_eq!(
            alternatives("covariance{,p}(*)"),
            ["covariance(*)", "covariancep(*)"]
        );
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
