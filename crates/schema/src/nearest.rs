//! The nearest of a set of names.

/// The name most like `wanted`: the same but for case, or a few letters away.
pub(crate) fn nearest<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Longer input is not a mistyped name, and comparing it would cost its length.
    const LONGEST: usize = 128;
    if wanted.is_empty() || wanted.len() > LONGEST {
        return None;
    }
    let wanted = wanted.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions, replacements and swaps of neighbours between the two.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, &a) in left.iter().enumerate() {
        let mut row = Vec::with_capacity(right.len() + 1);
        row.push(i + 1);
        for (j, &b) in right.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && a == right[j - 1] && left[i - 1] == b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", "acb"), 1, "neighbours that were swapped");
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn far_names_are_no_suggestion() {
        assert_eq!(
            nearest("Timestmap", ["Timestamp", "DeviceId"]),
            Some("Timestamp")
        );
        assert_eq!(nearest("TIMESTAMP", ["Timestamp"]), Some("Timestamp"));
        assert_eq!(nearest("xyz", ["Timestamp", "DeviceId"]), None);
        assert_eq!(nearest("", ["A"]), None);
        assert_eq!(nearest(&"T".repeat(1000), ["Timestamp"]), None);
    }
}
