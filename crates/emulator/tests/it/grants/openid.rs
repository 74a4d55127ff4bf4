//! What the discovery document names besides: who the user is, and the end of the session.
//!
//! Sources: <https://learn.microsoft.com/entra/identity-platform/userinfo>,
//! <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>

use serde_json::json;

use super::{ANALYST, WEB, parameter, plain, sent_back};
use crate::client::{TENANT, direct, proxied};

#[tokio::test]
async fn everything_that_discovery_names_is_there() {
    let stage = plain().await;
    for (path, prefix) in [("v2.0/", "v2.0"), ("", "")] {
        let document = format!("/{TENANT}/{path}.well-known/openid-configuration");
        let document = stage.get(&document).await.json();
        for name in ["userinfo_endpoint", "end_session_endpoint", "jwks_uri"] {
            let address = document[name].as_str().unwrap();
            let path = address.strip_prefix(&stage.running.http_url()).unwrap();
            let answer = stage.get(path).await;
            let expected = if name == "userinfo_endpoint" {
                401
            } else {
                200
            };
            assert_eq!(answer.status, expected, "{prefix} {address}");
        }
    }
}

#[tokio::test]
async fn a_user_is_told_who_they_are() {
    let stage = plain().await;
    let user_info = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        direct(&stage.running, "GET", "/oidc/userinfo", &headers, "")
            .await
            .unwrap()
    };
    let scope = "https://graph.microsoft.com/.default openid profile email";
    let tokens = stage.signed_in(&[("scope", scope)]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let told = user_info(token).await.json();
    assert_eq!(
        (&told["name"], &told["email"]),
        (&json!("Analyst"), &json!(ANALYST))
    );
    assert_eq!(told["sub"], super::claims(&tokens["id_token"])["sub"]);
    let headers = [("authorization", &*format!("Bearer {token}"))];
    let host = "graph.microsoft.com";
    let true_name = proxied(&stage.running, host, "POST", "/oidc/userinfo", &headers, "").await;
    assert_eq!(true_name.json(), told);

    let without = stage
        .signed_in(&[("scope", "https://graph.microsoft.com/.default")])
        .await;
    let token = without["access_token"].as_str().unwrap();
    assert_eq!(user_info(token).await.status, 403);
    assert_eq!(user_info("x").await.status, 401);
}

#[tokio::test]
async fn a_session_ends_and_only_registered_addresses_are_gone_back_to() {
    let stage = plain().await;
    let answer = stage.authorize(&[]).await;
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let with_cookie = async |path: &str| {
        let headers = [("cookie", cookie.as_str())];
        direct(&stage.running, "GET", path, &headers, "")
            .await
            .unwrap()
    };
    let logout = format!("/{TENANT}/oauth2/v2.0/logout");
    let foreign = "post_logout_redirect_uri=https%3A%2F%2Fevil.example";
    let page = stage.get(&format!("{logout}?{foreign}")).await;
    assert_eq!((page.status, page.header("location")), (200, None));
    let back = format!(
        "post_logout_redirect_uri={}&state=s",
        WEB.replace("://", "%3A%2F%2F")
    );
    let answer = with_cookie(&format!("{logout}?{back}")).await;
    assert_eq!(answer.status, 302);
    assert!(answer.header("location").unwrap().starts_with(WEB));
    assert_eq!(parameter(&answer, "state").as_deref(), Some("s"));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    // The cookie means nothing any more.
    let silent = stage.authorize(&[("prompt", "none")]).await;
    sent_back(&silent, "login_required", 50058);
}
