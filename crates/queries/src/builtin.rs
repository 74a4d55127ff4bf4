//! The queries that come with this crate.

use defender_core::Result;

use crate::library::Library;
use crate::testing::QueryTest;

/// A file of the built-in library: its name, its queries, their tests.
type File = (&'static str, &'static str, &'static str);

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../library/", $name, ".yaml")),
            include_str!(concat!("../library/tests/", $name, ".yaml")),
        )),*]
    };
}

const FILES: &[File] = files![
    "devices",
    "alerts",
    "identity_on_prem",
    "defender_hunting",
    "security_graph",
    "initial_access",
    "execution",
    "persistence",
    "privilege_escalation",
    "defense_evasion",
    "credential_access",
    "discovery",
    "lateral_movement",
    "collection",
    "command_and_control",
    "exfiltration",
    "impact",
    "investigation",
    "exposure",
];

impl Library {
    /// The library that comes with this crate: MSTICPy's names for Defender over tables of today, a
    /// hunting set by MITRE ATT&CK technique, and queries that follow a finding.
    pub fn built_in() -> Self {
        let mut library = Self::new();
        for (_, text, _) in FILES {
            // A test of this crate sees to it that there is nothing to find.
            let _ = library.add_text(text, None);
        }
        library
    }

    /// The names and texts of the built-in definition files.
    pub fn built_in_files() -> impl Iterator<Item = (&'static str, &'static str)> {
        FILES.iter().map(|(name, text, _)| (*name, *text))
    }

    /// The tests of the built-in queries, with the file each stands in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](defender_core::ErrorKind::Config) when a file of tests is wrong,
    /// which this crate's own tests rule out.
    pub fn built_in_tests() -> Result<Vec<(&'static str, QueryTest)>> {
        let mut tests = Vec::new();
        for (name, _, text) in FILES {
            tests.extend(
                QueryTest::parse(text)?
                    .into_iter()
                    .map(|test| (*name, test)),
            );
        }
        Ok(tests)
    }
}
