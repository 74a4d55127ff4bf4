//! The proof that Azure Arc asks for: what is in a file that only some users can read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use defender_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use defender_http::aside;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};

/// The agent's files are 2 KiB; Microsoft's clients refuse more than this.
const LARGEST: u64 = 4096;

/// Where the agent puts its files.
pub(super) fn folder(variable: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if cfg!(windows) {
        let data = variable("ProgramData").filter(|path| !path.is_empty())?;
        return Some(
            Path::new(&data)
                .join("AzureConnectedMachineAgent")
                .join("Tokens"),
        );
    }
    Some(PathBuf::from("/var/opt/azcmagent/tokens"))
}

/// The `Authorization` that the challenge in `headers` asks for.
///
/// Whoever answers at the endpoint chooses the file: only one that the agent can have put there
/// is read, or the answerer would be sent any file of this machine that it likes.
pub(super) async fn proof(headers: &HeaderMap, folder: &Path) -> Result<HeaderValue> {
    let challenge = headers
        .get(WWW_AUTHENTICATE)
        .and_then(|value| value.to_str().ok());
    let realm = challenge
        .and_then(|value| value.strip_prefix("Basic realm="))
        .map(|realm| realm.trim().trim_matches('"'));
    let Some(path) = realm.map(Path::new) else {
        return Err(refused(
            "Azure Arc does not say which file proves who asks".to_owned(),
        ));
    };
    let shown = path.display();
    if path.parent() != Some(folder) || path.extension().is_none_or(|end| end != "key") {
        return Err(refused(format!(
            "Azure Arc asks for '{shown}', which is not a key in '{}'",
            folder.display()
        )));
    }
    let path = path.to_owned();
    aside(move || key(&path)).await
}

fn refused(what: String) -> Error {
    Error::new(ErrorKind::Credential, what)
        .with_hint("check that the Azure Connected Machine agent runs on this machine")
}

/// The `Authorization` of the key in the file at `path`.
fn key(path: &Path) -> Result<HeaderValue> {
    let shown = path.display();
    let key = read(path).map_err(|error| {
        let error = error.map_or_else(
            || refused(format!("'{shown}' of Azure Arc is not a small file")),
            |cause| refused(format!("'{shown}' of Azure Arc cannot be read")).with_source(cause),
        );
        error.with_hint("run as a user of the group himds, or as an administrator")
    })?;
    let value = SecretString::from(format!("Basic {}", key.expose_secret().trim()));
    let mut value = HeaderValue::from_str(value.expose_secret())
        .map_err(|_| refused(format!("'{shown}' of Azure Arc does not hold a key")))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The content of the file at `path`; `None` as error when it is a link, too large, or no file.
fn read(path: &Path) -> Result<SecretString, Option<std::io::Error>> {
    let metadata = std::fs::symlink_metadata(path).map_err(Some)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(None);
    }
    let mut text = String::new();
    File::open(path)
        .map_err(Some)?
        .take(LARGEST)
        .read_to_string(&mut text)
        .map_err(Some)?;
    Ok(text.into())
}
