//! What the encrypted file looks like: a mark, a number used once, the tokens as AES-256-GCM.

use std::time::{Duration, SystemTime};

use defender_core::{AccessToken, ExposeSecret, SecretString};
use openssl::rand::rand_bytes;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use serde::{Deserialize, Serialize};

use super::key::CacheKey;
use super::{Kept, KeptToken, Owner};
use crate::Account;

/// Begins every file of this form; authenticated with the rest.
const MARK: &[u8; 16] = b"defender tokens\x01";
const NONCE: usize = 12;
const TAG: usize = 16;

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Something else wrote it.
    Foreign,
    /// It was changed, or encrypted with another key.
    Broken,
}

impl Unreadable {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "is not one of this program's",
            Self::Broken => "is damaged or was encrypted with another key",
        }
    }
}

/// `kept` as the bytes of a file; `None` when the system has no random numbers.
pub(super) fn sealed(kept: &[Kept], key: &CacheKey) -> Option<Vec<u8>> {
    let wire: Vec<_> = kept.iter().map(KeptWire::from).collect();
    let plain = SecretString::from(serde_json::to_string(&wire).ok()?);
    let mut nonce = [0; NONCE];
    rand_bytes(&mut nonce).ok()?;
    let mut tag = [0; TAG];
    let cipher = Cipher::aes_256_gcm();
    let plain = plain.expose_secret().as_bytes();
    let encrypted = encrypt_aead(cipher, key.bytes(), Some(&nonce), MARK, plain, &mut tag).ok()?;
    Some([&MARK[..], &nonce, &tag, &encrypted].concat())
}

/// What `bytes` keep.
pub(super) fn opened(bytes: &[u8], key: &CacheKey) -> Result<Vec<Kept>, Unreadable> {
    let rest = bytes.strip_prefix(MARK).ok_or(Unreadable::Foreign)?;
    let (nonce, rest) = rest.split_at_checked(NONCE).ok_or(Unreadable::Broken)?;
    let (tag, encrypted) = rest.split_at_checked(TAG).ok_or(Unreadable::Broken)?;
    let cipher = Cipher::aes_256_gcm();
    let plain = decrypt_aead(cipher, key.bytes(), Some(nonce), MARK, encrypted, tag)
        .map_err(|_| Unreadable::Broken)?;
    let plain = String::from_utf8(plain).map_err(|_| Unreadable::Broken)?;
    let plain = SecretString::from(plain);
    let wire: Vec<KeptWire> =
        serde_json::from_str(plain.expose_secret()).map_err(|_| Unreadable::Broken)?;
    Ok(wire.into_iter().map(Kept::from).collect())
}

#[derive(Serialize, Deserialize)]
struct KeptWire {
    authority: String,
    tenant: String,
    client_id: String,
    account: Option<AccountWire>,
    refresh_token: Option<String>,
    access_tokens: Vec<TokenWire>,
}

#[derive(Serialize, Deserialize)]
struct AccountWire {
    username: String,
    object_id: Option<String>,
    tenant_id: Option<String>,
    home_id: String,
}

#[derive(Serialize, Deserialize)]
struct TokenWire {
    scope: String,
    tenant: Option<String>,
    token: String,
    /// Seconds since 1970.
    expires_at: u64,
}

impl From<&Kept> for KeptWire {
    fn from(kept: &Kept) -> Self {
        let owner = &kept.owner;
        let refresh_token = kept.refresh_token.as_ref();
        Self {
            authority: owner.authority.clone(),
            tenant: owner.tenant.clone(),
            client_id: owner.client_id.clone(),
            account: owner.account.as_ref().map(|account| AccountWire {
                username: account.username.clone(),
                object_id: account.object_id.clone(),
                tenant_id: account.tenant_id.clone(),
                home_id: account.home_id.clone(),
            }),
            refresh_token: refresh_token.map(|token| token.expose_secret().to_owned()),
            access_tokens: kept.access_tokens.iter().map(TokenWire::from).collect(),
        }
    }
}

impl From<&KeptToken> for TokenWire {
    fn from(kept: &KeptToken) -> Self {
        let end = kept.token.expires_at.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            scope: kept.scope.clone(),
            tenant: kept.tenant.clone(),
            token: kept.token.secret.expose_secret().to_owned(),
            expires_at: end.map_or(0, |end| end.as_secs()),
        }
    }
}

impl From<KeptWire> for Kept {
    fn from(wire: KeptWire) -> Self {
        let account = wire.account.map(|account| Account {
            username: account.username,
            object_id: account.object_id,
            tenant_id: account.tenant_id,
            home_id: account.home_id,
        });
        let tokens = wire.access_tokens.into_iter().map(|token| {
            let end = Duration::from_secs(token.expires_at);
            let end = SystemTime::UNIX_EPOCH.checked_add(end);
            KeptToken {
                scope: token.scope,
                tenant: token.tenant,
                token: AccessToken::new(token.token, end.unwrap_or(SystemTime::UNIX_EPOCH)),
            }
        });
        Self {
            owner: Owner {
                authority: wire.authority,
                tenant: wire.tenant,
                client_id: wire.client_id,
                account,
            },
            refresh_token: wire.refresh_token.map(SecretString::from),
            access_tokens: tokens.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        let mut account = Account::new("ana@contoso.example", "u.t");
        account.object_id = Some("o".into());
        account.tenant_id = Some("t".into());
        Kept {
            owner: Owner {
                authority: "https://login.example".into(),
                tenant: "contoso.example".into(),
                client_id: "c".into(),
                account: Some(account),
            },
            refresh_token: Some("canary-refresh".into()),
            access_tokens: vec![KeptToken {
                scope: "https://graph.microsoft.com/.default".into(),
                tenant: Some("t2".into()),
                token: AccessToken::new(
                    "canary-access".into(),
                    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000),
                ),
            }],
        }
    }

    fn key(byte: u8) -> CacheKey {
        CacheKey::new([byte; 32])
    }

    #[test]
    fn what_goes_in_comes_out() {
        let opened = opened(&sealed(&[kept()], &key(1)).unwrap(), &key(1)).unwrap();
        let (one, expected) = (&opened[0], kept());
        assert_eq!(opened.len(), 1);
        assert_eq!(one.owner, expected.owner);
        let secret = |kept: &Kept| {
            kept.refresh_token
                .clone()
                .unwrap()
                .expose_secret()
                .to_owned()
        };
        assert_eq!(secret(one), "canary-refresh");
        assert_eq!(
            one.access_tokens[0].token.id,
            expected.access_tokens[0].token.id
        );
        assert_eq!(
            format!("{:?}", one.access_tokens),
            format!("{:?}", expected.access_tokens)
        );
    }

    #[test]
    fn nothing_of_it_is_readable_and_no_two_files_are_alike() {
        let (one, two) = (
            sealed(&[kept()], &key(1)).unwrap(),
            sealed(&[kept()], &key(1)).unwrap(),
        );
        assert_ne!(one[MARK.len()..], two[MARK.len()..]);
        let text = String::from_utf8_lossy(&one);
        for word in ["canary", "ana@", "graph", "contoso"] {
            assert!(!text.contains(word), "{word}");
        }
    }

    #[test]
    fn any_changed_byte_makes_it_unreadable() {
        let sealed = sealed(&[kept()], &key(1)).unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            let expected = if position < MARK.len() {
                Unreadable::Foreign
            } else {
                Unreadable::Broken
            };
            assert_eq!(
                opened(&changed, &key(1)).unwrap_err(),
                expected,
                "{position}"
            );
        }
        for length in 0..sealed.len() {
            assert!(opened(&sealed[..length], &key(1)).is_err(), "{length}");
        }
        assert_eq!(opened(&sealed, &key(2)).unwrap_err(), Unreadable::Broken);
        assert_eq!(opened(b"{}", &key(1)).unwrap_err(), Unreadable::Foreign);
    }
}
