//! MSTICPy's recorded behaviour: the same, or a deviation that the documentation lists.

use defender_config::{ConnectionKey, ConnectionString, Settings, Timeouts, vault_secret_name};
use defender_core::{DataEnvironment, ExposeSecret, SecretRef};
use serde_json::{Value, json};

/// Where this project deliberately does something else, as the page lists it.
const PAGE: &str = include_str!("../../../../docs/reference/msticpy-deviations.md");

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/reference/msticpy-vectors.json"
);

fn recorded() -> Vec<Value> {
    let text = std::fs::read_to_string(RECORDED).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    recorded["cases"].as_array().unwrap().clone()
}

/// A few recordings of our own, so that the comparison is tested without the others.
fn own() -> Vec<Value> {
    let case = |kind: &str, input: Value, ok: Value| json!({"kind": kind, "input": input, "msticpy": {"ok": ok}});
    vec![
        case(
            "parse_connection_string",
            json!("tenant_id=a; client_id = b"),
            json!({"tenant_id": "a", "client_id": "b"}),
        ),
        case("parse_environment", json!("MDATP"), json!("MDE")),
        case("keyvault_secret_name", json!("a.b_c"), json!("a-b-c")),
        case("http_timeout", json!(2), json!("Timeout(timeout=2.0)")),
        case(
            "map_config_names",
            json!({"CLIENTID": "b"}),
            json!({"CLIENTID": "b", "client_id": "b"}),
        ),
    ]
}

/// What this project makes of `input`, in the form of the recording.
fn ours(kind: &str, input: &Value, recorded: &Value) -> Option<Result<Value, String>> {
    Some(match kind {
        "parse_connection_string" => ConnectionString::parse(input.as_str()?)
            .map(|read| {
                let args = read.into_args();
                let secret =
                    args.reference(ConnectionKey::ClientSecret)
                        .map(|secret| match secret {
                            SecretRef::Inline(secret) => secret.expose_secret().to_owned(),
                            other => panic!("{other:?}"),
                        });
                let text = |given: defender_config::Given<'_, str>| given.get().to_owned();
                let mut object = serde_json::Map::new();
                for (key, value) in [
                    (ConnectionKey::TenantId, args.tenant_id().map(text)),
                    (ConnectionKey::ClientId, args.client_id().map(text)),
                    (ConnectionKey::ClientSecret, secret),
                ] {
                    if let Some(value) = value {
                        object.insert(key.name().to_owned(), value.into());
                    }
                }
                Value::Object(object)
            })
            .map_err(|error| error.to_string()),
        "parse_environment" => input
            .as_str()?
            .parse::<DataEnvironment>()
            .map(|environment| {
                // MSTICPy's own name for the Graph security API is the alias.
                Value::from(match environment {
                    DataEnvironment::SecurityGraph => "MSGraph",
                    other => other.name(),
                })
            })
            .map_err(|error| error.to_string()),
        "keyvault_secret_name" => Ok(vault_secret_name(input.as_str()?).into()),
        "http_timeout" => {
            let settings = Settings::parse(&format!("msticpy: {{http_timeout: {input}}}")).unwrap();
            match settings.warnings() {
                [] => Ok(httpx(settings.http_timeout()).into()),
                [finding, ..] => Err(finding.to_string()),
            }
        }
        "map_config_names" => {
            // MSTICPy keeps the names as written beside the mapped ones.
            let mut object = input.as_object()?.clone();
            for (name, value) in input.as_object()? {
                let key = ConnectionKey::find(name).map(ConnectionKey::name);
                if let Some(key) = key {
                    object.insert(key.to_owned(), value.clone());
                }
            }
            let same = recorded
                .as_object()
                .is_some_and(|recorded| *recorded == object);
            Ok(if same {
                recorded.clone()
            } else {
                Value::Object(object)
            })
        }
        _ => return None,
    })
}

/// A timeout as Python prints it.
fn httpx(timeouts: Option<Timeouts>) -> String {
    let Some(timeouts) = timeouts else {
        return "Timeout(timeout=None)".to_owned();
    };
    let phases = [
        ("connect", timeouts.connect),
        ("read", timeouts.read),
        ("write", timeouts.write),
        ("pool", timeouts.pool),
    ];
    let seconds = |time: Option<std::time::Duration>| {
        time.map_or_else(
            || "None".to_owned(),
            |time| format!("{:?}", time.as_secs_f64()),
        )
    };
    if phases.iter().all(|(_, time)| *time == phases[0].1) {
        return format!("Timeout(timeout={})", seconds(phases[0].1));
    }
    let phases: Vec<_> = phases
        .iter()
        .map(|(name, time)| format!("{name}={}", seconds(*time)))
        .collect();
    format!("Timeout({})", phases.join(", "))
}

/// The line of the page that lists a deviation.
fn row(kind: &str, input: &Value) -> String {
    format!("| {kind} | `{}` |", input.to_string().replace('|', "\\|"))
}

fn replay(cases: &[Value]) -> (usize, Vec<String>) {
    let mut compared = 0;
    let mut unlisted = Vec::new();
    for case in cases {
        let kind = case["kind"].as_str().unwrap();
        let recorded = &case["msticpy"]["ok"];
        let Some(ours) = ours(kind, &case["input"], recorded) else {
            continue;
        };
        compared += 1;
        if ours.as_ref() == Ok(recorded) {
            continue;
        }
        let row = row(kind, &case["input"]);
        if !PAGE.lines().any(|line| line.starts_with(&row)) {
            unlisted.push(format!("{row} {recorded} | {ours:?}"));
        }
    }
    (compared, unlisted)
}

#[test]
#[ignore = "needs ../shared"]
fn recorded_behaviour_is_ours_or_a_listed_deviation() {
    let (compared, unlisted) = replay(&recorded());
    assert!(compared >= 31, "only {compared} recordings were compared");
    assert!(unlisted.is_empty(), "{}", unlisted.join("\n"));
}

#[test]
fn the_comparison_passes_what_is_equal_and_catches_what_is_not() {
    assert_eq!(replay(&own()), (5, Vec::new()));
    let wrong = json!({"kind": "keyvault_secret_name", "input": "a.b", "msticpy": {"ok": "a_b"}});
    let (compared, unlisted) = replay(&[wrong]);
    assert_eq!((compared, unlisted.len()), (1, 1));
}

#[test]
#[ignore = "needs ../shared"]
fn every_listed_deviation_is_still_one() {
    let cases = recorded();
    for line in PAGE.lines().filter(|line| {
        ["parse_", "map_config", "keyvault_secret", "http_timeout"]
            .iter()
            .any(|kind| line.starts_with(&format!("| {kind}")))
    }) {
        let listed = cases.iter().any(|case| {
            let kind = case["kind"].as_str().unwrap();
            line.starts_with(&row(kind, &case["input"]))
                && ours(kind, &case["input"], &case["msticpy"]["ok"])
                    .is_some_and(|ours| ours.as_ref() != Ok(&case["msticpy"]["ok"]))
        });
        assert!(listed, "no longer a deviation: {line}");
    }
}

#[test]
fn documented_timeouts_that_msticpy_gets_wrong_work() {
    let timeout = |text: &str| {
        let settings = Settings::parse(&format!("msticpy:\n  http_timeout: {text}")).unwrap();
        assert_eq!(settings.warnings(), [], "{text}");
        httpx(settings.http_timeout())
    };
    assert_eq!(timeout("'30'"), "Timeout(timeout=30.0)");
    assert_eq!(timeout("2m"), "Timeout(timeout=120.0)");
    assert_eq!(
        timeout("{ConnectTimeout: 5, timeout: 20}"),
        "Timeout(connect=5.0, read=20.0, write=20.0, pool=20.0)"
    );
    assert_eq!(
        timeout("{read: 7}"),
        "Timeout(connect=None, read=7.0, write=None, pool=None)"
    );
}
