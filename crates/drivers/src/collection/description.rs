//! What tells the collections of one security API from those of another.

use defender_core::DataEnvironment;
use defender_http::Quota;
use defender_table::ColumnType;

/// The collections of one security API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectionsDescription {
    /// The environment that it is.
    pub environment: DataEnvironment,
    /// Those whose columns are known.
    pub collections: &'static [Collection],
    /// Whether names that were added to an enumeration later have to be asked for.
    ///
    /// Source: <https://learn.microsoft.com/graph/best-practices-concept#handling-future-members-in-evolvable-enumerations>
    pub evolvable_enums: bool,
    /// How many rows a page has at most, where a full page may be the last one: what comes after
    /// it is asked for with `$skip`.
    pub page_cap: Option<usize>,
    /// Paths that are no more, and what to ask instead.
    pub retired: &'static [(&'static str, &'static str)],
    /// How much it allows one application in one tenant.
    pub quota: Quota,
    /// The page that this mirrors.
    pub documentation: &'static str,
}

/// A collection whose columns are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Where it is below the API's version: `security/alerts_v2`.
    pub path: &'static str,
    /// Which property names a row.
    pub key: &'static str,
    /// Which property says since when there is a row, and can be filtered by.
    pub time: &'static str,
    /// The properties that can be filtered by, as the documentation lists them.
    pub filters: &'static [&'static str],
    /// The properties that tell a person what a row is about.
    pub brief: &'static [&'static str],
    /// The application permission that it asks for.
    pub application_role: &'static str,
    /// The delegated permission that it asks for.
    pub delegated_scope: &'static str,
    /// Its properties and their types, in the order of the documentation.
    pub columns: &'static [(&'static str, ColumnType)],
    /// The page that this mirrors.
    pub documentation: &'static str,
}

impl CollectionsDescription {
    /// The collection at `path`, or the one that has a row there.
    pub fn collection(&self, path: &str) -> Option<&'static Collection> {
        let path = path.trim_matches('/');
        self.collections.iter().find(|collection| {
            let Some((start, rest)) = path.split_at_checked(collection.path.len()) else {
                return false;
            };
            let row = rest
                .strip_prefix('/')
                .is_some_and(|id| !id.contains('/') && !id.starts_with('$'));
            start.eq_ignore_ascii_case(collection.path) && (rest.is_empty() || row)
        })
    }

    /// The same collections as `environment` knows them.
    #[must_use]
    pub fn of(self, environment: DataEnvironment) -> Self {
        Self {
            environment,
            ..self
        }
    }

    /// What to ask instead of `path`, which is no more.
    pub(crate) fn retired(&self, path: &str) -> Option<&'static str> {
        let path = path.trim_matches('/').to_ascii_lowercase();
        self.retired
            .iter()
            .find(|(old, _)| {
                path.strip_prefix(old)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .map(|(_, hint)| *hint)
    }
}
