//! Tests of the encrypted file: who shares it, what is set aside, what is on the disk.

use defender_core::{AccessToken, ExposeSecret};

use super::*;
use crate::user_tests::{Told, manual, now};
use crate::{Account, Authority, CacheKey, KeptToken};

struct Setting {
    folder: tempfile::TempDir,
    told: Arc<Told>,
}

fn setting() -> Setting {
    Setting {
        folder: tempfile::tempdir().unwrap(),
        told: Arc::new(Told::default()),
    }
}

impl Setting {
    fn path(&self) -> PathBuf {
        self.folder.path().join("data").join("tokens")
    }

    fn store(&self) -> FileStore {
        FileStore::new(self.path(), manual(), self.told.clone())
    }

    fn warnings(&self) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        let warnings = self.told.warnings.lock().unwrap();
        warnings
            .iter()
            .map(|text| text.replace(&folder, "[folder]"))
            .collect()
    }

    /// The names in the folder of the cache.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path().parent().unwrap()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }
}

fn owner(name: &str) -> Owner {
    let base = url::Url::parse("https://login.microsoftonline.com").unwrap();
    let authority = Authority::new(base, "Contoso.example").unwrap();
    Owner::user(
        &authority,
        "client",
        Account::new(name, format!("uid-{name}.home")),
    )
}

fn tokens(refresh: &str) -> NewTokens {
    NewTokens {
        refresh_token: Some(refresh.into()),
        access_token: Some(KeptToken {
            scope: "s/.default".into(),
            tenant: None,
            token: AccessToken::new(format!("{refresh}-access"), now() + Duration::from_hours(1)),
        }),
    }
}

async fn refresh_tokens(store: &FileStore) -> Vec<String> {
    let kept = store.kept().await.unwrap();
    let text = |kept: Kept| kept.refresh_token.unwrap().expose_secret().to_owned();
    kept.into_iter().map(text).collect()
}

#[tokio::test]
async fn the_next_process_finds_what_the_last_one_kept() {
    let setting = setting();
    assert!(setting.store().kept().await.unwrap().is_empty());
    assert!(!setting.path().exists());
    setting
        .store()
        .keep(&owner("ana"), tokens("one"))
        .await
        .unwrap();
    setting
        .store()
        .keep(&owner("ben"), tokens("two"))
        .await
        .unwrap();
    setting
        .store()
        .keep(&owner("ana"), tokens("three"))
        .await
        .unwrap();
    assert_eq!(refresh_tokens(&setting.store()).await, ["two", "three"]);
    let kept = setting.store().kept().await.unwrap();
    assert_eq!(kept[1].owner, owner("ana"));
    assert_eq!(kept[1].access_tokens.len(), 1);
    assert_eq!(
        kept[1].access_tokens[0].token.expires_at,
        now() + Duration::from_hours(1)
    );
    assert!(setting.warnings().is_empty());
}

#[tokio::test]
async fn nothing_on_the_disk_is_readable_by_others_or_at_all() {
    let setting = setting();
    let store = setting.store();
    store
        .keep(&owner("ana@contoso.example"), tokens("canary-refresh"))
        .await
        .unwrap();
    assert_eq!(setting.names(), ["tokens", "tokens.key", "tokens.lock"]);
    for name in setting.names() {
        let path = setting.path().with_file_name(&name);
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        for word in [
            "canary",
            "Y2FuYXJ5",
            "ana@",
            "contoso",
            "client",
            "/.default",
        ] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
        }
    }
    let shown = format!("{store:?} {:?}", store.kept().await.unwrap());
    assert!(!shown.contains("canary"), "{shown}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_could_read_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt;
    let setting = setting();
    setting
        .store()
        .keep(&owner("ana"), tokens("one"))
        .await
        .unwrap();
    fs::set_permissions(setting.path(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(refresh_tokens(&setting.store()).await, ["one"]);
    let mode = fs::metadata(setting.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_cache_that_cannot_be_understood_is_set_aside_with_a_warning() {
    let setting = setting();
    setting
        .store()
        .keep(&owner("ana"), tokens("one"))
        .await
        .unwrap();
    let whole = fs::read(setting.path()).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let cases: [(&[u8], &str); 4] = [
        (b"{\"AccessToken\": {}}", "is not one of this program's"),
        (b"", "is not one of this program's"),
        (
            &whole[..whole.len() - 1],
            "is damaged or was encrypted with another key",
        ),
        (&changed, "is damaged or was encrypted with another key"),
    ];
    for (number, (bytes, why)) in cases.into_iter().enumerate() {
        fs::write(setting.path(), bytes).unwrap();
        assert!(setting.store().kept().await.unwrap().is_empty());
        let aside = format!("tokens.unreadable-{}", 1_800_000_000 + number);
        assert_eq!(
            setting.warnings()[number],
            format!(
                "the token cache [folder]/data/tokens {why}; it was renamed to \
                 [folder]/data/{aside}, and a new sign-in is needed"
            )
        );
        // What it was is still there, and the next one begins anew.
        assert_eq!(
            fs::read(setting.path().with_file_name(aside)).unwrap(),
            bytes
        );
        assert!(!setting.path().exists());
        setting
            .store()
            .keep(&owner("ana"), tokens("two"))
            .await
            .unwrap();
        assert_eq!(refresh_tokens(&setting.store()).await, ["two"]);
    }
}

#[tokio::test]
async fn a_lost_key_makes_a_new_beginning() {
    let setting = setting();
    setting
        .store()
        .keep(&owner("ana"), tokens("one"))
        .await
        .unwrap();
    fs::remove_file(beside(&setting.path(), ".key")).unwrap();
    setting
        .store()
        .keep(&owner("ana"), tokens("two"))
        .await
        .unwrap();
    assert_eq!(setting.warnings().len(), 1);
    assert_eq!(refresh_tokens(&setting.store()).await, ["two"]);
}

#[tokio::test]
async fn processes_at_once_lose_nothing() {
    let setting = setting();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = setting.store();
            let name = format!("user{number}");
            tokio::spawn(async move { store.keep(&owner(&name), tokens(&name)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut found = refresh_tokens(&setting.store()).await;
    found.sort_unstable();
    let mut expected: Vec<_> = (0..16).map(|number| format!("user{number}")).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(setting.warnings().is_empty(), "{:?}", setting.warnings());
}

#[tokio::test]
async fn logging_out_forgets_the_chosen_ones() {
    let setting = setting();
    let store = setting.store();
    assert!(
        store
            .forget(&Selection::default())
            .await
            .unwrap()
            .is_empty()
    );
    store.keep(&owner("ana"), tokens("one")).await.unwrap();
    store.keep(&owner("ben"), tokens("two")).await.unwrap();
    let nobody = Selection {
        tenant: Some("fabrikam.example".into()),
        ..Selection::default()
    };
    assert!(store.forget(&nobody).await.unwrap().is_empty());
    let ana = Selection {
        username: Some("Ana".into()),
        tenant: Some("CONTOSO.example".into()),
        client_id: Some("Client".into()),
        authority: url::Url::parse("https://login.microsoftonline.com/").ok(),
    };
    assert_eq!(store.forget(&ana).await.unwrap(), [owner("ana")]);
    assert_eq!(refresh_tokens(&store).await, ["two"]);
    assert_eq!(
        store.forget(&Selection::default()).await.unwrap(),
        [owner("ben")]
    );
    assert!(!setting.path().exists());
}

#[tokio::test]
async fn ended_access_tokens_are_dropped() {
    let setting = setting();
    let clock = manual();
    let store = FileStore::new(setting.path(), clock.clone(), setting.told.clone());
    store.keep(&owner("ana"), tokens("one")).await.unwrap();
    let application = Owner {
        account: None,
        ..owner("ana")
    };
    let token = NewTokens {
        refresh_token: None,
        ..tokens("app")
    };
    store.keep(&application, token).await.unwrap();
    assert_eq!(store.kept().await.unwrap().len(), 2);
    clock.advance(Duration::from_hours(1));
    store
        .keep(&owner("ben"), NewTokens::default())
        .await
        .unwrap();
    let kept = store.kept().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].access_tokens.is_empty() && kept[0].refresh_token.is_some());
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_warned_of_once() {
    let setting = setting();
    fs::write(setting.folder.path().join("data"), "a file").unwrap();
    let store = setting.store();
    for _ in 0..2 {
        let error = store
            .keep(&owner("ana"), tokens("canary"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(
            error.to_string().ends_with("data/tokens cannot be locked"),
            "{error}"
        );
    }
    let warnings = setting.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("the token cache [folder]/data/tokens cannot be locked: "));
    assert!(
        warnings[0].ends_with("; the sign-in is not remembered"),
        "{warnings:?}"
    );
}

/// A key store that is locked, or has a key.
#[derive(Debug)]
struct Elsewhere(Option<u8>);

impl KeySource for Elsewhere {
    fn key(&self) -> Result<CacheKey> {
        let locked = || Error::new(ErrorKind::Io, "the key store is locked");
        Ok(CacheKey::new([self.0.ok_or_else(locked)?; 32]))
    }
}

#[tokio::test]
async fn a_key_from_elsewhere_leaves_no_key_file() {
    let setting = setting();
    let with = |key| {
        let key = Arc::new(Elsewhere(key));
        FileStore::with_key(setting.path(), key, manual(), setting.told.clone())
    };
    with(Some(7))
        .keep(&owner("ana"), tokens("one"))
        .await
        .unwrap();
    assert_eq!(setting.names(), ["tokens", "tokens.lock"]);
    // A key store that is locked costs the sign-in of this process, not the cache.
    let error = with(None).kept().await.unwrap_err();
    assert_eq!(error.to_string(), "the key store is locked");
    assert_eq!(refresh_tokens(&with(Some(7))).await, ["one"]);
    assert!(with(Some(8)).kept().await.unwrap().is_empty());
    assert_eq!(
        setting.names(),
        ["tokens.lock", "tokens.unreadable-1800000000"]
    );
}

#[tokio::test]
async fn what_a_killed_process_left_unfinished_goes() {
    let setting = setting();
    setting
        .store()
        .keep(&owner("ana"), tokens("one"))
        .await
        .unwrap();
    let folder = setting.path().parent().unwrap().to_owned();
    for name in [".tokens.new-a1B2c3", ".tokens.key.new-a1B2c3", "tokens.new"] {
        fs::write(folder.join(name), "x").unwrap();
    }
    // Reading is enough: a later run may have nothing to write.
    assert_eq!(refresh_tokens(&setting.store()).await, ["one"]);
    assert_eq!(
        setting.names(),
        ["tokens", "tokens.key", "tokens.lock", "tokens.new"]
    );
}

/// What is no file is somebody's: it is not waited for, renamed or replaced.
#[cfg(unix)]
#[tokio::test]
async fn a_pipe_a_device_or_a_folder_is_let_be() {
    for (what, why) in [
        ("pipe", "it is a device or a pipe, not a file"),
        ("device", "it is a device or a pipe, not a file"),
        ("folder", "it is a folder"),
    ] {
        for place in ["tokens", "tokens.lock", "tokens.key"] {
            let setting = setting();
            let path = setting.path().with_file_name(place);
            fs::create_dir(path.parent().unwrap()).unwrap();
            match what {
                "pipe" => {
                    let made = std::process::Command::new("mkfifo").arg(&path).status();
                    assert!(made.unwrap().success());
                }
                "device" => std::os::unix::fs::symlink("/dev/zero", &path).unwrap(),
                _ => fs::create_dir(&path).unwrap(),
            }
            let (store, owner) = (setting.store(), owner("ana"));
            let kept =
                tokio::time::timeout(Duration::from_mins(1), store.keep(&owner, tokens("one")));
            let error = kept.await.expect("it is not waited for").unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(cause, why, "{what} at {place}: {error}");
            assert_eq!(setting.warnings().len(), 1, "{what} at {place}");
            let _ = store.kept().await;
            let still = fs::symlink_metadata(&path).unwrap();
            assert!(!still.is_file(), "{what} at {place}");
        }
    }
}
