//! The known name that a misspelt one most likely means.

/// Longer names are not compared: comparing costs the product of the lengths.
const LONGEST: usize = 96;

/// The name of `known` that `wanted` most likely means, if any is near enough; the first of several.
///
/// Case, `_`, `-` and spaces do not count as differences. Of the other letters about one in three
/// may be added, dropped, exchanged or swapped with its neighbour, and at most four.
/// `defender_core::nearest` follows the same rule.
///
/// ```
/// # use kql_syntax::nearest;
/// assert_eq!(nearest("FileNmae", ["FolderPath", "FileName"]), Some("FileName"));
/// assert_eq!(nearest("Elsewhere", ["FolderPath", "FileName"]), None);
/// ```
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (wanted, length) = folded(wanted)?;
    known
        .into_iter()
        .filter_map(|name| {
            let (candidate, other) = folded(name)?;
            let shorter = length.min(other);
            let allowed = (shorter / 3).clamp(1, 4).min(shorter - 1);
            let distance = strsim::osa_distance(&wanted, &candidate);
            (distance <= allowed).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What is compared of a name, and its length; none where there is nothing or too much.
fn folded(name: &str) -> Option<(String, usize)> {
    let folded: String = name
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' '))
        .take(LONGEST + 1)
        .flat_map(char::to_lowercase)
        .collect();
    let length = folded.chars().count();
    (1..=LONGEST).contains(&length).then_some((folded, length))
}
