//! Letters and digits that are no words and no known id: whatever they are, they may hold a secret
//! in a way that nobody undoes.
//!
//! Being shown less is better than that. Ids of Entra ID and of requests, hashes, times, names of
//! tables and codes stay: they are of fewer kinds of characters, or of words.

/// A shorter run says too little of what it is.
const SHORTEST: usize = 20;

/// The places of `text` that are such runs.
pub(super) fn find(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    for at in 0..=bytes.len() {
        if bytes.get(at).is_some_and(|byte| is_part(*byte)) {
            continue;
        }
        let run = &bytes[start..at];
        if run.len() >= SHORTEST && is_odd(run, Measure::Run) {
            // What pads it belongs to it; in front of it the same sign ends a name.
            let padding = bytes[at..].iter().take_while(|byte| **byte == b'=');
            found.push((start, at + padding.count()));
        }
        start = at + 1;
    }
    found
}

/// How much of a text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// All of a run.
    Run,
    /// A few letters of a known secret.
    Piece,
}

/// Whether the letters and digits of `text` change more often than in words.
pub(super) fn is_odd(text: &[u8], measure: Measure) -> bool {
    let (mut words, mut length) = (0, 0);
    let (mut upper, mut lower, mut digits) = (false, false, false);
    let mut before = b' ';
    for byte in text {
        if matches!(
            byte,
            b'-' | b'_' | b'.' | b'/' | b':' | b'\\' | b'@' | b'=' | b'+' | b' '
        ) {
            before = *byte;
            continue;
        }
        upper |= byte.is_ascii_uppercase();
        lower |= byte.is_ascii_lowercase();
        digits |= byte.is_ascii_digit();
        length += 1;
        let goes_on = match byte {
            b'a'..=b'z' => before.is_ascii_alphabetic(),
            b'A'..=b'Z' => before.is_ascii_uppercase(),
            b'0'..=b'9' => before.is_ascii_digit(),
            _ => false,
        };
        words += usize::from(!goes_on);
        before = *byte;
    }
    match measure {
        // Words of two letters, on average.
        Measure::Run => upper && lower && digits && 22 * words > 10 * length,
        Measure::Piece => words >= 4 || words == 3 && digits,
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_word_and_no_id_is_found() {
        for text in [
            "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
            "YWJjOFF-WmszeDl5UHEyV3ZMMG1OdDVSc1U3aU9lNGdIakZhU2RDMQ==",
            "nop8D~Mx3k9lCd2JiY0zAg5EfH7vBr4tUwSnFqP1",
        ] {
            let found = find(&format!("before '{text}' after"));
            assert_eq!(found, [(8, 8 + text.len())], "{text}");
        }
    }

    #[test]
    fn words_and_known_ids_are_not() {
        for text in [
            "AADSTS7000215: Invalid client secret provided. Trace ID: 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "Correlation ID: 3F2504E0-4F89-41D3-9A0C-0305E82C3301 Timestamp: 2026-12-01 08:51:51Z",
            "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/authorize",
            "https://graph.microsoft.com/v1.0/security/runHuntingQuery",
            "DeviceTvmSoftwareVulnerabilitiesKB | where CveId == 'CVE-2021-44228'",
            "SHA256 == 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
            "Thumbprint of key used by client: '3A5F0E7B2C9D4E1F8A6B3C5D7E9F0A1B2C3D4E5F'",
            "M365x12345678.onmicrosoft.com, Win32_OperatingSystem2019Datacenter",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "da637551227677560813_-961444813, 2026-12-01T08:51:51.1234567Z",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }
}
