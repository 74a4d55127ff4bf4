//! Lines that may not grow without end.

use std::io::{self, BufRead, Read};

/// Appends the next line with its line break to `into`; false when that has more than `limit`
/// bytes, of which a few more are taken then.
pub(crate) fn read_line(
    reader: &mut impl BufRead,
    into: &mut Vec<u8>,
    limit: usize,
) -> io::Result<bool> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let before = into.len();
    reader.take(most).read_until(b'\n', into)?;
    Ok(into.len() - before <= limit)
}

#[cfg(test)]
mod tests {
    use super::read_line;

    #[test]
    fn a_line_has_as_many_bytes_as_it_may() {
        for (text, limit, expected, line) in [
            ("ab\ncd", 3, true, "ab\n"),
            ("abc\n", 3, false, "abc\n"),
            ("abcd", 3, false, "abcd"),
            ("abc", 3, true, "abc"),
            ("", 0, true, ""),
        ] {
            let mut bytes = Vec::new();
            let whole = read_line(&mut text.as_bytes(), &mut bytes, limit).unwrap();
            assert_eq!((whole, bytes.as_slice()), (expected, line.as_bytes()));
        }
    }
}
