//! The secrets of one method of signing in, fetched side by side.

use defender_config::{ConnectionArgs, ConnectionKey, Method};
use defender_core::{Error, ExposeSecret as _, Result, SecretRef, SecretResolver, SecretString};
use futures::future::try_join_all;

/// What the method in use needs; what other methods would need is not fetched.
#[derive(Default)]
pub(crate) struct Material {
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) private_key_secret: Option<SecretString>,
    pub(crate) access_token: Option<SecretString>,
    /// The certificate, where it is no file.
    pub(crate) certificate: Option<SecretString>,
    /// The private key, where it is no file.
    pub(crate) private_key: Option<SecretString>,
}

impl Material {
    /// The secrets of it.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        let secrets = [
            &self.client_secret,
            &self.private_key_secret,
            &self.access_token,
            &self.certificate,
            &self.private_key,
        ];
        secrets.into_iter().flatten()
    }
}

/// Fetches what the method of `args` needs, all of it at once.
pub(crate) async fn fetch(args: &ConnectionArgs, secrets: &dyn SecretResolver) -> Result<Material> {
    let fetched = wanted(args)
        .into_iter()
        .map(async |(key, reference)| Ok::<_, Error>((key, secrets.resolve(reference).await?)));
    let mut material = Material::default();
    for (key, secret) in try_join_all(fetched).await? {
        let slot = match key {
            ConnectionKey::ClientSecret => &mut material.client_secret,
            ConnectionKey::PrivateKeySecret => &mut material.private_key_secret,
            ConnectionKey::AccessToken => {
                material.access_token = Some(bare_token(secret));
                continue;
            }
            ConnectionKey::Certificate => &mut material.certificate,
            _ => &mut material.private_key,
        };
        *slot = Some(secret);
    }
    Ok(material)
}

impl Material {
    /// Says of each secret that is sent as it is what was probably copied along with it.
    pub(crate) fn doubts(&self, args: &ConnectionArgs) -> Vec<String> {
        let secrets = [
            (ConnectionKey::ClientSecret, &self.client_secret),
            (ConnectionKey::PrivateKeySecret, &self.private_key_secret),
        ];
        let doubts = secrets.into_iter().filter_map(|(key, secret)| {
            let what = copied_along(secret.as_ref()?.expose_secret())?;
            Some(format!(
                "{}: the secret {what} as part of it; take them out if they were copied along",
                args.origin(key)
            ))
        });
        doubts.collect()
    }
}

const BLANKS: &str = "begins or ends with blanks, which are sent";
const IN_QUOTES: &str = "stands in quotes, which are sent";

/// What stands around a secret and was hardly meant to be part of it.
fn copied_along(secret: &str) -> Option<&'static str> {
    const QUOTES: [(char, char); 5] = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('\u{201c}', '\u{201d}'),
        ('\u{2018}', '\u{2019}'),
    ];
    let bare = secret.trim();
    if bare.len() < secret.len() {
        return Some(BLANKS);
    }
    let inside = |(open, close)| secret.strip_prefix(open)?.strip_suffix(close);
    let is_quoted = QUOTES.into_iter().any(|pair| inside(pair).is_some());
    is_quoted.then_some(IN_QUOTES)
}

/// A token without what is copied along with it: blanks, quotes and the scheme of its header.
fn bare_token(secret: SecretString) -> SecretString {
    let text = secret.expose_secret();
    let bare = text.trim().trim_matches(['"', '\'']).trim();
    let bare = match bare.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer ") => bare[7..].trim(),
        _ => bare,
    };
    if bare.is_empty() || bare.len() == text.len() {
        return secret;
    }
    bare.to_owned().into()
}

fn wanted(args: &ConnectionArgs) -> Vec<(ConnectionKey, &SecretRef)> {
    use ConnectionKey as Key;
    let each = match args.method() {
        Some(Method::ClientSecret) => vec![Key::ClientSecret],
        Some(Method::ExistingToken) => vec![Key::AccessToken],
        Some(Method::Certificate) => vec![Key::PrivateKeySecret, Key::Certificate, Key::PrivateKey],
        _ => Vec::new(),
    };
    each.into_iter()
        .filter_map(|key| Some((key, args.reference(key)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_copied_along_with_a_secret_is_seen() {
        for (secret, expected) in [
            ("Xy8Q~abc", None),
            ("it's", None),
            ("\"", None),
            ("two words", None),
            (" Xy8Q~abc", Some(BLANKS)),
            ("Xy8Q~abc\r", Some(BLANKS)),
            ("'Xy8Q~abc'", Some(IN_QUOTES)),
            ("\u{201c}Xy8Q~abc\u{201d}", Some(IN_QUOTES)),
        ] {
            assert_eq!(copied_along(secret), expected, "{secret:?}");
        }
        let material = Material {
            client_secret: Some("'canary'".to_owned().into()),
            ..Material::default()
        };
        let doubts = material.doubts(&ConnectionArgs::default());
        assert_eq!(doubts.len(), 1);
        assert!(!doubts[0].contains("canary"), "{doubts:?}");
    }

    #[test]
    fn a_token_is_taken_without_what_was_copied_along() {
        for given in [
            "a.b.c",
            " a.b.c\n",
            "\"a.b.c\"",
            "Bearer a.b.c",
            "'bearer  a.b.c' ",
        ] {
            let token = bare_token(given.to_owned().into());
            assert_eq!(token.expose_secret(), "a.b.c", "{given}");
        }
        assert_eq!(bare_token("\"\"".to_owned().into()).expose_secret(), "\"\"");
    }
}
