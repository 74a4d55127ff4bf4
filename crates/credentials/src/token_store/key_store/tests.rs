//! The key in a store that is open, locked or missing, and in the keyring of GNOME where that is installed.

use std::collections::HashMap;
use std::fs;
use std::sync::Mutex;

use keyring_core::mock;

use super::keyring::Keyring;
use super::*;

/// A store that keeps what it is given, unless it is locked.
#[derive(Debug, Default)]
struct Safe {
    kept: Mutex<HashMap<String, Vec<u8>>>,
    locked: Mutex<bool>,
}

impl Safe {
    fn locked(&self) -> Result<(), Unavailable> {
        if *self.locked.lock().unwrap() {
            return Err(Unavailable("it is locked".into()));
        }
        Ok(())
    }
}

impl Secrets for Safe {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.locked()?;
        Ok(self.kept.lock().unwrap().get(name).cloned())
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), Unavailable> {
        self.locked()?;
        let mut kept = self.kept.lock().unwrap();
        kept.insert(name.to_owned(), secret.to_vec());
        Ok(())
    }
}

struct Setting {
    folder: tempfile::TempDir,
    secrets: Arc<Safe>,
}

fn setting() -> Setting {
    Setting {
        folder: tempfile::tempdir().unwrap(),
        secrets: Arc::default(),
    }
}

impl Setting {
    fn cache(&self) -> PathBuf {
        self.folder.path().join("tokens")
    }

    fn source(&self) -> KeyStore {
        KeyStore::with(self.cache(), self.secrets.clone())
    }

    fn lock(&self, locked: bool) {
        *self.secrets.locked.lock().unwrap() = locked;
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }
}

#[test]
fn the_key_is_in_the_store_and_in_no_file() {
    let setting = setting();
    let key = setting.source().key().unwrap();
    assert_eq!(setting.source().key().unwrap().bytes(), key.bytes());
    assert_eq!(setting.files(), 0);
    let kept = setting.secrets.kept.lock().unwrap();
    assert_eq!(kept[&setting.cache().display().to_string()], key.bytes());
}

#[test]
fn two_caches_have_two_keys() {
    let setting = setting();
    let other = KeyStore::with(setting.folder.path().join("b"), setting.secrets.clone());
    let key = setting.source().key().unwrap();
    assert_ne!(other.key().unwrap().bytes(), key.bytes());
}

#[test]
fn a_store_that_is_locked_at_the_beginning_leaves_the_key_to_a_file_for_good() {
    let setting = setting();
    setting.lock(true);
    let key = setting.source().key().unwrap();
    assert_eq!(setting.files(), 1);
    setting.lock(false);
    assert_eq!(setting.source().key().unwrap().bytes(), key.bytes());
    assert!(setting.secrets.kept.lock().unwrap().is_empty());
}

#[test]
fn a_cache_whose_store_is_locked_later_keeps_its_key() {
    let setting = setting();
    let key = setting.source().key().unwrap();
    fs::write(setting.cache(), "encrypted").unwrap();
    setting.lock(true);
    let error = setting.source().key().unwrap_err();
    let cache = setting.cache().display().to_string();
    assert_eq!(
        error.to_string().replace(&cache, "[cache]"),
        "the key of the token cache [cache] is in the system's key store, which gives nothing: \
         it is locked"
    );
    assert!(error.hint().unwrap().starts_with("unlock the key store"));
    assert_eq!(setting.files(), 1);
    setting.lock(false);
    assert_eq!(setting.source().key().unwrap().bytes(), key.bytes());
}

#[test]
fn what_is_no_key_is_replaced() {
    let setting = setting();
    let name = setting.cache().display().to_string();
    setting.secrets.set(&name, b"short").unwrap();
    let key = setting.source().key().unwrap();
    assert_eq!(setting.secrets.get(&name).unwrap().unwrap(), key.bytes());
}

#[test]
fn a_keyring_keeps_what_it_is_given() {
    let keyring = Keyring::of(mock::Store::new().unwrap());
    assert_eq!(keyring.get("a").unwrap(), None);
    keyring.set("a", &[0, 255]).unwrap();
    assert_eq!(keyring.get("a").unwrap().unwrap(), [0, 255]);
    assert_eq!(keyring.get("b").unwrap(), None);
    assert!(format!("{keyring:?}").starts_with("Keyring("));
}

#[test]
fn it_can_be_switched_off() {
    let bus = |name: &str| match name {
        "DBUS_SESSION_BUS_ADDRESS" => Some("unix:path=/nowhere".into()),
        _ => None,
    };
    assert!(KeyStore::new("tokens", bus).is_some());
    let off = |name: &str| match name {
        "DEFENDER_KEY_STORE" => Some("OFF".into()),
        other => bus(other),
    };
    assert!(KeyStore::new("tokens", off).is_none());
}

#[cfg(not(any(windows, target_os = "macos")))]
mod linux {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, Command, Stdio};

    use super::super::secret_service::SecretService;
    use super::*;

    #[test]
    fn a_session_without_a_bus_has_no_store() {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            |name: &str| (name == "XDG_RUNTIME_DIR").then(|| folder.path().as_os_str().to_owned());
        assert!(SecretService::new(|_| None).is_none());
        assert!(SecretService::new(runtime).is_none());
        fs::write(folder.path().join("bus"), "").unwrap();
        assert!(SecretService::new(runtime).is_some());
    }

    #[test]
    fn a_session_without_a_store_leaves_a_cache_of_another_session_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("tokens");
        let source = KeyStore::new(&cache, |_| None).unwrap();
        fs::write(&cache, "encrypted").unwrap();
        let error = source.key().unwrap_err().to_string();
        assert!(
            error.ends_with("gives nothing: this session has none"),
            "{error}"
        );
        assert!(!folder.path().join("tokens.key").exists());
        fs::remove_file(&cache).unwrap();
        let key = source.key().unwrap();
        fs::write(&cache, "encrypted").unwrap();
        assert_eq!(source.key().unwrap().bytes(), key.bytes());
    }

    #[test]
    fn a_bus_that_nobody_serves_leaves_the_key_to_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("tokens");
        let bus = |name: &str| {
            let socket = folder.path().join("bus");
            (name == "DBUS_SESSION_BUS_ADDRESS")
                .then(|| format!("unix:path={}", socket.display()).into())
        };
        let source = KeyStore::new(&cache, bus).unwrap();
        let key = source.key().unwrap();
        assert_eq!(
            fs::read(folder.path().join("tokens.key")).unwrap(),
            key.bytes()
        );
    }

    /// A program of the desktop, ended with the test.
    struct Program(Child);

    impl Drop for Program {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    /// Starts a program that prints a line when it is ready.
    fn start(command: &mut Command, stdin: &str) -> Option<(Program, String)> {
        let spawned = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut program = Program(spawned.ok()?);
        program.0.stdin.take()?.write_all(stdin.as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(program.0.stdout.take()?)
            .read_line(&mut line)
            .ok()?;
        Some((program, line.trim().to_owned()))
    }

    /// A message bus, and the keyring of GNOME on it, unlocked.
    fn desktop(home: &Path) -> Option<(Program, Program, String)> {
        let mut bus = Command::new("dbus-daemon");
        bus.args(["--session", "--nofork", "--print-address=1"]);
        let (bus, address) = start(&mut bus, "")?;
        let mut keyring = Command::new("gnome-keyring-daemon");
        keyring
            .args(["--unlock", "--foreground", "--components=secrets"])
            .env_clear()
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("DBUS_SESSION_BUS_ADDRESS", &address);
        let (keyring, _) = start(&mut keyring, "made-up")?;
        Some((bus, keyring, address))
    }

    /// Locks the keyring as the desktop does when its user leaves.
    fn lock(address: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let bus = zbus::connection::Builder::address(address).unwrap();
            let connection = bus.build().await.unwrap();
            let encryption = ::secret_service::EncryptionType::Dh;
            let service =
                ::secret_service::SecretService::connect_with_existing(encryption, connection);
            let service = service.await.unwrap();
            let collection = service.get_default_collection().await.unwrap();
            collection.lock().await.unwrap();
        });
    }

    #[test]
    fn the_keyring_of_gnome_keeps_the_key() {
        let home = tempfile::tempdir().unwrap();
        let Some((_bus, _keyring, address)) = desktop(home.path()) else {
            println!("left out: there is no dbus-daemon, or no gnome-keyring-daemon");
            return;
        };
        let variable =
            |name: &str| (name == "DBUS_SESSION_BUS_ADDRESS").then(|| address.clone().into());
        let secrets = SecretService::new(variable).unwrap();
        assert_eq!(secrets.get("a").unwrap(), None);
        secrets.set("a", &[0, 255]).unwrap();
        secrets.set("a", &[1, 254]).unwrap();
        assert_eq!(secrets.get("a").unwrap().unwrap(), [1, 254]);
        assert_eq!(secrets.get("b").unwrap(), None);
        let cache = home.path().join("tokens");
        let key = KeyStore::new(&cache, variable).unwrap().key().unwrap();
        let again = KeyStore::new(&cache, variable).unwrap().key().unwrap();
        assert_eq!(again.bytes(), key.bytes());
        assert!(!home.path().join("tokens.key").exists());

        lock(&address);
        let why = secrets.get("a").unwrap_err().to_string();
        assert_eq!(why, "it is locked");
        assert_eq!(
            secrets.set("a", &[2]).unwrap_err().to_string(),
            "it is locked"
        );
        let other = KeyStore::new(home.path().join("other"), variable).unwrap();
        let key = other.key().unwrap();
        assert_eq!(
            fs::read(home.path().join("other.key")).unwrap(),
            key.bytes()
        );
    }
}
