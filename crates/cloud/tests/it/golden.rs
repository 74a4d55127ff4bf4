//! The documented MSTICPy table, word for word, and what was added to it.

use defender_cloud::{Cloud, table};
use defender_core::{DataEnvironment, ErrorKind};

const COMMERCIAL: &str = "https://login.microsoftonline.com/";
const GOVERNMENT: &str = "https://login.microsoftonline.us/";

fn hosts(environment: DataEnvironment, expected: &[(&str, &str, &str, &str)]) {
    for (name, host, audience, authority) in expected {
        let cloud: Cloud = name.parse().unwrap();
        let endpoint = cloud.endpoint(environment).unwrap();
        assert_eq!(endpoint.host.as_str(), *host, "{environment} in {name}");
        assert_eq!(endpoint.audience, *audience, "{environment} in {name}");
        assert_eq!(
            endpoint.authority.as_str(),
            *authority,
            "{environment} in {name}"
        );
    }
}

#[test]
fn defender_for_endpoint() {
    let audience = "https://api.securitycenter.microsoft.com";
    let gcc = "https://api-gcc.securitycenter.microsoft.us";
    let gov = "https://api-gov.securitycenter.microsoft.us";
    hosts(
        DataEnvironment::Mde,
        &[
            (
                "global",
                "https://api.securitycenter.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "public",
                "https://api.securitycenter.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "us",
                "https://api-us.securitycenter.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "eu",
                "https://api-eu.securitycenter.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "uk",
                "https://api-uk.securitycenter.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "au",
                "https://au.api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "swa",
                "https://swa.api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "ina",
                "https://ina.api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "aea",
                "https://aea.api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "gcc",
                "https://api-gcc.securitycenter.microsoft.us/",
                gcc,
                COMMERCIAL,
            ),
            (
                "gcc-high",
                "https://api-gov.securitycenter.microsoft.us/",
                gov,
                GOVERNMENT,
            ),
            (
                "GCC-High",
                "https://api-gov.securitycenter.microsoft.us/",
                gov,
                GOVERNMENT,
            ),
            (
                "DoD",
                "https://api-gov.securitycenter.microsoft.us/",
                gov,
                GOVERNMENT,
            ),
            (
                "usgov",
                "https://api-gov.securitycenter.microsoft.us/",
                gov,
                GOVERNMENT,
            ),
        ],
    );
}

#[test]
fn microsoft_365_defender() {
    let audience = "https://api.security.microsoft.com";
    let gcc = "https://api-gcc.security.microsoft.us";
    let gov = "https://api-gov.security.microsoft.us";
    hosts(
        DataEnvironment::M365d,
        &[
            (
                "global",
                "https://api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "us",
                "https://api-us.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "eu",
                "https://api-eu.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "uk",
                "https://api-uk.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "au",
                "https://au.api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "swa",
                "https://swa.api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "ina",
                "https://ina.api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "aea",
                "https://aea.api.security.microsoft.com/",
                audience,
                COMMERCIAL,
            ),
            (
                "gcc",
                "https://api-gcc.security.microsoft.us/",
                gcc,
                COMMERCIAL,
            ),
            (
                "gcc-high",
                "https://api-gov.security.microsoft.us/",
                gov,
                GOVERNMENT,
            ),
            (
                "dod",
                "https://api-gov.security.microsoft.us/",
                gov,
                GOVERNMENT,
            ),
        ],
    );
}

#[test]
fn microsoft_graph() {
    let global = "https://graph.microsoft.com";
    for environment in [DataEnvironment::M365dGraph, DataEnvironment::SecurityGraph] {
        for region in ["global", "us", "eu", "uk", "au", "swa", "ina", "aea", "gcc"] {
            hosts(
                environment,
                &[(region, "https://graph.microsoft.com/", global, COMMERCIAL)],
            );
        }
        hosts(
            environment,
            &[
                (
                    "gcc-high",
                    "https://graph.microsoft.us/",
                    "https://graph.microsoft.us",
                    GOVERNMENT,
                ),
                (
                    "usgov",
                    "https://graph.microsoft.us/",
                    "https://graph.microsoft.us",
                    GOVERNMENT,
                ),
                (
                    "gov",
                    "https://graph.microsoft.us/",
                    "https://graph.microsoft.us",
                    GOVERNMENT,
                ),
                (
                    "dod",
                    "https://dod-graph.microsoft.us/",
                    "https://dod-graph.microsoft.us",
                    GOVERNMENT,
                ),
            ],
        );
    }
}

#[test]
fn whole_addresses() {
    let address = |environment| {
        Cloud::Global
            .endpoint(environment)
            .unwrap()
            .url()
            .to_string()
    };
    assert_eq!(
        address(DataEnvironment::Mde),
        "https://api.securitycenter.microsoft.com/api/advancedqueries/run"
    );
    assert_eq!(
        address(DataEnvironment::M365d),
        "https://api.security.microsoft.com/api/advancedhunting/run"
    );
    assert_eq!(
        address(DataEnvironment::M365dGraph),
        "https://graph.microsoft.com/v1.0/security/runHuntingQuery"
    );
    assert_eq!(
        address(DataEnvironment::SecurityGraph),
        "https://graph.microsoft.com/v1.0/"
    );
}

#[test]
fn china_has_sign_in_and_vaults_but_no_defender() {
    for name in ["cn", "china"] {
        let cloud: Cloud = name.parse().unwrap();
        for environment in [
            DataEnvironment::M365dGraph,
            DataEnvironment::Mde,
            DataEnvironment::M365d,
            DataEnvironment::SecurityGraph,
        ] {
            let error = cloud.endpoint(environment).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert_eq!(
                error.to_string(),
                format!("{environment} does not exist in the cloud cn")
            );
            let hint = error.hint().unwrap();
            assert!(hint.contains("login.partner.microsoftonline.cn"), "{hint}");
            assert!(hint.contains("vault.azure.cn"), "{hint}");
        }
        assert_eq!(
            cloud.authority().as_str(),
            "https://login.partner.microsoftonline.cn/"
        );
    }
}

#[test]
fn the_table_has_a_row_for_each_pair_and_only_china_has_gaps() {
    let rows: Vec<_> = table().collect();
    assert_eq!(rows.len(), Cloud::ALL.len() * 4);
    for row in rows {
        assert_eq!(
            row.endpoint.is_none(),
            row.cloud == Cloud::China,
            "{} in {}",
            row.environment,
            row.cloud
        );
        if let Some(endpoint) = row.endpoint {
            assert_eq!(endpoint.host.scheme(), "https");
            defender_cloud::check_api_root(row.environment, &endpoint.host).unwrap();
            defender_cloud::check_root("authority", &endpoint.authority).unwrap();
            let root = endpoint.host.clone();
            endpoint
                .with_api_root(root)
                .expect("a host of the table belongs to its own cloud");
        }
    }
}
