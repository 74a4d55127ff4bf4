//! Values that nobody means: what a document prints in the place of one's own (`<tenant-id>`,
//! `CLIENT ID`, `...`), and a path whose backslashes YAML took for escapes.

use defender_core::WrittenName;

use crate::Finding;
use crate::key::folded;
use crate::node::{Kind, Place};
use crate::provider::Family;

/// What follows when a name is left out: `your`, `<insert …>`.
const FILLERS: &[&str] = &[
    "your", "my", "the", "insert", "enter", "put", "add", "here", "value", "of", "a", "an",
];

/// Names of what a document leaves to its reader, beside the setting's own.
const THINGS: &[&str] = &[
    "placeholder",
    "tenant",
    "tenantid",
    "client",
    "clientid",
    "app",
    "appid",
    "application",
    "applicationid",
    "secret",
    "clientsecret",
    "appsecret",
    "guid",
    "id",
    "username",
    "upn",
    "vault",
    "vaultname",
    "keyvaultname",
    "subscriptionid",
    "certificate",
    "password",
    "todo",
    "changeme",
];

/// The values in our own sections that nobody has filled in.
pub(crate) fn check(root: &Place<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, place) in root.entries() {
        if ["azure", "keyvault"].contains(&folded(name).as_str())
            || Family::of_legacy(name).is_some()
            || Family::of_section(name).is_some()
        {
            walk(&place, &mut findings);
        } else if folded(name) == "dataproviders" {
            if is_empty_talk(&place) {
                findings.push(finding(&place));
            }
            let ours = place
                .entries()
                .filter(|(name, _)| Family::of_section(name).is_some());
            ours.for_each(|(_, place)| walk(&place, &mut findings));
        }
    }
    findings
}

/// The values in one section that nobody has filled in.
pub(crate) fn of(section: &Place<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk(section, &mut findings);
    findings
}

/// The reader's depth limit bounds the recursion.
fn walk(place: &Place<'_>, findings: &mut Vec<Finding>) {
    if is_empty_talk(place) {
        findings.push(finding(place));
    }
    if matches!(&place.node.kind, Kind::Text(text) if is_in_printed_quotes(text)) {
        let finding = Finding::error(place.path(), place.line(), "is in typographic quotes");
        findings.push(finding.with_hint("YAML knows ' and \" only: write these, or none"));
    }
    if matches!(&place.node.kind, Kind::Text(text) if has_lost_backslashes(text)) {
        let message = "is a path whose backslashes became other characters";
        findings.push(
            Finding::error(place.path(), place.line(), message)
                .with_hint("put the path in single quotes, or write it with /"),
        );
    }
    if let Kind::Text(text) = &place.node.kind
        && let Some(name) = shell_variable(text)
    {
        let name = WrittenName::of_variable(name);
        let name = name.shown().unwrap_or("NAME");
        let message = "is a variable as a shell writes it, which is read as text here";
        let finding = Finding::error(place.path(), place.line(), message);
        findings.push(finding.with_hint(format!("write {{EnvironmentVar: {name}}}")));
    }
    // What a reference names is the name of a variable or a secret: CLIENT_SECRET is one.
    let names = |name: &str| ["environmentvar", "keyvault"].contains(&folded(name).as_str());
    let is_reference = |place: &Place<'_>| {
        place.entries().count() == 1 && place.entries().all(|(name, _)| names(name))
    };
    place
        .entries()
        .filter(|(_, entry)| !is_reference(entry))
        .for_each(|(_, entry)| walk(&entry, findings));
}

fn finding(place: &Place<'_>) -> Finding {
    Finding::error(
        place.path(),
        place.line(),
        "is still what the documentation prints",
    )
    .with_hint("write your own value in its place, or remove the line")
}

fn is_in_printed_quotes(text: &str) -> bool {
    let quotes = |letter: char| ('\u{2018}'..='\u{201f}').contains(&letter);
    text.starts_with(quotes) && text.ends_with(quotes)
}

/// The name in `${NAME}`, `$env:NAME`, `%NAME%` or `$NAME`.
///
/// A secret may begin with a `$`: without braces a name has an underscore and no small letter.
fn shell_variable(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_name = |name: &&str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let is_shouted =
        |name: &&str| name.contains('_') && !name.contains(|letter: char| letter.is_lowercase());
    let braced = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    let braced = braced.map(|name| name.strip_prefix("env:").unwrap_or(name));
    let power_shell = || text.strip_prefix("$env:");
    let percent = || text.strip_prefix('%')?.strip_suffix('%').filter(is_shouted);
    let plain = || text.strip_prefix('$').filter(is_shouted);
    braced
        .or_else(power_shell)
        .or_else(percent)
        .or_else(plain)
        .filter(is_name)
}

/// `"C:\temp"` has a tab in YAML.
fn has_lost_backslashes(text: &str) -> bool {
    let mut letters = text.chars();
    let drive = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    drive && letters.next() == Some(':') && text.contains(char::is_control)
}

fn is_empty_talk(place: &Place<'_>) -> bool {
    match &place.node.kind {
        Kind::Text(text) => is_placeholder(text),
        // `[PLACEHOLDER]` is a list to YAML.
        Kind::List(items) => match items.as_slice() {
            [only] => matches!(&only.kind, Kind::Text(text) if is_placeholder(text)),
            _ => false,
        },
        Kind::Null | Kind::Map(_) => false,
    }
}

/// Whether nobody's value looks like this.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    if matches!(text, "..." | "\u{2026}" | "***" | "xxx" | "XXX") {
        return true;
    }
    if text == "00000000-0000-0000-0000-000000000000" {
        return true;
    }
    let pairs = [("<", ">"), ("[", "]"), ("{{", "}}"), ("{", "}"), ("%", "%")];
    let within = pairs
        .iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    let bare = within.unwrap_or(text);
    let is_words = bare
        .chars()
        .all(|letter| letter.is_ascii_alphabetic() || " -_'.".contains(letter));
    if !is_words || bare.is_empty() || bare.len() > 60 {
        return false;
    }
    // Angle brackets are around nothing else.
    if text.starts_with('<') && within.is_some() {
        return true;
    }
    let lower = bare.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split([' ', '-', '_'])
        .filter(|word| !word.is_empty() && !FILLERS.contains(word))
        .collect();
    let is_shouted = bare.chars().all(|letter| !letter.is_ascii_lowercase());
    let has_filler =
        lower.starts_with("your") || lower.starts_with("insert") || lower.starts_with("enter");
    // `contoso` and `app` may be somebody's name: only what says itself that it is none.
    (within.is_some() || is_shouted || has_filler) && THINGS.contains(&words.concat().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_of_a_shell_is_told_how_it_is_written() {
        for (value, hint) in [
            (
                "${CONTOSO_SECRET}",
                Some("write {EnvironmentVar: CONTOSO_SECRET}"),
            ),
            (
                "$env:CONTOSO_SECRET",
                Some("write {EnvironmentVar: CONTOSO_SECRET}"),
            ),
            (
                "'%CONTOSO_SECRET%'",
                Some("write {EnvironmentVar: CONTOSO_SECRET}"),
            ),
            (
                "$CONTOSO_SECRET",
                Some("write {EnvironmentVar: CONTOSO_SECRET}"),
            ),
            ("$ECRET", None),
            ("$a_secret", None),
            ("${a b}", None),
        ] {
            let text = format!(
                "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientSecret: {value}\n"
            );
            let settings = crate::Settings::parse(&text).unwrap();
            let found = settings.warnings().first();
            assert_eq!(found.and_then(|one| one.hint.as_deref()), hint, "{value}");
        }
    }

    #[test]
    fn the_name_in_a_reference_is_not_a_value() {
        let settings = crate::Settings::parse(
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientSecret: {EnvironmentVar: \
             CLIENT_SECRET}\n      Certificate: {KeyVault: client-secret}\n      TenantId: TENANT ID\n",
        )
        .unwrap();
        let told: Vec<String> = settings
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "DataProviders.MicrosoftDefender.Args.TenantId (line 6): is still what the \
              documentation prints"
            ]
        );
    }

    #[test]
    fn a_path_that_lost_its_backslashes_is_told() {
        for (text, lost) in [
            ("C:\temp\new.pem", true),
            ("C:\\temp\\new.pem", false),
            ("C:/temp/new.pem", false),
            ("-----BEGIN X-----\nMII\n", false),
        ] {
            assert_eq!(has_lost_backslashes(text), lost, "{text}");
        }
    }

    #[test]
    fn placeholders_are_known_and_values_are_not() {
        for text in [
            "...",
            "\u{2026}",
            "<your-tenant-id>",
            "<TENANT_ID>",
            "<the id of your application>",
            "CLIENT ID",
            "TENANT ID",
            "CLIENT SECRET",
            "YOUR_TENANT_ID",
            "your-client-id",
            "your-tenant-id-here",
            "[PLACEHOLDER]",
            "PLACEHOLDER",
            "{{tenant_id}}",
            "{client-secret}",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "",
            "contoso.com",
            "contoso",
            "global",
            "true",
            "client-secret",
            "certificate",
            "environment",
            "11111111-2222-3333-4444-555555555555",
            "a8Q~<x>",
            "<a8Q~1>",
            "Your1Secret!",
            "app",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
