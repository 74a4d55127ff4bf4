//! The emulator that the tests ask: a few tenants, and answers to a few queries.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use defender_emulator::{
    Api, Application, Cloud, Column, ColumnType, Data, Emulator, Faults, Options, QueryFault,
    Running, Script, Tenant, Value,
};
use serde_json::json;
use tokio::runtime::Runtime;

pub(crate) const TENANT: &str = "44444444-4444-4444-4444-444444444444";
pub(crate) const CLIENT: &str = "44444444-4444-4444-4444-aaaaaaaaaaaa";
pub(crate) const SECRET: &str = "made-up-secret";

/// Where Graph's queries go.
pub(crate) const HUNT: &str = "*/security/runHuntingQuery";
/// Where tokens come from.
pub(crate) const TOKEN: &str = "*/oauth2/v2.0/token";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// Starts an emulator; dropping it stops it.
pub(crate) fn start(options: Options) -> Running {
    RUNTIME.block_on(Emulator::start(options)).unwrap()
}

/// An emulator at its HTTP address with these faults.
pub(crate) fn start_with(faults: Faults) -> Running {
    start(Options {
        faults,
        ..options()
    })
}

/// Three tenants, the last without permission to hunt, and the answers of [`script`].
pub(crate) fn options() -> Options {
    let mut powerless = tenant('6', "Powerless");
    for application in &mut powerless.applications {
        application.roles.clear();
        application
            .roles
            .insert(Api::Graph, vec!["User.Read.All".to_owned()]);
    }
    Options {
        tenants: vec![tenant('4', "Contoso"), tenant('5', "Fabrikam"), powerless],
        https: None,
        proxy: None,
        data: Data::Backend(Arc::new(script())),
        ..Options::default()
    }
}

pub(crate) fn tenant(digit: char, name: &str) -> Tenant {
    let repeated = |count| String::from(digit).repeat(count);
    let head = [8, 4, 4, 4].map(repeated).join("-");
    Tenant {
        id: format!("{head}-{}", repeated(12)),
        name: name.to_owned(),
        domain: Some(format!("{}.example", name.to_lowercase())),
        cloud: Cloud::Global,
        applications: vec![Application::new(format!("{head}-aaaaaaaaaaaa"), SECRET)],
        users: Vec::new(),
        vaults: Vec::new(),
    }
}

/// A settings file for the tenants of [`options`] at `running`'s HTTP address.
pub(crate) fn settings(running: &Running) -> String {
    let mut text = "DataProviders:\n".to_owned();
    let url = running.http_url();
    for (section, digit, secret) in [
        ("MicrosoftDefender", '4', SECRET),
        ("MicrosoftDefender-Fabrikam", '5', SECRET),
        ("MicrosoftDefender-Powerless", '6', SECRET),
        ("MicrosoftDefender-Mistyped", '4', "not-the-secret"),
    ] {
        let tenant = tenant(digit, "");
        let (id, client) = (&tenant.id, &tenant.applications[0].client_id);
        let _ = write!(
            text,
            "  {section}:\n    Args:\n      TenantId: {id}\n      ClientId: {client}\n      \
             ClientSecret: {secret}\n      Authority: {url}\n      ApiRoot: {url}\n"
        );
    }
    text
}

/// What the emulator answers.
fn script() -> Script {
    use ColumnType as T;
    let columns = |columns: &[(&str, ColumnType)]| {
        columns
            .iter()
            .map(|(name, ty)| Column::new(*name, *ty))
            .collect::<Vec<_>>()
    };
    let text = |text: &str| Value::String(text.to_owned());
    let every = columns(&[
        ("Timestamp", T::DateTime),
        ("DeviceName", T::String),
        ("ProcessId", T::Long),
        ("Elevated", T::Bool),
        ("Severity", T::Int),
        ("Score", T::Real),
        ("Price", T::Decimal),
        ("Lasted", T::TimeSpan),
        ("ReportId", T::Guid),
        ("AdditionalFields", T::Dynamic),
    ]);
    places(Script::new())
        .answer(
            "print x=1",
            columns(&[("x", T::Long)]),
            vec![vec![Value::Long(1)]],
        )
        .answer(
            "EveryType",
            every.clone(),
            vec![
                vec![
                    Value::DateTime(638_000_000_000_000_001),
                    text("srv \"01\", lab|x"),
                    Value::Long(9_007_199_254_740_993),
                    Value::Bool(true),
                    Value::Int(-7),
                    Value::Real(0.5),
                    Value::Decimal("12345678901234567890.125".to_owned()),
                    Value::TimeSpan(937_840_000_123),
                    Value::Guid("0a1b2c3d-0000-0000-0000-00000000000f".to_owned()),
                    Value::Dynamic(json!({"File": {"Name": "a.exe"}, "Tags": ["x", "y"]})),
                ],
                vec![
                    Value::Null,
                    text(""),
                    Value::Null,
                    Value::Null,
                    Value::Null,
                    Value::Real(f64::INFINITY),
                    Value::Null,
                    Value::Null,
                    Value::Null,
                    Value::Null,
                ],
            ],
        )
        .answer("Nothing", every, Vec::new())
        .answer(
            "Names",
            columns(&[("Name", T::String)]),
            vec![vec![text("one")], vec![text("two")], vec![text("three")]],
        )
        .answer(
            "Nested",
            columns(&[("Id", T::Int), ("Fields", T::Dynamic)]),
            vec![
                vec![
                    Value::Int(1),
                    Value::Dynamic(json!({"User": {"Name": "a"}, "Count": 2})),
                ],
                vec![
                    Value::Int(2),
                    Value::Dynamic(json!({"User": {"Name": "b", "Sid": "s"}})),
                ],
                vec![Value::Int(3), Value::Null],
            ],
        )
        .answer(
            "OldTimes",
            columns(&[("Timestamp", T::DateTime)]),
            vec![
                vec![Value::DateTime(0)],
                vec![Value::DateTime(638_000_000_000_000_001)],
            ],
        )
        // What a range of time makes of a query where the service takes none.
        .answer(
            "DeviceProcessEvents\n| where Timestamp between \
             (datetime(2026-11-20T00:00:00Z) .. datetime(2026-11-21T00:00:00Z)) | take 5",
            columns(&[("FileName", T::String)]),
            vec![vec![text("cmd.exe")]],
        )
        .refuse(
            "Mistake | take 1",
            QueryFault::Semantic(
                "'take' operator: Failed to resolve table or column expression named 'Mistake'"
                    .to_owned(),
            ),
        )
        .refuse("Everything", QueryFault::ResultSize)
}

/// Values that no folder can be named by as they are.
fn places(script: Script) -> Script {
    let columns = [
        ("Timestamp", ColumnType::DateTime),
        ("Place", ColumnType::String),
        ("Number", ColumnType::Long),
    ];
    let places = [
        Some("../up"),
        Some("a=b/c%2F"),
        Some("CON: é\n1"),
        Some(""),
        None,
        Some("../up"),
    ];
    let row = |(place, number): (Option<&str>, i64)| {
        vec![
            Value::DateTime(638_000_000_000_000_001 + number / 5 * 864_000_000_000),
            place.map_or(Value::Null, |place| Value::String(place.to_owned())),
            Value::Long(number),
        ]
    };
    script.answer(
        "Places",
        columns.map(|(name, ty)| Column::new(name, ty)).into(),
        places.into_iter().zip(0..).map(row).collect(),
    )
}
