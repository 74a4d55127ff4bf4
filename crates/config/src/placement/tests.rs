//! Where each misplaced setting is told to belong.

use super::*;
use crate::Settings;

fn errors(text: &str) -> Vec<String> {
    let settings = Settings::parse(text).unwrap();
    let warnings = settings.warnings().iter();
    warnings
        .filter(|finding| finding.severity == crate::Severity::Error)
        .map(ToString::to_string)
        .collect()
}

#[test]
fn what_stands_elsewhere_is_told_where_it_belongs() {
    for (text, expected) in [
        (
            "MicrosoftDefender:\n  Args:\n    TenantId: contoso.com\n",
            "MicrosoftDefender (line 1): is not read here: it belongs at DataProviders.MicrosoftDefender",
        ),
        (
            "Azure: {cloud: global}\nMicrosoftDefender-Contoso:\n  Args: {}\n",
            "MicrosoftDefender-Contoso (line 2): is not read here: it belongs at DataProviders.MicrosoftDefender-Contoso",
        ),
        (
            "Args:\n  TenantId: contoso.com\n",
            "Args (line 1): is not read here: it belongs at DataProviders.MicrosoftDefender.Args",
        ),
        (
            "{\"tenant_id\": \"contoso.com\"}",
            "tenant_id (line 1): is not read here: it belongs at DataProviders.MicrosoftDefender.Args.TenantId",
        ),
        (
            "DataProviders:\n  Args:\n    TenantId: contoso.com\n",
            "DataProviders.Args (line 2): is not read here: it belongs at DataProviders.MicrosoftDefender.Args",
        ),
        (
            "DataProviders:\n  ClientId: x\n",
            "DataProviders.ClientId (line 2): is not read here: it belongs at DataProviders.MicrosoftDefender.Args.ClientId",
        ),
        (
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientId: x\n    TenantId: contoso.com\n",
            "DataProviders.MicrosoftDefender.TenantId (line 5): is not read here: it belongs at DataProviders.MicrosoftDefender.Args.TenantId",
        ),
        (
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      Args:\n        TenantId: contoso.com\n",
            "DataProviders.MicrosoftDefender.Args.Args.TenantId (line 5): is not read here: it belongs at DataProviders.MicrosoftDefender.Args.TenantId",
        ),
        (
            "DataProviders:\n  MicrosoftDefender:\n    Args:\n      TenantId: a.com\n      MicrosoftDefender-Two:\n        Args: {}\n",
            "DataProviders.MicrosoftDefender.Args.MicrosoftDefender-Two (line 5): is not read here: it belongs at DataProviders.MicrosoftDefender-Two",
        ),
        (
            "msticpy:\n  DataProviders:\n    MicrosoftDefender: {}\n",
            "msticpy.DataProviders (line 2): is not read here: it belongs at DataProviders",
        ),
        (
            "DataProviders:\n  DataProviders:\n    MicrosoftDefender: {}\n",
            "DataProviders.DataProviders (line 2): is not read here: it belongs at DataProviders",
        ),
        (
            "DataProviders:\n  MicrosoftSentinel:\n    MicrosoftDefender:\n      Args: {}\n",
            "DataProviders.MicrosoftSentinel.MicrosoftDefender (line 3): is not read here: it belongs at DataProviders.MicrosoftDefender",
        ),
    ] {
        assert_eq!(errors(text), [expected], "{text}");
    }
}

#[test]
fn a_misspelt_name_is_told_what_was_meant() {
    let section = |lines: &str| format!("DataProviders:\n  MicrosoftDefender:\n{lines}");
    for (text, place, hint) in [
        (
            section("    Arg:\n      TenantId: contoso.com\n"),
            "DataProviders.MicrosoftDefender.Arg",
            "did you mean Args?",
        ),
        (
            section("    Arguments:\n      TenantId: contoso.com\n"),
            "DataProviders.MicrosoftDefender.Arguments",
            "did you mean Args?",
        ),
        (
            section("    Other:\n      TenantId: contoso.com\n"),
            "DataProviders.MicrosoftDefender.Other.TenantId",
            "write a line Args: above the keys of the connection, and indent them",
        ),
        (
            "DataProviders:\n  MicrosoftDefender_Fabrikam:\n    Args: {}\n".to_owned(),
            "DataProviders.MicrosoftDefender_Fabrikam",
            "did you mean MicrosoftDefender-Fabrikam?",
        ),
        (
            "DataProviders:\n  Defender-Fabrikam:\n    Args: {}\n".to_owned(),
            "DataProviders.Defender-Fabrikam",
            "did you mean MicrosoftDefender-Fabrikam?",
        ),
    ] {
        let findings = Settings::parse(&text).unwrap().validate();
        let found: Vec<_> = findings.iter().filter(|one| one.path == place).collect();
        let hints: Vec<_> = found.iter().map(|one| one.hint.as_deref()).collect();
        assert_eq!(hints, [Some(hint)], "{text}: {findings:?}");
    }
}

#[test]
fn what_is_read_and_what_is_msticpys_own_stays() {
    for text in [
        "",
        "DataProviders:\n  MicrosoftDefender:\n    TenantId: contoso.com\n",
        "DataProviders:\n  MicrosoftDefender:\n    Args:\n      ClientSecret: {KeyVault: x}\n",
        "DataProviders:\n  MicrosoftDefender:\n    Args: {Timeout: {connect: 5}}\n",
        "MDATPApp:\n  Args:\n    TenantId: contoso.com\n",
        "AzureSentinel:\n  Workspaces:\n    Default: {TenantId: x, WorkspaceId: y}\n",
        "DataProviders:\n  AzureCLI:\n    Args: {clientId: x, tenantId: y, clientSecret: z}\n",
        "TIProviders:\n  OTX:\n    Args: {AuthKey: x}\n    Primary: true\n",
        "msticpy:\n  QueryDefinitions: {Custom: [x]}\n",
    ] {
        assert_eq!(errors(text), [""; 0], "{text}");
    }
}

#[test]
fn a_short_path_is_completed_or_told_whole() {
    for (path, whole) in [
        (
            "MicrosoftDefender.Args.TenantId",
            "DataProviders.MicrosoftDefender.Args.TenantId",
        ),
        (
            "microsoftgraph-x.Args.Cloud",
            "DataProviders.microsoftgraph-x.Args.Cloud",
        ),
        (
            "DataProviders.MicrosoftDefender.Args.TenantId",
            "DataProviders.MicrosoftDefender.Args.TenantId",
        ),
        ("KeyVault.TenantId", "KeyVault.TenantId"),
        ("http_timeout", "http_timeout"),
    ] {
        assert_eq!(setting_path(path).unwrap(), whole);
    }
    for (path, hint) in [
        (
            "TenantId",
            "the path is DataProviders.MicrosoftDefender.Args.TenantId",
        ),
        (
            "client_secret",
            "the path is DataProviders.MicrosoftDefender.Args.ClientSecret",
        ),
        (
            "Args.TenantId",
            "the path is DataProviders.MicrosoftDefender.Args.TenantId",
        ),
        (
            "MicrosoftDefender.TenantId",
            "the path is DataProviders.MicrosoftDefender.Args.TenantId",
        ),
        (
            "DataProviders.MicrosoftDefender-A.cloud",
            "the path is DataProviders.MicrosoftDefender-A.Args.Cloud",
        ),
    ] {
        let error = setting_path(path).unwrap_err();
        assert_eq!(error.hint(), Some(hint), "{path}");
    }
}
