//! Functions of IP addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::terms::regex;
use super::{Call, items};
use crate::EngineError;
use crate::datum::Datum;
use crate::dynamic;
use crate::expression::{Kernel, kernel};

/// An address and how many of its bits count.
pub(crate) fn ipv4(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (
            address,
            bits.parse::<u32>().ok().filter(|bits| *bits <= 32)?,
        ),
        None => (text, 32),
    };
    Some((u32::from(address.parse::<Ipv4Addr>().ok()?), bits))
}

pub(crate) fn mask4(address: u32, bits: u32) -> u32 {
    if bits == 0 {
        0
    } else {
        address & (u32::MAX << (32 - bits))
    }
}

/// An IPv6 address without its zone, or an IPv4 one (also as `::192.168.0.1`) mapped into IPv6. The
/// prefix of what ends in an IPv4 address counts the bits of that.
pub(crate) fn ipv6(text: &str) -> Option<(u128, u32)> {
    let (address, bits) = parts6(text)?;
    let four = address.strip_prefix("::").unwrap_or(address);
    let (address, before) = if let Ok(four) = four.parse::<Ipv4Addr>() {
        (four.to_ipv6_mapped(), 96)
    } else {
        let dotted = address.contains('.');
        (address.parse().ok()?, if dotted { 96 } else { 0 })
    };
    let bits = bits.unwrap_or(128 - before).saturating_add(before);
    (bits <= 128).then(|| (u128::from(address), bits))
}

/// The address without its zone, and the prefix if there is one.
fn parts6(text: &str) -> Option<(&str, Option<u32>)> {
    let text = text.trim();
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (text, None),
    };
    let address = address
        .split_once('%')
        .map_or(address, |(address, _)| address);
    Some((address, bits))
}

/// `parse_ipv6` reads `::192.168.0.1` as it is written, where no prefix makes an IPv4 address of it.
fn plain6(text: &str) -> Option<(u128, u32)> {
    match parts6(text)? {
        (address, None) if address.starts_with("::") => {
            Some((u128::from(address.parse::<Ipv6Addr>().ok()?), 128))
        }
        _ => ipv6(text),
    }
}

pub(crate) fn mask6(address: u128, bits: u32) -> u128 {
    if bits == 0 {
        0
    } else {
        address & (u128::MAX << (128 - bits))
    }
}

/// The prefix argument at `at`, all bits when it is left out.
fn prefix(values: &[Datum<'_>], at: usize, all: u32) -> Option<u32> {
    match values.get(at) {
        None => Some(all),
        Some(value) => u32::try_from(value.as_long()?)
            .ok()
            .filter(|bits| *bits <= all),
    }
}

fn compare4(values: &[Datum<'_>]) -> Option<std::cmp::Ordering> {
    let (one, first) = ipv4(&values[0].display())?;
    let (two, second) = ipv4(&values[1].display())?;
    let bits = first.min(second).min(prefix(values, 2, 32)?);
    Some(mask4(one, bits).cmp(&mask4(two, bits)))
}

fn compare6(values: &[Datum<'_>]) -> Option<std::cmp::Ordering> {
    let (one, first) = ipv6(&values[0].display())?;
    let (two, second) = ipv6(&values[1].display())?;
    let bits = first.min(second).min(prefix(values, 2, 128)?);
    Some(mask6(one, bits).cmp(&mask6(two, bits)))
}

fn in_range4(address: &str, range: &str) -> Option<bool> {
    let (one, _) = ipv4(address)?;
    let (two, bits) = ipv4(range)?;
    Some(mask4(one, bits) == mask4(two, bits))
}

fn in_range6(address: &str, range: &str) -> Option<bool> {
    let (one, _) = ipv6(address)?;
    let (two, bits) = ipv6(range)?;
    Some(mask6(one, bits) == mask6(two, bits))
}

/// The values of the arguments from `at` on, arrays taken apart.
fn all_of(values: &[Datum<'_>], at: usize) -> Vec<String> {
    values[at..]
        .iter()
        .flat_map(|value| match items(value) {
            Some(list) => list.iter().map(|one| one.display().into_owned()).collect(),
            None => vec![value.display().into_owned()],
        })
        .collect()
}

fn any_range(test: fn(&str, &str) -> Option<bool>) -> Kernel {
    kernel(move |values| {
        let address = values[0].display();
        let answers: Vec<Option<bool>> = all_of(values, 1)
            .iter()
            .map(|range| test(&address, range))
            .collect();
        if answers.contains(&Some(true)) {
            return Ok(Datum::Bool(true));
        }
        Ok(if answers.contains(&Some(false)) {
            Datum::Bool(false)
        } else {
            Datum::Null
        })
    })
}

fn boolean(value: Option<bool>) -> Datum<'static> {
    value.map_or(Datum::Null, Datum::Bool)
}

/// Whether `text` holds an address that `test` accepts, delimited by what is no part of one.
fn holds_address(text: &str, test: impl Fn(&str) -> bool) -> Result<bool, EngineError> {
    let pattern = regex(r"[A-Za-z0-9.]+")?;
    Ok(pattern.find_iter(text).any(|found| {
        let word = found.as_str().trim_matches('.');
        word.parse::<Ipv4Addr>().is_ok() && test(word)
    }))
}

fn has_address(prefixes: bool) -> Kernel {
    kernel(move |values| {
        let wanted = all_of(values, 1);
        let text = values[0].display();
        holds_address(&text, |word| {
            wanted.iter().any(|one| {
                if prefixes {
                    let whole = one.parse::<Ipv4Addr>().is_ok();
                    if whole {
                        word == one
                    } else {
                        one.ends_with('.') && word.starts_with(one.as_str())
                    }
                } else {
                    word == one
                }
            })
        })
        .map(Datum::Bool)
    })
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "parse_ipv4" => kernel(|values| {
            Ok(
                ipv4(&values[0].display()).map_or(Datum::Null, |(address, bits)| {
                    Datum::Long(i64::from(mask4(address, bits)))
                }),
            )
        }),
        "parse_ipv4_mask" => kernel(|values| {
            let bits = prefix(values, 1, 32);
            Ok(match (ipv4(&values[0].display()), bits) {
                (Some((address, own)), Some(bits)) => {
                    Datum::Long(i64::from(mask4(address, own.min(bits))))
                }
                _ => Datum::Null,
            })
        }),
        "parse_ipv6" => kernel(|values| Ok(Datum::text(full6(plain6(&values[0].display()))))),
        "parse_ipv6_mask" => kernel(|values| {
            let (Some((address, own)), Some(bits)) =
                (ipv6(&values[0].display()), prefix(values, 1, 128))
            else {
                return Ok(Datum::text(""));
            };
            Ok(Datum::text(full6(Some((address, own.min(bits))))))
        }),
        "ipv4_compare" => kernel(|values| {
            Ok(compare4(values).map_or(Datum::Null, |ordering| Datum::Long(ordering as i64)))
        }),
        "ipv6_compare" => kernel(|values| {
            Ok(compare6(values).map_or(Datum::Null, |ordering| Datum::Long(ordering as i64)))
        }),
        "ipv4_is_match" => {
            kernel(|values| Ok(boolean(compare4(values).map(std::cmp::Ordering::is_eq))))
        }
        "ipv6_is_match" => {
            kernel(|values| Ok(boolean(compare6(values).map(std::cmp::Ordering::is_eq))))
        }
        "ipv4_is_private" => kernel(|values| {
            let text = values[0].display();
            Ok(boolean(ipv4(&text).map(|(address, bits)| {
                [(0x0a00_0000, 8), (0xac10_0000, 12), (0xc0a8_0000, 16)]
                    .iter()
                    .any(|(network, size)| bits >= *size && mask4(address, *size) == *network)
            })))
        }),
        "ipv4_is_in_range" => kernel(|values| {
            Ok(boolean(in_range4(
                &values[0].display(),
                &values[1].display(),
            )))
        }),
        "ipv6_is_in_range" => kernel(|values| {
            Ok(boolean(in_range6(
                &values[0].display(),
                &values[1].display(),
            )))
        }),
        "ipv4_is_in_any_range" => any_range(in_range4),
        "ipv6_is_in_any_range" => any_range(in_range6),
        "ipv4_netmask_suffix" => kernel(|values| {
            Ok(ipv4(&values[0].display())
                .map_or(Datum::Null, |(_, bits)| Datum::Long(i64::from(bits))))
        }),
        "format_ipv4" => kernel(|values| Ok(Datum::text(format4(values, false)))),
        "format_ipv4_mask" => kernel(|values| Ok(Datum::text(format4(values, true)))),
        "has_ipv4" | "has_any_ipv4" => has_address(false),
        "has_ipv4_prefix" | "has_any_ipv4_prefix" => has_address(true),
        "ipv4_range_to_cidr_list" => kernel(|values| {
            let (Some((from, _)), Some((to, _))) =
                (ipv4(&values[0].display()), ipv4(&values[1].display()))
            else {
                return Ok(Datum::Null);
            };
            let mut out = Vec::new();
            let mut next = u64::from(from);
            while next <= u64::from(to) {
                let mut bits = 32 - u32::min(next.trailing_zeros(), 32);
                while next + (1 << (32 - bits)) - 1 > u64::from(to) {
                    bits += 1;
                }
                let address = Ipv4Addr::from(u32::try_from(next).unwrap_or(0));
                out.push(dynamic::string(&format!("{address}/{bits}")));
                next += 1 << (32 - bits);
            }
            Ok(Datum::dynamic(dynamic::array(&out)))
        }),
        _ => return Ok(None),
    }))
}

fn full6(address: Option<(u128, u32)>) -> String {
    let Some((address, bits)) = address else {
        return String::new();
    };
    let groups: Vec<String> = Ipv6Addr::from(mask6(address, bits))
        .segments()
        .iter()
        .map(|one| format!("{one:04x}"))
        .collect();
    groups.join(":")
}

fn format4(values: &[Datum<'_>], with_mask: bool) -> String {
    let parsed = match &values[0] {
        Datum::String(text) => ipv4(text),
        other => other
            .as_long()
            .and_then(|number| Some((u32::try_from(number).ok()?, 32))),
    };
    let (Some((address, own)), Some(bits)) = (parsed, prefix(values, 1, 32)) else {
        return String::new();
    };
    let bits = own.min(bits);
    let address = Ipv4Addr::from(mask4(address, bits));
    if with_mask {
        format!("{address}/{bits}")
    } else {
        address.to_string()
    }
}
