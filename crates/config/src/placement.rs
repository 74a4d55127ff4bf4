//! Settings that stand in the wrong section: pasted at the top, too deep, or beside `Args`.

use crate::ConnectionKey;
use crate::Finding;
use crate::key::folded;
use crate::node::{Kind, Place};
use crate::provider::{Family, misspelt_args};
use crate::{known, shape};

const PROVIDERS: &str = "DataProviders";
const ARGS: &str = "Args";

/// Sections that stand at the top and nowhere else.
const TOP: &[&str] = &[PROVIDERS, "KeyVault", "TIProviders"];

/// What stands elsewhere than where it is read, each with where it belongs.
pub(crate) fn check(root: &Place<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, place) in root.entries() {
        if Family::of_section(name).is_some() {
            let belongs = format!("{PROVIDERS}.{}", shape::shown(name));
            let how = match root.find(PROVIDERS) {
                Some(_) => "indent it, so that it stands below DataProviders:",
                None => UNDER_PROVIDERS,
            };
            findings.push(misplaced(&place, &belongs, how));
        } else if is(name, ARGS) && is_section(&place) {
            findings.push(misplaced(
                &place,
                "DataProviders.MicrosoftDefender.Args",
                ABOVE_ARGS,
            ));
        } else if let Some(key) = ConnectionKey::find(name) {
            let belongs = format!("DataProviders.MicrosoftDefender.Args.{}", key.setting());
            findings.push(misplaced(&place, &belongs, ABOVE_KEYS));
        } else if is(name, PROVIDERS) {
            providers(&place, &mut findings);
        } else {
            deeper(&place, &mut findings);
        }
    }
    findings
}

const UNDER_PROVIDERS: &str = "write a line DataProviders: above it, and indent it";
const ABOVE_ARGS: &str =
    "write the lines DataProviders: and MicrosoftDefender: above it, and indent it";
const ABOVE_KEYS: &str =
    "write the lines DataProviders:, MicrosoftDefender: and Args: above it, and indent it";

/// Below `DataProviders`, where the sections of the providers are.
fn providers(providers: &Place<'_>, findings: &mut Vec<Finding>) {
    let has_provider = providers.find("MicrosoftDefender").is_some();
    for (name, place) in providers.entries() {
        if Family::of_section(name).is_some() {
            provider(&place, findings);
        } else if is(name, ARGS) && is_section(&place) {
            let belongs = "DataProviders.MicrosoftDefender.Args";
            let how = if has_provider {
                "indent it, so that it stands below MicrosoftDefender:"
            } else {
                "write a line MicrosoftDefender: above it, and indent it"
            };
            findings.push(misplaced(&place, belongs, how));
        } else if let Some(key) = ConnectionKey::find(name) {
            let belongs = format!("DataProviders.MicrosoftDefender.Args.{}", key.setting());
            let how = if has_provider {
                "indent it like the other keys below Args:"
            } else {
                "write the lines MicrosoftDefender: and Args: above it, and indent it"
            };
            findings.push(misplaced(&place, &belongs, how));
        } else if let Some(top) = top(name).filter(|_| is_section(&place)) {
            findings.push(misplaced(&place, top, "move it to the left margin"));
        } else {
            deeper(&place, findings);
        }
    }
}

/// In a section that a connection can be made from.
fn provider(section: &Place<'_>, findings: &mut Vec<Finding>) {
    let Some(args) = section.find(ARGS) else {
        // Without Args the section is taken for them.
        let args = format!("{}.{ARGS}", section.path());
        let how = "write a line Args: above the keys of the connection, and indent them";
        deeper_in_args(&args, how, section, section, findings);
        return;
    };
    for (name, place) in section.entries() {
        if let Some(key) = ConnectionKey::find(name) {
            let belongs = format!("{}.{}", args.path(), key.setting());
            let how = "indent it like the other keys below Args:";
            findings.push(misplaced(&place, &belongs, how));
        } else if !is(name, ARGS) {
            deeper(&place, findings);
        }
    }
    let how = "it is indented too far";
    deeper_in_args(&args.path(), how, &args, &args, findings);
}

/// Keys of a connection below another key of it.
fn deeper_in_args(
    path: &str,
    how: &str,
    args: &Place<'_>,
    place: &Place<'_>,
    findings: &mut Vec<Finding>,
) {
    let misspelt = misspelt_args(args).map(|place| place.path());
    for (name, entry) in place.entries() {
        if misspelt.as_deref() == Some(&entry.path()) {
            // Its keys are where they belong, only its name is another.
            continue;
        }
        let is_reference = ["keyvault", "environmentvar"].contains(&folded(name).as_str());
        match ConnectionKey::find(name) {
            Some(key) if place.path() != args.path() && !is_reference => {
                let belongs = format!("{path}.{}", key.setting());
                findings.push(misplaced(&entry, &belongs, how));
            }
            _ if Family::of_section(name).is_some() && is_section(&entry) => {
                let belongs = format!("{PROVIDERS}.{}", shape::shown(name));
                let how = "indent it like the first section below DataProviders:";
                findings.push(misplaced(&entry, &belongs, how));
            }
            _ => deeper_in_args(path, how, args, &entry, findings),
        }
    }
}

/// Sections of ours anywhere below another section.
///
/// The reader's depth limit bounds the recursion.
fn deeper(section: &Place<'_>, findings: &mut Vec<Finding>) {
    for (name, place) in section.entries() {
        if Family::of_section(name).is_some() && is_section(&place) {
            let belongs = format!("{PROVIDERS}.{}", shape::shown(name));
            let how = "move it below a line DataProviders: at the left margin";
            findings.push(misplaced(&place, &belongs, how));
        } else if is(name, PROVIDERS) && is_section(&place) {
            findings.push(misplaced(&place, PROVIDERS, "move it to the left margin"));
        } else {
            deeper(&place, findings);
        }
    }
}

/// The finding about a value or a list where a section is read.
pub(crate) fn not_a_section(place: &Place<'_>, message: &str) -> Finding {
    let finding = Finding::error(place.path(), place.line(), message);
    finding.with_hint(match &place.node.kind {
        Kind::List(_) => "leave out the dashes: its lines are name: value, indented below it",
        Kind::Text(text) if text.contains('=') => "write a setting as name: value, not name=value",
        _ => "its lines are name: value, indented below it",
    })
}

fn misplaced(place: &Place<'_>, belongs: &str, how: &str) -> Finding {
    let message = format!("is not read here: it belongs at {belongs}");
    Finding::error(place.path(), place.line(), message).with_hint(how)
}

fn top(name: &str) -> Option<&'static str> {
    TOP.iter().copied().find(|top| is(name, top))
}

fn is(name: &str, known: &str) -> bool {
    folded(name) == folded(known)
}

fn is_section(place: &Place<'_>) -> bool {
    matches!(place.node.kind, Kind::Map(_))
}

/// The path in a settings file that `path` means: one that begins with a provider's section is
/// read below `DataProviders`.
///
/// ```
/// # use defender_config::setting_path;
/// let path = "MicrosoftDefender.Args.TenantId";
/// assert_eq!(setting_path(path)?, format!("DataProviders.{path}"));
/// assert!(setting_path("TenantId").is_err());
/// # Ok::<(), defender_core::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Usage`](defender_core::ErrorKind::Usage) with the whole path, when `path` is where
/// nothing is read.
pub fn setting_path(path: &str) -> defender_core::Result<String> {
    let names: Vec<&str> = path.split('.').map(str::trim).collect();
    let (first, rest) = names.split_first().map_or(("", &[][..]), |(f, r)| (*f, r));
    let rest = rest.join(".");
    let whole = |belongs: String| nowhere(path).with_hint(format!("the path is {belongs}"));
    let args = "DataProviders.MicrosoftDefender.Args";
    if Family::of_section(first).is_some() {
        return setting_path(&format!("{PROVIDERS}.{path}"));
    }
    if is(first, ARGS) && !rest.is_empty() {
        return Err(whole(shape::shown_path(&format!("{args}.{rest}"))));
    }
    if let (Some(key), true) = (ConnectionKey::find(first), rest.is_empty()) {
        return Err(whole(format!("{args}.{}", key.setting())));
    }
    if let [providers, section, key] = names.as_slice()
        && is(providers, PROVIDERS)
        && Family::of_section(section).is_some()
        && let Some(key) = ConnectionKey::find(key)
    {
        return Err(whole(format!(
            "{PROVIDERS}.{}.Args.{}",
            shape::shown(section),
            key.setting()
        )));
    }
    let args = match names.as_slice() {
        [providers, section, args, key, ..]
            if is(providers, PROVIDERS) && Family::of_section(section).is_some() =>
        {
            Some((*args, *key))
        }
        [section, args, key, ..] if Family::of_legacy(section).is_some() => Some((*args, *key)),
        _ => None,
    };
    match args {
        Some((args, key)) if is(args, ARGS) && !known::is_read_in_args(key) => {
            let above = &path[..path.find(key).unwrap_or_default()];
            let hint = if let Some(key) = ConnectionKey::suggest(key) {
                format!("the path is {above}{}", key.setting())
            } else {
                let keys = ConnectionKey::ALL.map(ConnectionKey::setting);
                format!("the keys of Args are {}", keys.join(", "))
            };
            Err(nowhere(path).with_hint(hint))
        }
        None if !known::is_section(first) => Err(nowhere(path).with_hint(if path.contains('=') {
            "write the path and the value as two arguments, without ="
        } else {
            shape::PATH_OF_SETTING
        })),
        _ => Ok(path.to_owned()),
    }
}

fn nowhere(path: &str) -> defender_core::Error {
    defender_core::Error::new(
        defender_core::ErrorKind::Usage,
        format!("nothing is read at '{}'", shape::shown_path(path)),
    )
}

#[cfg(test)]
mod tests;
