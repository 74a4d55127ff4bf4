//! The forms that a certificate or a key takes as text: PEM however it was carried, and base64.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const PEM: &str = "-----BEGIN ";

/// What a byte string of DER begins with: a sequence.
const SEQUENCE: u8 = 0x30;

/// The bytes that `text` stands for; `None` when it is neither PEM nor the base64 of PEM, DER or
/// PFX.
pub(super) fn material(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_start_matches('\u{FEFF}').trim();
    let text = text.trim_matches(['"', '\'']);
    if text.contains(PEM) {
        return Some(lines(text).into_bytes());
    }
    let decoded = base64(text)?;
    if decoded.first() == Some(&SEQUENCE) {
        return Some(decoded);
    }
    let inner = String::from_utf8(decoded).ok()?;
    inner.contains(PEM).then(|| lines(&inner).into_bytes())
}

/// The bytes that a file with `bytes` stands for: `bytes` themselves, unless they are base64.
pub(super) fn of_file(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.first() == Some(&SEQUENCE) {
        return bytes;
    }
    let text = match bytes.as_slice() {
        // PowerShell writes text like this.
        [0xFF, 0xFE, pairs @ ..] => pairs
            .chunks_exact(2)
            .map(|pair| char::from_u32(u16::from_le_bytes([pair[0], pair[1]]).into()))
            .collect::<Option<String>>(),
        bytes => std::str::from_utf8(bytes).ok().map(str::to_owned),
    };
    text.and_then(|text| material(&text)).unwrap_or(bytes)
}

/// PEM with the line breaks that build systems take out of variables, or write as `\n`.
fn lines(text: &str) -> String {
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let mut pem = String::with_capacity(text.len() + 8);
    let mut rest = text.as_str();
    while let Some(start) = rest.find("-----") {
        let (before, frame) = rest.split_at(start);
        pem.push_str(before);
        let Some(length) = frame[5..].find("-----").map(|end| end + 10) else {
            break;
        };
        let (frame, after) = frame.split_at(length);
        if frame.contains('\n') {
            // Two frames with something between that is no frame: left as it is.
            pem.push_str("-----");
            rest = &rest[start + 5..];
            continue;
        }
        if !pem.is_empty() && !pem.ends_with('\n') {
            pem.push('\n');
        }
        pem.push_str(frame);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(rest);
    pem
}

/// Base64 in either alphabet, with or without padding, in one line or many.
fn base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let digits = text.replace("\\r", "").replace("\\n", "");
    let digits: String = digits
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    LENIENT
        .decode(digits)
        .ok()
        .filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DER: [u8; 6] = [0x30, 0x82, 0xFB, 0xEF, 0xBE, 0xFF];
    const BLOCK: &str = "-----BEGIN KEY-----\nMIL774Y=\n-----END KEY-----\n";

    #[test]
    fn base64_of_der_is_read_however_it_was_written() {
        for text in [
            "MIL7777/",
            "MIL7777_",
            " MIL7\n777_\n",
            "MIL7\\n777/",
            "\"MIL7777/\"",
            "\u{FEFF}MIL7777/",
        ] {
            assert_eq!(material(text).as_deref(), Some(&DER[..]), "{text}");
            assert_eq!(of_file(text.as_bytes().to_vec()), DER, "{text}");
        }
        let wide: Vec<u8> = "\u{FEFF}MIL7777/"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(of_file(wide), DER);
        assert_eq!(of_file(DER.to_vec()), DER);
    }

    #[test]
    fn pem_is_read_however_it_was_carried() {
        use base64::engine::general_purpose::STANDARD;
        let flat = BLOCK.replace('\n', " ");
        for text in [
            BLOCK.to_owned(),
            BLOCK.replace('\n', "\\n"),
            BLOCK.replace('\n', "\\r\\n"),
            flat,
            STANDARD.encode(BLOCK),
        ] {
            let bytes = material(&text).unwrap();
            let blocks = super::super::pem::blocks(&bytes).unwrap();
            assert_eq!(blocks.len(), 1, "{text}");
            let der = blocks[0].der().unwrap();
            assert_eq!(
                defender_core::ExposeSecret::expose_secret(&der),
                &[0x30, 0x82, 0xFB, 0xEF, 0x86],
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        for text in [
            "",
            "app.pfx",
            "canary-secret-value-1234",
            "/etc/ssl/key",
            "eyJhbGciOiJub25lIn0",
        ] {
            assert_eq!(material(text), None, "{text}");
        }
        assert_eq!(of_file(b"no key".to_vec()), b"no key");
    }
}
