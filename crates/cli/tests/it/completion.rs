//! What a shell gets when it asks for completions.

use crate::command::{Folder, Ran, finish};

/// The candidates for the last of `words`.
fn ask(folder: &Folder, words: &[&str]) -> Vec<String> {
    let arguments: Vec<&str> = ["--", "defender"].iter().chain(words).copied().collect();
    let mut command = folder.command(&arguments);
    command
        .env("DEFENDER_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n");
    let ran: Ran = finish(command.spawn().unwrap());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.text().lines().map(str::to_owned).collect()
}

#[test]
fn subcommands_names_and_parameters_are_completed() {
    let folder = Folder::new();
    assert_eq!(ask(&folder, &["quer"]), ["query", "queries"]);
    assert_eq!(
        ask(&folder, &["run", "Hunting.Impact.shadow"]),
        ["Hunting.Impact.shadow_copies_deleted"]
    );
    assert_eq!(
        ask(&folder, &["run", "shadow_c"]),
        ["shadow_copies_deleted"]
    );
    assert_eq!(
        ask(&folder, &["queries", "show", "Hunting.Impact.shadow"]),
        ["Hunting.Impact.shadow_copies_deleted"]
    );
    assert_eq!(
        ask(&folder, &["run", "M365D.ip_connections", "-p", "ip"]),
        ["ip_address="]
    );
    let rest = ask(
        &folder,
        &[
            "run",
            "shadow_copies_deleted",
            "-p",
            "limit=5",
            "-p",
            "start=-1d",
            "-p",
            "",
        ],
    );
    assert_eq!(rest, ["add_query_items=", "end="]);
    assert_eq!(ask(&folder, &["run", "no_such_query", "-p", ""]), [""; 0]);
    assert_eq!(
        ask(&folder, &["queries", "search", "--entity", "h"]),
        ["host", "hash"]
    );
}

#[test]
fn values_of_options_are_completed() {
    let folder = Folder::new();
    for (words, expected) in [
        (&["query", "--format", "js"][..], &["json"][..]),
        (&["query", "--format", "p"], &["parquet"]),
        (&["clouds", "--format", "m"], &["markdown"]),
        (&["run", "--env", "M365DG"], &["M365DGraph"]),
        (&["queries", "list", "--env", "mde"], &["MDE"]),
        (&["query", "--cloud", "gcc"], &["gcc", "gcc-high"]),
        (&["alerts", "list", "--auth-type", "dev"], &["device"]),
        (&["token", "--cloud", "dod"], &["dod"]),
        (&["query", "--fail-on", "no"], &["no-rows"]),
        (&["query", "--date-order", "d"], &["dmy"]),
        (&["schema", "DeviceReg"], &["DeviceRegistryEvents"]),
        (
            &["queries", "search", "--table", "urlc"],
            &["UrlClickEvents"],
        ),
        (&["lint", "--allow", "gone"], &["gone-table"]),
        (&["completions", "po"], &["powershell"]),
    ] {
        assert_eq!(ask(&folder, words), expected, "{words:?}");
    }
}

#[test]
fn queries_of_ones_own_are_completed_too() {
    let folder = Folder::new();
    let file = |family: &str| {
        format!(
            "metadata: {{data_environments: [M365DGraph], data_families: [{family}]}}\nsources:\n  mine:\n    description: D\n    args: {{query: 'DeviceInfo | where DeviceName == {{host}}'}}\n    parameters:\n      host: {{description: H, type: str}}\n"
        )
    };
    folder.write("settings/a.yaml", &file("Ours"));
    folder.write("given/b.yaml", &file("Theirs"));
    folder.write(
        "msticpyconfig.yaml",
        "QueryDefinitions:\n  Custom:\n    - settings\n",
    );
    assert_eq!(ask(&folder, &["run", "Our"]), ["Ours.mine"]);
    assert_eq!(
        ask(&folder, &["run", "--query-path", "given", "Their"]),
        ["Theirs.mine"]
    );
    assert_eq!(ask(&folder, &["run", "Ours.mine", "-p", ""]), ["host="]);
}

#[test]
fn every_script_asks_the_command() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = folder.run(&["completions", shell]);
        assert_eq!(ran.code, 0, "{shell}");
        assert!(
            ran.text().contains("DEFENDER_COMPLETE"),
            "{shell}: {}",
            ran.text()
        );
    }
}
