//! `defender config`: which settings file is read, what it says, whether it is sound; and changing
//! it.

mod change;
mod file;

use std::error::Error as _;
use std::fmt::Write as _;

use defender_cloud::Cloud;
use defender_config::{ConnectionKey, Finding, Origin, Settings, Severity};
use defender_core::{DataEnvironment, Error, ErrorKind, Result};
use defender_query::{Connection, Options, QueryProvider};
use defender_table::Format;
use serde_json::{Value, json};

use crate::arguments::{ConfigCommand, SettingsOptions};
use crate::context::Context;
use crate::listing;

/// Runs one of the subcommands.
pub(crate) async fn run(command: &ConfigCommand, context: &Context) -> Result<()> {
    match command {
        ConfigCommand::Init(options) => change::init(options),
        ConfigCommand::Set(options) => change::set(options, context).await,
        ConfigCommand::Edit(options) => change::edit(options, context).await,
        ConfigCommand::Path(options) => path(options, context),
        ConfigCommand::Show(options) => show(options, context),
        ConfigCommand::Validate(options) => validate(options, context).await,
    }
}

fn path(options: &SettingsOptions, context: &Context) -> Result<()> {
    let sources = context.sources(options.config.as_ref());
    let settings = Settings::load(&sources)?;
    for finding in settings.warnings() {
        context.doubt(finding);
    }
    let candidates: Vec<String> = sources
        .candidates()
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let found = settings.path().map(|path| path.display().to_string());
    if options.json {
        let value = json!({ "path": found, "candidates": candidates });
        return listing::print_json(&value);
    }
    match found {
        Some(path) => listing::print(&path),
        None => Err(
            Error::new(ErrorKind::Config, "there is no settings file").with_hint(format!(
                "write one with defender config init; it is looked for at {}",
                candidates.join(", ")
            )),
        ),
    }
}

fn show(options: &SettingsOptions, context: &Context) -> Result<()> {
    let settings = context.settings(options.config.as_ref())?;
    if settings.path().is_none() {
        return path(options, context);
    }
    let described = settings.describe();
    if options.json {
        let value: Value = described
            .iter()
            .map(|setting| {
                json!({ "path": setting.path, "value": setting.value, "line": setting.line })
            })
            .collect();
        return listing::print_json(&value);
    }
    if let Some(path) = settings.path() {
        context.note(&path.display().to_string());
    }
    let rows: Vec<[String; 3]> = described
        .into_iter()
        .map(|setting| {
            let line = setting
                .line
                .map(|line| line.to_string())
                .unwrap_or_default();
            [setting.path, setting.value, line]
        })
        .collect();
    listing::print(&listing::text(
        ["setting", "value", "line"],
        &rows,
        Format::Table,
    )?)
}

async fn validate(options: &SettingsOptions, context: &Context) -> Result<()> {
    let settings = Settings::load(&context.sources(options.config.as_ref()))?;
    let Some(path) = settings.path() else {
        return self::path(options, context);
    };
    let mut findings = settings.validate();
    findings.extend(unknown_clouds(&settings));
    for finding in unreadable_certificates(&settings, context).await {
        // What is said of the setting already is why.
        if findings.iter().all(|known| known.path != finding.path) {
            findings.push(finding);
        }
    }
    findings.sort_by_key(|finding| finding.line);
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    if options.json {
        let value: Value = findings
            .iter()
            .map(|finding| {
                json!({
                    "severity": severity(finding.severity),
                    "path": finding.path,
                    "line": finding.line,
                    "message": finding.message,
                    "hint": finding.hint,
                })
            })
            .collect();
        listing::print_json(&value)?;
    } else if findings.is_empty() {
        listing::print_words(&format!("{}: sound", path.display()))?;
    } else {
        let rows: Vec<[String; 5]> = findings
            .iter()
            .map(|finding| {
                [
                    severity(finding.severity).to_owned(),
                    finding
                        .line
                        .map(|line| line.to_string())
                        .unwrap_or_default(),
                    finding.path.clone(),
                    finding.message.clone(),
                    finding.hint.clone().unwrap_or_default(),
                ]
            })
            .collect();
        let headings = ["severity", "line", "setting", "finding", "hint"];
        listing::print(&listing::text(headings, &rows, Format::Table)?)?;
    }
    if errors == 0 {
        return Ok(());
    }
    let noun = if errors == 1 { "error" } else { "errors" };
    Err(Error::new(
        ErrorKind::Config,
        format!("{} has {errors} {noun}", path.display()),
    ))
}

/// Clouds that nobody has heard of; settings know names only.
fn unknown_clouds(settings: &Settings) -> Vec<Finding> {
    settings
        .describe()
        .into_iter()
        .filter(|setting| {
            let place = setting.path.to_ascii_lowercase();
            place == "azure.cloud" || place.ends_with(".args.cloud")
        })
        .filter(|setting| !setting.value.starts_with('{'))
        .filter_map(|setting| {
            let error = setting.value.parse::<Cloud>().err()?;
            // A value that came from a variable is not quoted.
            let message = match &setting.variable {
                Some(variable) => format!("the value of {variable} is not a cloud"),
                None if setting.value == "***" => "is not a cloud".to_owned(),
                None => error.to_string(),
            };
            Some(Finding {
                severity: Severity::Error,
                path: setting.path,
                line: setting.line,
                message,
                hint: error.hint().map(str::to_owned),
            })
        })
        .collect()
}

/// Certificates that signing in would refuse; settings know only where they are.
async fn unreadable_certificates(settings: &Settings, context: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    for environment in [DataEnvironment::M365dGraph, DataEnvironment::SecurityGraph] {
        let options = Options {
            environment: context.environment.clone(),
            ..Options::default()
        };
        let provider = QueryProvider::with_options(environment, options);
        for instance in settings.instances(environment).unwrap_or_default() {
            let name = instance.name.as_deref();
            // What is wrong with the section itself is found without this.
            let Ok(section) = settings.provider(environment, name) else {
                continue;
            };
            let connection = Connection::from_settings(settings, name);
            let Err(error) = provider.check_certificate(&connection).await else {
                continue;
            };
            let (path, line) = match section.args.place(ConnectionKey::Certificate) {
                Some(Origin::Setting { path, line }) => (path.clone(), *line),
                _ => (instance.path, None),
            };
            let mut message = error.to_string();
            let mut next = error.source();
            while let Some(cause) = next {
                let _ = write!(message, ": {cause}");
                next = cause.source();
            }
            findings.push(Finding {
                severity: Severity::Error,
                path,
                line,
                message,
                hint: error.hint().map(str::to_owned),
            });
        }
    }
    findings
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
