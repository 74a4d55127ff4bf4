//! `defender config set`: what it refuses, what it says of secrets, and where a value comes from.

use crate::command::{Folder, Ran};

const SETTINGS: &str = "\
DataProviders:
  MicrosoftDefender:
    Args:
      TenantId: contoso.example
      ClientSecret: {EnvironmentVar: HUNTING}
";
const SECRET: &str = "DataProviders.MicrosoftDefender.Args.ClientSecret";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("msticpyconfig.yaml", SETTINGS);
    folder
}

fn settings(folder: &Folder) -> String {
    std::fs::read_to_string(folder.work().join("msticpyconfig.yaml")).unwrap()
}

fn set(folder: &Folder, arguments: &[&str], stdin: &str) -> Ran {
    let arguments = [&["config", "set"], arguments].concat();
    folder.run_in(&arguments, &[], stdin)
}

#[test]
fn a_section_is_not_replaced_by_a_value() {
    let folder = folder();
    for path in [
        "DataProviders",
        "DataProviders.MicrosoftDefender",
        "DataProviders.MicrosoftDefender.Args",
    ] {
        let ran = set(&folder, &[path, "x"], "");
        assert_eq!(ran.code, 3, "{path}: {}", ran.stderr);
        assert!(ran.stderr.contains("is a section with"), "{}", ran.stderr);
        assert!(
            ran.stderr
                .contains("hint: name a setting below it, such as DataProviders."),
            "{}",
            ran.stderr
        );
        assert_eq!(settings(&folder), SETTINGS);
    }
}

#[cfg(unix)]
#[test]
fn a_secret_that_stands_in_the_file_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = folder();
    let file = folder.work().join("msticpyconfig.yaml");
    for (mode, readers) in [
        (
            0o644,
            ", and other users can read the file (mode 0644): chmod 600 it",
        ),
        (0o600, ""),
    ] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let ran = set(&folder, &[SECRET, "--stdin"], "swordfish\n");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(settings(&folder).contains("ClientSecret: swordfish\n"));
        let start = format!("warning: {SECRET} stands in ");
        let end = format!("msticpyconfig.yaml as text{readers}\n  hint: --key-vault NAME");
        assert!(ran.stderr.starts_with(&start), "{}", ran.stderr);
        assert!(ran.stderr.contains(&end), "{}", ran.stderr);
        assert!(ran.stderr.contains("--environment-var"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("swordfish"), "{}", ran.stderr);
    }
    for arguments in [
        &[SECRET, "--environment-var", "HUNTING"] as &[&str],
        &[
            "DataProviders.MicrosoftDefender.Args.TenantId",
            "fabrikam.example",
        ],
    ] {
        let ran = set(&folder, arguments, "");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("as text"), "{}", ran.stderr);
    }
}

#[test]
fn a_value_that_is_piped_needs_no_option() {
    let folder = folder();
    let ran = set(&folder, &[SECRET], "swordfish\n");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(settings(&folder).contains("ClientSecret: swordfish\n"));
    let before = settings(&folder);
    for arguments in [
        &[SECRET] as &[&str],
        &[SECRET, "--key-vault", "contoso/hunting"],
    ] {
        let ran = set(&folder, arguments, "");
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(
            ran.stderr
                .starts_with("error: there is no value, and standard input is empty\n  hint: "),
            "{}",
            ran.stderr
        );
    }
    let ran = set(&folder, &[SECRET, "--prompt"], "swordfish\n");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("--prompt asks at a terminal"),
        "{}",
        ran.stderr
    );
    assert_eq!(settings(&folder), before);
}
