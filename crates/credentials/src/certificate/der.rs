//! What a piece of DER is, told by its first elements.

/// What a piece of DER is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Certificate,
    /// A plain private key: PKCS#8, or the older forms of one algorithm.
    Key,
    /// PKCS#8 with a password.
    EncryptedKey,
    /// PKCS#12.
    Pfx,
    /// PKCS#7: certificates without a key.
    Pkcs7,
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// What `der` is; `None` when it is none of these.
///
/// Two tags and the version tell them apart, so that each goes to the one reader that is made
/// for it and its failure has one meaning. OpenSSL's own guess would ask for a password.
pub(super) fn shape(der: &[u8]) -> Option<Shape> {
    let (tag, _, content) = element(der)?;
    if tag != SEQUENCE {
        return None;
    }
    let (first, value, rest) = split(content)?;
    let second = rest.first().copied();
    match (first, second?) {
        (SEQUENCE, SEQUENCE) => Some(Shape::Certificate),
        (SEQUENCE, OCTET_STRING) => Some(Shape::EncryptedKey),
        (INTEGER, SEQUENCE) if value == [3] => Some(Shape::Pfx),
        (INTEGER, SEQUENCE | INTEGER | OCTET_STRING) => Some(Shape::Key),
        (OBJECT_IDENTIFIER, _) => Some(Shape::Pkcs7),
        _ => None,
    }
}

/// The first element of `der`, and what follows it.
fn split(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, length, content) = element(der)?;
    let length = length?;
    Some((tag, content.get(..length)?, content.get(length..)?))
}

/// The tag at the start of `der`, the length if it is given, and everything after the two.
fn element(der: &[u8]) -> Option<(u8, Option<usize>, &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    if first < 0x80 {
        return Some((tag, Some(usize::from(first)), rest));
    }
    // 0x80 alone: the length is open, as Java and Windows write PFX files.
    let count = usize::from(first & 0x7F);
    if count == 0 {
        return Some((tag, None, rest));
    }
    if count > 4 {
        return None;
    }
    let digits = rest.get(..count)?;
    let length = digits
        .iter()
        .fold(0, |length, digit| length << 8 | usize::from(*digit));
    Some((tag, Some(length), rest.get(count..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_told_by_two_tags_and_a_version() {
        for (der, expected) in [
            (&[0x30, 0x80, 2, 1, 3, 0x30, 0x80][..], Some(Shape::Pfx)),
            (&[0x30, 0x82, 9, 9, 2, 1, 3, 0x30], Some(Shape::Pfx)),
            (&[0x30, 9, 2, 1, 0, 0x30], Some(Shape::Key)),
            (&[0x30, 9, 2, 1, 0, 2], Some(Shape::Key)),
            (&[0x30, 9, 2, 1, 1, 4], Some(Shape::Key)),
            (&[0x30, 9, 0x30, 1, 0, 4], Some(Shape::EncryptedKey)),
            (&[0x30, 9, 0x30, 1, 0, 0x30], Some(Shape::Certificate)),
            (&[0x30, 9, 6, 1, 0, 0xA0], Some(Shape::Pkcs7)),
            (&[0x30, 9, 2, 0x85, 1, 1, 1, 1, 1], None),
            (&[0x30, 9, 2, 9, 3], None),
            (&[0x30, 0x82, 1], None),
            (&[0x31, 9, 2, 1, 0, 2], None),
            (&[0x30], None),
            (&[], None),
        ] {
            assert_eq!(shape(der), expected, "{der:02x?}");
        }
    }
}
