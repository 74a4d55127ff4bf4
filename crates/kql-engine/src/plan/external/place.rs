//! Where the local copy of a document is.

use std::path::{Component, Path, PathBuf};

/// The address of a document without what may be a secret: a name and a password before the host,
/// a key after a semicolon, a signature after a question mark.
pub(super) fn shown(address: &str) -> String {
    let end = address.find([';', '?', '#']).unwrap_or(address.len());
    let address = address[..end].trim();
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// The place of a document below the folder; `None` where the address leaves it.
pub(super) fn place(address: &str) -> Option<PathBuf> {
    let address = shown(address);
    let relative = match address.split_once("://") {
        Some((scheme, rest)) => {
            let known = ["https", "http", "abfss"];
            if !known.iter().any(|one| scheme.eq_ignore_ascii_case(one)) {
                return None;
            }
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            format!("{}/{path}", host.to_ascii_lowercase())
        }
        None => address,
    };
    // An address may end as a folder does and be a document all the same.
    let path = PathBuf::from(relative.trim_end_matches('/'));
    let inside = !relative.starts_with('/')
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    (inside && path.components().next().is_some()).then_some(path)
}

/// The document of a place that is a folder, as tools that copy a site make one: the only file in it.
pub(super) fn document(folder: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    match files.as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(format!(
            "it is a folder with {} files, and a document is one",
            files.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::place;

    #[test]
    fn an_address_is_a_place_below_the_folder() {
        let cases = [
            ("https://Host/a/b.csv?sig=secret", Some("host/a/b.csv")),
            ("https://host/a.csv;secret", Some("host/a.csv")),
            (
                "https://host/downloads/recent/",
                Some("host/downloads/recent"),
            ),
            ("https://host/", Some("host")),
            ("https://host", Some("host")),
            ("b.csv", Some("b.csv")),
            ("b/", Some("b")),
            ("https://host/../../etc/passwd", None),
            ("../b.csv", None),
            ("/etc/passwd", None),
            ("/", None),
            ("https://../b.csv", None),
            ("file:///etc/passwd", None),
            ("", None),
        ];
        for (address, expected) in cases {
            assert_eq!(
                place(address).as_deref(),
                expected.map(Path::new),
                "{address}"
            );
        }
    }
}
