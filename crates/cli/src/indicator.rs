//! What a text is by its looks: an address, a hash, a name of a host.

use std::net::IpAddr;

/// The kinds of values that hunters keep in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indicator {
    /// An IP address or a range of them.
    Ip,
    /// An MD5, SHA-1 or SHA-256.
    Hash,
    Guid,
    Url,
    Email,
    /// A name with dots, as domains and hosts have; `file.name` looks like one, too.
    Domain,
}

impl Indicator {
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let address = text.split_once('/').map_or(text, |(address, _)| address);
        if address.parse::<IpAddr>().is_ok() {
            return Some(Self::Ip);
        }
        if matches!(text.len(), 32 | 40 | 64) && is_hex(text) {
            return Some(Self::Hash);
        }
        let guid = text.trim_start_matches('{').trim_end_matches('}');
        let lengths = guid.split('-').map(str::len);
        if lengths.eq([8, 4, 4, 4, 12]) && guid.split('-').all(is_hex) {
            return Some(Self::Guid);
        }
        if text.contains("://") && !text.contains(char::is_whitespace) {
            return Some(Self::Url);
        }
        if let Some((user, domain)) = text.split_once('@') {
            let is_user = !user.is_empty() && !user.contains([' ', '/']);
            return (is_user && is_domain(domain)).then_some(Self::Email);
        }
        is_domain(text).then_some(Self::Domain)
    }

    /// The kind that the name of a parameter or a column speaks of.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if names(&["hash", "sha1", "sha256", "md5"]) {
            return Some(Self::Hash);
        }
        if names(&["url"]) {
            return Some(Self::Url);
        }
        if names(&["domain"]) {
            return Some(Self::Domain);
        }
        if names(&["mail", "upn", "sender", "recipient"]) {
            return Some(Self::Email);
        }
        let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        words
            .any(|word| matches!(word, "ip" | "ips" | "address" | "addresses" | "remoteip"))
            .then_some(Self::Ip)
    }

    /// What it is called, of several.
    pub(crate) fn several(self) -> &'static str {
        match self {
            Self::Ip => "addresses",
            Self::Hash => "hashes",
            Self::Guid => "ids",
            Self::Url => "URLs",
            Self::Email => "e-mail addresses",
            Self::Domain => "domains",
        }
    }
}

fn is_domain(text: &str) -> bool {
    let mut labels = text.trim_end_matches('.').split('.').peekable();
    let mut count = 0;
    let mut last = "";
    for label in labels.by_ref() {
        let letters = label
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_'));
        if label.is_empty() || !letters {
            return false;
        }
        count += 1;
        last = label;
    }
    count > 1 && last.len() > 1 && last.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_by_its_looks() {
        use Indicator::{Domain, Email, Guid, Hash, Ip, Url};
        for (text, kind) in [
            ("198.51.100.177", Some(Ip)),
            ("198.51.100.0/24", Some(Ip)),
            ("2001:db8::1", Some(Ip)),
            ("44d88612fea8a8f36de82e1278abb02f", Some(Hash)),
            ("11111111-2222-3333-4444-555555555555", Some(Guid)),
            ("https://a.example/x,y", Some(Url)),
            ("a.b@contoso.com", Some(Email)),
            ("evil.example", Some(Domain)),
            ("hash", None),
            ("ws-01", None),
            ("1.5", None),
            ("a b.example", None),
            ("", None),
        ] {
            assert_eq!(Indicator::of(text), kind, "{text}");
        }
    }

    #[test]
    fn a_name_speaks_of_a_kind() {
        for (name, kind) in [
            ("file_hash", Some(Indicator::Hash)),
            ("ip_address", Some(Indicator::Ip)),
            ("ip_address_list", Some(Indicator::Ip)),
            ("host_name", None),
            ("description", None),
        ] {
            assert_eq!(Indicator::named(name), kind, "{name}");
        }
    }
}
