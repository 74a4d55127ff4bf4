//! The clouds and regions, and the names they go by.

use std::fmt;
use std::str::FromStr;

use defender_core::{Error, ErrorKind, WrittenName, nearest};

/// A cloud, or a region of the commercial cloud.
///
/// Parsed in any case, `_` and blanks count as `-`, with MSTICPy's and Azure's names:
///
/// ```
/// # use defender_cloud::Cloud;
/// assert_eq!("GCC_High".parse::<Cloud>().unwrap(), Cloud::GccHigh);
/// assert_eq!("usgov".parse::<Cloud>().unwrap(), Cloud::GccHigh);
/// assert_eq!(Cloud::Global.to_string(), "global");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cloud {
    /// The commercial cloud, wherever the tenant's data is.
    #[default]
    Global,
    /// The commercial cloud, asked in the United States.
    Us,
    /// The commercial cloud, asked in Europe.
    Eu,
    /// The commercial cloud, asked in the United Kingdom.
    Uk,
    /// The commercial cloud, asked in Australia.
    Au,
    /// The commercial cloud, asked at its `swa` host.
    Swa,
    /// The commercial cloud, asked at its `ina` host.
    Ina,
    /// The commercial cloud, asked at its `aea` host.
    Aea,
    /// The US Government Community Cloud: commercial sign-in, Defender hosts of its own.
    Gcc,
    /// GCC High, which Azure calls US Government.
    GccHigh,
    /// The US Department of Defense.
    Dod,
    /// China, operated by 21Vianet: sign-in and Key Vault, but no Defender.
    China,
}

impl Cloud {
    /// Every cloud and region.
    pub const ALL: [Self; 12] = [
        Self::Global,
        Self::Us,
        Self::Eu,
        Self::Uk,
        Self::Au,
        Self::Swa,
        Self::Ina,
        Self::Aea,
        Self::Gcc,
        Self::GccHigh,
        Self::Dod,
        Self::China,
    ];

    /// The name that settings and MSTICPy use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Uk => "uk",
            Self::Au => "au",
            Self::Swa => "swa",
            Self::Ina => "ina",
            Self::Aea => "aea",
            Self::Gcc => "gcc",
            Self::GccHigh => "gcc-high",
            Self::Dod => "dod",
            Self::China => "cn",
        }
    }

    /// Other names that mean the same cloud.
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Global => &["public"],
            Self::GccHigh => &["gcchigh", "usgov", "gov"],
            Self::China => &["china"],
            _ => &[],
        }
    }

    /// Whether this is the commercial cloud or one of its regions.
    pub fn is_commercial(self) -> bool {
        !matches!(self, Self::Gcc | Self::GccHigh | Self::Dod | Self::China)
    }

    pub(crate) fn is_region(self) -> bool {
        self.is_commercial() && self != Self::Global
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Cloud {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wanted = text.trim();
        let spelling = wanted.replace(['_', ' '], "-");
        let names = || {
            Self::ALL.into_iter().flat_map(|cloud| {
                std::iter::once(cloud.name())
                    .chain(cloud.aliases().iter().copied())
                    .map(move |name| (name, cloud))
            })
        };
        if let Some((_, cloud)) = names().find(|(name, _)| name.eq_ignore_ascii_case(&spelling)) {
            return Ok(cloud);
        }
        let known: Vec<_> = names().map(|(name, _)| name).collect();
        let suggestion = nearest(&spelling, known.iter().copied())
            .map(|name| format!("did you mean '{name}'? "))
            .unwrap_or_default();
        Err(Error::new(
            ErrorKind::Config,
            match WrittenName::of_words(wanted).shown() {
                Some(wanted) => format!("unknown cloud '{wanted}'"),
                None => "unknown cloud".to_owned(),
            },
        )
        .with_hint(format!("{suggestion}known clouds are {}", known.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_in_any_case_and_no_name_means_two_clouds() {
        let mut seen = std::collections::BTreeSet::new();
        for cloud in Cloud::ALL {
            for name in std::iter::once(&cloud.name()).chain(cloud.aliases()) {
                assert!(seen.insert(*name), "{name} is given twice");
                assert_eq!(name.parse::<Cloud>().unwrap(), cloud);
                assert_eq!(name.to_uppercase().parse::<Cloud>().unwrap(), cloud);
                assert_eq!(name.replace('-', "_").parse::<Cloud>().unwrap(), cloud);
                assert_eq!(format!("  {name} ").parse::<Cloud>().unwrap(), cloud);
            }
        }
    }

    #[test]
    fn an_unknown_name_suggests_and_lists() {
        let error = "gcc-hihg".parse::<Cloud>().unwrap_err();
        assert_eq!(error.to_string(), "unknown cloud 'gcc-hihg'");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.hint().unwrap(),
            "did you mean 'gcc-high'? known clouds are global, public, us, eu, uk, au, swa, ina, \
             aea, gcc, gcc-high, gcchigh, usgov, gov, dod, cn, china"
        );
        assert!("".parse::<Cloud>().is_err());
    }
}
