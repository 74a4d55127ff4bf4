//! The blocks of a PEM file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use defender_core::ExposeSecret;
use secrecy::SecretSlice;

/// One block of a PEM file.
pub(super) struct Block {
    /// What it says it is, such as `CERTIFICATE`.
    pub(super) label: String,
    /// Whether it is encrypted in the traditional way (`Proc-Type`).
    pub(super) traditional: bool,
    /// The block as it stands.
    pub(super) text: SecretSlice<u8>,
}

impl Block {
    /// What the base64 between the markers holds, when it is base64.
    pub(super) fn der(&self) -> Option<SecretSlice<u8>> {
        let text = self.text.expose_secret();
        let mut digits = Vec::with_capacity(text.len());
        for line in lines(text).filter(|line| !line.starts_with(b"-----") && !line.contains(&b':'))
        {
            digits.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
        }
        let digits = SecretSlice::from(digits);
        STANDARD.decode(digits.expose_secret()).ok().map(Into::into)
    }
}

/// Whether `bytes` are PEM: whatever stands before the first block.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    lines(bytes).any(|line| begin(line).is_some())
}

/// The blocks of `bytes`; the error is the label of the one that does not end.
pub(super) fn blocks(bytes: &[u8]) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut rest = lines(bytes);
    while let Some(line) = rest.next() {
        let Some(label) = begin(line) else { continue };
        let end = format!("-----END {label}-----");
        let mut text = Vec::with_capacity(bytes.len());
        let mut traditional = false;
        let mut push = |line: &[u8]| {
            text.extend_from_slice(line);
            text.push(b'\n');
        };
        push(line);
        let mut ended = false;
        for line in rest.by_ref() {
            traditional |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED");
            push(line);
            if line == end.as_bytes() {
                ended = true;
                break;
            }
        }
        if !ended {
            return Err(label);
        }
        blocks.push(Block {
            label,
            traditional,
            text: text.into(),
        });
    }
    Ok(blocks)
}

fn begin(line: &[u8]) -> Option<String> {
    let label = line.strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----")?;
    let plain = label
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    plain.then(|| String::from_utf8_lossy(label).into_owned())
}

/// Lines without their ends, and without the mark that some editors begin a file with.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"\xEF\xBB\xBF-----BEGIN A B-----\r\nAAEC\r\n-----END A B-----\r\n\
        Bag Attributes\n    friendlyName: x\n\
        -----BEGIN KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n AAEC \n-----END KEY-----";

    #[test]
    fn blocks_are_found_whatever_stands_around_them() {
        assert!(is_pem(TWO));
        let blocks = blocks(TWO).unwrap();
        let seen: Vec<_> = blocks
            .iter()
            .map(|block| (block.label.as_str(), block.traditional))
            .collect();
        assert_eq!(seen, [("A B", false), ("KEY", true)]);
        for block in &blocks {
            assert_eq!(block.der().unwrap().expose_secret(), [0, 1, 2]);
        }
    }

    #[test]
    fn a_block_that_does_not_end_is_named() {
        let cut = b"-----BEGIN KEY-----\nAAEC\n-----END OTHER-----\n";
        assert_eq!(blocks(cut).err().unwrap(), "KEY");
        assert!(!is_pem(b"-----BEGIN \xFF-----"));
        assert!(!is_pem(b"0\x82 -----BEGIN KEY-----"));
    }

    #[test]
    fn what_is_not_base64_is_nothing() {
        let blocks = blocks(b"-----BEGIN KEY-----\n!!!\n-----END KEY-----\n").unwrap();
        assert!(blocks[0].der().is_none());
    }
}
