//! The names that settings files hold, and what an unknown one most likely means.

use defender_core::nearest;

use crate::key::folded;
use crate::node::Place;
use crate::provider::{FAMILIES, Family, misspelt_args};
use crate::shape;
use crate::{ConnectionKey, Finding};

/// Sections at the top: ours, and MSTICPy's others.
const SECTIONS: &[&str] = &[
    "Azure",
    "AzureCLI",
    "AzureSentinel",
    "Bokeh",
    "ContextProviders",
    "Cybereason",
    "DataProviders",
    "KeyVault",
    "KqlMagic",
    "LocalData",
    "Mordor",
    "MSSentinel",
    "msticpy",
    "OtherProviders",
    "QueryDefinitions",
    "Splunk",
    "Sumologic",
    "TIProviders",
    "UserDefaults",
    "http_timeout",
];

const AZURE: &[&str] = &["cloud", "tenant_id", "auth_methods", "resource_manager_url"];
const KEY_VAULT: &[&str] = &[
    "TenantId",
    "SubscriptionId",
    "ResourceGroup",
    "AzureRegion",
    "VaultName",
    "UseKeyring",
    "Authority",
    "AuthorityURI",
    "AuthnType",
];
const MSTICPY: &[&str] = &[
    "http_timeout",
    "Proxies",
    "QueryDefinitions",
    "FriendlyExceptions",
];
const QUERY_DEFINITIONS: &[&str] = &["Default", "Custom"];
const PROVIDER: &[&str] = &["Args", "Description", "Primary", "Provider"];
const PROXIES: &[&str] = &["http", "https"];
const PROXY: &[&str] = &["Url", "UserName", "Password"];

/// What is unknown in the whole tree.
pub(crate) fn check(root: &Place<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let legacy = FAMILIES.iter().map(|family| family.legacy);
    let sections: Vec<_> = SECTIONS.iter().copied().chain(legacy).collect();
    for (name, place) in root.entries() {
        if let Some(family) = Family::of_legacy(name) {
            section(&place, family, &mut findings);
        } else if !knows(&sections, name) && !is_placed(name, &place) {
            let front = name.split('-').next().unwrap_or(name);
            findings.push(unknown(&place, nearest(front, sections.iter().copied())));
        }
    }
    if let Some(providers) = root.find("DataProviders") {
        for (name, place) in providers.entries() {
            if let Some(family) = Family::of_section(name) {
                section(&place, family, &mut findings);
            }
        }
    }
    findings.extend(misspelt_providers(root));
    for (name, known) in [
        ("Azure", AZURE),
        ("KeyVault", KEY_VAULT),
        ("QueryDefinitions", QUERY_DEFINITIONS),
    ] {
        if let Some(place) = root.find(name) {
            keys(&place, known, &mut findings);
        }
    }
    if let Some(place) = root.find("msticpy") {
        // MSTICPy keeps many more here; only what resembles a name that is read is reported.
        for (name, place) in place.entries() {
            if !knows(MSTICPY, name)
                && let Some(meant) = nearest(name, MSTICPY.iter().copied())
            {
                findings.push(unknown(&place, Some(meant)));
            }
        }
        if let Some(proxies) = place.find("Proxies") {
            keys(&proxies, PROXIES, &mut findings);
            for (_, proxy) in proxies.entries() {
                keys(&proxy, PROXY, &mut findings);
            }
        }
    }
    findings
}

/// Whether anything is read, or kept for MSTICPy, in a section at the top that goes by `name`.
pub(crate) fn is_section(name: &str) -> bool {
    let front = name.split('-').next().unwrap_or(name);
    knows(SECTIONS, name) || knows(SECTIONS, front) || Family::of_legacy(name).is_some()
}

/// Whether anything is read from the key `name` of a connection's `Args`.
pub(crate) fn is_read_in_args(name: &str) -> bool {
    ConnectionKey::find(name).is_some() || knows(PROVIDER, name)
}

/// The sections under `DataProviders` that look like one of ours.
pub(crate) fn misspelt_providers(root: &Place<'_>) -> Vec<Finding> {
    let providers = root.find("DataProviders");
    providers
        .iter()
        .flat_map(Place::entries)
        .filter(|(name, _)| Family::of_section(name).is_none())
        .filter_map(|(name, place)| Some(unknown(&place, Some(&misspelt_provider(name)?))))
        .collect()
}

/// Whether [`crate::placement`] says where this belongs.
fn is_placed(name: &str, place: &Place<'_>) -> bool {
    Family::of_section(name).is_some()
        || ConnectionKey::find(name).is_some()
        || (folded(name) == "args" && !place.node.entries().is_empty())
}

fn section(place: &Place<'_>, family: &Family, findings: &mut Vec<Finding>) {
    let args = place.find("Args");
    if args.is_some() || family.section == place.path() {
        for (name, entry) in place.entries() {
            if !knows(PROVIDER, name) && ConnectionKey::find(name).is_none() {
                findings.push(unknown(&entry, nearest(name, PROVIDER.iter().copied())));
            }
        }
    }
    // An old section may hold the keys without Args.
    let misspelt = misspelt_args(place).map(|place| place.path());
    let args = args.unwrap_or_else(|| place.clone());
    for (name, entry) in args.entries() {
        if misspelt.as_deref() == Some(&entry.path()) {
            // Reading the section tells it.
            continue;
        }
        if ConnectionKey::find(name).is_none() && !knows(PROVIDER, name) {
            let meant = ConnectionKey::suggest(name).map(ConnectionKey::setting);
            findings.push(unknown(&entry, meant));
        }
    }
}

fn keys(place: &Place<'_>, known: &[&'static str], findings: &mut Vec<Finding>) {
    for (name, entry) in place.entries() {
        if !knows(known, name) {
            findings.push(unknown(&entry, nearest(name, known.iter().copied())));
        }
    }
}

fn knows(known: &[&str], name: &str) -> bool {
    known.iter().any(|known| folded(known) == folded(name))
}

fn unknown(place: &Place<'_>, meant: Option<&str>) -> Finding {
    let finding = Finding::warning(place.path(), place.line(), "unknown setting, not used");
    match meant {
        Some(meant) => finding.with_hint(format!("did you mean {meant}?")),
        None => finding,
    }
}

/// What others call the sections of ours.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("Defender", "MicrosoftDefender"),
    ("DefenderXDR", "MicrosoftDefender"),
    ("MicrosoftDefenderXDR", "MicrosoftDefender"),
    ("M365Defender", "MicrosoftDefender"),
    ("Microsoft365Defender", "MicrosoftDefender"),
    ("WindowsDefender", "MicrosoftDefender"),
    ("M365D", "MicrosoftDefender"),
    ("M365DGraph", "MicrosoftDefender"),
    ("MDE", "MicrosoftDefender"),
    ("MDATP", "MicrosoftDefender"),
    ("MDATPApp", "MicrosoftDefender"),
    ("Graph", "MicrosoftGraph"),
    ("MSGraph", "MicrosoftGraph"),
    ("SecurityGraph", "MicrosoftGraph"),
    ("SecurityGraphApp", "MicrosoftGraph"),
];

/// What a name under `DataProviders` that looks like one of ours was meant as, with its instance;
/// every other provider's is its own.
fn misspelt_provider(name: &str) -> Option<String> {
    const SEPARATORS: [char; 4] = ['-', '_', '.', ' '];
    let names = FAMILIES.iter().map(|family| family.section);
    let front = name.split(SEPARATORS).next().unwrap_or(name);
    let other = OTHER_NAMES
        .iter()
        .find(|(other, _)| folded(other) == folded(front));
    if let Some((_, meant)) = other {
        return Some(with_instance(meant, &name[front.len()..]));
    }
    let begun = names
        .clone()
        .find(|known| folded(name).starts_with(&folded(known)));
    if let Some(meant) = begun {
        let begins = |front: &str| front.eq_ignore_ascii_case(meant);
        let rest = match name.get(..meant.len()) {
            Some(front) if begins(front) => &name[meant.len()..],
            _ => "",
        };
        return Some(with_instance(meant, rest));
    }
    let meant = nearest(front, names)?;
    Some(with_instance(meant, &name[front.len()..]))
}

fn with_instance(section: &str, rest: &str) -> String {
    match rest.trim_start_matches(['-', '_', '.', ' ']) {
        "" => section.to_owned(),
        instance => format!("{section}-{}", shape::shown(instance)),
    }
}
