//! Packs the relocations of the command where the loader can unpack them: 4 MB less to read, and
//! to hold, at every start.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything in variables"
)]

use std::env;
use std::process::Command;

/// The first C library that unpacks relocations.
const GLIBC: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEFENDER_PORTABLE");
    if is_native_linux() && !is_portable() && glibc().is_some_and(|version| version >= GLIBC) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether the command is for machines with older libraries than this one, too.
fn is_portable() -> bool {
    env::var_os("DEFENDER_PORTABLE").is_some_and(|value| !value.is_empty())
}

fn is_native_linux() -> bool {
    let variable = |name| env::var(name).unwrap_or_default();
    variable("HOST") == variable("TARGET")
        && variable("CARGO_CFG_TARGET_OS") == "linux"
        && variable("CARGO_CFG_TARGET_ENV") == "gnu"
}

/// The version of this machine's C library, as in `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let asked = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let text = String::from_utf8(asked.ok()?.stdout).ok()?;
    let (_, version) = text.trim().split_once(' ')?;
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
