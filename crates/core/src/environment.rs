//! The data environments: MSTICPy's names for the APIs that can be asked.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// Which service, or which data, a query goes to.
///
/// Parsed in any case, with MSTICPy's aliases:
///
/// ```
/// # use defender_core::DataEnvironment;
/// assert_eq!("mdatp".parse::<DataEnvironment>().unwrap(), DataEnvironment::Mde);
/// assert_eq!(DataEnvironment::M365dGraph.to_string(), "M365DGraph");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DataEnvironment {
    /// Microsoft Graph advanced hunting.
    M365dGraph,
    /// Microsoft Defender for Endpoint advanced queries; ends on 1 February 2027.
    Mde,
    /// Microsoft 365 Defender advanced hunting; ends on 1 February 2027.
    M365d,
    /// The Microsoft Graph security API: alerts and incidents.
    SecurityGraph,
    /// Files on this machine.
    Local,
}

impl DataEnvironment {
    /// Every environment, the recommended one first.
    pub const ALL: [Self; 5] = [
        Self::M365dGraph,
        Self::Mde,
        Self::M365d,
        Self::SecurityGraph,
        Self::Local,
    ];

    /// The name that MSTICPy's documentation uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::M365dGraph => "M365DGraph",
            Self::Mde => "MDE",
            Self::M365d => "M365D",
            Self::SecurityGraph => "SecurityGraph",
            Self::Local => "Local",
        }
    }

    /// Other names that mean the same environment.
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Mde => &["MDATP"],
            Self::SecurityGraph => &["MSGraph"],
            Self::Local => &["LocalData"],
            Self::M365dGraph | Self::M365d => &[],
        }
    }

    /// The day the service behind it ends, as the sentence that names it.
    ///
    /// Source: Microsoft 365 message center, MC1220762.
    pub fn retirement(self) -> Option<&'static str> {
        match self {
            Self::Mde | Self::M365d => Some("1 February 2027"),
            Self::M365dGraph | Self::SecurityGraph | Self::Local => None,
        }
    }
}

impl fmt::Display for DataEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DataEnvironment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wanted = text.trim();
        Self::ALL
            .into_iter()
            .find(|environment| {
                std::iter::once(&environment.name())
                    .chain(environment.aliases())
                    .any(|name| name.eq_ignore_ascii_case(wanted))
            })
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL
                    .iter()
                    .map(|environment| environment.name())
                    .collect();
                Error::new(
                    ErrorKind::Usage,
                    format!("unknown data environment '{wanted}'"),
                )
                .with_hint(format!("it is one of {}", names.join(", ")))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_alias_parses_in_any_case() {
        for environment in DataEnvironment::ALL {
            for name in std::iter::once(&environment.name()).chain(environment.aliases()) {
                assert_eq!(name.parse::<DataEnvironment>().unwrap(), environment);
                assert_eq!(
                    name.to_lowercase().parse::<DataEnvironment>().unwrap(),
                    environment
                );
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "GraphHunting".parse::<DataEnvironment>().unwrap_err();
        assert_eq!(error.to_string(), "unknown data environment 'GraphHunting'");
        assert!(error.hint().unwrap().contains("M365DGraph"));
    }
}
