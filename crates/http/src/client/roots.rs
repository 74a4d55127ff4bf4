//! Root certificates trusted besides the system's.

use std::path::Path;

use defender_core::{Error, ErrorKind, Result, read_bounded};

use super::options::HttpOptions;
use super::proxy::variable;

/// The most bytes of a file of authorities.
const LONGEST: u64 = 16 << 20;

/// The certificates of the options' file, or else of `SSL_CERT_FILE`.
pub(super) fn of(options: &HttpOptions) -> Result<Vec<reqwest::Certificate>> {
    if let Some(path) = &options.ca_file {
        return read(path, "the CA file");
    }
    match variable(&options.environment, &["SSL_CERT_FILE"]) {
        Some((name, path)) => read(Path::new(path), name),
        None => Ok(Vec::new()),
    }
}

fn read(path: &Path, origin: &str) -> Result<Vec<reqwest::Certificate>> {
    let place = path.display();
    let failed = |kind, what: &str| {
        Error::new(kind, format!("{origin} '{place}' {what}"))
            .with_hint("it holds one or more certificates in PEM form")
    };
    let wrong = |what: &str| failed(ErrorKind::Config, what);
    let text = read_bounded(path, LONGEST)
        .map_err(|error| failed(ErrorKind::Io, "cannot be read").with_source(error))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&text)
        .map_err(|error| wrong("is not a PEM file of certificates").with_source(error))?;
    if certificates.is_empty() {
        return Err(wrong("holds no certificate"));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(name: &str, text: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let options = HttpOptions {
            ca_file: Some(path.clone()),
            ..HttpOptions::default()
        };
        let error = of(&options).err().unwrap();
        let kind = match text {
            None => ErrorKind::Io,
            Some(_) => ErrorKind::Config,
        };
        assert_eq!(error.kind(), kind);
        error.to_string().replace(&path.display().to_string(), name)
    }

    #[test]
    fn a_file_without_certificates_is_an_error() {
        assert_eq!(
            error_of("a.pem", None),
            "the CA file 'a.pem' cannot be read"
        );
        assert_eq!(
            error_of("b.pem", Some("hello")),
            "the CA file 'b.pem' holds no certificate"
        );
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(
            error_of("c.pem", Some(broken)),
            "the CA file 'c.pem' is not a PEM file of certificates"
        );
    }

    #[test]
    fn the_variable_is_named_when_its_file_is_missing() {
        let options = HttpOptions {
            environment: [("SSL_CERT_FILE".to_owned(), "/nowhere/ca.pem".to_owned())].into(),
            ..HttpOptions::default()
        };
        let error = of(&options).err().unwrap();
        assert_eq!(
            error.to_string(),
            "SSL_CERT_FILE '/nowhere/ca.pem' cannot be read"
        );
    }
}
