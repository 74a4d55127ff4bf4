//! Whether a name or a value has the shape of what belongs there.
//!
//! People put a secret into the wrong field, or in the place of its key. So a message shows what
//! was written only when it looks like what the place is for.

use std::path::Path;

use defender_core::{WrittenName, is_plain_path};
use url::{Host, Url};

use crate::ConnectionKey;
use crate::key::{Kind, folded};

/// What stands in place of a name that is not plainly one.
pub(crate) const NOT_SHOWN: &str = "(not shown)";

/// Longer words name no cloud and no version.
const LONGEST_WORD: usize = 20;

/// Whether a message may quote `text` as the value of `key`.
pub(crate) fn fits(key: ConnectionKey, text: &str) -> bool {
    let text = text.trim();
    match key {
        ConnectionKey::Cloud => {
            text.len() <= LONGEST_WORD
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphabetic() || " -_".contains(c))
        }
        ConnectionKey::ApiVersion => {
            let number = text.strip_prefix(['v', 'V']).unwrap_or(text);
            let is_number = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            let is_word = text.chars().all(|c| c.is_ascii_alphabetic());
            text.len() <= LONGEST_WORD && (is_number || is_word)
        }
        ConnectionKey::TenantId if is_domain(text) => true,
        ConnectionKey::Username if is_user(text) => true,
        _ if key.kind() == Kind::Secret => false,
        _ => is_plain(text),
    }
}

/// Whether `text` is made of words, numbers and ids.
pub(crate) fn is_plain(text: &str) -> bool {
    let text = text.strip_prefix("~/").unwrap_or(text);
    text.split(|c: char| c.is_whitespace() || "/\\,;()\"'!?".contains(c))
        .all(|part| is_id(part) || is_plain_word(part))
}

/// `M365x12345678.onmicrosoft.com`: a domain's name may have any letters and digits, and ends in
/// small letters.
pub(crate) fn is_domain(text: &str) -> bool {
    const LONGEST_LABEL: usize = 30;
    let mut labels = text.rsplit('.');
    let ends = labels
        .next()
        .is_some_and(|end| end.len() >= 2 && end.bytes().all(|byte| byte.is_ascii_lowercase()));
    let is_label = |label: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=LONGEST_LABEL).contains(&label.len()) && label.chars().all(allowed)
    };
    ends && text.contains('.') && labels.all(is_label)
}

/// `ann.lee-2@contoso.com`.
fn is_user(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, domain)| {
        let allowed = |c: char| c.is_alphanumeric() || "._-".contains(c);
        name.len() <= 2 * LONGEST_WORD && name.chars().all(allowed) && is_domain(domain)
    })
}

/// Letters of any script count as those of ASCII: names of people and firms have them.
fn is_plain_word(text: &str) -> bool {
    let ascii: String = text
        .chars()
        .map(|c| match c {
            '_' | '@' | '&' => '-',
            c if !c.is_ascii() && c.is_alphabetic() => 'a',
            c => c,
        })
        .collect();
    WrittenName::of_words(ascii).shown().is_some()
}

/// Whether `text` names a tenant: its id, one of its domains in any script and case, or the word for
/// those of whoever signs in.
pub(crate) fn is_tenant(text: &str) -> bool {
    let text = text.trim();
    let plain = |c: char| {
        if !c.is_ascii() && c.is_alphabetic() {
            'a'
        } else {
            c
        }
    };
    let domain: String = text.chars().map(plain).collect();
    let is_capital = !domain.bytes().any(|byte| byte.is_ascii_lowercase());
    is_id(text)
        || ["common", "organizations", "consumers"].contains(&&*text.to_ascii_lowercase())
        || is_domain(&domain)
        || is_capital && is_domain(&domain.to_ascii_lowercase())
}

/// Whether `text` has the form of an id of Entra ID: 11111111-2222-3333-4444-555555555555.
pub fn is_id(text: &str) -> bool {
    let parts = text.trim().split('-').map(str::len);
    parts.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// What to write where the path of a setting belongs.
pub(crate) const PATH_OF_SETTING: &str =
    "write the whole path, such as DataProviders.MicrosoftDefender.Args.ClientSecret";

/// Whether a message may quote `path`: it looks like one, or a file is there.
pub(crate) fn may_be_path(path: &Path) -> bool {
    let text = path.to_string_lossy();
    is_plain_path(&text) || is_plain(&text) || path.exists()
}

/// Whether a message may show all of `url`: its host is one, and the rest is of words.
pub(crate) fn is_plain_address(url: &Url) -> bool {
    let has_no_more =
        url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let is_host = match url.host() {
        Some(Host::Domain(host)) => is_domain(host) || is_plain(host) && !host.contains('.'),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    has_no_more
        && is_host
        && url.fragment().is_none()
        && is_plain(&url.as_str().replace("://", "/").replace(['[', ']'], ""))
}

/// The name of a setting or an instance, where it is plainly one.
pub(crate) fn shown(name: &str) -> &str {
    let is_known = || {
        ConnectionKey::find(name).is_some()
            || ["environmentvar", "keyvault"].contains(&folded(name).as_str())
    };
    if is_plain(name) || is_known() {
        name
    } else {
        NOT_SHOWN
    }
}

/// The path of a setting, all of it or nothing below the part that is no name: a secret may hold
/// dots.
pub(crate) fn shown_path(path: &str) -> String {
    let names: Vec<&str> = path.split('.').collect();
    let plain = names.iter().take_while(|name| is_plain(name)).count();
    if plain == names.len() {
        return path.to_owned();
    }
    // The part before may be the beginning of it.
    let known = names[..plain].iter().take_while(|name| is_known(name));
    let mut shown: Vec<&str> = known.copied().collect();
    shown.push(NOT_SHOWN);
    shown.join(".")
}

fn is_known(name: &str) -> bool {
    const SECTIONS: [&str; 6] = [
        "args",
        "azure",
        "dataproviders",
        "keyvault",
        "microsoftdefender",
        "msticpy",
    ];
    SECTIONS.contains(&folded(name).as_str()) || crate::provider::Family::of_section(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "Qx8Q~Zk3secretVALUE.wrongPlace-77aaBB";

    #[test]
    fn a_value_is_quoted_when_it_looks_like_what_belongs_there() {
        use ConnectionKey as Key;
        for (key, value) in [
            (Key::TenantId, "contoso.com"),
            (Key::TenantId, "11111111-2222-3333-4444-555555555555"),
            (Key::TenantId, "common"),
            (Key::TenantId, "M365x12345678.onmicrosoft.com"),
            (Key::Username, "AdeleV2x9@M365x12345678.onmicrosoft.com"),
            (Key::Cloud, "gcc-high"),
            (Key::Cloud, "moon"),
            (Key::ApiVersion, "v1.0"),
            (Key::ApiVersion, "beta"),
            (Key::Username, "ann.lee@contoso.com"),
        ] {
            assert!(fits(key, value), "{value}");
        }
        for key in ConnectionKey::ALL {
            assert!(!fits(key, SECRET), "{key}");
        }
        assert!(!fits(Key::Cloud, "hunter2"));
        assert!(!fits(Key::ApiVersion, "hunter2"));
    }

    #[test]
    fn an_address_has_a_host_that_is_one() {
        for address in [
            "https://login.example/",
            "https://login.microsoftonline.com/common",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/",
            "http://localhost:4100/v1.0",
            "http://proxy:3128",
        ] {
            assert!(is_plain_address(&address.parse().unwrap()), "{address}");
        }
        for address in [
            "https://Sup3r-Secret.Passw0rd!canary",
            "https://user:hunter2@login.example/",
            "https://login.example/?code=x",
            "https://abc8q~zk3x9ypq2wvl0mnt5rsu7ioe4ghjfasdc1",
        ] {
            assert!(!is_plain_address(&address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_tenant_is_an_id_or_a_domain() {
        for tenant in [
            "11111111-2222-3333-4444-555555555555",
            "contoso.onmicrosoft.com",
            "CONTOSO.COM",
            "müller.example",
            "organizations",
        ] {
            assert!(is_tenant(tenant), "{tenant}");
        }
        for other in [
            SECRET,
            "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
            "contoso",
            "",
            "a.b.7",
        ] {
            assert!(!is_tenant(other), "{other}");
        }
    }

    #[test]
    fn a_name_is_shown_when_it_is_one() {
        for name in [
            "http_timeout",
            "MicrosoftDefender-Zürich GmbH",
            "M365D",
            "x",
        ] {
            assert_eq!(shown(name), name);
        }
        assert_eq!(shown(SECRET), NOT_SHOWN);
        let args = "DataProviders.MicrosoftDefender.Args";
        assert_eq!(shown_path(args), args);
        assert_eq!(shown_path("foo.bar"), "foo.bar");
        assert_eq!(shown_path(SECRET), NOT_SHOWN);
        assert_eq!(
            shown_path(&format!("{args}.{SECRET}")),
            format!("{args}.{NOT_SHOWN}")
        );
    }
}
