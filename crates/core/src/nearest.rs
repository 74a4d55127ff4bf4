//! The known name that a misspelt one most likely means.

/// Longer names are not compared: comparing costs the product of the lengths.
const LONGEST: usize = 96;

/// The name of `known` that `wanted` most likely means, if any is near enough; the first of several.
///
/// Case, `_`, `-` and spaces do not count as differences. Of the other letters about one in three
/// may be added, dropped, exchanged or swapped with its neighbour, and at most four.
/// `kql_syntax::nearest` follows the same rule.
///
/// ```
/// # use defender_core::nearest;
/// assert_eq!(nearest("Clientt_Id", ["tenant_id", "client_id"]), Some("client_id"));
/// assert_eq!(nearest("colour", ["tenant_id", "client_id"]), None);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_several_is_taken() {
        let known = ["client_secret", "client_id", "certificate"];
        assert_eq!(nearest("ClientSecrt", known), Some("client_secret"));
        assert_eq!(nearest("clinet-id", known), Some("client_id"));
        assert_eq!(nearest("cert", known), None);
    }

    #[test]
    fn a_swap_of_neighbours_is_one_difference() {
        assert_eq!(nearest("clodu", ["cloud"]), Some("cloud"));
        assert_eq!(nearest("clo", ["cloud"]), None);
    }

    #[test]
    fn the_shorter_name_says_how_much_may_differ() {
        assert_eq!(nearest("id", ["idea"]), None);
        assert_eq!(nearest("idea", ["id"]), None);
        let long = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(nearest(&long[4..], [long]), Some(long));
        assert_eq!(nearest(&long[5..], [long]), None);
    }

    #[test]
    fn nothing_is_near_to_nothing() {
        assert_eq!(nearest("", ["a"]), None);
        assert_eq!(nearest("-", ["", "_"]), None);
        assert_eq!(nearest("x", ["a", ""]), None);
        assert_eq!(nearest("x", ["X"]), Some("X"));
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
    }
}
