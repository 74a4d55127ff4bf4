//! Which queries an environment can run.

use defender_core::DataEnvironment;
use defender_schema::{Table, table};

use crate::definition::Definition;

/// The environments whose queries `environment` can run besides its own.
///
/// Every table of the Defender for Endpoint API is a table of Microsoft Graph hunting too, as far
/// as it still exists; files on this machine take the tables of all of them.
pub fn compatible(environment: DataEnvironment) -> &'static [DataEnvironment] {
    match environment {
        DataEnvironment::Mde => &[DataEnvironment::M365d],
        DataEnvironment::M365dGraph => &[DataEnvironment::Mde, DataEnvironment::M365d],
        DataEnvironment::Local => &[
            DataEnvironment::M365dGraph,
            DataEnvironment::M365d,
            DataEnvironment::Mde,
        ],
        _ => &[],
    }
}

/// The names of the folders that MSTICPy reads for `environment`, in its order.
pub fn folders(environment: DataEnvironment) -> &'static [&'static str] {
    match environment {
        DataEnvironment::Mde => &["mde", "m365d"],
        DataEnvironment::M365d => &["m365d"],
        DataEnvironment::M365dGraph => &["m365dgraph", "mde", "m365d"],
        DataEnvironment::SecurityGraph => &["msgraph"],
        DataEnvironment::Local => &["localdata"],
        _ => &[],
    }
}

/// Whether `wanted` takes queries that are for these environments.
pub(crate) fn is_for(environments: &[DataEnvironment], wanted: DataEnvironment) -> bool {
    environments.contains(&wanted)
        || compatible(wanted)
            .iter()
            .any(|environment| environments.contains(environment))
}

/// Whether a query of `environment` may read the table `name`.
///
/// A table that the schema does not know is somebody's own, and may be anywhere.
fn has_table(environment: DataEnvironment, name: &str) -> bool {
    environment != DataEnvironment::Mde || table(name).is_none_or(Table::is_in_endpoint)
}

impl Definition {
    /// The tables that the query reads and that `environment` lacks; it cannot run there when
    /// there are any.
    pub fn tables_missing_in(&self, environment: DataEnvironment) -> Vec<&str> {
        let mut tables = self.tables();
        tables.retain(|name| !has_table(environment, name));
        tables
    }

    /// The environments that can run the query: those that it declares, those that run the
    /// queries of these, each with every table that it reads.
    pub fn runs_in(&self) -> Vec<DataEnvironment> {
        let mut environments = DataEnvironment::ALL.to_vec();
        environments.retain(|environment| {
            is_for(&self.environments, *environment)
                && self.tables_missing_in(*environment).is_empty()
        });
        environments
    }

    /// What people are told that the query is for: [`runs_in`](Self::runs_in), then the
    /// environments of MSTICPy's that this project does not know.
    pub fn environment_names(&self) -> Vec<&str> {
        let known = self.runs_in();
        let mut names: Vec<&str> = known.iter().map(|environment| environment.name()).collect();
        names.extend(self.other_environments.iter().map(String::as_str));
        names
    }
}
