//! Pieces of a secret, however short and wherever they stand, and what hides a secret deeper.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;

const SECRETS: [&str; 3] = [
    "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
    "Qm7.8Q~tRb-4Lx_Wz0KpVd2YhN6cGs3JfEoUa9Tk",
    "s3cr3T-Va1u3_0f-0uR5!xY7",
];

/// Texts that hold much of `secret`.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let all = secret.as_bytes();
    let twice = |text: &str| {
        base64(
            base64(text.as_bytes(), STANDARD, true).as_bytes(),
            URL,
            true,
        )
    };
    let words = |little: bool| {
        let words = all.chunks(4).map(|four| {
            let mut four = four.to_vec();
            if little {
                four.reverse();
            }
            let digits: Vec<String> = four.iter().map(|byte| format!("{byte:02x}")).collect();
            digits.concat()
        });
        words.collect::<Vec<_>>()
    };
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(all).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(all).unwrap();
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::best());
    bare.write_all(format!("{{\"k\":\"{secret}\"}}").as_bytes())
        .unwrap();
    let between = |mark: &'static str| each(secret, |c| format!("{c}{mark}"));
    let numbered = |size: usize| {
        let letters: Vec<char> = secret.chars().collect();
        let parts = letters.chunks(size).enumerate();
        let parts =
            parts.map(|(at, part)| format!("{}:{}", at * size, part.iter().collect::<String>()));
        parts.collect::<Vec<_>>().join(" ")
    };
    vec![
        ("ends", format!("{}[...]{}", &secret[..12], &secret[12..])),
        ("numbered lines of seven", numbered(7)),
        ("numbered lines of five", numbered(5)),
        ("numbered lines of four", numbered(4)),
        ("words between", split(secret, " and then ")),
        (
            "base64 three times",
            base64(twice(secret).as_bytes(), STANDARD, true),
        ),
        (
            "base64 four times",
            base64(
                base64(twice(secret).as_bytes(), STANDARD, true).as_bytes(),
                URL,
                true,
            ),
        ),
        ("gzip", base64(&gzip.finish().unwrap(), STANDARD, true)),
        ("zlib", hex(&zlib.finish().unwrap())),
        (
            "deflate in base64 twice",
            base64(
                base64(&bare.finish().unwrap(), URL, false).as_bytes(),
                URL,
                false,
            ),
        ),
        (
            "\\x{61}",
            each(secret, |c| format!("\\x{{{:x}}}", c as u32)),
        ),
        (
            "style sheets",
            each(secret, |c| format!("\\{:x} ", c as u32)),
        ),
        (
            "style sheets, six digits",
            each(secret, |c| format!("\\{:06X}", c as u32)),
        ),
        ("Chr()", list(secret, " & ", |b| format!("Chr({b})"))),
        (
            "char()",
            list(secret, "+", |b| format!("String.fromCharCode({b})")),
        ),
        ("&H", list(secret, " & ", |b| format!("Chr(&H{b:X})"))),
        ("U+", list(secret, " ", |b| format!("U+{b:04X}"))),
        ("bits", bytes(secret, |b| format!("{b:08b}"))),
        (
            "bits at an offset",
            format!("101{}", bytes(secret, |b| format!("{b:08b}"))),
        ),
        ("words in hexadecimal", words(false).join(" ")),
        ("words with the last byte first", words(true).join(" ")),
        (
            "words with a mark",
            format!("0x{}", words(true).join(", 0x")),
        ),
        ("words together", words(true).concat()),
        ("selectors", between("\u{fe0f}")),
        ("combining", between("\u{301}")),
        ("enclosing", between("\u{20dd}")),
        ("tags", between("\u{e0041}")),
        ("joiners", between("\u{2060}")),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

#[test]
fn a_secret_is_found_deeper_and_in_shorter_parts() {
    for secret in SECRETS {
        let redaction = of(secret);
        for (name, text) in forms(secret) {
            let clean = redaction.apply(&format!("before '{text}' after"));
            assert!(clean.starts_with("before '"), "{name}: {clean}");
            assert!(clean.ends_with("' after"), "{name}: {clean}");
            let left = clean.replace("REDACTED", "");
            assert!(
                clean.contains("REDACTED") && left.len() < text.len() / 3 + 24,
                "{name}: {text} became {clean}"
            );
        }
    }
}

/// As Entra ID issues them, but for its length.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1dCI6Ik1uQ19WWmNBVGZNNXBPWWkifQ.\
     eyJhdWQiOiJodHRwczovL2dyYXBoLm1pY3Jvc29mdC5jb20iLCJpc3MiOiJodHRwczovL3N0cy53aW5kb3dzLm5ldC8ifQ.\
     Xk1-vT3mPzLr7WqNc2YbHs5DfGj0Ka_EuOiZxV9tRbnLx4WzKpVd2YhN6cGs3JfEoUa9Tk";

/// Texts that hold all of `text`, in letters that words are made of, too.
fn further_forms(text: &str) -> Vec<(&'static str, String)> {
    let mapped = |text: &str, from: &[u8], to: &[u8]| {
        let map = |letter: char| from.iter().position(|one| char::from(*one) == letter);
        each(text, |letter| {
            map(letter)
                .map_or(letter, |at| char::from(to[at]))
                .to_string()
        })
    };
    let hex = mapped(
        &base32(text.as_bytes()),
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        b"0123456789ABCDEFGHIJKLMNOPQRSTUV",
    );
    let uu_letters: Vec<u8> = (b'!'..b'`').collect();
    let uu_letters = [b"`", uu_letters.as_slice()].concat();
    let lines = text.as_bytes().chunks(45).map(|line| {
        let letters = mapped(&base64(line, STANDARD, false), STANDARD, &uu_letters);
        format!(
            "{}{letters}",
            char::from(32 + u8::try_from(line.len()).unwrap())
        )
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    let backwards = |text: String| text.chars().rev().collect::<String>();
    let numbered = |first: usize, form: fn(usize, char) -> String, between: &str| {
        let letters = text.chars().enumerate();
        let letters = letters.map(|(at, letter)| form(first + at, letter));
        letters.collect::<Vec<_>>().join(between)
    };
    vec![
        ("uuencode with blanks", lines.replace('`', " ")),
        ("uuencode", lines),
        ("base32hex, lower", hex.to_lowercase()),
        ("base32hex", hex),
        (
            "base64 backwards",
            backwards(base64(text.as_bytes(), STANDARD, true)),
        ),
        (
            "base64url backwards",
            backwards(base64(text.as_bytes(), URL, false)),
        ),
        ("base32 backwards", backwards(base32(text.as_bytes()))),
        (
            "hex backwards",
            backwards(bytes(text, |byte| format!("{byte:02x}"))),
        ),
        (
            "with numbers",
            numbered(0, |at, letter| format!("{at}:{letter}"), " "),
        ),
        (
            "with numbers from one",
            numbered(1, |at, letter| format!("[{at}] = {letter}"), ", "),
        ),
        (
            "with numbers in lines",
            numbered(0, |at, letter| format!("{at}. {letter}"), "\n"),
        ),
        (
            "an object",
            numbered(0, |at, letter| format!("\"{at}\":\"{letter}\""), ","),
        ),
    ]
}

#[test]
fn a_secret_and_a_token_are_found_in_letters_of_words() {
    for secret in SECRETS.iter().chain([&TOKEN]) {
        let redaction = of(secret);
        for (name, text) in further_forms(secret) {
            for text in [text.clone(), percent_all(&text)] {
                let clean = redaction.apply(&format!("before '{text}' after"));
                let left = clean.replace("REDACTED", "");
                assert!(
                    clean.contains("REDACTED") && left.len() < text.len() / 8 + 24,
                    "{name}: {text} became {clean}"
                );
                assert!(
                    clean.starts_with("before ") && clean.ends_with(" after"),
                    "{clean}"
                );
            }
        }
    }
}

#[test]
fn eight_letters_of_a_secret_are_enough_wherever_they_stand() {
    // Neither is a run that nobody could judge: it is found by what it is.
    for secret in SECRETS {
        let redaction = of(secret);
        for start in 0..secret.len() - 8 {
            for piece in [&secret[start..start + 8], &secret[start..start + 9]] {
                if piece.bytes().filter(u8::is_ascii_digit).count() == 0 {
                    // It may be a word.
                    continue;
                }
                for text in [
                    format!("see '{piece}***' here"),
                    format!("see {piece}[...] here"),
                    format!("see x{piece}x here"),
                ] {
                    let clean = redaction.apply(&text);
                    assert!(!clean.contains(piece), "{text}: {clean}");
                    assert!(clean.starts_with("se") && clean.ends_with("re"), "{clean}");
                }
            }
        }
    }
}

#[test]
fn a_run_that_is_no_word_and_no_id_goes_where_there_is_a_secret() {
    let odd = "nop8D~Mx3k9lCd2JiY0zAg5EfH7vBr4tUwSnFqP1";
    let text = format!("AADSTS7000215: '{odd}' is wrong");
    assert_eq!(
        of(SECRETS[1]).apply(&text),
        "AADSTS7000215: 'REDACTED' is wrong"
    );
    let plain = text.replace("8D~", "-D-");
    assert_eq!(redact_shapes(&plain), plain);
}

#[test]
fn messages_of_the_services_stay_as_they_are() {
    let redaction = SECRETS
        .iter()
        .fold(Redaction::default(), |redaction, secret| {
            redaction.and(&SecretString::from(*secret))
        });
    for message in [
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request \
         is the client secret value, not the client secret ID, for a secret added to app \
         '3f2504e0-4f89-41d3-9a0c-0305e82c3301'. Trace ID: 6c84fb90-12c4-11e1-840d-7b25c5ee775a \
         Correlation ID: 110ec58a-a0f2-4ac4-8393-c866d813b8d1 Timestamp: 2026-12-01 08:51:51Z",
        "'where' operator: Failed to resolve column or scalar expression named 'DeviceNam'. Fix \
         semantic errors in your query.",
        "DeviceProcessEvents | where SHA256 == \
         'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' | take 10",
        "API calls quota exceeded! maximum allowed 45 per 00:01:00. You can send requests again in \
         0.9 minutes",
        "https://graph.microsoft.com/v1.0/security/alerts_v2?$filter=createdDateTime%20ge%202026-11-20T08:00:00.1234567Z&$top=100",
        "<html><head><title>502 Bad Gateway</title></head><body bgcolor=\"white\"><center><h1>502 \
         Bad Gateway</h1></center><hr width=80><center>Microsoft-Azure-Application-Gateway/v2\
         </center></body></html>",
        "the emulator said [97, 98, 99, 100, 101, 102, 103, 104], 0x61 and 11000010 11100001",
    ] {
        assert_eq!(redaction.apply(message), message);
    }
}

#[test]
fn what_holds_more_in_itself_than_any_message_is_not_shown() {
    // Each layer may be one of several; looking stays linear in the length.
    let mut text = "a<b>=41+AGE-\\61 Chr(97)".repeat(40);
    text.push_str(&base64(text.as_bytes(), STANDARD, true));
    let redaction = of(SECRETS[0]);
    let clean = redaction.apply(&text);
    assert!(clean.len() <= text.len());
}
