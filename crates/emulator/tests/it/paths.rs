//! Paths as clients really write them: in any case, with empty parts, with keys and escapes.
//!
//! Sources: <https://learn.microsoft.com/graph/api/security-list-alerts_v2>,
//! <https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list>,
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html>

use serde_json::json;

use crate::client::{
    CLIENT, FORM, GRAPH, JSON, MDE, SECRET, TENANT, XDR, direct, form, start, token,
};

#[tokio::test]
async fn a_query_is_answered_however_its_path_is_spelt() {
    let running = start().await;
    for (scope, paths) in [
        (
            GRAPH,
            &[
                "/v1.0//security/runHuntingQuery",
                "//v1.0/security//runHuntingQuery/",
                "/V1.0/Security/RunHuntingQuery",
                "/v1.0/security/microsoft.graph.security.runHuntingQuery",
                "/beta/security/Microsoft.Graph.Security.runHuntingQuery/",
                "/%76%31%2E0/%73ecurity/runHuntingQuery",
            ][..],
        ),
        (
            MDE,
            &[
                "/API/AdvancedQueries/Run",
                "/api//advancedqueries/run/",
                "/api/v1.0/advancedqueries/run",
                "/api/V1.0//AdvancedQueries/run",
            ],
        ),
        (
            XDR,
            &["/API/advancedHunting/RUN", "/api//advancedhunting//run"],
        ),
    ] {
        let token = token(&running, scope).await;
        let bearer = format!("Bearer {token}");
        for path in paths {
            let body = json!({"Query": "Nothing"}).to_string();
            let headers = [JSON, ("authorization", bearer.as_str())];
            let answer = direct(&running, "POST", path, &headers, body)
                .await
                .unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let context = answer.json()["@odata.context"].clone();
            if let Some(context) = context.as_str() {
                let beta = path.contains("beta");
                assert_eq!(context.contains("/beta/$metadata"), beta, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn an_authority_is_found_in_any_case_and_its_tenants_keep_theirs() {
    let running = start().await;
    for path in [
        format!("//{TENANT}//oauth2/v2.0/token"),
        format!("/{TENANT}/OAuth2/V2.0/Token/"),
        "/DEMO.example/oauth2/v2.0/token".to_owned(),
    ] {
        let body = form(CLIENT, SECRET, GRAPH);
        let answer = direct(&running, "POST", &path, &[FORM], body)
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let answer = direct(
        &running,
        "GET",
        "/Nowhere/v2.0/.well-known/openid-configuration",
        &[],
        "",
    )
    .await
    .unwrap();
    assert!(answer.text().contains("'Nowhere'"), "{}", answer.text());
}

#[tokio::test]
async fn odd_paths_are_answered_and_break_nothing() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let bearer = format!("Bearer {token}");
    let long = "/v1.0/security/incidents('".to_owned() + &"('/".repeat(10_000);
    let odd = [
        "/",
        "//",
        "/%",
        "/%2",
        "/%zz/%00",
        "/v1.0/security/alerts_v2('",
        "/v1.0/security/alerts_v2(')",
        "/v1.0/security/alerts_v2()",
        "/v1.0/security/alerts_v2('a'b')",
        "/v1.0/security/incidents(''''')",
        "/v1.0/security/incidents/%ff%fe",
        "/beta/security/getRunHuntingQuery(query=)",
        "/beta/security/getRunHuntingQuery(query='x)",
        "/beta/security/getRunHuntingQuery(,)",
        "/api/machines/findbyip(",
        "/api/machines/findbyip()",
        "/api/machines/findbyip(ip='1',ip='2')",
        "/api/machines/$count/$count",
        "/api/v1.0",
        "/api/v1.0/v1.0/alerts",
        "/vaults",
        "/vaults/x",
        "/vaults/demo-vault/deleted",
        "/vaults/demo-vault/deletedé",
        "/vaults/demo-vault/secrets/%2f%2f/versions/x",
        long.as_str(),
    ];
    for path in odd {
        let path = path.replace('é', "%C3%A9");
        for method in ["GET", "POST", "DELETE", "PATCH", "OPTIONS"] {
            let headers = [JSON, ("authorization", bearer.as_str())];
            let answer = direct(&running, method, &path, &headers, "{}").await;
            let status = answer.map_or(0, |answer| answer.status);
            assert!((200..500).contains(&status), "{method} {path}: {status}");
        }
    }
    let answer = direct(&running, "GET", "/emulator/requests", &[], "")
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
}
