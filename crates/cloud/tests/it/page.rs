//! The page of the clouds is what the tables say.

use std::path::Path;

#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/clouds.md");
    let expected = defender_cloud::markdown();
    if option_is_set("UPDATE_DOCS") {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference/clouds.md differs from the tables of crates/cloud; \
         UPDATE_DOCS=1 cargo test -p defender-cloud writes it anew"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person at the keyboard asks for the file to be written"
)]
fn option_is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}
