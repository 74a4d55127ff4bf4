//! The SARIF of `defender lint`: what the format's schema asks for is there.

use serde_json::Value;

use crate::command::Folder;

/// The members that `object` has to have, each not null.
fn required(object: &Value, members: &[&str]) {
    for member in members {
        assert!(!object[member].is_null(), "no {member} in {object:#}");
    }
}

#[test]
fn a_report_has_what_the_schema_of_sarif_requires() {
    let folder = Folder::new();
    folder.write(
        "a query.kql",
        "DeviceEvents | where FileName contains 'word'",
    );
    folder.write(
        "ours.yaml",
        "metadata: {data_environments: [MDE], data_families: [F]}\nsources:\n  q:\n    description: D\n    args: {query: 'MiscEvents | where Timestamp > ago(1d)'}\n",
    );
    let ran = folder.run(&["lint", "a query.kql", "ours.yaml", "--sarif"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    let log: Value = serde_json::from_str(&ran.text()).unwrap();
    required(&log, &["$schema", "version", "runs"]);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    required(run, &["tool", "results"]);
    let driver = &run["tool"]["driver"];
    required(driver, &["name", "rules"]);
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        required(rule, &["id"]);
        required(&rule["shortDescription"], &["text"]);
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(["none", "note", "warning", "error"].contains(&level));
    }
    let results = run["results"].as_array().unwrap();
    let found: Vec<(&str, &str, u64)> = results
        .iter()
        .map(|result| {
            required(&result["message"], &["text"]);
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            let region = &place["region"];
            assert!(region["startColumn"].as_u64().unwrap() > 0);
            if let Some(end) = region["endLine"].as_u64() {
                assert!(end >= region["startLine"].as_u64().unwrap());
            }
            (
                result["ruleId"].as_str().unwrap(),
                place["artifactLocation"]["uri"].as_str().unwrap(),
                region["startLine"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("missing-time-filter", "a%20query.kql", 1),
            ("contains-for-has", "a%20query.kql", 1),
            ("retired-api", "ours.yaml", 3),
            ("gone-table", "ours.yaml", 5),
        ]
    );
}

#[test]
fn a_report_without_findings_is_one_too() {
    let folder = Folder::new();
    folder.write("sound.kql", "print 1");
    let ran = folder.run(&["lint", "sound.kql", "--sarif"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let log: Value = serde_json::from_str(&ran.text()).unwrap();
    assert_eq!(log["runs"][0]["results"], Value::Array(Vec::new()));
}
