//! A layer used alone compiles nothing it does not need: asserted on cargo's own tree.

use crate::command::output;

/// A use of one layer, and the packages that must not come with it.
struct Layer {
    name: &'static str,
    arguments: &'static [&'static str],
    without: &'static [&'static str],
}

const ARROW: &str = "arrow-array";
const ENGINE: &str = "datafusion";
const KQL: &str = "kql-syntax";
const HTTP: &str = "reqwest";

const LAYERS: &[Layer] = &[
    Layer {
        name: "only the endpoints",
        arguments: &["-p", "defender-cloud", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, KQL, HTTP, "openssl"],
    },
    Layer {
        name: "only the settings",
        arguments: &["-p", "defender-config", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, KQL, HTTP, "openssl"],
    },
    Layer {
        name: "only the credentials, with their tests",
        arguments: &["-p", "defender-credentials", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, KQL],
    },
    Layer {
        name: "only the syntax, with its tests",
        arguments: &["-p", "kql-syntax", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, HTTP, "openssl", "tokio"],
    },
    Layer {
        name: "only the semantics, with its tests",
        arguments: &["-p", "kql-semantics", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, HTTP, "openssl", "tokio"],
    },
    Layer {
        name: "only the schema",
        arguments: &["-p", "defender-schema", "-e", "normal,build"],
        without: &[ARROW, ENGINE, KQL, HTTP, "serde_json"],
    },
    Layer {
        name: "only one driver",
        arguments: &[
            "-p",
            "defender-drivers",
            "-e",
            "normal,build",
            "--no-default-features",
            "--features",
            "m365d-graph",
        ],
        without: &[ENGINE, "kql-engine", "parquet", "comfy-table"],
    },
    Layer {
        name: "the facade without local data",
        arguments: &[
            "-p",
            "defender-query",
            "-e",
            "normal,build",
            "--no-default-features",
            "--features",
            "m365d-graph,client-secret",
        ],
        without: &[ENGINE, "kql-engine", "parquet"],
    },
    Layer {
        name: "the emulator without hunting",
        arguments: &[
            "-p",
            "defender-emulator",
            "-e",
            "normal,build",
            "--no-default-features",
        ],
        without: &[ARROW, ENGINE, KQL, HTTP, "defender-core"],
    },
];

/// Checks every layer.
pub(crate) fn run() -> Result<(), String> {
    let mut found = Vec::new();
    for layer in LAYERS {
        let mut arguments = vec!["tree", "--locked", "--prefix", "none", "--format", "{p}"];
        arguments.extend(layer.arguments);
        let tree = output("cargo", &arguments)?;
        for line in tree.lines() {
            let package = line.split(' ').next().unwrap_or_default();
            if layer.without.contains(&package) {
                found.push(format!("{} pulls {package}", layer.name));
            }
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        println!(
            "layers: {} uses, none pulls what it does not need",
            LAYERS.len()
        );
        Ok(())
    } else {
        Err(found.join("\n"))
    }
}
