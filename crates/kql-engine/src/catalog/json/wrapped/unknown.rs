//! Wrappers that nobody knows.

use std::ops::Range;

use super::{DEEPEST, is_telling, nested};
use crate::catalog::aliases::Names;
use crate::catalog::json::spans::{self, Member};

/// The key of a record that holds more of the table's columns than the record has itself: a
/// wrapper that nobody knows.
pub(in crate::catalog::json) fn unknown(bytes: &[u8], names: &Names) -> Option<String> {
    let members = spans::members(bytes).ok()?;
    let own = telling(&members, names);
    members
        .into_iter()
        .find(|one| !names.has(&one.key) && shared(&bytes[one.value.clone()], names, 0) > own)
        .map(|one| one.key)
}

fn telling(members: &[Member], names: &Names) -> usize {
    let is_own = |one: &&Member| is_telling(&one.key) && names.has(&one.key);
    members.iter().filter(is_own).count()
}

/// The most columns of the table that an object in a value has.
fn shared(bytes: &[u8], names: &Names, depth: usize) -> usize {
    if depth == DEEPEST {
        return 0;
    }
    let inner = |span: &Range<usize>| shared(&bytes[span.clone()], names, depth + 1);
    match spans::first(bytes) {
        Some(b'{') => {
            let members = spans::members(bytes).unwrap_or_default();
            let deeper = members.iter().map(|one| inner(&one.value)).max();
            telling(&members, names).max(deeper.unwrap_or(0))
        }
        Some(b'[') => {
            let elements = spans::elements(bytes).unwrap_or_default();
            elements.iter().map(inner).max().unwrap_or(0)
        }
        Some(b'"') => nested(bytes).map_or(0, |text| shared(&text, names, depth + 1)),
        _ => 0,
    }
}
