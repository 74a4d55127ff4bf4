//! Which queries an environment can run.

use defender_core::DataEnvironment;

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
