//! The authorization page, and the codes that come from it.

use defender_emulator::{Browser, Cloud, SignIn, SignInPolicy, Tenant, User};

use super::{
    ANALYST, OTHER, REDIRECT, VERIFIER, WEB, claims, encoded, on_a_page, parameter, plain, refused,
    sent_back, stage, tenant,
};
use crate::client::{CLIENT, GRAPH, RUN, SECRET, TENANT, direct, hunt, proxied};

#[tokio::test]
async fn a_browser_comes_back_with_a_code_and_the_code_gets_tokens() {
    let stage = plain().await;
    let answer = stage.authorize(&[]).await;
    assert_eq!(answer.status, 302);
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with("http://localhost:49152/?code="),
        "{location}"
    );
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a state"));
    assert!(parameter(&answer, "session_state").is_some());
    assert!(parameter(&answer, "client_info").is_some());

    let tokens = stage.signed_in(&[]).await;
    let mut shown = claims(&tokens["access_token"]);
    shown["uti"] = "[uti]".into();
    insta::assert_json_snapshot!("user_claims", shown);
    let mut shown = claims(&tokens["id_token"]);
    shown["uti"] = "[uti]".into();
    assert!(
        shown["iss"]
            .as_str()
            .unwrap()
            .starts_with(&stage.running.http_url())
    );
    shown["iss"] = "[issuer]".into();
    insta::assert_json_snapshot!("id_claims", shown);
    assert_eq!(
        tokens["scope"],
        "openid profile https://graph.microsoft.com/SecurityAlert.Read.All \
         https://graph.microsoft.com/SecurityIncident.Read.All \
         https://graph.microsoft.com/ThreatHunting.Read.All \
         https://graph.microsoft.com/User.Read https://graph.microsoft.com/.default"
    );
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(
        hunt(&stage.running, RUN[0], token, "Nothing").await.status,
        200
    );
}

#[tokio::test]
async fn what_is_wrong_before_the_way_back_is_known_is_said_on_a_page() {
    let stage = plain().await;
    for (changes, code) in [
        (("client_id", ""), 900_144),
        (("client_id", "unknown"), 700_016),
        (("redirect_uri", ""), 900_971),
        (("redirect_uri", "https://evil.example/"), 50011),
        (("redirect_uri", "http://127.0.0.1:49152"), 50011),
        (("redirect_uri", "http://localhost:49152/other"), 50011),
        (("redirect_uri", "http://localhost.evil.example"), 50011),
        (("redirect_uri", "\"><script>alert(1)</script>"), 50011),
    ] {
        let answer = stage.authorize(&[changes]).await;
        on_a_page(&answer, code);
        assert!(!answer.text().contains("<script>"), "{}", answer.text());
    }
    let answer = stage.authorize_at("nowhere.example", &[]).await;
    on_a_page(&answer, 90002);
}

#[tokio::test]
async fn everything_else_goes_back_with_the_state() {
    let stage = plain().await;
    for (changes, error, code) in [
        (("response_type", ""), "invalid_request", 900_144),
        (
            ("response_type", "token"),
            "unsupported_response_type",
            70005,
        ),
        (
            ("response_type", "code id_token"),
            "unsupported_response_type",
            700_054,
        ),
        (
            ("response_mode", "carrier_pigeon"),
            "invalid_request",
            70007,
        ),
        (("scope", ""), "invalid_request", 900_144),
        (
            ("scope", "https://graph.microsoft.com/"),
            "invalid_scope",
            70011,
        ),
        (
            (
                "scope",
                "https://graph.microsoft.com/.default https://graph.microsoft.com/User.Read",
            ),
            "invalid_scope",
            70011,
        ),
        (
            ("scope", "https://nowhere.example/.default"),
            "invalid_resource",
            500_011,
        ),
        (
            ("scope", "https://graph.microsoft.us/.default"),
            "invalid_resource",
            500_011,
        ),
        (("scope", "Mail.Read"), "access_denied", 90094),
        (("prompt", "please"), "invalid_request", 90100),
        (("prompt", "none"), "login_required", 50058),
        (("code_challenge", "short"), "invalid_request", 50147),
        (("code_challenge", ""), "invalid_request", 50147),
        (
            ("code_challenge_method", "S512"),
            "invalid_request",
            501_491,
        ),
    ] {
        let answer = stage.authorize(&[changes]).await;
        sent_back(&answer, error, code);
    }
}

#[tokio::test]
async fn a_state_comes_back_as_it_went_and_none_comes_of_none() {
    let stage = plain().await;
    let odd = "a=b&c d%20\u{1f41f}";
    let answer = stage.authorize(&[("state", odd)]).await;
    assert_eq!(parameter(&answer, "state").as_deref(), Some(odd));
    let answer = stage.authorize(&[("state", "")]).await;
    assert!(parameter(&answer, "code").is_some());
    assert_eq!(parameter(&answer, "state"), None);
}

#[tokio::test]
async fn the_nonce_is_in_the_identity_token_and_nowhere_without_one() {
    let stage = plain().await;
    let tokens = stage.signed_in(&[("nonce", "n-0S6_WzA2Mj")]).await;
    assert_eq!(claims(&tokens["id_token"])["nonce"], "n-0S6_WzA2Mj");
    let tokens = stage.signed_in(&[("nonce", "")]).await;
    assert!(claims(&tokens["id_token"]).get("nonce").is_none());
}

#[tokio::test]
async fn what_was_not_asked_for_does_not_come() {
    let stage = plain().await;
    let code = stage.code(&[("scope", "User.Read")]).await;
    let tokens = stage.redeem(&code, &[("client_info", "")]).await.json();
    for absent in ["id_token", "refresh_token", "client_info"] {
        assert!(tokens.get(absent).is_none(), "{absent}");
    }
    assert!(tokens["scope"].as_str().unwrap().contains("User.Read"));
    let code = stage.code(&[("scope", "User.Read openid")]).await;
    let tokens = stage.redeem(&code, &[]).await.json();
    let id = claims(&tokens["id_token"]);
    assert!(id.get("preferred_username").is_none() && id.get("oid").is_none());
}

#[tokio::test]
async fn answers_come_in_the_mode_that_was_asked_for() {
    let stage = plain().await;
    let answer = stage.authorize(&[("response_mode", "fragment")]).await;
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with("http://localhost:49152/#code="),
        "{location}"
    );
    let answer = stage
        .authorize(&[("response_mode", "form_post"), ("state", "\"><script>")])
        .await;
    assert_eq!((answer.status, answer.header("location")), (200, None));
    let page = answer.text();
    assert!(page.contains("action=\"http://localhost:49152\""), "{page}");
    assert!(page.contains("name=\"code\""), "{page}");
    assert!(
        page.contains("value=\"&quot;&gt;&lt;script&gt;\""),
        "{page}"
    );
}

#[tokio::test]
async fn a_code_is_good_once() {
    let stage = plain().await;
    let code = stage.code(&[]).await;
    assert_eq!(stage.redeem(&code, &[]).await.status, 200);
    refused(&stage.redeem(&code, &[]).await, "invalid_grant", 54005);
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let stage = plain().await;
    let code = stage.code(&[]).await;
    stage.hand.forward(599);
    let other = stage.code(&[]).await;
    assert_eq!(stage.redeem(&code, &[]).await.status, 200);
    stage.hand.forward(600);
    refused(&stage.redeem(&other, &[]).await, "invalid_grant", 70008);
}

#[tokio::test]
async fn a_code_belongs_to_its_client_its_address_and_its_tenant() {
    let stage = plain().await;
    let code = stage.code(&[]).await;
    let answer = stage.redeem(&code, &[("client_id", OTHER)]).await;
    refused(&answer, "invalid_grant", 70000);
    let answer = stage
        .redeem(&code, &[("redirect_uri", "http://localhost:1")])
        .await;
    refused(&answer, "invalid_grant", 500_112);
    let answer = stage
        .redeem(&code, &[("redirect_uri", "https://evil.example")])
        .await;
    refused(&answer, "invalid_request", 50011);
    let answer = stage.redeem("1.Anothing", &[]).await;
    refused(&answer, "invalid_grant", 9_002_313);
    for missing in ["code", "redirect_uri", "client_id"] {
        let answer = stage.redeem(&code, &[(missing, "")]).await;
        refused(&answer, "invalid_request", 900_144);
    }
    // A shared authority and a tenant's own are two.
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let answer = stage
        .post("/organizations/oauth2/v2.0/token", &fields)
        .await;
    refused(&answer, "invalid_grant", 700_005);
    // None of the attempts used it up, and a tenant has two names.
    let answer = stage.post("/demo.example/oauth2/v2.0/token", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_code_of_one_tenant_is_nothing_in_another() {
    let mut second = Tenant::second();
    second.applications[0].client_id = CLIENT.to_owned();
    let stage = stage(vec![tenant(), second], SignIn::default()).await;
    let code = stage.code(&[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let answer = stage
        .post("/second.example/oauth2/v2.0/token", &fields)
        .await;
    refused(&answer, "invalid_grant", 700_005);
}

#[tokio::test]
async fn a_verifier_fits_its_challenge() {
    let stage = plain().await;
    let code = stage.code(&[]).await;
    let wrong = VERIFIER.replace('a', "b");
    for verifier in ["", "short", wrong.as_str(), &challenge_itself()] {
        let answer = stage.redeem(&code, &[("code_verifier", verifier)]).await;
        refused(&answer, "invalid_grant", 501_481);
    }
    assert_eq!(stage.redeem(&code, &[]).await.status, 200);

    // The plain method, named or not.
    for method in ["plain", ""] {
        let changes = [
            ("code_challenge", VERIFIER),
            ("code_challenge_method", method),
        ];
        let code = stage.code(&changes).await;
        let answer = stage.redeem(&code, &[("code_verifier", &wrong)]).await;
        refused(&answer, "invalid_grant", 501_481);
        assert_eq!(stage.redeem(&code, &[]).await.status, 200);
    }
}

/// What an attacker has seen in the browser.
fn challenge_itself() -> String {
    super::challenge()
}

#[tokio::test]
async fn a_native_address_takes_no_proof_and_a_web_address_wants_one() {
    let stage = plain().await;
    let code = stage.code(&[]).await;
    let answer = stage.redeem(&code, &[("client_secret", SECRET)]).await;
    refused(&answer, "invalid_client", 700_025);
    let answer = stage.redeem(&code, &[("client_assertion", "a.b.c")]).await;
    refused(&answer, "invalid_client", 700_025);

    let web = ("redirect_uri", WEB);
    let code = stage.code(&[web]).await;
    refused(
        &stage.redeem(&code, &[web]).await,
        "invalid_client",
        7_000_218,
    );
    let answer = stage
        .redeem(&code, &[web, ("client_secret", "wrong")])
        .await;
    refused(&answer, "invalid_client", 7_000_215);
    let answer = stage.redeem(&code, &[web, ("client_secret", SECRET)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(claims(&answer.json()["access_token"])["appidacr"], "1");
    // What came with a proof is renewed with one.
    let refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    refused(
        &stage.refresh(&refresh, &[]).await,
        "invalid_client",
        7_000_218,
    );
    let answer = stage.refresh(&refresh, &[("client_secret", SECRET)]).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn the_hinted_user_signs_in_and_a_stranger_does_not() {
    let stage = plain().await;
    let tokens = stage
        .signed_in(&[("login_hint", "Admin@demo.example")])
        .await;
    assert_eq!(
        claims(&tokens["id_token"])["preferred_username"],
        "admin@demo.example"
    );
    let answer = stage
        .authorize(&[("login_hint", "nobody@demo.example")])
        .await;
    on_a_page(&answer, 50034);
    let answer = stage
        .authorize(&[("login_hint", "analyst@second.example")])
        .await;
    on_a_page(&answer, 50020);
}

#[tokio::test]
async fn another_account_may_sign_in_than_was_hinted() {
    let sign_in = SignIn {
        account: Some("admin@demo.example".to_owned()),
        ..SignIn::default()
    };
    let stage = stage(vec![tenant()], sign_in).await;
    let tokens = stage.signed_in(&[("login_hint", ANALYST)]).await;
    assert_eq!(
        claims(&tokens["id_token"])["preferred_username"],
        "admin@demo.example"
    );
}

#[tokio::test]
async fn a_session_signs_in_without_a_page() {
    let stage = plain().await;
    let answer = stage
        .authorize(&[("login_hint", "admin@demo.example")])
        .await;
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let ask = async |changes: &[(&str, &str)], cookie: &str| {
        let usual = [
            ("client_id", CLIENT),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", "openid profile"),
            ("state", "a state"),
        ];
        let query = encoded(&super::with(&usual, changes));
        let path = format!("/{TENANT}/oauth2/v2.0/authorize?{query}");
        direct(&stage.running, "GET", &path, &[("cookie", cookie)], "")
            .await
            .unwrap()
    };
    let silent = ("prompt", "none");
    let answer = ask(&[silent], &cookie).await;
    let code = parameter(&answer, "code").unwrap();
    let tokens = stage.redeem(&code, &[]).await.json();
    assert_eq!(
        claims(&tokens["id_token"])["preferred_username"],
        "admin@demo.example"
    );
    // Without a hint the session's user is taken; with `select_account` it is not.
    let answer = ask(&[("prompt", "select_account")], &cookie).await;
    let code = parameter(&answer, "code").unwrap();
    let tokens = stage.redeem(&code, &[]).await.json();
    assert_eq!(claims(&tokens["id_token"])["preferred_username"], ANALYST);

    sent_back(
        &ask(&[silent], "ESTSAUTHPERSISTENT=forged").await,
        "login_required",
        50058,
    );
    let answer = ask(&[silent, ("login_hint", ANALYST)], &cookie).await;
    sent_back(&answer, "login_required", 50058);
    let answer = ask(&[silent, ("scope", "Mail.Read")], &cookie).await;
    sent_back(&answer, "interaction_required", 65001);
    assert!(stage.running.revoke("admin@demo.example"));
    sent_back(&ask(&[silent], &cookie).await, "login_required", 50058);
}

#[tokio::test]
async fn a_user_who_does_not_agree_is_an_error_for_the_application() {
    let sign_in = SignIn {
        browser: Browser::Deny,
        ..SignIn::default()
    };
    let stage = stage(vec![tenant()], sign_in).await;
    let answer = stage.authorize(&[]).await;
    sent_back(&answer, "access_denied", 65004);
    assert_eq!(
        parameter(&answer, "error_subcode").as_deref(),
        Some("cancel")
    );
}

#[tokio::test]
async fn a_page_asks_who_it_is_and_is_answered_once() {
    let sign_in = SignIn {
        browser: Browser::Page,
        ..SignIn::default()
    };
    let stage = stage(vec![tenant()], sign_in).await;
    let context = async || {
        let page = stage
            .authorize(&[("login_hint", "admin@demo.example")])
            .await;
        assert_eq!(page.status, 200);
        let page = page.text();
        assert!(
            page.contains("value=\"admin@demo.example\" checked"),
            "{page}"
        );
        assert!(page.contains("value=\"analyst@demo.example\">"), "{page}");
        let rest = page.split("name=\"ctx\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let path = format!("/{TENANT}/login");
    let first = context().await;
    let answered = [
        ("ctx", first.as_str()),
        ("account", ANALYST),
        ("decision", "approve"),
    ];
    let answer = stage.post(&path, &answered).await;
    let code = parameter(&answer, "code").unwrap();
    assert_eq!(parameter(&answer, "state").as_deref(), Some("a state"));
    let tokens = stage.redeem(&code, &[]).await.json();
    assert_eq!(claims(&tokens["id_token"])["preferred_username"], ANALYST);
    on_a_page(&stage.post(&path, &answered).await, 90100);

    let second = context().await;
    let answer = stage
        .post(&path, &[("ctx", &second), ("decision", "deny")])
        .await;
    sent_back(&answer, "access_denied", 65004);
}

#[tokio::test]
async fn policies_stop_a_browser_where_it_is() {
    let stage = plain().await;
    for (policy, code) in [
        (SignInPolicy::ConditionalAccess, 53003),
        (SignInPolicy::Disabled, 50057),
        (SignInPolicy::PasswordExpired, 50055),
    ] {
        assert!(stage.running.set_policy(ANALYST, policy));
        on_a_page(&stage.authorize(&[]).await, code);
    }
    // In a browser a second factor is given.
    assert!(
        stage
            .running
            .set_policy(ANALYST, SignInPolicy::SecondFactor)
    );
    let tokens = stage.signed_in(&[]).await;
    assert_eq!(
        claims(&tokens["access_token"])["amr"],
        serde_json::json!(["pwd", "mfa"])
    );
    assert!(!stage.running.set_policy("nobody", SignInPolicy::Allowed));
}

#[tokio::test]
async fn a_token_is_for_what_was_consented_to() {
    let stage = plain().await;
    let code = stage.code(&[]).await;
    let answer = stage.redeem(&code, &[("scope", "Mail.Read")]).await;
    refused(&answer, "invalid_grant", 65001);
    assert_eq!(answer.json()["suberror"], "consent_required");
    let two = "https://graph.microsoft.com/.default https://vault.azure.net/.default";
    let answer = stage.redeem(&code, &[("scope", two)]).await;
    refused(&answer, "invalid_scope", 700_022);
    // Another resource is fine, as long as its permissions were granted.
    let answer = stage
        .redeem(&code, &[("scope", "https://vault.azure.net/.default")])
        .await;
    let claims = claims(&answer.json()["access_token"]);
    assert_eq!(claims["scp"], "user_impersonation");
    assert_eq!(claims["aud"], "https://vault.azure.net");
}

#[tokio::test]
async fn an_authorization_may_name_two_resources_and_the_code_is_good_for_each() {
    let stage = plain().await;
    let both = "https://api.securitycenter.microsoft.com/AdvancedQuery.Read \
                https://vault.azure.net/user_impersonation";
    let code = stage.code(&[("scope", both)]).await;
    let token = stage.redeem(&code, &[]).await.json()["access_token"].clone();
    assert_eq!(
        claims(&token)["aud"],
        "https://api.securitycenter.microsoft.com"
    );
}

#[tokio::test]
async fn an_administrator_consents_by_signing_in_and_another_user_does_not() {
    let mut tenant = tenant();
    tenant.applications[0].consented = false;
    let stage = stage(vec![tenant], SignIn::default()).await;
    sent_back(&stage.authorize(&[]).await, "access_denied", 90094);
    stage
        .signed_in(&[("login_hint", "admin@demo.example")])
        .await;
    // From now on it holds for everybody.
    let tokens = stage.signed_in(&[]).await;
    assert!(
        claims(&tokens["access_token"])["scp"]
            .as_str()
            .unwrap()
            .contains("ThreatHunting")
    );
    let tokens = stage
        .signed_in(&[("login_hint", "admin@demo.example"), ("scope", "Mail.Read")])
        .await;
    assert!(
        claims(&tokens["access_token"])["scp"]
            .as_str()
            .unwrap()
            .contains("Mail.Read")
    );
}

#[tokio::test]
async fn organizations_is_the_authority_of_whoever_signs_in() {
    let mut second = Tenant::second();
    second.applications[0].client_id = CLIENT.to_owned();
    let stage = stage(vec![tenant(), second], SignIn::default()).await;
    let hint = ("login_hint", "analyst@second.example");
    let answer = stage.authorize_at("organizations", &[hint]).await;
    let code = parameter(&answer, "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    refused(&stage.token(&fields).await, "invalid_grant", 700_005);
    let answer = stage
        .post("/organizations/oauth2/v2.0/token", &fields)
        .await;
    let tokens = answer.json();
    assert_eq!(
        claims(&tokens["access_token"])["tid"],
        "22222222-2222-2222-2222-222222222222"
    );
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT),
        ("refresh_token", refresh),
        ("scope", GRAPH),
    ];
    let answer = stage
        .post("/organizations/oauth2/v2.0/token", &fields)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // At the first tenant the user is a stranger.
    refused(&stage.token(&fields).await, "invalid_grant", 50020);
}

#[tokio::test]
async fn clouds_sign_in_their_own_users_under_their_own_names() {
    let mut government = Tenant::government();
    government
        .users
        .push(User::new("third@government.example", "Third"));
    assert_eq!(government.cloud, Cloud::UsGovernment);
    let stage = stage(vec![tenant(), government], SignIn::default()).await;
    let query = encoded(&[
        ("client_id", &CLIENT.replace('1', "3")),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile"),
    ]);
    let path = format!("/government.example/oauth2/v2.0/authorize?{query}");
    let at = async |host: &str| proxied(&stage.running, host, "GET", &path, &[], "").await;
    on_a_page(&at("login.microsoftonline.com").await, 90038);
    let us = "login.microsoftonline.us";
    let answer = at(us).await;
    let code = parameter(&answer, "code").unwrap();
    let form = encoded(&[
        ("grant_type", "authorization_code"),
        ("client_id", &CLIENT.replace('1', "3")),
        ("code", &code),
        ("redirect_uri", REDIRECT),
    ]);
    let path = "/government.example/oauth2/v2.0/token";
    let answer = proxied(
        &stage.running,
        us,
        "POST",
        path,
        &[crate::client::FORM],
        form,
    )
    .await;
    let tokens = answer.json();
    let access = claims(&tokens["access_token"]);
    assert_eq!(access["aud"], "https://graph.microsoft.us");
    assert_eq!(
        claims(&tokens["id_token"])["iss"],
        "https://login.microsoftonline.us/33333333-3333-3333-3333-333333333333/v2.0"
    );
}

#[tokio::test]
async fn version_one_names_a_resource() {
    let stage = plain().await;
    let query = encoded(&[
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("resource", "https://graph.microsoft.com"),
    ]);
    let answer = stage
        .get(&format!("/{TENANT}/oauth2/authorize?{query}"))
        .await;
    let code = parameter(&answer, "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("resource", "https://graph.microsoft.com"),
    ];
    let answer = stage
        .post(&format!("/{TENANT}/oauth2/token"), &fields)
        .await
        .json();
    assert_eq!(answer["expires_in"], "3599");
    assert_eq!(claims(&answer["id_token"])["ver"], "1.0");
    assert!(answer["refresh_token"].is_string());
}
