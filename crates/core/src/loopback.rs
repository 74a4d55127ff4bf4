//! Whether an address stays on this machine.

use url::{Host, Url};

/// Whether `url` stays on this machine: a loopback address, `localhost`, or a name below it.
///
/// There, and only there, plain `http` may carry a token.
///
/// ```
/// # use defender_core::is_loopback;
/// assert!(is_loopback(&"http://emulator.localhost:8080/".parse()?));
/// assert!(!is_loopback(&"http://localhost.example/".parse()?));
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether `name` is `localhost` or below it, which are loopback addresses without asking anybody.
///
/// A transport connects to these names on this machine whatever a name server says of them.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc6761#section-6.3>
pub fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost") && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_this_machine_is_told_from_its_likes() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/", true),
            ("http://127.9.9.9/", true),
            ("http://127.1/", true),
            ("http://0x7f.1/", true),
            ("http://[::1]/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://localhost/", true),
            ("http://LOCALHOST:1/", true),
            ("http://localhost./", true),
            ("http://emulator.localhost/", true),
            ("https://a.b.LocalHost.:8443/", true),
            ("http://0.0.0.0/", false),
            ("http://[::]/", false),
            ("http://[::ffff:10.0.0.1]/", false),
            ("http://128.0.0.1/", false),
            ("http://169.254.169.254/", false),
            ("http://127.0.0.1.example/", false),
            ("http://localhost.example/", false),
            ("http://notlocalhost/", false),
            ("http://localhost-x/", false),
            ("http://user:localhost@example/", false),
            ("http://example/localhost", false),
            ("data:localhost", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
        assert!(!is_localhost(""));
        assert!(!is_localhost(".localhost"));
        assert!(!is_localhost("localhost.."));
    }
}
