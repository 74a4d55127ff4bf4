//! Values that a document prints in the place of one's own: `<tenant-id>`, `CLIENT ID`, `...`.

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

/// The reader's depth limit bounds the recursion.
fn walk(place: &Place<'_>, findings: &mut Vec<Finding>) {
    if is_empty_talk(place) {
        findings.push(finding(place));
    }
    place
        .entries()
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
    let pairs = [("<", ">"), ("[", "]"), ("{", "}"), ("{{", "}}"), ("%", "%")];
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
