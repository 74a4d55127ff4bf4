//! Which file is read.

use std::error::Error as _;
use std::fs;

use defender_config::{Settings, Severity, Sources};
use defender_core::ErrorKind;

fn write(path: &std::path::Path, cloud: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("Azure:\n  cloud: {cloud}\n")).unwrap();
}

#[test]
fn the_first_file_of_the_order_wins_and_nothing_is_merged() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut sources = Sources {
        folder: Some(at("work")),
        home: Some(at("home")),
        ..Sources::default()
    };
    let cloud = |sources: &Sources| Settings::load(sources).unwrap().azure().cloud.clone();
    assert_eq!(cloud(&sources), None);
    assert_eq!(Settings::load(&sources).unwrap().path(), None);

    write(&at("home/.msticpy/msticpyconfig.yaml"), "home");
    assert_eq!(cloud(&sources).as_deref(), Some("home"));
    write(&at("work/msticpyconfig.yaml"), "work");
    assert_eq!(cloud(&sources).as_deref(), Some("work"));
    write(&at("home/named.yaml"), "named");
    sources
        .environment
        .insert("MSTICPYCONFIG".into(), "~/named.yaml".into());
    assert_eq!(cloud(&sources).as_deref(), Some("named"));
    write(&at("given.yaml"), "given");
    sources.file = Some(at("given.yaml"));
    let settings = Settings::load(&sources).unwrap();
    assert_eq!(settings.azure().cloud.as_deref(), Some("given"));
    assert_eq!(settings.path(), Some(at("given.yaml").as_path()));
}

#[test]
fn a_variable_that_names_no_file_is_a_warning_and_the_order_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("msticpyconfig.yaml"), "work");
    let sources = Sources {
        environment: [("MSTICPYCONFIG".to_owned(), "missing.yaml".to_owned())].into(),
        folder: Some(folder.path().to_owned()),
        ..Sources::default()
    };
    let settings = Settings::load(&sources).unwrap();
    assert_eq!(settings.azure().cloud.as_deref(), Some("work"));
    let [warning] = settings.warnings() else {
        panic!("{:?}", settings.warnings());
    };
    assert_eq!(warning.severity, Severity::Warning);
    assert_eq!(
        warning.to_string(),
        format!(
            "MSTICPYCONFIG names {}, which is not a file",
            folder.path().join("missing.yaml").display()
        )
    );
}

#[test]
fn a_file_that_the_caller_names_has_to_be_there_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let load = |name: &str, bytes: Option<&[u8]>| {
        let file = folder.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&file, bytes).unwrap();
        }
        let sources = Sources {
            file: Some(file),
            ..Sources::default()
        };
        Settings::load(&sources).unwrap_err()
    };
    let error = load("missing.yaml", None);
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().ends_with("missing.yaml cannot be opened"));
    let error = load("wide.yaml", Some(b"\xff\xfeA\0:\0"));
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().ends_with("wide.yaml cannot be read"));
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "it is UTF-16; save it as UTF-8");
    let error = load("twice.yaml", Some(b"a: 1\na: canary\n"));
    assert!(
        error
            .to_string()
            .ends_with("twice.yaml cannot be read: a key is given twice at line 2, column 1"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn own_queries_and_key_files_are_found_from_the_working_folder_and_home() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("msticpyconfig.yaml"),
        "QueryDefinitions:\n  Custom: [queries, ~/mine]\nmsticpy:\n  QueryDefinitions:\n    Custom: \
         /team\nDataProviders:\n  MicrosoftDefender:\n    Args: {Certificate: ~/app.pem}\n",
    )
    .unwrap();
    let settings = Settings::load(&Sources {
        folder: Some(folder.path().to_owned()),
        home: Some("/home/me".into()),
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(
        settings.query_folders(),
        [
            folder.path().join("queries"),
            "/home/me/mine".into(),
            "/team".into()
        ]
    );
    let args = settings
        .provider(defender_core::DataEnvironment::Mde, None)
        .unwrap()
        .args;
    let certificate = args.certificate().map(|path| path.get().to_owned());
    assert_eq!(certificate, Some("/home/me/app.pem".into()));
}
