//! The grammar of connection strings, and errors that show no value.

use defender_core::{ExposeSecret as _, SecretRef};

use super::*;

fn secret(text: &str) -> String {
    match ConnectionString::parse(text)
        .unwrap()
        .into_args()
        .reference(ConnectionKey::ClientSecret)
    {
        Some(SecretRef::Inline(secret)) => secret.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn quotes_protect_and_are_removed() {
    for (text, expected) in [
        ("client_secret=ab==", "ab=="),
        ("client_secret = a b ", "a b"),
        ("client_secret='ab;cd=e'", "ab;cd=e"),
        ("client_secret=\"ab;cd\" ; ", "ab;cd"),
        ("client_secret=“ab;cd”", "ab;cd"),
        ("client_secret=”ab;cd”", "ab;cd"),
        ("client_secret=‘ab;cd’", "ab;cd"),
        ("client_secret='it''s'", "it's"),
        ("client_secret=\"a\"\"b\"", "a\"b"),
        ("client_secret='a\"b'", "a\"b"),
        ("client_secret=a'b", "a'b"),
        ("client_secret=' a '", " a "),
        (";;ClientSecret=x;;", "x"),
        ("CLIENT_SECRET=x", "x"),
        ("client_secret=''''", "'"),
        ("client_secret=größe", "größe"),
    ] {
        assert_eq!(secret(text), expected, "{text}");
    }
}

#[test]
fn what_a_document_prints_around_the_string_is_taken_off() {
    for text in [
        "“tenant_id='t'; client_secret='a;b'”",
        "\"tenant_id='t'; client_secret='a;b'\"",
        "'tenant_id='t'; client_secret='a;b''",
        "'tenant_id=t; client_secret=\"a;b\"'",
        "‘tenant_id=t; client_secret=\"a;b\"’",
        "“tenant_id='t'; client_secret='a;b'\"",
        "`tenant_id='t'; client_secret='a;b'`",
        "«tenant_id='t'; client_secret='a;b'»",
        "»tenant_id='t'; client_secret='a;b'«",
        "‹tenant_id=t; client_secret=\"a;b\"›",
        "connection_str=\"tenant_id='t'; client_secret='a;b'\"",
        "connection_str = “tenant_id='t'; client_secret='a;b';”",
        "Connection_String=tenant_id='t'; client_secret='a;b'",
        " \"tenant_id='t'; client_secret='a;b'\"; ",
        "connection_str='tenant_id=t; client_secret=\"a;b\"',",
    ] {
        assert_eq!(secret(text), "a;b", "{text}");
    }
    for text in [
        "“tenant_id='t'; client_secret=canary",
        "\"tenant_id='t'; client_secret='canary'",
        "\"",
        "'canary'",
        "\"canary=canary\"",
        "connection_str=\"client_secret='canary\"",
    ] {
        let error = ConnectionString::parse(text).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("canary"), "{text}: {shown}");
    }
}

#[test]
fn every_key_is_taken() {
    let args = ConnectionString::parse(
        "TenantId=t; client_id=c; UserName=u; cert=/c.pem; PrivateKey=/k.pem; \
         private_key_secret=s; Cloud=gcc; auth_type=device_code; DelegatedAuth=yes; \
         authority=https://login.example; apiRoot=https://api.example/; apiVersion=beta; \
         timeout=3m; location=/cache; token_cache=no; access_token=t; assertion_file=/a; \
         send_x5c=yes; assertion_algorithm=rs256",
    )
    .unwrap()
    .into_args();
    for key in ConnectionKey::ALL {
        assert_eq!(args.has(key), key != ConnectionKey::ClientSecret, "{key}");
    }
    assert_eq!(args.auth_type(), Some(crate::AuthType::Device));
    assert_eq!(args.delegated_auth(), Some(true));
    assert_eq!(args.timeout(), Some(std::time::Duration::from_mins(3)));
    assert_eq!(
        args.authority().unwrap().get().as_str(),
        "https://login.example/"
    );
}

#[test]
fn what_is_wrong_is_named_without_values() {
    for (text, message) in [
        (
            "tenant_id=t; canary",
            "item 2 of the connection string has no '='",
        ),
        (
            "client_secret=ab;canary=e",
            "item 2 of the connection string has an unknown key",
        ),
        (
            "clientt_id=canary",
            "unknown key 'clientt_id' in the connection string",
        ),
        (
            "=canary",
            "item 1 of the connection string has an unknown key",
        ),
        (
            "tenant_id=;client_id=canary",
            "tenant_id is empty in the connection string",
        ),
        (
            "tenant_id=canary;TenantId=x",
            "the connection string gives tenant_id twice",
        ),
        (
            "client_secret='canary",
            "the value of client_secret in the connection string opens a quote and does not close it",
        ),
        (
            "client_secret='canary'x",
            "text follows the closing quote of client_secret in the connection string",
        ),
        (
            "timeout=canary",
            "timeout is not a time to wait in the connection string",
        ),
        (
            "auth_type=canary",
            "auth_type is not known in the connection string",
        ),
        (
            "delegated_auth=canary",
            "delegated_auth is neither true nor false in the connection string",
        ),
        (
            "authority=canary",
            "authority is not an address in the connection string",
        ),
        (
            "apiRoot=https://u:canary@host",
            "apiRoot holds a user name in the connection string",
        ),
    ] {
        let error = ConnectionString::parse(text).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
        let shown = format!("{error:?} {:?}", error.hint());
        assert!(!shown.contains("canary"), "{shown}");
    }
    let error = ConnectionString::parse("clientt_id=x").unwrap_err();
    assert!(error.hint().unwrap().starts_with("did you mean client_id?"));
}

#[test]
fn secrets_are_not_in_the_debug_output() {
    let read = ConnectionString::parse("client_secret=canary;private_key_secret=canary").unwrap();
    assert!(!format!("{read:?}").contains("canary"));
}

#[test]
fn an_empty_string_says_nothing() {
    for text in ["", " ", ";", " ; ;"] {
        let args = ConnectionString::parse(text).unwrap().into_args();
        assert!(ConnectionKey::ALL.iter().all(|key| !args.has(*key)));
    }
    assert!(ConnectionString::parse(&"x".repeat(MAX_LENGTH + 1)).is_err());
}

#[test]
fn no_text_makes_it_panic() {
    let pieces = [
        "'",
        "\"",
        "“",
        "’",
        ";",
        "=",
        "client_secret",
        " ",
        "ä",
        "\u{0}",
    ];
    for seed in 0..10_000_usize {
        let mut rest = seed;
        let mut text = String::new();
        while rest > 0 {
            text.push_str(pieces[rest % pieces.len()]);
            rest /= pieces.len();
        }
        let _ = ConnectionString::parse(&format!("client_secret={text}"));
        let _ = ConnectionString::parse(&text);
    }
}
