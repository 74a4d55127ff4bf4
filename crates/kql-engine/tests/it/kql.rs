//! Questions and answers as data: every file below `tests/kql`, see the README there.

mod answer;
mod file;

use std::fs;
use std::path::{Path, PathBuf};

use kql_engine::{Catalog, Engine, EngineError, Options};

use super::NOW;
use answer::Answer;
use file::{Case, Verdict};

const BLESS: &str = "BLESS";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "`cargo xtask bless` runs this test"
)]
fn every_case_is_answered_as_its_file_says() {
    let bless = std::env::var_os(BLESS).is_some();
    let mut differences = Vec::new();
    let mut count = 0;
    for path in files(&root()) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let parsed = match file::parse(&text) {
            Ok(parsed) => parsed,
            Err(error) => {
                differences.push(format!("{name}:{error}"));
                continue;
            }
        };
        let mut catalog = Catalog::new();
        for (table, answer) in &parsed.tables {
            answer::add(&mut catalog, table, answer);
        }
        count += parsed.cases.len();
        let mut blessed = Vec::new();
        // What was recorded stays as the service gave it.
        let bless = bless && !name.starts_with("recorded");
        for case in &parsed.cases {
            let got = run(&catalog, case);
            match difference(case, &got) {
                None => {}
                Some(_) if bless && case.verdict == Verdict::Met => {
                    blessed.push((case.expected_lines.clone(), shown(case, &got)));
                }
                Some(what) => {
                    differences.push(format!("{name}:{}: {what}\n{}", case.line, case.query));
                }
            }
        }
        if !blessed.is_empty() {
            fs::write(&path, file::with(&text, &blessed)).unwrap();
        }
    }
    assert!(count > 0, "there are no cases below {}", root().display());
    assert!(
        differences.is_empty(),
        "{} of {count} cases differ; `cargo xtask bless` writes what the engine answers into the files\n\n{}",
        differences.len(),
        differences.join("\n\n")
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kql")
}

/// The files of cases below `folder`, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "test")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn run(catalog: &Catalog, case: &Case) -> Result<Answer, EngineError> {
    let options = Options {
        now: Some(case.now.unwrap_or(NOW)),
        ..Options::default()
    };
    let engine = Engine::new(catalog.clone(), options);
    futures::executor::block_on(engine.run(&case.query)).map(|set| Answer::of(&set))
}

/// What the engine answered, as it is written below the dashes.
fn shown(case: &Case, got: &Result<Answer, EngineError>) -> String {
    match got {
        Ok(answer) => answer.to_string(),
        Err(error) => {
            let text = error.render(&case.query);
            format!("error: {}", text.lines().next().unwrap_or_default())
        }
    }
}

/// How the answer differs from the file, if it does.
fn difference(case: &Case, got: &Result<Answer, EngineError>) -> Option<String> {
    let unsupported = matches!(got, Err(EngineError::Unsupported { .. }));
    let equal = match (&case.expected, got) {
        (Ok(expected), Ok(answer)) => expected.allows(answer, case.unordered),
        (Err(part), Err(error)) => error.render(&case.query).contains(part.as_str()),
        _ => false,
    };
    let expected = || match &case.expected {
        Ok(answer) => answer.to_string(),
        Err(part) => format!("error: {part}"),
    };
    match case.verdict {
        Verdict::Met if equal => None,
        Verdict::Met => Some(format!(
            "answered\n{}\n---- expected\n{}\n---- of",
            shown(case, got),
            expected()
        )),
        Verdict::Unsupported if unsupported => None,
        Verdict::Unsupported => Some(format!(
            "marked `unsupported`, but answered\n{}\n---- expected\n{}\n---- of",
            shown(case, got),
            expected()
        )),
        Verdict::Differs if got.is_err() => Some(format!(
            "marked `differs`, but refused\n{}",
            shown(case, got)
        )),
        Verdict::Differs if equal => {
            Some("marked `differs`, but equal: take the word off".to_owned())
        }
        Verdict::Differs => None,
    }
}
