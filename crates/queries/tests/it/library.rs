//! Loading, finding and describing queries.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use defender_core::{DataEnvironment, ErrorKind};
use defender_queries::{
    CustomQuery, Filter, Finding, Library, Parameter, Parameters, Search, Severity, Type,
};

use crate::{folder, now, own};

fn shown(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| {
            let hint = finding.hint.as_deref().unwrap_or("-");
            let text = format!("{:?} {finding} [{hint}]", finding.severity);
            text.replace(
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/queries/"),
                "",
            )
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn names(library: &Library, environment: DataEnvironment, declared_only: bool) -> Vec<&str> {
    library.list_queries(&Filter {
        environment: Some(environment),
        declared_only,
        substring: None,
    })
}

#[test]
fn folders_are_read_with_everything_below_them() {
    let (library, findings) = own();
    insta::assert_snapshot!(shown(&findings), @"
    Warning own/logons.yaml:27: on_host: YAML folds this text into one line, so its first comment would hide the rest; its lines were kept [write the text as a block that begins with '|']
    Warning own/logons.yaml:34: on_host: YAML folds this text into one line, so its first comment would hide the rest; its lines were kept [write the text as a block that begins with '|']
    ");
    insta::assert_snapshot!(library.list_queries(&Filter::default()).join("\n"), @"
    Device.Logons.list
    Device.Logons.on_host
    GraphAlerts.by_user
    Logons.list
    Logons.on_host
    Other.on_host
    Splunk.elsewhere
    ");
}

#[test]
fn what_is_wrong_is_reported_and_the_rest_is_loaded() {
    let (library, findings) = Library::load(&[folder("wrong"), folder("absent")]);
    insta::assert_snapshot!(shown(&findings), @r#"
    Error wrong/empty.yaml: the file is empty [-]
    Error wrong/list.yaml: the file is not a mapping [it begins with a line such as metadata:]
    Error wrong/no_environments.yaml: the file has no metadata.data_environments [-]
    Error wrong/no_families.yaml: the file has no metadata.data_families [-]
    Error wrong/no_metadata.yaml: the file has no metadata [-]
    Error wrong/no_sources.yaml: the file has no sources [-]
    Error wrong/not_yaml.yaml:2: the file is not valid YAML: illegal placement of ':' indicator at line 2, column 8 [-]
    Warning wrong/sources.yaml:2: the file has an unknown key 'source' [did you mean 'sources'?]
    Error wrong/sources.yaml:7: undeclared: the query uses parameters that are not declared: missing, other [declare them under parameters, of the query or of defaults; braces that are text are doubled]
    Error wrong/sources.yaml:11: no_type: the parameter 'x' has no type [a type is one of str, datetime, int, float, list, bool]
    Warning wrong/sources.yaml:14: odd_type: the parameter 'x' has an unknown key 'defualt' [did you mean 'default'?]
    Warning wrong/sources.yaml:14: odd_type: the parameter 'x' has the unknown type 'strng' and is read as str [a type is one of str, datetime, int, float, list, bool]
    Error wrong/sources.yaml:17: odd_kind: the parameter 'x' has the unknown kind 'fragmnt' [a kind is one of value, identifier, operator, literal, expression, fragment]
    Error wrong/sources.yaml:18: no_text: the query has no args.query [-]
    Error wrong/sources.yaml:20: braces: the template is not valid: '{"a": 1}' is not a parameter's name [a brace that is not around a parameter is doubled: {{ and }}]
    Error wrong/sources.yaml:22: odd_format: the format '%Y' of 'x' does not fit its type, int [-]
    Warning wrong/sources.yaml:26: no_macro: the query uses the macro 'cond', which has no value [-]
    Error wrong/sources.yaml:27: backslash: the template is not valid: a lone backslash stands before the parameter 'x' in a string literal [-]
    Warning absent: there is no such file or folder [-]
    "#);
    assert_eq!(
        library.list_queries(&Filter::default()),
        ["Wrong.good", "Wrong.no_macro", "Wrong.odd_type"]
    );
}

#[test]
fn metadata_is_merged_and_parameters_are_inherited() {
    let (library, _) = own();
    let query = library.get_query("Logons.on_host", None).unwrap();
    assert_eq!(query.data_source.as_deref(), Some("device_logons"));
    assert_eq!(query.uri, None);
    insta::assert_json_snapshot!(query.metadata, @r#"
    {
      "version": 1,
      "description": "Who signed in where",
      "pivot": {
        "short_name": "on_host",
        "direct_func_entities": [
          "Host"
        ]
      }
    }
    "#);
    insta::assert_snapshot!(query.text, @r#"
    {table} // every logon
    | where {time_column} between (datetime({start}) .. datetime({end})) // both ends
    | where DeviceName =~ "{host_name}"
    | take {limit}
    {add_query_items}
    "#);
    let required: Vec<_> = query
        .required()
        .map(|parameter| parameter.name.as_str())
        .collect();
    assert_eq!(required, ["end", "host_name", "start"]);
}

#[test]
fn an_environment_sees_its_own_queries_and_those_of_compatible_ones() {
    let (library, _) = own();
    let logons = [
        "Device.Logons.list",
        "Device.Logons.on_host",
        "Logons.list",
        "Logons.on_host",
    ];
    let with_other = [&logons[..], &["Other.on_host"]].concat();
    assert_eq!(names(&library, DataEnvironment::M365dGraph, true), logons);
    assert_eq!(
        names(&library, DataEnvironment::M365dGraph, false),
        with_other
    );
    assert_eq!(names(&library, DataEnvironment::Mde, true), with_other);
    assert_eq!(names(&library, DataEnvironment::M365d, false), [""; 0]);
    assert_eq!(
        names(&library, DataEnvironment::SecurityGraph, false),
        ["GraphAlerts.by_user"]
    );
    assert_eq!(names(&library, DataEnvironment::Local, true), [""; 0]);
    assert_eq!(names(&library, DataEnvironment::Local, false), with_other);
}

#[test]
fn names_are_found_dotted_short_valid_and_in_any_case() {
    let (library, _) = own();
    for name in [
        "Logons.list",
        "Device.Logons.list",
        "list",
        "Logons.list_bi",
        "list_bi",
        "logons.LIST",
    ] {
        assert_eq!(
            library.get_query(name, None).unwrap().name,
            "list",
            "{name}"
        );
    }
    assert!(library.get_query("ogons.list", None).is_err());
}

#[test]
fn a_name_of_several_families_needs_its_family() {
    let (library, _) = own();
    let error = library.get_query("on_host", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "several families have a query 'on_host': Device.Logons.on_host, Logons.on_host, Other.on_host"
    );
    // Only one of them says that it is for Graph.
    let query = library
        .get_query("on_host", Some(DataEnvironment::M365dGraph))
        .unwrap();
    assert_eq!(query.families, ["Logons", "Device.Logons"]);
}

#[test]
fn a_missing_name_gets_the_nearest_or_its_environments() {
    let (library, _) = own();
    let error = library.get_query("Logons.on_hots", None).unwrap_err();
    assert_eq!(error.hint(), Some("did you mean 'Logons.on_host'?"));
    let error = library.get_query("Process.on_host", None).unwrap_err();
    assert_eq!(
        error.hint(),
        Some("did you mean 'Device.Logons.on_host' or 'Logons.on_host' or 'Other.on_host'?")
    );
    let error = library
        .get_query("by_user", Some(DataEnvironment::Mde))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the query 'GraphAlerts.by_user' is not for MDE"
    );
    assert_eq!(error.hint(), Some("it is for SecurityGraph"));
}

#[test]
fn words_narrow_a_search_and_so_do_fields() {
    let (library, _) = own();
    let search = |search: Search| library.search(&search, &Filter::default()).unwrap();
    let terms = |terms: &[&str]| {
        terms
            .iter()
            .map(|term| (*term).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(search(Search::default()), [""; 0]);
    let text = |text: &[&str]| Search {
        text: terms(text),
        ..Search::default()
    };
    assert_eq!(search(text(&["COUNTED"])), ["Other.on_host"]);
    assert_eq!(search(text(&["counted", "alerts_v2"])), [""; 0]);
    assert_eq!(search(text(&["counted", "on_host"])), ["Other.on_host"]);
    assert_eq!(
        search(Search {
            ignore_case: false,
            ..text(&["COUNTED"])
        }),
        [""; 0]
    );
    assert_eq!(search(text(&["^Other[.]"])), ["Other.on_host"]);
    assert_eq!(
        search(Search {
            regex: false,
            ..text(&["^Other[.]"])
        }),
        [""; 0]
    );
    let by = Search {
        table: terms(&["^devicelogon"]),
        parameter: terms(&["host_name"]),
        ..Search::default()
    };
    assert_eq!(
        search(by),
        ["Device.Logons.on_host", "Logons.on_host", "Other.on_host"]
    );
    assert_eq!(
        search(Search {
            name: terms(&["alerts"]),
            ..Search::default()
        }),
        ["GraphAlerts.by_user"]
    );
    let error = library
        .search(&text(&["("]), &Filter::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[test]
fn names_are_filtered_by_text_in_any_case() {
    let (library, _) = own();
    let filter = Filter {
        substring: Some("ALERT".to_owned()),
        ..Filter::default()
    };
    assert_eq!(library.list_queries(&filter), ["GraphAlerts.by_user"]);
}

#[test]
fn help_says_what_a_query_takes() {
    let (library, _) = own();
    insta::assert_snapshot!(library.query_help("Logons.list", None).unwrap(), @"
    Logons.list

    Logons of several accounts

    Parameters
    ----------
    accounts: list
        The accounts
    add_query_items: str (optional)
        More steps
    by: str (optional)
        The column to group by
        (default value is: DeviceName)
    end: datetime
        The last moment
    flag: bool (optional)
        A mark
        (default value is: false)
    limit: int (optional)
        Declared and not used
        (default value is: 100)
    start: datetime
        The first moment
    step: str (optional)
        The width of a bin
        (default value is: 1h)
    table: str (optional)
        The table
        (default value is: DeviceLogonEvents)
    time_column: str (optional)
        The column of time
        (default value is: Timestamp)

    Environments: M365DGraph, MDE, Local

    Query
    -----
    {table}
    | where AccountName in~ ({accounts})
    | summarize Logons = count() by bin(Timestamp, {step}), {by}
    | extend Day = format_datetime({start}, '{{yyyy}}'), Flag = {flag}
    ");
}

#[test]
fn a_later_query_replaces_an_earlier_one_of_its_environments() {
    let file = |environments: &str, text: &str| {
        format!(
            "metadata: {{data_environments: [{environments}], data_families: [F]}}\nsources: {{q: {{args: {{query: {text}}}}}}}"
        )
    };
    let mut library = Library::new();
    assert_eq!(
        library
            .add_text(&file("MDE, M365D", "First"), Some(Path::new("a.yaml")))
            .1,
        []
    );
    let (count, findings) = library.add_text(
        &file("M365D, M365DGraph", "Second"),
        Some(Path::new("b.yaml")),
    );
    assert_eq!(count, 1);
    assert_eq!(findings[0].severity, Severity::Notice);
    assert_eq!(
        findings[0].to_string(),
        "b.yaml:2: q: 'F.q' replaces the one of a.yaml:2"
    );
    let text = |environment| {
        library
            .get_query("q", Some(environment))
            .unwrap()
            .text
            .as_str()
    };
    assert_eq!(text(DataEnvironment::Mde), "First");
    assert_eq!(text(DataEnvironment::M365d), "Second");
    assert_eq!(text(DataEnvironment::M365dGraph), "Second");
    let error = library.get_query("q", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the query 'F.q' differs between environments"
    );
    let (_, findings) = library.add_text(&file("MDE, M365D, M365DGraph", "Third"), None);
    assert_eq!(findings.len(), 2);
    assert_eq!(library.get_query("q", None).unwrap().text, "Third");
    assert_eq!(library.len(), 1);
}

#[test]
fn a_query_made_in_code_is_like_one_of_a_file() {
    let mut library = Library::new();
    let query = CustomQuery {
        name: "events".to_owned(),
        text: "DeviceEvents | where EventId == {event_id}".to_owned(),
        parameters: vec![Parameter {
            name: "event_id".to_owned(),
            description: "My description".to_owned(),
            ty: Type::Int,
            default: Some(4688.into()),
            ..Parameter::default()
        }],
        ..CustomQuery::default()
    };
    assert_eq!(library.add_custom_query(query.clone()).unwrap(), []);
    let rendered = library
        .render("Custom.events", None, &Parameters::new(), now())
        .unwrap();
    assert_eq!(rendered.text, "DeviceEvents | where EventId == 4688");
    assert_eq!(library.add_custom_query(query.clone()).unwrap().len(), 1);
    let error = library
        .add_custom_query(CustomQuery {
            parameters: Vec::new(),
            ..query.clone()
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        library
            .add_custom_query(CustomQuery {
                text: String::new(),
                ..query
            })
            .is_err()
    );
}

#[test]
fn hostile_files_are_refused() {
    let deep = format!("a: {}{}", "[".repeat(500), "]".repeat(500));
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, of) in ["b", "c", "d", "e", "f", "g", "h"]
        .iter()
        .zip(["a", "b", "c", "d", "e", "f", "g"])
    {
        let items = vec![format!("*{of}"); 9].join(", ");
        writeln!(bomb, "{name}: &{name} [{items}]").unwrap();
    }
    for text in [
        deep,
        bomb,
        "x".repeat(5 * 1024 * 1024),
        "a: *b".to_owned(),
        "a: 1\na: 2".to_owned(),
    ] {
        let mut library = Library::new();
        let (count, findings) = library.add_text(&text, None);
        assert_eq!((count, findings.len()), (0, 1));
        assert_eq!(findings[0].severity, Severity::Error);
        assert!(findings[0].message.len() < 300, "{}", findings[0].message);
    }
}

#[test]
fn bytes_that_are_no_text_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(folder.path().join("b.txt"), "not read").unwrap();
    let (library, findings) = Library::load(&[folder.path()]);
    assert!(library.is_empty());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].message, "it is UTF-16; save it as UTF-8");
}

/// The folder `msticpy/data/queries` of an installed MSTICPy.
#[expect(
    clippy::disallowed_methods,
    reason = "only the person at the keyboard knows where MSTICPy is"
)]
fn msticpy() -> Option<PathBuf> {
    std::env::var_os("MSTICPY_QUERIES").map(PathBuf::from)
}

#[test]
fn the_files_of_msticpy_load() {
    let Some(root) = msticpy() else {
        println!("left out: MSTICPY_QUERIES names no folder");
        return;
    };
    for (name, least) in [("mde", 90), ("m365d", 70), ("msgraph", 7)] {
        let (library, findings) = Library::load(&[root.join(name)]);
        let errors: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert!(library.len() >= least, "{name}: {}", library.len());
    }
    // Of the others, what is refused is named with file, line and reason.
    let (library, findings) = Library::load(&[&root]);
    assert!(library.len() > 300, "{}", library.len());
    for finding in findings {
        assert!(
            finding.file.is_some() && !finding.message.is_empty(),
            "{finding}"
        );
    }
}
