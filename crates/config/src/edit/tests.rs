//! What is changed, and what stays.

use super::*;

const FILE: &str = "\
# Contoso's settings
DataProviders:   # all of them
  MicrosoftDefender:
    Args: # the first
      TenantId: \"t # not a comment\"   # the tenant

      ClientId: 'c'
      ClientSecret: old-secret # to be moved
      # what follows is Fabrikam's
  MicrosoftDefender-Fabrikam:
    Args: {TenantId: f, ClientId: g} # short
  Empty:

KeyVault:
  VaultName: contoso
";

fn text(value: &str) -> NewValue {
    NewValue::Text(value.to_owned().into())
}

fn set(path: &str, value: &NewValue) -> String {
    with_value("file.yaml", FILE, path, value).unwrap_or_else(|error| panic!("{path}: {error:?}"))
}

/// The lines that differ, as `-` and `+`.
fn difference(after: &str) -> String {
    let (before, after): (Vec<_>, Vec<_>) = (FILE.lines().collect(), after.lines().collect());
    let same = before
        .iter()
        .zip(&after)
        .take_while(|(a, b)| a == b)
        .count();
    let rest = before.len().min(after.len()) - same;
    let tail = before.iter().rev().zip(after.iter().rev()).take(rest);
    let tail = tail.take_while(|(a, b)| a == b).count();
    let gone = before[same..before.len() - tail]
        .iter()
        .map(|line| format!("-{line}"));
    let new = after[same..after.len() - tail]
        .iter()
        .map(|line| format!("+{line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_value_changes_and_its_comment_stays() {
    let args = "DataProviders.MicrosoftDefender.Args";
    let vault = NewValue::KeyVault("contoso/hunting".to_owned());
    for (path, value, expected) in [
        (
            format!("{args}.ClientSecret"),
            vault,
            "-      ClientSecret: old-secret # to be moved\n\
             +      ClientSecret: {KeyVault: contoso/hunting} # to be moved",
        ),
        (
            format!("{args}.tenant_id"),
            text("contoso.com"),
            "-      TenantId: \"t # not a comment\"   # the tenant\n\
             +      TenantId: contoso.com   # the tenant",
        ),
        (
            format!("{args}.Cloud"),
            text("gcc-high"),
            "+      Cloud: gcc-high",
        ),
        (
            "DataProviders.MicrosoftDefender-Fabrikam.Args.ClientSecret".to_owned(),
            NewValue::EnvironmentVar("SECRET".to_owned()),
            "-    Args: {TenantId: f, ClientId: g} # short\n\
             +    Args: {TenantId: f, ClientId: g, ClientSecret: {EnvironmentVar: SECRET}} # short",
        ),
        (
            "DataProviders.Empty.Args.TenantId".to_owned(),
            text("0042"),
            "+    Args:\n+      TenantId: '0042'",
        ),
        (
            "KeyVault.TenantId".to_owned(),
            text("it's: \"x\" # y"),
            "+  TenantId: 'it''s: \"x\" # y'",
        ),
        (
            "Azure.auth.deep".to_owned(),
            text("a\nb"),
            "+Azure:\n+  auth:\n+    deep: \"a\\nb\"",
        ),
        (
            "DataProviders.MicrosoftDefender-New.Args.TenantId".to_owned(),
            text("n"),
            "+  MicrosoftDefender-New:\n+    Args:\n+      TenantId: 'n'",
        ),
    ] {
        assert_eq!(difference(&set(&path, &value)), expected, "{path}");
    }
}

#[test]
fn a_section_or_a_list_is_never_replaced_by_a_value() {
    let file = "DataProviders:\n  M:\n    Args: {TenantId: t}\n  E: {}\nQueries:\n  - a\n  - b\n";
    for (path, message, hint) in [
        (
            "dataproviders",
            "DataProviders, line 1 of f.yaml, is a section with M, E, and no single value",
            "name a setting below it, such as DataProviders.M",
        ),
        (
            "DataProviders.M.args",
            "DataProviders.M.Args, line 3 of f.yaml, is a section with TenantId, and no single value",
            "name a setting below it, such as DataProviders.M.Args.TenantId",
        ),
        (
            "DataProviders.E",
            "DataProviders.E, line 4 of f.yaml, is a section, and no single value",
            "name a setting below it",
        ),
        (
            "Queries",
            "Queries, line 5 of f.yaml, is a list of 2 entries, and no single value",
            "change it with an editor: defender config edit",
        ),
    ] {
        for value in [text("x"), NewValue::KeyVault("v/n".to_owned())] {
            let error = with_value("f.yaml", file, path, &value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{path}");
            assert_eq!(error.to_string(), message);
            assert_eq!(error.hint(), Some(hint));
        }
    }
}

#[test]
fn what_spans_lines_is_replaced_whole() {
    for old in [
        "{KeyVault: a}",
        "\n    KeyVault: a # there\n    # and more",
        "|\n    one\n    two: three",
        ">-\n    one\n\n    two",
        "\"one\n    two\"",
        "one\n    two",
    ] {
        let file = format!("A:\n  B: {old}\n  C: stays # here\n\nD: e\n");
        let changed = with_value("f", &file, "A.B", &text("new"))
            .unwrap_or_else(|error| panic!("{old}: {error}"));
        assert_eq!(
            changed, "A:\n  B: new\n  C: stays # here\n\nD: e\n",
            "{old}"
        );
    }
}

#[test]
fn the_files_line_breaks_and_its_last_line_stay() {
    let value = text("new");
    for (file, expected) in [
        ("A:\r\n  B: old\r\nC: d\r\n", "A:\r\n  B: new\r\nC: d\r\n"),
        ("\u{feff}A:\n  B: old", "\u{feff}A:\n  B: new"),
        ("---\nA:\n    B: old\n...\n", "---\nA:\n    B: new\n...\n"),
        ("", "A:\n  B: new\n"),
        ("# only a remark\n", "# only a remark\nA:\n  B: new\n"),
        ("A:\n", "A:\n  B: new\n"),
        ("C: d", "C: d\nA:\n  B: new\n"),
    ] {
        let changed = with_value("f", file, "A.B", &value);
        let changed = changed.unwrap_or_else(|error| panic!("{file:?}: {error}"));
        assert_eq!(changed, expected);
    }
}

#[test]
fn what_only_a_person_can_change_is_left_alone() {
    for (file, path) in [
        ("{A: {B: c}}", "A.B"),
        ("A: &a\n  B: c\nD: *a\n", "A.B"),
        ("A: &a\n  B: c\nD: *a\n", "D.B"),
        ("A: [1, 2]\n", "A.B"),
        ("A:\n  - B: c\n", "A.B"),
        ("A: text\n", "A.B"),
        ("A: {B: {C: d}}\n", "A.B.C"),
        ("A: {B: c}\n", "A.B"),
        ("A:\n  B: c\n B: d\n", "A.B"),
        ("A: canary\nA: canary\n", "A.B"),
        ("A:\n  B: &b canary\nC: *b\n", "A.B"),
    ] {
        let error = with_value("f", file, path, &text("new")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{file}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    assert!(with_value("f", FILE, "A..B", &text("x")).is_err());
}

#[test]
fn a_merged_section_gets_a_value_of_its_own() {
    let file = "A: &a\n  B: c\nD:\n  <<: *a\n  E: f\n";
    let changed = with_value("f", file, "D.B", &text("new")).unwrap();
    assert_eq!(changed, "A: &a\n  B: c\nD:\n  <<: *a\n  E: f\n  B: new\n");
}

#[test]
fn every_text_is_read_back_as_it_was_given() {
    for value in [
        "",
        "~",
        "null",
        "yes",
        "0x1f",
        "1e3",
        "2026-11-20",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "{a}",
        "[a]",
        "*a",
        "&a",
        "!a",
        "|",
        "%a",
        "@a",
        "`a",
        " a ",
        "a\tb",
        "a\\b",
        "\"a\"",
        "'a'",
        "\u{feff}a",
        "\u{7f}",
        "\u{fc}",
        "C:\\x",
        "https://a/b?c=d&e",
        "1_000",
        "=",
        "?",
    ] {
        let changed = with_value("f", FILE, "KeyVault.VaultName", &text(value));
        if value.is_empty() {
            // Nothing is no value.
            let changed = changed.unwrap();
            assert!(changed.ends_with("VaultName: ''\n"), "{changed}");
            continue;
        }
        changed.unwrap_or_else(|error| panic!("{value:?}: {error}"));
    }
}
