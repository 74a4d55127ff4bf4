//! What cargo knows of the workspace: its crates and what they depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::command::output;

/// A crate of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Names of the direct dependencies, renames undone.
    pub(crate) normal: BTreeSet<String>,
    pub(crate) dev: BTreeSet<String>,
    pub(crate) build: BTreeSet<String>,
}

/// Every crate of the workspace by name.
pub(crate) fn packages() -> Result<BTreeMap<String, Package>, String> {
    let text = output(
        "cargo",
        &["metadata", "--format-version", "1", "--no-deps", "--locked"],
    )?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let packages = metadata["packages"]
        .as_array()
        .ok_or("cargo metadata lists no packages")?;
    Ok(packages
        .iter()
        .map(package)
        .map(|package| (package.name.clone(), package))
        .collect())
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> Result<PathBuf, String> {
    let text = output(
        "cargo",
        &["metadata", "--format-version", "1", "--no-deps", "--locked"],
    )?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    metadata["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target folder".to_owned())
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_kind = |kind: Option<&str>| {
        value["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["kind"].as_str() == kind)
            .map(|dependency| text(&dependency["name"]))
            .collect()
    };
    let mut folder = PathBuf::from(text(&value["manifest_path"]));
    folder.pop();
    Package {
        name: text(&value["name"]),
        folder,
        normal: of_kind(None),
        dev: of_kind(Some("dev")),
        build: of_kind(Some("build")),
    }
}
