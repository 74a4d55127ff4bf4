//! The one table of which crate of the house may use which, and the check against cargo.

use std::collections::BTreeMap;

use crate::metadata::Package;

/// A crate, what it may use, and what its tests, examples and benches may use besides.
struct Edges {
    name: &'static str,
    normal: &'static [&'static str],
    dev: &'static [&'static str],
}

const EDGES: &[Edges] = &[
    Edges {
        name: "defender-core",
        normal: &[],
        dev: &[],
    },
    Edges {
        name: "defender-cloud",
        normal: &["defender-core"],
        dev: &[],
    },
    Edges {
        name: "defender-config",
        normal: &["defender-core"],
        dev: &[],
    },
    Edges {
        name: "defender-http",
        normal: &["defender-core"],
        dev: &[],
    },
    Edges {
        name: "defender-credentials",
        normal: &["defender-core", "defender-http"],
        dev: &["defender-emulator"],
    },
    Edges {
        name: "defender-keyvault",
        normal: &["defender-core", "defender-http"],
        dev: &["defender-credentials", "defender-emulator"],
    },
    Edges {
        name: "defender-table",
        normal: &["defender-core"],
        dev: &[],
    },
    Edges {
        name: "defender-drivers",
        normal: &[
            "defender-core",
            "defender-http",
            "defender-schema",
            "defender-table",
            "kql-semantics",
            "kql-syntax",
        ],
        dev: &["defender-emulator"],
    },
    Edges {
        name: "defender-queries",
        normal: &["defender-core", "defender-schema", "kql-syntax"],
        dev: &[],
    },
    Edges {
        name: "defender-schema",
        normal: &[],
        dev: &[],
    },
    Edges {
        name: "kql-syntax",
        normal: &[],
        dev: &[],
    },
    Edges {
        name: "kql-semantics",
        normal: &["kql-syntax"],
        dev: &[],
    },
    Edges {
        name: "kql-engine",
        normal: &["kql-syntax", "kql-semantics", "defender-table"],
        dev: &["defender-schema"],
    },
    Edges {
        name: "defender-emulator",
        normal: &[
            "kql-engine",
            "kql-semantics",
            "defender-schema",
            "defender-table",
        ],
        dev: &[],
    },
    Edges {
        name: "defender-query",
        normal: &[
            "defender-core",
            "defender-cloud",
            "defender-config",
            "defender-http",
            "defender-credentials",
            "defender-keyvault",
            "defender-table",
            "defender-drivers",
            "defender-queries",
            "defender-schema",
            "kql-syntax",
            "kql-engine",
            "kql-semantics",
        ],
        dev: &["defender-emulator"],
    },
    Edges {
        name: "defender-cli",
        normal: &[
            "defender-core",
            "defender-cloud",
            "defender-config",
            "defender-http",
            "defender-credentials",
            "defender-keyvault",
            "defender-table",
            "defender-drivers",
            "defender-queries",
            "defender-schema",
            "defender-emulator",
            "defender-query",
            "kql-syntax",
            "kql-semantics",
            "kql-engine",
        ],
        dev: &[],
    },
    Edges {
        name: "xtask",
        normal: &["defender-schema", "kql-semantics", "kql-syntax"],
        dev: &[],
    },
];

/// Foreign crates that only these of ours may name, in any kind of dependency but tests'.
const GUARDED: &[(&str, &[&str])] = &[
    ("reqwest", &["defender-http"]),
    ("datafusion", &["kql-engine"]),
    (
        "openssl",
        &["defender-http", "defender-credentials", "defender-emulator"],
    ),
    ("tokio-openssl", &["defender-emulator"]),
];

/// Every edge that the tables do not allow.
pub(crate) fn violations(packages: &BTreeMap<String, Package>) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages.values() {
        let Some(edges) = EDGES.iter().find(|edges| edges.name == package.name) else {
            found.push(format!(
                "crate {} is not in xtask/src/edges.rs",
                package.name
            ));
            continue;
        };
        let ours = |names: &std::collections::BTreeSet<String>| {
            names
                .iter()
                .filter(|name| packages.contains_key(*name))
                .cloned()
                .collect::<Vec<_>>()
        };
        for name in ours(&package.normal) {
            if !edges.normal.contains(&name.as_str()) {
                found.push(format!("{} may not use {name}", package.name));
            }
        }
        for name in ours(&package.dev) {
            let itself = name == package.name;
            if !itself
                && !edges.normal.contains(&name.as_str())
                && !edges.dev.contains(&name.as_str())
            {
                found.push(format!("the tests of {} may not use {name}", package.name));
            }
        }
        for (foreign, owners) in GUARDED {
            let named = package.normal.contains(*foreign) || package.build.contains(*foreign);
            if named && !owners.contains(&package.name.as_str()) {
                found.push(format!("{} may not name {foreign}", package.name));
            }
        }
    }
    for edges in EDGES {
        if !packages.contains_key(edges.name) {
            found.push(format!(
                "xtask/src/edges.rs names {}, which does not exist",
                edges.name
            ));
        }
    }
    found
}
