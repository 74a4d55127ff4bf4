//! Letters and digits that are no words and no known id: whatever they are, they may hold a secret
//! in a way that nobody undoes.
//!
//! Being shown less is better than that. Ids of Entra ID and of requests, hashes, times, names of
//! tables and codes stay: they are of fewer kinds of characters, or of words. Where letters of both
//! cases and digits are drawn at random, four of nine characters begin something new: one of four
//! does in names. With letters of one case it is two of five, which a name with numbers has as well,
//! if it is short.

/// A shorter run says too little of what it is.
const SHORTEST: usize = 20;
/// A longer run of letters of one case, without anything between, is not a name.
const SHORTEST_OF_ONE_CASE: usize = 32;
/// A longer number counts nothing: the largest of 128 bits has 39 digits.
const SHORTEST_NUMBER: usize = 36;
/// From this length on chance evens out.
const LONG: usize = 40;

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
        if run.len() >= SHORTEST && is_odd_run(run) {
            // What pads it belongs to it; in front of it the same sign ends a name.
            let padding = bytes[at..].iter().take_while(|byte| **byte == b'=');
            found.push((start, at + padding.count()));
        }
        start = at + 1;
    }
    found
}

/// Whether the letters and digits of a run change more often than in words and numbers, or it is a
/// number that counts nothing.
fn is_odd_run(run: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| run.iter().any(kind);
    let (upper, lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    if run.iter().all(u8::is_ascii_digit) {
        // Zeros stand for what is not there.
        return run.len() >= SHORTEST_NUMBER && run.iter().any(|digit| *digit != run[0]);
    }
    let digits = run.strip_prefix(b"0x").unwrap_or(run);
    let is_hexadecimal = digits.iter().all(|byte| {
        // Groups of a number in a program.
        byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'_')
    });
    if is_hexadecimal || !has(u8::is_ascii_digit) {
        return false;
    }
    let (words, length) = words(run);
    if upper && lower {
        let share = if length < LONG { 30 } else { 27 };
        return 100 * words > share * length;
    }
    let letters = run.iter().filter(|byte| byte.is_ascii_alphabetic());
    let others = letters.clone().filter(|byte| !byte.is_ascii_hexdigit());
    let is_joined = run.iter().all(u8::is_ascii_alphanumeric);
    is_joined
        && run.len() >= SHORTEST_OF_ONE_CASE
        && 4 * others.count() >= letters.count()
        && 4 * words > length
}

/// How many words and numbers there are, and of how many letters and digits. What stands between
/// the parts of a date or a version begins no other number, and neither does the `T` of a time.
fn words(run: &[u8]) -> (usize, usize) {
    let (mut words, mut length) = (0, 0);
    let (mut before, mut last) = (b' ', b' ');
    for (at, byte) in run.iter().enumerate() {
        if !byte.is_ascii_alphanumeric() {
            before = *byte;
            continue;
        }
        length += 1;
        let next = run.get(at + 1).copied().unwrap_or(b' ');
        let is_of_time = *byte == b'T' && before.is_ascii_digit() && next.is_ascii_digit();
        let goes_on = match byte {
            b'a'..=b'z' => before.is_ascii_alphabetic(),
            b'A'..=b'Z' => before.is_ascii_uppercase() || is_of_time,
            _ => before.is_ascii_digit() || last.is_ascii_digit() && before == b'-',
        };
        words += usize::from(!goes_on);
        if !is_of_time {
            last = *byte;
            before = *byte;
        }
    }
    (words, length)
}

/// Whether the letters and digits of a few letters of a known secret change as in no word.
pub(super) fn is_odd(text: &[u8]) -> bool {
    let (mut words, mut digits) = (0, false);
    let mut before = b' ';
    for byte in text {
        if matches!(
            byte,
            b'-' | b'_' | b'.' | b'/' | b':' | b'\\' | b'@' | b'=' | b'+' | b' '
        ) {
            before = *byte;
            continue;
        }
        digits |= byte.is_ascii_digit();
        let goes_on = match byte {
            b'a'..=b'z' => before.is_ascii_alphabetic(),
            b'A'..=b'Z' => before.is_ascii_uppercase(),
            b'0'..=b'9' => before.is_ascii_digit(),
            _ => false,
        };
        words += usize::from(!goes_on);
        before = *byte;
    }
    words >= 4 || words == 3 && digits
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
            // The same in base58, in base36 in either case, and as a number.
            "gqE79rK1A6HuuLBWCyNS2qGRoQTNPGQFs1PefTZPN5xYpKURP",
            "1v7k0q9zr4m2x8w5tn3b6h1jd0s7cy4g9fpe2ka8umo5ri3l",
            "1V7K0Q9ZR4M2X8W5TN3B6H1JD0S7CY4G9FPE2KA8UMO5RI3L",
            "7346519820475610293847561029384756102938475610293847",
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
            "alertCreationTime+ge+2020-01-01T00, Export-2026-01-15T10_20",
            "9F86D081884C7d659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
            "0x9E37_79B9_7F4A_7C15, 340282366920938463463374607431",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "contoso-weu-prod-vm01-win10-x64, SHA256WithRSAEncryption, OAuth2PermissionGrant",
            "aks-nodepool1-38240129-vmss000002, projects/srv01-prod02-dc03",
            "Microsoft.Compute/virtualMachines/extensions/MicrosoftMonitoringAgent64Bit",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }
}
