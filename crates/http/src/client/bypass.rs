//! The hosts of a `NO_PROXY` list: what is reached without the proxy.

use std::net::{IpAddr, Ipv6Addr};

use url::{Host, Url};

/// The hosts of a `NO_PROXY` list, which commas or blanks part.
///
/// An entry is one of these; one that is none of them matches nothing:
///
/// | entry | what it matches |
/// |---|---|
/// | `*` | everything |
/// | `corp.example`, `.corp.example`, `*.corp.example` | the name and every name below it |
/// | `10.0.0.5`, `2001:db8::5`, `[2001:db8::5]` | the address |
/// | `10.0.0.0/8`, `2001:db8::/32` | the addresses of the network |
/// | a name or an address with `:8080`, IPv6 in brackets | the same, at this port alone |
///
/// An IPv4 address that is written as IPv6 (`::ffff:10.0.0.5`) is the IPv4 address. Names are not
/// looked up: an address matches an address that the request names.
///
/// Sources: <https://curl.se/docs/manpage.html#--noproxy>,
/// <https://docs.rs/reqwest/latest/reqwest/struct.NoProxy.html#method.from_string>; ports as
/// <https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bypass(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// The one port that is meant.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Everything,
    /// A name and every name below it.
    Domain(String),
    /// Addresses that share their first bits.
    Network(IpAddr, u32),
}

impl Bypass {
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter_map(Entry::parse).collect())
    }

    pub(super) fn matches(&self, url: &Url) -> bool {
        self.0.iter().any(|entry| entry.matches(url))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let everywhere = |hosts| Some(Self { hosts, port: None });
        if text == "*" {
            return everywhere(Hosts::Everything);
        }
        if let Some((address, bits)) = text.split_once('/') {
            return everywhere(Hosts::network(address, bits)?);
        }
        // The colons of an address are not the one before a port.
        if let Some(hosts) = Hosts::address(text) {
            return everywhere(hosts);
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        let hosts = Hosts::address(host).or_else(|| Hosts::domain(host))?;
        Some(Self { hosts, port })
    }

    fn matches(&self, url: &Url) -> bool {
        self.hosts.hold(url)
            && self
                .port
                .is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

impl Hosts {
    fn address(text: &str) -> Option<Self> {
        let address = unbracketed(text).parse::<IpAddr>().ok()?.to_canonical();
        Some(Self::Network(address, width(address)))
    }

    fn network(address: &str, bits: &str) -> Option<Self> {
        let written: IpAddr = unbracketed(address).parse().ok()?;
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= width(written))?;
        let address = written.to_canonical();
        // Of an IPv4 address that is written as IPv6, 96 bits say so.
        let mapped = width(written) - width(address);
        match bits.checked_sub(mapped) {
            Some(bits) => Some(Self::Network(address, bits)),
            None => Some(Self::Network(written, bits)),
        }
    }

    fn domain(text: &str) -> Option<Self> {
        let name = text.strip_prefix('*').unwrap_or(text);
        let name = name.trim_matches('.');
        // As an address spells it: in lower case, and without letters beyond ASCII.
        match Host::parse(name).ok()? {
            Host::Domain(name) if !name.is_empty() => Some(Self::Domain(name)),
            _ => None,
        }
    }

    fn hold(&self, url: &Url) -> bool {
        let address = match url.host() {
            None => return false,
            Some(Host::Domain(host)) => return self.has_name(host.trim_end_matches('.')),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address).to_canonical(),
        };
        match self {
            Self::Everything => true,
            Self::Domain(_) => false,
            Self::Network(network, bits) => {
                width(*network) == width(address) && first(*network, *bits) == first(address, *bits)
            }
        }
    }

    fn has_name(&self, host: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Network(..) => false,
            Self::Domain(name) => host
                .strip_suffix(name.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('.')),
        }
    }
}

fn unbracketed(text: &str) -> &str {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.unwrap_or(text)
}

/// How many bits an address has.
fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => u32::BITS,
        IpAddr::V6(_) => Ipv6Addr::BITS,
    }
}

/// The first `bits` of an address.
fn first(address: IpAddr, bits: u32) -> u128 {
    let all = match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    };
    all.checked_shr(width(address) - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    #[test]
    fn an_entry_matches_what_it_says_and_nothing_else() {
        for (entry, matching, others) in [
            (
                "*",
                &["any.example", "10.0.0.5:8080", "[2001:db8::5]"][..],
                &[][..],
            ),
            (
                "corp.example",
                &[
                    "corp.example",
                    "CORP.example.",
                    "a.b.corp.example",
                    "corp.example:8080",
                ],
                &[
                    "notcorp.example",
                    "corp.example.evil.example",
                    "example",
                    "10.0.0.5",
                ],
            ),
            (
                ".corp.example",
                &["corp.example", "a.corp.example"],
                &["notcorp.example"],
            ),
            (
                "*.corp.example",
                &["corp.example", "a.corp.example"],
                &["notcorp.example"],
            ),
            (
                "corp.example.",
                &["corp.example", "a.corp.example."],
                &["example"],
            ),
            ("Corp.Example", &["corp.example"], &[]),
            (
                "bücher.example",
                &["xn--bcher-kva.example", "bücher.example"],
                &["bucher.example"],
            ),
            (
                "_svc.corp.example",
                &["_svc.corp.example"],
                &["corp.example"],
            ),
            (
                "corp.example:8443",
                &["corp.example:8443", "a.corp.example:8443"],
                &["corp.example", "corp.example:443", "other.example:8443"],
            ),
            // The port of https needs no writing.
            (
                "corp.example:443",
                &["corp.example", "corp.example:443"],
                &["corp.example:8443"],
            ),
            (
                "*.corp.example:8443",
                &["a.corp.example:8443"],
                &["a.corp.example"],
            ),
            (
                "10.0.0.5",
                &["10.0.0.5", "10.0.0.5:8080", "[::ffff:10.0.0.5]"],
                &["10.0.0.6"],
            ),
            (
                "10.0.0.5:8080",
                &["10.0.0.5:8080"],
                &["10.0.0.5", "10.0.0.6:8080"],
            ),
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255:8080"],
                &["11.0.0.0", "9.255.255.255"],
            ),
            // The bits behind the network do not count.
            ("10.1.2.3/16", &["10.1.0.0", "10.1.255.255"], &["10.2.0.0"]),
            ("10.1.2.3/32", &["10.1.2.3"], &["10.1.2.2"]),
            ("0.0.0.0/0", &["1.2.3.4"], &["any.example", "[2001:db8::5]"]),
            (
                "2001:db8::5",
                &["[2001:db8::5]", "[2001:DB8:0:0::5]:8080"],
                &["[2001:db8::6]", "10.0.0.5"],
            ),
            (
                "[2001:db8::5]",
                &["[2001:db8::5]", "[2001:db8::5]:8080"],
                &["[2001:db8::6]"],
            ),
            (
                "[2001:db8::5]:8080",
                &["[2001:db8::5]:8080"],
                &["[2001:db8::5]"],
            ),
            ("2001:db8::/32", &["[2001:db8:1::1]"], &["[2001:db9::1]"]),
            ("[2001:db8::]/32", &["[2001:db8:1::1]"], &["[2001:db9::1]"]),
            ("::/0", &["[2001:db8::5]"], &["1.2.3.4", "any.example"]),
            (
                "::ffff:10.0.0.5",
                &["10.0.0.5", "[::ffff:10.0.0.5]"],
                &["10.0.0.6"],
            ),
            ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.0"]),
            // None of these is an entry.
            ("10.0.0.0/33", &[], &["10.0.0.0"]),
            ("2001:db8::/129", &[], &["[2001:db8::]"]),
            ("10.0.0.0/eight", &[], &["10.0.0.0"]),
            ("corp.example/8", &[], &["corp.example"]),
            ("corp.example:http", &[], &["corp.example"]),
            ("corp.example:99999", &[], &["corp.example"]),
            (".", &[], &["corp.example"]),
            ("*.", &[], &["corp.example"]),
            (":8080", &[], &["corp.example:8080"]),
            ("[]", &[], &["corp.example"]),
            ("", &[], &["corp.example"]),
        ] {
            let bypass = Bypass::parse(entry);
            let matches = |host: &&str| {
                let url = Url::parse(&format!("https://{host}/path")).unwrap();
                bypass.matches(&url)
            };
            let missed: Vec<_> = matching.iter().filter(|host| !matches(host)).collect();
            assert!(missed.is_empty(), "{entry} does not match {missed:?}");
            let wrong: Vec<_> = others.iter().filter(|host| matches(host)).collect();
            assert!(wrong.is_empty(), "{entry} matches {wrong:?}");
        }
    }

    #[test]
    fn a_list_matches_what_one_of_its_entries_does() {
        let matches = |list: &str, host: &str| {
            Bypass::parse(list).matches(&Url::parse(&format!("https://{host}/")).unwrap())
        };
        let list = "a.example, b.example\t*.c.example:8443,10.0.0.0/8,,wrong:port  [::5]";
        for host in [
            "a.example",
            "x.b.example",
            "c.example:8443",
            "10.1.1.1",
            "[::5]:9",
        ] {
            assert!(matches(list, host), "{host}");
        }
        assert!(!matches(list, "c.example"));
        assert!(matches("a.example,*", "any.example"));
        assert_eq!(Bypass::parse(" , "), Bypass::default());
    }
}
