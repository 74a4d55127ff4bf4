//! Names that a host can have.

use url::{Host, Url};

/// Whether the host of `url` is an address or a name that the domain name system can hold.
///
/// The parser of addresses takes much more, so that a secret in the place of a host would be
/// looked up, and logged, as one.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc1123#section-2.1>
pub(crate) fn has_host_name(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_host_name(name.strip_suffix('.').unwrap_or(name)),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    }
}

fn is_host_name(name: &str) -> bool {
    // Names of the top are words, written in other alphabets as `xn--…`.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_word = last.bytes().all(|byte| byte.is_ascii_alphabetic()) || last.starts_with("xn--");
    is_word && name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_host_is_called_is_told_from_names() {
        for (url, expected) in [
            ("https://contoso.vault.azure.net", true),
            ("https://contoso.vault.azure.net./", true),
            ("http://127.0.0.1:8200", true),
            ("https://[::1]", true),
            ("http://localhost:8200", true),
            ("https://bücher.example", true),
            ("https://q8.._7.net", false),
            ("https://under_score.example", false),
            ("https://-a.example", false),
            ("https://a.x2y", false),
            ("https://eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", false),
            (
                "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.net",
                false,
            ),
            ("mailto:somebody@contoso.example", false),
        ] {
            assert_eq!(has_host_name(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
