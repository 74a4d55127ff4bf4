//! How two judgements of a query differ.

use std::fmt;

use super::parser::Verdict;

/// In what they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Accepted here, refused there.
    Accepted,
    /// Refused here, accepted there.
    Refused,
    /// A column has another type.
    Type,
    /// A column has another name, or there is another number of them.
    Name,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Accepted, Self::Refused, Self::Type, Self::Name];

    /// The word of the list of reasons.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Type => "type",
            Self::Name => "name",
        }
    }
}

/// One difference.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) kind: Kind,
    pub(super) query: String,
    /// What one side says that the other does not.
    pub(super) note: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, query) = (self.kind.word(), &self.query);
        write!(formatter, "{kind:8} {query}    [{}]", self.note)
    }
}

/// Every difference between what is said there and here.
pub(super) fn between(query: &str, theirs: &Verdict, ours: &Verdict) -> Vec<Difference> {
    let difference = |kind: Kind, note: String| Difference {
        kind,
        query: query.to_owned(),
        note,
    };
    match (theirs.refusals.first(), ours.refusals.first()) {
        (Some(_), Some(_)) => return Vec::new(),
        (Some(refusal), None) => return vec![difference(Kind::Accepted, refusal.clone())],
        (None, Some(refusal)) => return vec![difference(Kind::Refused, refusal.clone())],
        (None, None) => {}
    }
    if theirs.columns.len() != ours.columns.len() {
        let note = format!("{:?} there, {:?} here", theirs.columns, ours.columns);
        return vec![difference(Kind::Name, note)];
    }
    let mut found = Vec::new();
    for (there, here) in theirs.columns.iter().zip(&ours.columns) {
        if there.0 != here.0 {
            found.push(difference(
                Kind::Name,
                format!("{} there, {} here", there.0, here.0),
            ));
        }
        // The parser does not know the type of what only data could tell.
        if there.1 != here.1 && there.1 != "unknown" {
            found.push(difference(
                Kind::Type,
                format!("{} there, {} here", there.1, here.1),
            ));
        }
    }
    found
}
