//! `defender config init`, `set` and `edit`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use defender_config::{
    ConnectionKey, NewValue, Settings, setting_path, vault_reference, with_value,
};
use defender_core::{DataEnvironment, Error, ErrorKind, Result, SecretString, WrittenName};
use defender_query::{HttpOptions, Options, ProxySettings, QueryProvider};

use super::file;
use crate::arguments::{ConfigEditOptions, ConfigInitOptions, ConfigSetOptions, SettingsOptions};
use crate::context::Context;
use crate::signals::interruptible;
use crate::{listing, person, secrets, target};

/// What a new settings file holds; sound as it is, and its remarks say what to fill in.
const TEMPLATE: &str = include_str!("template.yaml");

/// Writes a settings file to start from.
pub(super) fn init(options: &ConfigInitOptions) -> Result<()> {
    let path = options
        .config
        .clone()
        .unwrap_or_else(|| PathBuf::from("msticpyconfig.yaml"));
    if path.exists() {
        return Err(
            Error::new(ErrorKind::Usage, format!("{} exists", path.display()))
                .with_hint("change it with defender config set or defender config edit"),
        );
    }
    file::replace(&path, TEMPLATE)?;
    listing::print(&path.display().to_string())
}

/// Changes one setting.
pub(super) async fn set(options: &ConfigSetOptions, context: &Context) -> Result<()> {
    let setting = &setting_path(&options.path)?;
    let path = settings_file(options.config.as_ref(), context)?;
    let name = path.display().to_string();
    let text = file::read(&path)?.unwrap_or_default();
    let value = match (&options.environment_var, &options.key_vault) {
        (Some(variable), _) => NewValue::EnvironmentVar(name_of(variable, context)?),
        (None, Some(name)) => NewValue::KeyVault(name.clone()),
        (None, None) => NewValue::Text(given(options, setting)?),
    };
    // Before anything is written anywhere: whether the file can be changed.
    let changed = with_value(&name, &text, setting, &value)?;
    if matches!(value, NewValue::Text(_)) {
        let clouds = super::unknown_clouds(&Settings::parse(&changed)?);
        let mut own = clouds.into_iter();
        if let Some(wrong) = own.find(|one| one.path.eq_ignore_ascii_case(setting)) {
            let error = Error::new(ErrorKind::Usage, format!("{setting}: {}", wrong.message));
            return Err(match wrong.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            });
        }
    }
    if let NewValue::KeyVault(secret) = &value {
        let reference = vault_reference(secret, setting)?;
        let value = given(options, setting)?;
        let settings = Settings::load(&context.sources(path.exists().then_some(&path)))?;
        let vaults = vaults(options, context);
        interruptible(vaults.write_secret(&settings, &reference, &value)).await?;
    }
    file::replace(&path, &changed)?;
    if matches!(value, NewValue::Text(_)) && is_secret(setting) {
        warn_of_text(&path, setting, context);
    }
    report(&path, setting, context)
}

/// Says that the secret can be read by whoever can read the file.
fn warn_of_text(path: &Path, setting: &str, context: &Context) {
    let file = path.display();
    let readers = match mode(path) {
        Some(mode) if mode & 0o044 != 0 => {
            format!(", and other users can read the file (mode {mode:04o}): chmod 600 it")
        }
        _ => String::new(),
    };
    context.warn(&format!("{setting} stands in {file} as text{readers}"));
    context.note(
        "  hint: --key-vault NAME puts the secret into Key Vault instead, and \
         --environment-var VARIABLE leaves it in a variable ({EnvironmentVar: VARIABLE})",
    );
}

/// The name of a variable, and nothing that only stands where one belongs: the file would keep it.
fn name_of(variable: &str, context: &Context) -> Result<String> {
    let mut letters = variable.chars();
    let is_name = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_plain = WrittenName::of_variable(variable).shown().is_some()
        || WrittenName::of_words(variable.replace('_', "-"))
            .shown()
            .is_some();
    if is_name && (is_plain || context.environment.contains_key(variable)) {
        return Ok(variable.to_owned());
    }
    Err(Error::new(
        ErrorKind::Usage,
        "what is given with --environment-var is not the name of a variable",
    )
    .with_hint("give the name, such as CONTOSO_SECRET, without $, and not the secret itself"))
}

/// Who may do what with the file, where the file system says so.
#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

/// Whether the setting at `path` is a secret by its name.
fn is_secret(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default().trim();
    ConnectionKey::find(last).is_some_and(ConnectionKey::is_secret)
        || last.eq_ignore_ascii_case("password")
}

/// The value itself; a secret is no argument, which other users and the history could see.
fn given(options: &ConfigSetOptions, setting: &str) -> Result<SecretString> {
    let last = setting.rsplit('.').next().unwrap_or_default();
    match &options.text {
        Some(_) if is_secret(setting) => Err(Error::new(
            ErrorKind::Usage,
            format!("{setting} is a secret, and arguments show to other users"),
        )
        .with_hint(
            "give it with --stdin or --prompt, or name a place for it: --key-vault, \
                    --environment-var",
        )),
        Some(text) => Ok(text.clone().into()),
        None if options.stdin => secrets::from_stdin("--stdin"),
        None if options.no_input => Err(Error::new(ErrorKind::Usage, "there is no value")
            .with_hint("give it as an argument, or with --stdin")),
        None if !options.prompt && !std::io::stdin().is_terminal() => secrets::piped(),
        None => person::ask(last, "--prompt"),
    }
}

fn settings_file(given: Option<&PathBuf>, context: &Context) -> Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.clone());
    }
    let sources = context.sources(None);
    let candidates = sources.candidates();
    candidates
        .iter()
        .find(|path| path.is_file())
        .cloned()
        .ok_or_else(|| {
            Error::new(ErrorKind::Config, "there is no settings file")
                .with_hint("write one with defender config init, or name one with --config")
        })
}

fn vaults(options: &ConfigSetOptions, context: &Context) -> QueryProvider {
    let http = HttpOptions {
        proxy: options.proxy.as_ref().map(|url| ProxySettings {
            url: url.clone(),
            ..ProxySettings::default()
        }),
        ca_file: options.ca_file.clone(),
        environment: context.environment.clone(),
        ..HttpOptions::default()
    };
    let options = Options {
        http,
        environment: context.environment.clone(),
        input: !options.no_input,
        prompt: Arc::new(target::person(context)),
        ..Options::default()
    };
    QueryProvider::with_options(DataEnvironment::M365dGraph, options)
}

/// What is doubtful about the setting now that it is there.
fn report(path: &Path, setting: &str, context: &Context) -> Result<()> {
    let settings = Settings::load(&context.sources(Some(&path.to_owned())))?;
    for finding in settings.validate() {
        // Of a secret in the file more was said already.
        let is_told = finding.message.ends_with("stands in the file as text");
        if finding.path.eq_ignore_ascii_case(setting) && !is_told {
            context.doubt(&finding);
        }
    }
    context.note(&format!("{}: {setting} is set", path.display()));
    Ok(())
}

/// Opens the settings file in an editor.
pub(super) async fn edit(options: &ConfigEditOptions, context: &Context) -> Result<()> {
    let path = settings_file(options.config.as_ref(), context)?;
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| context.environment.get(*name))
        .filter(|editor| !editor.trim().is_empty());
    let Some(editor) = editor else {
        return Err(Error::new(ErrorKind::Config, "no editor is named")
            .with_hint("set VISUAL or EDITOR, such as EDITOR=vi"));
    };
    // Editors are often named with options, such as `code --wait`.
    // At a terminal Ctrl-C is between the person and the editor.
    crate::signals::leave_interrupts_to_the_terminal();
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or_default();
    let status = Command::new(program)
        .args(words)
        .arg(&path)
        .status()
        .map_err(|error| {
            Error::new(
                ErrorKind::Config,
                format!("the editor {program} cannot be started"),
            )
            .with_source(error)
        })?;
    if !status.success() {
        return Err(Error::new(
            ErrorKind::Config,
            format!("the editor {program} ended with an error"),
        ));
    }
    super::validate(
        &SettingsOptions {
            config: Some(path),
            json: false,
        },
        context,
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_sound_and_takes_values() {
        let settings = Settings::parse(TEMPLATE).unwrap();
        assert!(settings.warnings().is_empty(), "{:?}", settings.warnings());
        let value = NewValue::Text("contoso.com".to_owned().into());
        let path = "DataProviders.MicrosoftDefender.Args.TenantId";
        let changed = with_value("template", TEMPLATE, path, &value).unwrap();
        let settings = Settings::parse(&changed).unwrap();
        let found = settings
            .provider(DataEnvironment::M365dGraph, None)
            .unwrap();
        assert_eq!(
            found.args.tenant_id().map(|id| id.get()),
            Some("contoso.com")
        );
    }
}
