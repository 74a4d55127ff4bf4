//! The emulator that the tests talk to, and what it was asked.

#![cfg(any(
    feature = "default",
    all(feature = "client-secret", feature = "m365d-graph")
))]

use defender_emulator::{
    Application, Cloud, Column, ColumnType, Data, Emulator, Options, RecordedRequest, Running,
    Script, Tenant, Value,
};
use std::sync::Arc;

pub(crate) const TENANT: &str = "44444444-4444-4444-4444-444444444444";
pub(crate) const CLIENT: &str = "44444444-4444-4444-4444-aaaaaaaaaaaa";
pub(crate) const SECRET: &str = "made-up-canary-secret";

/// An emulator with one tenant, which answers `print x` and nothing else.
pub(crate) async fn start(cloud: Cloud) -> Running {
    let script = Script::new().answer(
        "print x",
        vec![
            Column::new("Timestamp", ColumnType::DateTime),
            Column::new("Name", ColumnType::String),
            Column::new("Count", ColumnType::Long),
            Column::new("Elevated", ColumnType::Bool),
        ],
        vec![vec![
            Value::DateTime(638_000_000_000_000_001),
            Value::String("cmd.exe".to_owned()),
            Value::Long(9_007_199_254_740_993),
            Value::Bool(true),
        ]],
    );
    let options = Options {
        tenants: vec![Tenant {
            id: TENANT.to_owned(),
            name: "Contoso".to_owned(),
            domain: Some("contoso.example".to_owned()),
            cloud,
            users: Vec::new(),
            applications: vec![Application::new(CLIENT, SECRET)],
            vaults: Vec::new(),
        }],
        data: Data::Backend(Arc::new(script)),
        ..Options::default()
    };
    Emulator::start(options).await.unwrap()
}

/// What was asked, with the ids that differ in every run checked and replaced.
pub(crate) fn asked(running: &Running) -> Vec<RecordedRequest> {
    let mut requests = running.requests();
    for request in &mut requests {
        for (name, value) in &mut request.headers {
            if name == "client-request-id" {
                assert_eq!(value.len(), 36, "a request id is a GUID: {value}");
                "[guid]".clone_into(value);
            }
        }
        if request.host == "127.0.0.1" {
            "[loopback]".clone_into(&mut request.host);
        }
    }
    requests
}
