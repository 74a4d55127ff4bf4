//! What a release would contain: one version, a changelog entry, a package per crate.

use std::fs;

use crate::command::{root, run};
use crate::metadata::packages;

/// Checks everything that a release needs and builds its packages, publishing nothing.
pub(crate) fn dry_run() -> Result<(), String> {
    let manifest = read("Cargo.toml")?;
    let version = manifest
        .lines()
        .skip_while(|line| line.trim() != "[workspace.package]")
        .find_map(|line| line.strip_prefix("version = "))
        .ok_or("Cargo.toml names no version")?
        .trim_matches('"')
        .to_owned();
    let entries = unreleased(&read("CHANGELOG.md")?)?;
    println!(
        "release {version}: the changelog's {} unreleased lines become its entry",
        entries.len()
    );
    for entry in &entries {
        println!("  {entry}");
    }
    println!("tag: v{version}");
    let mut arguments = vec![
        "package",
        "--workspace",
        "--locked",
        "--no-verify",
        "--allow-dirty",
    ];
    let packages = packages()?;
    for package in packages.values() {
        if package.name == "xtask" {
            arguments.extend(["--exclude", "xtask"]);
        } else if !manifest.contains(&format!("{} = {{ path", package.name))
            && package.name != "defender-cli"
        {
            return Err(format!("Cargo.toml gives no version for {}", package.name));
        }
    }
    run("cargo", &arguments, &[])
}

/// The lines below the `Unreleased` heading of the changelog.
fn unreleased(changelog: &str) -> Result<Vec<String>, String> {
    let lines: Vec<String> = changelog
        .lines()
        .skip_while(|line| !line.starts_with("## Unreleased"))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("- "))
        .map(str::to_owned)
        .collect();
    if lines.is_empty() {
        Err("CHANGELOG.md has nothing below `## Unreleased`".to_owned())
    } else {
        Ok(lines)
    }
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unreleased_lines_end_at_the_next_version() {
        let changelog =
            "# Changelog\n\n## Unreleased\n\n### Added\n\n- one\n- two\n\n## 0.0.1\n\n- old\n";
        assert_eq!(unreleased(changelog).unwrap(), ["- one", "- two"]);
        assert!(unreleased("# Changelog\n\n## 0.0.1\n\n- old\n").is_err());
    }
}
