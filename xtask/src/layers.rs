//! A layer used alone compiles nothing it does not need: asserted on cargo's own tree.

use std::collections::BTreeSet;

use crate::command::output;

/// A use of one layer, the packages that must not come with it, and how many may.
struct Layer {
    name: &'static str,
    arguments: &'static [&'static str],
    without: &'static [&'static str],
    most: Option<usize>,
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
        most: None,
    },
    Layer {
        name: "only the settings",
        arguments: &["-p", "defender-config", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, KQL, HTTP, "openssl"],
        most: None,
    },
    Layer {
        name: "only the credentials, with their tests",
        arguments: &["-p", "defender-credentials", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, KQL],
        most: None,
    },
    Layer {
        name: "the credentials with a transport of one's own",
        arguments: &[
            "-p",
            "defender-credentials",
            "-e",
            "normal,build",
            "--no-default-features",
            "--features",
            "client-secret",
        ],
        without: &[HTTP, "hyper", "native-tls", "openssl-sys"],
        most: Some(85),
    },
    Layer {
        name: "the secrets of a vault with a transport of one's own",
        arguments: &["-p", "defender-keyvault", "-e", "normal,build"],
        without: &[ARROW, KQL, HTTP, "openssl-sys"],
        most: None,
    },
    Layer {
        name: "only the syntax, with its tests",
        arguments: &["-p", "kql-syntax", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, HTTP, "openssl", "tokio"],
        most: None,
    },
    Layer {
        name: "only the semantics, with its tests",
        arguments: &["-p", "kql-semantics", "-e", "normal,build,dev"],
        without: &[ARROW, ENGINE, HTTP, "openssl", "tokio"],
        most: None,
    },
    Layer {
        name: "only the schema",
        arguments: &["-p", "defender-schema", "-e", "normal,build"],
        without: &[ARROW, ENGINE, KQL, HTTP, "serde_json"],
        most: None,
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
        without: &[ENGINE, "kql-engine", "parquet", "comfy-table", HTTP],
        most: None,
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
        most: None,
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
        most: None,
    },
];

/// Checks every layer.
pub(crate) fn run() -> Result<(), String> {
    let mut found = Vec::new();
    for layer in LAYERS {
        let mut arguments = vec!["tree", "--locked", "--prefix", "none", "--format", "{p}"];
        arguments.extend(layer.arguments);
        let tree = output("cargo", &arguments)?;
        let packages: BTreeSet<(&str, &str)> = tree.lines().filter_map(package).collect();
        for (package, _) in &packages {
            if layer.without.contains(package) {
                found.push(format!("{} pulls {package}", layer.name));
            }
        }
        let number = packages.len();
        if let Some(most) = layer.most.filter(|most| number > *most) {
            found.push(format!(
                "{}: {number} packages, where {most} are enough",
                layer.name
            ));
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

/// Name and version; what follows them says where it is, or that it stood above already.
fn package(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?))
}
