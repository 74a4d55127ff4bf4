//! The known name that a misspelt one most likely means.

/// Longer names than this are not compared: nobody misspells so much.
const MAX_LENGTH: usize = 64;

/// The name of `known` that `wanted` most likely means, if any is near enough.
///
/// Case, `_`, `-` and spaces do not count as differences; otherwise about one letter in three may
/// differ.
///
/// ```
/// # use defender_core::nearest;
/// assert_eq!(nearest("Clientt_Id", ["tenant_id", "client_id"]), Some("client_id"));
/// assert_eq!(nearest("colour", ["tenant_id", "client_id"]), None);
/// ```
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(wanted);
    if wanted.is_empty() || wanted.len() > MAX_LENGTH {
        return None;
    }
    known
        .into_iter()
        .filter_map(|name| {
            let candidate = folded(name);
            if candidate.len() > MAX_LENGTH {
                return None;
            }
            let distance = distance(&wanted, &candidate);
            let allowed = (wanted.len().min(candidate.len()) / 3).max(1);
            (distance <= allowed && distance < wanted.len()).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn folded(name: &str) -> Vec<char> {
    name.chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many letters have to be added, dropped or exchanged; two swapped neighbours count once.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let exchange = above[column] + usize::from(letter != other);
            let mut best = exchange.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && *letter == right[column - 1] && left[row - 1] == *other;
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
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
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("cloud"), &chars("clodu")), 1);
        assert_eq!(distance(&chars(""), &chars("abc")), 3);
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
    }

    #[test]
    fn nothing_is_near_to_nothing() {
        assert_eq!(nearest("", ["a"]), None);
        assert_eq!(nearest("x", ["a"]), None);
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
    }
}
