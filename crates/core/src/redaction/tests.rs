//! Tests of the gate: every encoding of a secret, and every shape.

mod pieces;

use std::fmt::Write as _;

use secrecy::SecretString;

use super::*;

const SECRET: &str = "can/ary ~8Q+=?&<\"x";

fn of(secret: &str) -> Redaction {
    Redaction::of([&SecretString::from(secret)])
}

fn base64(text: &[u8], alphabet: &[u8; 64], padded: bool) -> String {
    let mut out = String::new();
    for three in text.chunks(3) {
        let bits = three
            .iter()
            .fold(0_u32, |bits, b| (bits << 8) | u32::from(*b))
            << (8 * (3 - three.len()));
        for position in 0..4 {
            if position <= three.len() {
                out.push(char::from(
                    alphabet[(bits >> (18 - 6 * position)) as usize & 63],
                ));
            } else if padded {
                out.push('=');
            }
        }
    }
    out
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// One way of writing text differently.
type Encoding = (&'static str, fn(&str) -> String);

fn each(text: &str, form: impl Fn(char) -> String) -> String {
    text.chars().map(form).collect()
}

fn bytes(text: &str, form: impl Fn(u8) -> String) -> String {
    text.bytes().map(form).collect()
}

const ENCODINGS: [Encoding; 36] = [
    ("plain", str::to_owned),
    ("percent", |t| bytes(t, |b| format!("%{b:02X}"))),
    ("percent, lower", |t| bytes(t, |b| format!("%{b:02x}"))),
    ("percent where needed", |t| {
        bytes(t, |b| {
            if b.is_ascii_alphanumeric() || b == b'~' {
                char::from(b).into()
            } else {
                format!("%{b:02x}")
            }
        })
    }),
    ("form", |t| {
        url::form_urlencoded::byte_serialize(t.as_bytes()).collect()
    }),
    ("every other", |t| {
        t.bytes()
            .enumerate()
            .map(|(i, b)| {
                if i % 2 == 0 || b == b'%' || !b.is_ascii() {
                    format!("%{b:02X}")
                } else {
                    char::from(b).into()
                }
            })
            .collect()
    }),
    ("decimal", |t| each(t, |c| format!("&#{};", c as u32))),
    ("hexadecimal with zeros", |t| {
        each(t, |c| format!("&#x000{:x};", c as u32))
    }),
    ("named", |t| {
        t.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;")
            .replace('/', "&sol;")
            .replace('=', "&equals;")
    }),
    ("json", |t| {
        t.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('/', "\\/")
    }),
    ("json, all", |t| each(t, |c| format!("\\u{:04X}", c as u32))),
    ("json, all lower", |t| {
        each(t, |c| format!("\\u{:04x}", c as u32))
    }),
    ("hex", |t| bytes(t, |b| format!("{b:02x}"))),
    ("hex with colons", |t| bytes(t, |b| format!("{b:02X}:"))),
    ("base64", |t| base64(t.as_bytes(), STANDARD, true)),
    ("base64url", |t| base64(t.as_bytes(), URL, false)),
    ("base64 of a pair", |t| {
        base64(format!("user:{t}").as_bytes(), STANDARD, true)
    }),
    ("base64 of an object", |t| {
        base64(
            format!("{{\"k\":\"{}\"}}", t.replace('"', "\\\"")).as_bytes(),
            URL,
            true,
        )
    }),
    ("base64 in lines", |t| {
        let mut lines = base64(t.as_bytes(), STANDARD, true);
        lines.insert_str(lines.len().min(9), "\r\n");
        lines
    }),
    ("quoted-printable", |t| bytes(t, |b| format!("={b:02X}"))),
    ("upper case", str::to_ascii_uppercase),
    ("octal", |t| bytes(t, |b| format!("\\{b:03o}"))),
    ("octal where needed", |t| {
        bytes(t, |b| match b {
            b' '..=b'~' if b != b'\\' => char::from(b).into(),
            _ => format!("\\{b:03o}"),
        })
    }),
    ("decimal list", |t| list(t, ",", |b| b.to_string())),
    ("decimal list with blanks", |t| {
        list(t, ", ", |b| b.to_string())
    }),
    ("list of codes", |t| list(t, ", ", |b| format!("0x{b:x}"))),
    ("octal list", |t| list(t, " ", |b| format!("{b:03o}"))),
    ("binary list", |t| list(t, " ", |b| format!("{b:08b}"))),
    ("base32", |t| base32(t.as_bytes())),
    ("base32, lower", |t| base32(t.as_bytes()).to_lowercase()),
    ("utf-7", |t| {
        each(t, |c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_string(),
            _ => utf7(c),
        })
    }),
    ("utf-7, all", |t| each(t, utf7)),
    ("full width", |t| {
        each(t, |c| match c {
            '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap().to_string(),
            _ => c.to_string(),
        })
    }),
    ("marks of a page", |t| split(t, "<wbr>")),
    ("bold parts", |t| split(t, "</b><b class=\"x\">")),
    ("concatenated", |t| split(t, "\" + \"")),
];

/// Ways that put something between the parts, or turn them round.
const FURTHER: [Encoding; 6] = [
    ("cut by dots", |t| split(t, "...")),
    ("cut by an ellipsis", |t| split(t, "\u{2026}")),
    ("cut by bars", |t| split(t, " | ")),
    ("concatenated in one", |t| split(t, "' . '")),
    ("cut by colours", |t| split(t, "\u{1b}[0m\u{1b}[31m")),
    ("reversed", |t| t.chars().rev().collect()),
];

fn list(text: &str, mark: &str, form: impl Fn(u8) -> String) -> String {
    let numbers: Vec<String> = text.bytes().map(form).collect();
    numbers.join(mark)
}

fn split(text: &str, mark: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let parts = letters
        .chunks(3)
        .map(|part| part.iter().collect::<String>());
    parts.collect::<Vec<_>>().join(mark)
}

fn base32(text: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = text
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1))
        .collect();
    bits.chunks(5)
        .map(|five| {
            let value = five.iter().fold(0, |value, bit| (value << 1) | bit) << (5 - five.len());
            char::from(ALPHABET[usize::from(value)])
        })
        .collect()
}

fn utf7(character: char) -> String {
    let units: Vec<u8> = character
        .encode_utf16(&mut [0; 2])
        .iter()
        .flat_map(|unit| unit.to_be_bytes())
        .collect();
    format!("+{}-", base64(&units, STANDARD, false))
}

#[test]
fn a_secret_in_parts_is_taken_out() {
    for secret in [
        "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
        "canary-8Q~secret.value_1",
        "hunter2-Autumn!",
    ] {
        let redaction = of(secret);
        for (name, form) in ENCODINGS[34..].iter().chain(&FURTHER) {
            let text = form(secret);
            let clean = redaction.apply(&format!("before '{text}' after"));
            // A mark at the end is not worth much.
            let clean = clean.replace("REDACTED!", "REDACTED");
            assert_eq!(clean, "before 'REDACTED' after", "{name}: {text}");
            for (outer_name, outer) in [ENCODINGS[1], ENCODINGS[10], ENCODINGS[14]] {
                let clean = redaction.apply(&outer(&text));
                assert!(
                    clean.contains("REDACTED"),
                    "{name} in {outer_name}: {clean}"
                );
            }
        }
    }
}

#[test]
fn a_message_about_secrets_stays_readable() {
    for message in [
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request \
         is the client secret value, not the client secret ID, for a secret added to app 'x'.",
        "AADSTS7000222: The provided client secret keys are expired. Add a new client secret value \
         to the application.",
        "the parameter clientSecret is not valid: \"client_secret\"",
        "give client_secret, or a certificate with its password",
    ] {
        for secret in [
            "newsecretvalue",
            "new-secret-value-2024",
            "clientsecret1",
            "mypasswordsecret",
            "theclientsecretvalue!",
            "Invalid client token",
        ] {
            let redaction = of(secret);
            assert_eq!(redaction.apply(message), message, "{secret}");
            let clean = redaction.apply(&format!("{message} {secret} {}", percent_all(secret)));
            assert!(clean.starts_with(&message[..40]), "{clean}");
            assert!(clean.contains("REDACTED"), "{clean}");
            assert!(!clean.contains(secret) && !clean.contains('%'), "{clean}");
            // A cut that is more than words.
            if let Some(cut) = secret.strip_suffix("24") {
                assert_eq!(redaction.apply(cut), "REDACTED");
            }
        }
    }
}

fn percent_all(text: &str) -> String {
    bytes(text, |b| format!("%{b:02X}"))
}

#[test]
fn a_secret_is_taken_out_in_every_encoding_and_in_every_two() {
    for secret in [
        SECRET,
        "canary-8Q~secret.value_1",
        "p%41ss&amp;w\\u0041rd",
        "größe=1/2",
        "canary",
    ] {
        let redaction = of(secret);
        for (first, inner) in ENCODINGS {
            for (second, outer) in ENCODINGS {
                if first.starts_with("base64") && second == "upper case" {
                    // Nobody reads that.
                    continue;
                }
                let changes_letters =
                    |name: &str| name.starts_with("base64") || name.starts_with("utf-7");
                let is_split =
                    |name: &str| ["marks of a page", "bold parts", "concatenated"].contains(&name);
                if is_split(first) && is_split(second) {
                    // Nobody does that.
                    continue;
                }
                if changes_letters(first) && second == "upper case" {
                    continue;
                }
                let text = outer(&inner(secret));
                let clean = redaction.apply(&format!("before '{text}' after"));
                let left = clean.replace("REDACTED", "");
                // What a wrapping puts around the secret stays, to the next of its parts.
                let around = outer(&inner("")).len();
                assert!(
                    left.len() <= "before '' after".len() + around + 24
                        && clean.contains("REDACTED"),
                    "{secret} in {first} in {second}: {text} became {clean}"
                );
                assert!(
                    clean.starts_with("before '") && clean.ends_with("' after"),
                    "{clean}"
                );
            }
        }
    }
}

fn base85(text: &[u8], alphabet: &[u8; 85]) -> String {
    let mut out = String::new();
    for four in text.chunks(4) {
        let mut bytes = [0; 4];
        bytes[..four.len()].copy_from_slice(four);
        let number = u32::from_be_bytes(bytes);
        for (place, power) in [52_200_625, 614_125, 7_225, 85, 1].into_iter().enumerate() {
            if place <= four.len() {
                out.push(char::from(alphabet[(number / power % 85) as usize]));
            }
        }
    }
    out
}

fn base45(text: &[u8]) -> String {
    const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    let mut out = String::new();
    for two in text.chunks(2) {
        let mut number = two
            .iter()
            .fold(0, |number, byte| number * 256 + usize::from(*byte));
        for _ in 0..=two.len() {
            out.push(char::from(ALPHABET[number % 45]));
            number /= 45;
        }
    }
    out
}

/// The digits of `text`, taken for one number, in base `digits.len()`.
fn as_number(text: &str, digits: &[u8]) -> String {
    let mut number: Vec<usize> = Vec::new();
    for byte in text.bytes() {
        let mut carry = usize::from(byte);
        for place in &mut number {
            carry += *place * 256;
            *place = carry % digits.len();
            carry /= digits.len();
        }
        while carry > 0 {
            number.push(carry % digits.len());
            carry /= digits.len();
        }
    }
    let digits = number
        .into_iter()
        .rev()
        .map(|place| char::from(digits[place]));
    digits.collect()
}

fn rot47(text: &str) -> String {
    each(text, |c| match c {
        '!'..='~' => char::from((c as u8 - 33 + 47) % 94 + 33).to_string(),
        _ => c.to_string(),
    })
}

/// In hexadecimal digits; of code page 037.
fn ebcdic(text: &str) -> String {
    let of = |c: char| match c as u8 {
        c @ b'a'..=b'i' => 0x81 + (c - b'a'),
        c @ b'j'..=b'r' => 0x91 + (c - b'j'),
        c @ b's'..=b'z' => 0xA2 + (c - b's'),
        c @ b'A'..=b'I' => 0xC1 + (c - b'A'),
        c @ b'J'..=b'R' => 0xD1 + (c - b'J'),
        c @ b'S'..=b'Z' => 0xE2 + (c - b'S'),
        c @ b'0'..=b'9' => 0xF0 + (c - b'0'),
        b'~' => 0xA1,
        b'-' => 0x60,
        b'.' => 0x4B,
        b'_' => 0x6D,
        _ => 0x40,
    };
    let mut hexadecimal = String::new();
    for c in text.chars() {
        let _ = write!(hexadecimal, "{:02x}", of(c));
    }
    hexadecimal
}

#[test]
fn a_secret_is_taken_out_of_rare_encodings() {
    const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // From the specification.
    assert_eq!(base45(b"Hello!!"), "%69 VD92EX0");
    assert_eq!(as_number("\u{1}\0", b"0123456789"), "256");
    let jwt = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwczovL2dyYXBoIn0.c2lnbmF0dXJl";
    for secret in [
        "canary-8Q~secret.value_1",
        "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
        jwt,
    ] {
        let redaction = of(secret);
        for form in [
            base45(secret.as_bytes()),
            base45(format!("id={secret}").as_bytes()),
            as_number(secret, BASE58),
            as_number(secret, BASE36),
            as_number(secret, BASE36).to_uppercase(),
            as_number(secret, b"0123456789"),
            rot47(secret),
            ebcdic(secret),
            ebcdic(secret).to_uppercase(),
        ] {
            let text = format!("The request held: {form} and was refused");
            let clean = redaction.apply(&text);
            assert!(clean.contains("REDACTED"), "{form}: {clean}");
            let left = clean.replace("REDACTED", "");
            assert!(left.len() < text.len() - form.len() + 12, "{form}: {clean}");
            assert!(clean.starts_with("The request held: "), "{form}: {clean}");
        }
    }
}

fn rot13(text: &str) -> String {
    each(text, |c| match c {
        'a'..='m' | 'A'..='M' => char::from(c as u8 + 13).to_string(),
        'n'..='z' | 'N'..='Z' => char::from(c as u8 - 13).to_string(),
        _ => c.to_string(),
    })
}

#[test]
fn a_secret_is_taken_out_of_what_nearly_every_character_is_part_of() {
    let ascii: Vec<u8> = (b'!'..=b'u').collect();
    let ascii: &[u8; 85] = ascii.as_slice().try_into().unwrap();
    let z85 =
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let python =
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    // From Python's base64 module and the specification of Z85.
    assert_eq!(base85(b"canary-secret", ascii), "@ps7`Ed96XARfalF8");
    assert_eq!(
        base85(&[0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B], z85),
        "HelloWorld"
    );
    for secret in [
        SECRET,
        "canary-8Q~secret.value_1",
        "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1",
    ] {
        let redaction = of(secret);
        let forms = [
            base85(secret.as_bytes(), ascii),
            base85(secret.as_bytes(), z85),
            base85(secret.as_bytes(), python),
            base85(format!("id:{secret}").as_bytes(), python),
            rot13(secret),
            each(secret, |c| format!("{c}&shy;")),
            each(secret, |c| format!("{c}&ZeroWidthSpace;")),
        ];
        for form in forms {
            for text in [format!("before '{form}' after"), percent_all(&form)] {
                let clean = redaction.apply(&text);
                assert!(clean.contains("REDACTED"), "{form}: {clean}");
                let left = clean.replace("REDACTED", "");
                assert!(left.len() < text.len() / 2 + 16, "{form}: {clean}");
            }
        }
    }
    let plain = "the service refused the token: AADSTS7000215, see https://aka.ms/x?y=1&z=2";
    assert_eq!(of(SECRET).apply(plain), plain);
}

#[test]
fn exactly_the_secret_is_taken_out() {
    let redaction = of("can/ary ~8Q+=?");
    for (form, expected) in [
        ("can/ary ~8Q+=?", "a REDACTED b"),
        ("can%2Fary+%7E8Q%2B%3D%3F", "a REDACTED b"),
        ("can%2fary%20~8Q%2b%3d%3f", "a REDACTED b"),
        ("Y2FuL2FyeSB+OFErPT8=", "a REDACTED b"),
        ("Y2FuL2FyeSB-OFErPT8", "a REDACTED b"),
        ("can", "a can b"),
        (
            "the service refused the token",
            "a the service refused the token b",
        ),
    ] {
        assert_eq!(redaction.apply(&format!("a {form} b")), expected, "{form}");
    }
}

#[test]
fn pieces_of_a_secret_are_taken_out() {
    let secret = "canary-opaque-token-0123456789-abcdefghijklmnopqrstuvwxyz";
    let redaction = of(secret);
    assert_eq!(
        redaction.apply(&format!("cut: {}", &secret[..30])),
        "cut: REDACTED"
    );
    assert_eq!(
        redaction.apply(&format!("cut: {}", &secret[..9])),
        "cut: REDACTED"
    );
    assert_eq!(
        redaction.apply(&format!("…{}: the end", &secret[20..])),
        "…REDACTED: the end"
    );
}

#[test]
fn a_very_short_secret_leaves_the_text_readable() {
    assert_eq!(of("e").apply("Bearer"), "Bearer");
}

#[test]
fn shapes_are_taken_out() {
    let long = "A".repeat(60);
    let der = "MIIJ".to_owned() + &"Qk0x".repeat(60);
    for (text, expected) in [
        (
            "token eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln here".to_owned(),
            "token REDACTED here",
        ),
        (
            "token eyJhbGciOiJub25lIn0.eyJzdWIi".to_owned(),
            "token REDACTED",
        ),
        (
            "token eyJhbGciOiJub25lIn0%2EeyJzdWIiOiJ4In0%2Ec2ln here".to_owned(),
            "token REDACTED here",
        ),
        (
            "Authorization: Bearer abcdef0123456789".to_owned(),
            "Authorization: Bearer REDACTED",
        ),
        (
            "Bearer realm=\"\", error=\"invalid_token\"".to_owned(),
            "Bearer realm=\"\", error=\"invalid_token\"",
        ),
        (
            "Bearer authorization=\"https://login.example/t1\"".to_owned(),
            "Bearer authorization=\"https://login.example/t1\"",
        ),
        (
            "\"Bearer zyxwVUTS4321lkji+/cd==\" and \"Bearer zyxwVUTS4321lkji=\"".to_owned(),
            "\"Bearer REDACTED\" and \"Bearer REDACTED\"",
        ),
        (
            "basic authentication is off".to_owned(),
            "basic authentication is off",
        ),
        (format!("0.A{long} ended"), "REDACTED ended"),
        (
            "?sv=2024&sig=abcdefgh%3D&se=1".to_owned(),
            "?sv=2024&sig=REDACTED&se=1",
        ),
        (
            "client_secret=opensesame&x=1".to_owned(),
            "client_secret=REDACTED&x=1",
        ),
        (
            "{\"client_secret\": \"o p\", \"code\":\"InvalidRequest\"}".to_owned(),
            "{\"client_secret\": \"REDACTED\", \"code\":\"InvalidRequest\"}",
        ),
        (
            "{\\\"refresh_token\\\":\\\"open\\\"}".to_owned(),
            "{\\\"refresh_token\\\":\\\"REDACTED\\\"}",
        ),
        ("client_secret='…'".to_owned(), "client_secret='…'"),
        (
            "the password is empty: set it".to_owned(),
            "the password is empty: set it",
        ),
        (
            "a -----BEGIN RSA PRIVATE KEY-----\nAAEC\n-----END RSA PRIVATE KEY----- b".to_owned(),
            "a REDACTED b",
        ),
        (
            "a -----BEGIN PRIVATE KEY-----\nAAEC".to_owned(),
            "a REDACTED",
        ),
        (format!("'{der}' is no file"), "'REDACTED' is no file"),
        (
            "abc8Q~abcdefghijklmnopqrstuvwxyz0123456 x".to_owned(),
            "REDACTED x",
        ),
        (
            "AADSTS7000215: Invalid client secret provided.".to_owned(),
            "AADSTS7000215: Invalid client secret provided.",
        ),
    ] {
        assert_eq!(redact_shapes(&text), expected, "{text}");
    }
}

#[test]
fn the_value_of_a_secrets_name_is_taken_out_whole() {
    for (text, expected) in [
        (
            "has \"password=hunter2 x\" in it",
            "has \"password=REDACTED\" in it",
        ),
        (
            "has \"password=hunter two\" in it",
            "has \"password=REDACTED\" in it",
        ),
        ("has 'pwd = a b' in it", "has 'pwd = REDACTED' in it"),
        (
            "[\\\"pwd=hunter2 x\\\"] | foo",
            "[\\\"pwd=REDACTED\\\"] | foo",
        ),
        (
            "\"password=two words;user=x\"",
            "\"password=REDACTED;user=x\"",
        ),
        ("\"password=cut two wor", "\"password=REDACTED"),
        ("password=hunter2 x", "password=REDACTED x"),
        ("pwd=hunter2", "pwd=REDACTED"),
        ("\"pwd=hunter2\"", "\"pwd=REDACTED\""),
        ("a?sig=abcdEFGH1234\"] | foo", "a?sig=REDACTED\"] | foo"),
        (
            "{\"password\": \"a\\\"b c\"} x",
            "{\"password\": \"REDACTED\"} x",
        ),
        (
            "{\"password\": \"a\\\\b c\"} x",
            "{\"password\": \"REDACTED\"} x",
        ),
        ("password=empty or so", "password=empty or so"),
        ("summarize sig=count() by x", "summarize sig=count() by x"),
    ] {
        assert_eq!(redact_shapes(text), expected, "{text}");
        assert_eq!(redact_shapes(expected), expected, "once is enough");
    }
}

#[test]
fn what_is_struck_out_leaves_the_rest_where_it_is() {
    let far = " x ".repeat(BLOCK / 2);
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln";
    for (secret, struck) in [
        (
            format!("?sig={}", "aB3".repeat(9)),
            format!("?sig=REDACTED{}", "*".repeat(19)),
        ),
        (
            "pwd='gr\u{f6}\u{20ac}\u{1f600} x'".to_owned(),
            "pwd='RE\u{b7}\u{2022}\u{1f512}DA'".to_owned(),
        ),
        (
            "-----BEGIN PRIVATE KEY-----\r\nAAEC\n-----END PRIVATE KEY-----".to_owned(),
            format!("REDACTED{}\r\n****\n{}", "*".repeat(19), "*".repeat(25)),
        ),
        (
            token.to_owned(),
            format!("REDACTED{}", "*".repeat(token.len() - 8)),
        ),
    ] {
        assert_eq!(secret.len(), struck.len());
        for (before, after) in [
            ("", ""),
            ("a \u{e9} ", " b"),
            (&*far, ""),
            ("", &*far),
            (&*far, &*far),
        ] {
            let text = format!("{before}{secret}{after}");
            let at = before.len() + secret.len();
            let shown = strike_out_shapes(&text, [at]);
            assert!(shown == format!("{before}{struck}{after}"), "{secret}");
            assert!(strike_out_shapes(&shown, [at]) == shown, "once is enough");
        }
        // Wherever the blocks end.
        for shift in (0..secret.len()).step_by(20) {
            let before = &far[..BLOCK - shift];
            let text = format!("{before}{secret}");
            assert!(
                strike_out_shapes(&text, [BLOCK]).ends_with(&struck),
                "{shift}"
            );
        }
    }
    assert!(matches!(
        strike_out_shapes("T | count", [99]),
        Cow::Borrowed(_)
    ));
    assert_eq!(strike_out_shapes("", [0]), "");
}

#[test]
fn a_request_says_what_its_secrets_are() {
    let request = http::Request::post("https://user:x@login.example/t?code=canary-code")
        .header("authorization", "Bearer canary-token")
        .header("x-api-key", "canary-key")
        .body(Bytes::from_static(
            b"client_id=ours&client_secret=canary+secret&scope=s",
        ))
        .unwrap();
    let redaction = Redaction::of_request(&request);
    assert_eq!(
        redaction.apply("canary-code, Bearer canary-token, canary-key, canary secret, ours"),
        "REDACTED, Bearer REDACTED, REDACTED, REDACTED, ours"
    );
}

#[test]
fn the_secret_fields_of_a_body_in_json_are_known() {
    let body = r#" {"Query": "ours", "client_secret": "canary-one", "code": "plain-code",
        "passwordCredential": {"secretText": "canary-two"}, "keys": [{"Password": {"value":
        "canary-three"}}], "assertion": ["canary-four"], "ClientSecret": 20240315} "#;
    let request = http::Request::post("https://h/").body(Bytes::from_static(body.as_bytes()));
    let redaction = Redaction::of_request(&request.unwrap());
    assert_eq!(
        redaction
            .apply("canary-one canary%2Dtwo Y2FuYXJ5LXRocmVl canary-four 20240315 ours plain-code"),
        "REDACTED REDACTED REDACTED REDACTED REDACTED ours plain-code"
    );
    // Whatever is no JSON is no reason to fail.
    let request = http::Request::post("https://h/").body(Bytes::from_static(b"{\"password\":"));
    assert!(Redaction::of_request(&request.unwrap()).is_empty());
}

#[test]
fn an_error_is_redacted_in_all_its_parts() {
    let inner = crate::Error::new(crate::ErrorKind::Protocol, "inner canary-secret");
    let error = crate::Error::new(crate::ErrorKind::Protocol, "a canary-secret")
        .with_code("canary-secret")
        .with_request_id("canary-secret")
        .with_client_request_id("canary-secret")
        .with_hint("canary-secret")
        .with_url(&url::Url::parse("https://h/canary-secret").unwrap())
        .with_source(inner.with_source(std::io::Error::other("canary-secret")));
    let clean = of("canary-secret").error(error);
    let mut shown = format!("{clean:?}");
    let mut next = std::error::Error::source(&clean);
    while let Some(cause) = next {
        write!(shown, "{cause}").unwrap();
        next = cause.source();
    }
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(clean.to_string(), "a REDACTED");
    assert_eq!(clean.url(), Some("https://h/REDACTED"));
}
