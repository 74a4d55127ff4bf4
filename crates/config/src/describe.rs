//! The settings as they may be shown: what is not known to be harmless is `***`.

use std::path::Path;

use defender_core::{SecretRef, is_plain_path};

use crate::key::{self, folded};
use crate::node::{Kind, Node, Place};
use crate::provider::Family;
use crate::secret::{self, Value};
use crate::{ConnectionKey, http, shape};

const REDACTED: &str = "***";

/// One setting, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The setting's path.
    pub path: String,
    /// Its value, its reference, or `***`.
    pub value: String,
    /// Its line in the file, from 1.
    pub line: Option<u64>,
    /// The environment variable that it came from instead.
    pub variable: Option<String>,
}

pub(crate) fn describe(root: &Place<'_>) -> Vec<Described> {
    let mut described = Vec::new();
    for (name, place) in root.entries() {
        walk(&place, &[name], &mut described);
    }
    described
}

/// The reader's depth limit bounds the recursion.
fn walk(place: &Place<'_>, names: &[&str], described: &mut Vec<Described>) {
    let mut push = |value: String| {
        described.push(Described {
            path: place.path(),
            value,
            line: place.line(),
            variable: place.node.variable.clone(),
        });
    };
    if let Some(reference) = reference(place) {
        return push(reference);
    }
    match &place.node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            for (name, entry) in place.entries() {
                let names: Vec<_> = names.iter().copied().chain([name]).collect();
                walk(&entry, &names, described);
            }
        }
        kind => push(shown(kind, clarity(names))),
    }
}

fn reference(place: &Place<'_>) -> Option<String> {
    if !matches!(place.node.kind, Kind::Map(_)) {
        return None;
    }
    match secret::read(place) {
        Ok(Value::Reference(SecretRef::Env { variable, .. })) => {
            let name = variable.shown().unwrap_or(REDACTED);
            Some(format!("{{EnvironmentVar: {name}}}"))
        }
        Ok(Value::Reference(SecretRef::Vault {
            vault,
            name,
            version,
            ..
        })) => {
            let parts: Vec<_> = [vault, Some(name), version]
                .into_iter()
                .flatten()
                .map(|part| part.shown().unwrap_or(REDACTED).to_owned())
                .collect();
            Some(format!("{{KeyVault: {}}}", parts.join("/")))
        }
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Clarity {
    /// Words, numbers and ids.
    Clear,
    /// What fits the key.
    Value(ConnectionKey),
    /// The path of a file, and nothing that only stands where one belongs.
    Path,
    Address,
    Hidden,
}

/// Only what is listed here is shown.
fn clarity(names: &[&str]) -> Clarity {
    let folded: Vec<_> = names.iter().map(|name| folded(name)).collect();
    let path: Vec<_> = folded.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["dataproviders", _, rest @ ..] if Family::of_section(names[1]).is_some() => args(rest),
        [_, rest @ ..] if Family::of_legacy(names[0]).is_some() => args(rest),
        ["azure", "resourcemanagerurl"]
        | ["keyvault", "authorityuri"]
        | ["msticpy", "proxies", _, "url"] => Clarity::Address,
        ["azure", "cloud" | "tenantid" | "authmethods"]
        | ["querydefinitions" | "httptimeout", ..]
        | ["msticpy", "querydefinitions" | "httptimeout", ..]
        | ["msticpy", "friendlyexceptions"]
        | ["msticpy", "proxies", _, "username"]
        | [
            "keyvault",
            "tenantid" | "subscriptionid" | "resourcegroup" | "azureregion" | "vaultname"
            | "usekeyring" | "authority" | "authntype",
        ] => Clarity::Clear,
        _ => Clarity::Hidden,
    }
}

fn args(rest: &[&str]) -> Clarity {
    let key = match rest {
        ["args", key] | [key] => *key,
        _ => return Clarity::Hidden,
    };
    match ConnectionKey::find(key) {
        Some(key) => match key.kind() {
            key::Kind::Secret => Clarity::Hidden,
            key::Kind::Url => Clarity::Address,
            key::Kind::Material | key::Kind::Path => Clarity::Path,
            _ => Clarity::Value(key),
        },
        None if matches!(key, "description" | "primary" | "provider") => Clarity::Clear,
        None => Clarity::Hidden,
    }
}

fn is_file(text: &str) -> bool {
    Path::new(text).is_file()
}

fn shown(kind: &Kind, clarity: Clarity) -> String {
    match kind {
        Kind::Null => String::new(),
        Kind::Map(_) => "{}".to_owned(),
        Kind::List(items) if items.is_empty() => "[]".to_owned(),
        Kind::List(_) if matches!(clarity, Clarity::Hidden | Clarity::Path) => REDACTED.to_owned(),
        Kind::List(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item: &Node| shown(&item.kind, clarity))
                .collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Text(text) => shown_text(text, clarity).unwrap_or_else(|| REDACTED.to_owned()),
    }
}

/// What may be shown of a text; what does not fit its place may be a secret in the wrong one.
fn shown_text(text: &str, clarity: Clarity) -> Option<String> {
    let whole = match clarity {
        _ if text.is_empty() => true,
        Clarity::Hidden => false,
        Clarity::Path => is_plain_path(text) || is_file(text),
        Clarity::Clear => shape::is_plain(text),
        Clarity::Value(key) => shape::fits(key, text),
        Clarity::Address => return shown_address(text),
    };
    whole.then(|| text.to_owned())
}

fn shown_address(text: &str) -> Option<String> {
    let (mut url, user, password) = http::split(text)?;
    let is_host = |host: &str| host.contains(['.', ':']) || host == "localhost";
    // A word alone may be anything; as part of an address, or with a port, it is a host.
    if !text.contains("://") && url.port().is_none() && !url.host_str().is_some_and(is_host) {
        return None;
    }
    if user.is_none() && password.is_none() && shape::is_plain_address(&url) {
        return Some(text.to_owned());
    }
    url.set_query(None);
    if !shape::is_plain_address(&url) {
        url.set_path("");
    }
    shape::is_plain_address(&url).then(|| url.to_string())
}
