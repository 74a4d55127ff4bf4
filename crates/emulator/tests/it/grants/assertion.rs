//! Assertions: a certificate's, and a trusted issuer's.

use defender_emulator::{Certificate, FederatedCredential, SignIn, Tenant};
use openssl::asn1::Asn1Time;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};
use openssl::x509::{X509, X509Name};
use serde_json::{Value as Json, json};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Stage, WEB, claims, encoded, refused, stage, tenant};
use crate::client::{Answer, CLIENT, FORM, GRAPH, TENANT, noon, proxied};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key and its certificate.
struct Pair {
    key: PKey<Private>,
    der: Vec<u8>,
}

impl Pair {
    /// A certificate that is good from so many days before the clock's time on, and until.
    fn new(from: i64, to: i64) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "made up").unwrap();
        let name = name.build();
        let now = i64::try_from(
            noon()
                .duration_since(std::time::SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs(),
        )
        .unwrap();
        let day = |days: i64| Asn1Time::from_unix(now + days * 86_400).unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&day(from)).unwrap();
        builder.set_not_after(&day(to)).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let der = builder.build().to_der().unwrap();
        Self { key, der }
    }

    fn thumbprint(&self, with: MessageDigest) -> String {
        URL_SAFE_NO_PAD.encode(hash(with, &self.der).unwrap())
    }

    /// Signs with PSS or the older padding.
    fn sign(&self, header: &Json, claims: &Json, pss: bool) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key).unwrap();
        if pss {
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            signer
                .set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)
                .unwrap();
        }
        signer.update(message.as_bytes()).unwrap();
        let signature = signer.sign_to_vec().unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header(&self) -> Json {
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint(MessageDigest::sha256())})
    }

    /// An assertion with something else in its header and claims; null takes a member out.
    fn assertion(&self, stage: &Stage, header: Json, claims: Json) -> String {
        let merged = |mut base: Json, changes: Json| {
            for (name, value) in changes.as_object().unwrap() {
                let all = base.as_object_mut().unwrap();
                if value.is_null() {
                    all.remove(name);
                } else {
                    all.insert(name.clone(), value.clone());
                }
            }
            base
        };
        let header = merged(self.header(), header);
        let claims = merged(stage.claims("a"), claims);
        let pss = header["alg"] != "RS256";
        self.sign(&header, &claims, pss)
    }
}

impl Stage {
    fn seconds(&self) -> i64 {
        1_795_161_600 + self.hand.0.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn claims(&self, jti: &str) -> Json {
        json!({
            "aud": format!("{}/{TENANT}/oauth2/v2.0/token", self.running.http_url()),
            "iss": CLIENT,
            "sub": CLIENT,
            "jti": jti,
            "nbf": self.seconds(),
            "iat": self.seconds(),
            "exp": self.seconds() + 600,
        })
    }

    async fn prove(&self, assertion: &str) -> Answer {
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("scope", GRAPH),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ])
        .await
    }
}

/// The demo tenant, whose application has registered these certificates.
fn registered(pairs: &[&Pair]) -> Tenant {
    let mut tenant = tenant();
    tenant.applications[0].certificates = pairs
        .iter()
        .map(|pair| Certificate::parse(&pair.der).unwrap())
        .collect();
    tenant
}

async fn start(pairs: &[&Pair]) -> Stage {
    stage(vec![registered(pairs)], SignIn::default()).await
}

#[tokio::test]
async fn a_certificate_proves_who_the_application_is() {
    let pair = Pair::new(-1, 1);
    let stage = start(&[&pair]).await;
    assert_eq!(stage.seconds(), 498_656 * 3600);
    let answer = stage
        .prove(&pair.assertion(&stage, json!({}), json!({})))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(claims(&answer.json()["access_token"])["appidacr"], "2");

    // The older header, and both thumbprints at once.
    let sha1 = pair.thumbprint(MessageDigest::sha1());
    let old = json!({"alg": "RS256", "x5t": sha1, "x5t#S256": null});
    let answer = stage
        .prove(&pair.assertion(&stage, old, json!({"jti": "b"})))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let both = json!({"x5t": sha1});
    let answer = stage
        .prove(&pair.assertion(&stage, both, json!({"jti": "c"})))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    let recorded = stage.running.requests().pop().unwrap();
    let assertion = recorded.assertion.unwrap();
    assert_eq!(assertion.header["x5t"], json!(sha1));
    assert_eq!(assertion.claims["jti"], "c");
}

#[tokio::test]
async fn an_assertion_is_signed_by_a_registered_key() {
    let (pair, stranger, third) = (Pair::new(-1, 1), Pair::new(-1, 1), Pair::new(-1, 1));
    let stage = start(&[&pair, &third]).await;
    // Another's thumbprint, another's key under the right thumbprint, two that do not agree.
    let answer = stage
        .prove(&stranger.assertion(&stage, json!({}), json!({})))
        .await;
    refused(&answer, "invalid_client", 700_027);
    assert!(
        answer.text().contains("The key was not found"),
        "{}",
        answer.text()
    );
    let header = json!({"x5t#S256": pair.thumbprint(MessageDigest::sha256())});
    let answer = stage
        .prove(&stranger.assertion(&stage, header, json!({})))
        .await;
    refused(&answer, "invalid_client", 700_027);
    assert!(
        answer.text().contains("failed signature validation"),
        "{}",
        answer.text()
    );
    let header = json!({"x5t": third.thumbprint(MessageDigest::sha1())});
    let answer = stage
        .prove(&pair.assertion(&stage, header, json!({})))
        .await;
    refused(&answer, "invalid_client", 700_027);
    // A thumbprint of the other digest, none, and a padding that was not used.
    let header = json!({"x5t#S256": pair.thumbprint(MessageDigest::sha1())});
    let answer = stage
        .prove(&pair.assertion(&stage, header, json!({})))
        .await;
    refused(&answer, "invalid_client", 700_027);
    let answer = stage
        .prove(&pair.assertion(&stage, json!({"x5t#S256": null}), json!({})))
        .await;
    refused(&answer, "invalid_request", 5_002_723);
    for algorithm in ["none", "HS256", "ES256"] {
        let header = json!({"alg": algorithm});
        let answer = stage
            .prove(&pair.assertion(&stage, header, json!({})))
            .await;
        refused(&answer, "invalid_client", 700_027);
        assert!(answer.text().contains("is not supported"), "{algorithm}");
    }
    let mut header = pair.header();
    header["alg"] = json!("RS256");
    let answer = stage
        .prove(&pair.sign(&header, &stage.claims("b"), true))
        .await;
    refused(&answer, "invalid_client", 700_027);
    // What was signed is what counts.
    let good = pair.assertion(&stage, json!({}), json!({}));
    let [head, _, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("{good}");
    };
    let forged = URL_SAFE_NO_PAD.encode(stage.claims("forged").to_string());
    let answer = stage.prove(&format!("{head}.{forged}.{signature}")).await;
    refused(&answer, "invalid_client", 700_027);
    for malformed in ["a", "a.b.c", "e30.e30.", "!.!.!"] {
        let answer = stage.prove(malformed).await;
        refused(&answer, "invalid_request", 50027);
    }
    assert_eq!(stage.prove(&good).await.status, 200);
}

#[tokio::test]
async fn a_certificate_has_its_time() {
    let (over, to_come) = (Pair::new(-10, -1), Pair::new(1, 10));
    let stage = start(&[&over, &to_come]).await;
    for pair in [over, to_come] {
        let answer = stage
            .prove(&pair.assertion(&stage, json!({}), json!({})))
            .await;
        refused(&answer, "invalid_client", 700_027);
        assert!(
            answer.text().contains("The key used is expired"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn an_assertion_is_made_out_to_the_endpoint() {
    let pair = Pair::new(-1, 1);
    let stage = start(&[&pair]).await;
    let own = stage.running.http_url();
    for (number, audience) in [
        json!(format!("{own}/{TENANT}/oauth2/v2.0/token")),
        json!([format!("{own}/{TENANT}/oauth2/token")]),
        json!(format!("{own}/demo.example/oauth2/v2.0/token")),
        json!(format!("{own}/{TENANT}/v2.0")),
        json!(format!("https://sts.windows.net/{TENANT}/")),
    ]
    .into_iter()
    .enumerate()
    {
        let changes = json!({"aud": audience, "jti": number.to_string()});
        let answer = stage
            .prove(&pair.assertion(&stage, json!({}), changes))
            .await;
        assert_eq!(answer.status, 200, "{audience}: {}", answer.text());
    }
    for audience in [
        json!(null),
        json!(own),
        json!(format!("{own}/second.example/oauth2/v2.0/token")),
        json!("https://login.microsoftonline.us/demo.example/oauth2/v2.0/token"),
        json!(format!("https://evil.example/{TENANT}/oauth2/v2.0/token")),
        json!([]),
        json!("https://graph.microsoft.com"),
    ] {
        let changes = json!({"aud": audience, "jti": "z"});
        let answer = stage
            .prove(&pair.assertion(&stage, json!({}), changes))
            .await;
        refused(&answer, "invalid_client", 700_023);
    }
}

#[tokio::test]
async fn an_audience_of_another_cloud_does_not_fit_through_the_proxy() {
    let pair = Pair::new(-1, 1);
    let stage = start(&[&pair]).await;
    let ask = async |audience: &str, jti: &str| {
        let assertion = pair.assertion(&stage, json!({}), json!({"aud": audience, "jti": jti}));
        let form = encoded(&[
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("scope", GRAPH),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &assertion),
        ]);
        let path = format!("/{TENANT}/oauth2/v2.0/token");
        let host = "login.microsoftonline.com";
        proxied(&stage.running, host, "POST", &path, &[FORM], form).await
    };
    let of = |host: &str| format!("https://{host}/{TENANT}/oauth2/v2.0/token");
    assert_eq!(ask(&of("login.microsoftonline.com"), "a").await.status, 200);
    assert_eq!(ask(&of("login.windows.net"), "b").await.status, 200);
    refused(
        &ask(&of("login.microsoftonline.us"), "c").await,
        "invalid_client",
        700_023,
    );
}

#[tokio::test]
async fn an_assertion_speaks_of_the_client_that_sends_it() {
    let pair = Pair::new(-1, 1);
    let stage = start(&[&pair]).await;
    for (changes, error, code) in [
        (
            json!({"iss": super::OTHER, "sub": super::OTHER}),
            "invalid_client",
            700_021,
        ),
        (json!({"sub": super::OTHER}), "invalid_client", 50048),
        (json!({"iss": null}), "invalid_request", 50027),
        (json!({"sub": null}), "invalid_request", 50027),
        (json!({"jti": null}), "invalid_request", 50027),
        (json!({"exp": null}), "invalid_request", 50027),
        (json!({"exp": "soon"}), "invalid_request", 50027),
    ] {
        let answer = stage
            .prove(&pair.assertion(&stage, json!({}), changes.clone()))
            .await;
        assert_eq!(
            super::refusal(&answer),
            (error.to_owned(), code),
            "{changes}"
        );
    }
    let assertion = pair.assertion(&stage, json!({}), json!({}));
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("scope", GRAPH),
        ("client_assertion", assertion.as_str()),
    ];
    refused(&stage.token(&fields).await, "invalid_request", 900_144);
    fields.push(("client_assertion_type", "urn:other"));
    refused(&stage.token(&fields).await, "invalid_request", 90100);
}

#[tokio::test]
async fn an_assertion_is_good_from_its_beginning_to_its_end() {
    let pair = Pair::new(-1, 1);
    let stage = start(&[&pair]).await;
    let now = stage.seconds();
    let fraction = |seconds: i64| format!("{seconds}.25").parse::<f64>().unwrap();
    // Clocks may be five minutes apart.
    for (changes, good) in [
        (json!({"exp": now - 299, "jti": "1"}), true),
        // MSAL's times have fractions.
        (
            json!({"exp": fraction(now + 600), "iat": fraction(now), "jti": "5"}),
            true,
        ),
        (json!({"exp": fraction(now - 300), "jti": "6"}), false),
        (json!({"exp": now - 300, "jti": "2"}), false),
        (json!({"nbf": now + 300, "jti": "3"}), true),
        (json!({"nbf": now + 301, "jti": "4"}), false),
    ] {
        let answer = stage
            .prove(&pair.assertion(&stage, json!({}), changes.clone()))
            .await;
        if good {
            assert_eq!(answer.status, 200, "{changes}: {}", answer.text());
        } else {
            refused(&answer, "invalid_client", 700_024);
        }
    }
}

#[tokio::test]
async fn an_identifier_is_used_by_one_assertion() {
    let pair = Pair::new(-1, 1);
    let stage = start(&[&pair]).await;
    let first = pair.assertion(&stage, json!({}), json!({}));
    assert_eq!(stage.prove(&first).await.status, 200);
    // The very same may come again, as MSAL sends it; another under its identifier may not.
    assert_eq!(stage.prove(&first).await.status, 200);
    let second = pair.assertion(&stage, json!({}), json!({"exp": stage.seconds() + 599}));
    refused(&stage.prove(&second).await, "invalid_client", 50013);
    let third = pair.assertion(&stage, json!({}), json!({"jti": "b"}));
    assert_eq!(stage.prove(&third).await.status, 200);
}

#[tokio::test]
async fn an_assertion_may_be_good_once() {
    let pair = Pair::new(-1, 1);
    let sign_in = SignIn {
        assertions_reusable: false,
        ..SignIn::default()
    };
    let stage = stage(vec![registered(&[&pair])], sign_in).await;
    let first = pair.assertion(&stage, json!({}), json!({}));
    assert_eq!(stage.prove(&first).await.status, 200);
    refused(&stage.prove(&first).await, "invalid_client", 50013);
}

#[tokio::test]
async fn a_web_application_redeems_a_code_with_its_certificate() {
    let pair = Pair::new(-1, 1);
    let stage = start(&[&pair]).await;
    let web = ("redirect_uri", WEB);
    let code = stage.code(&[web]).await;
    let assertion = pair.assertion(&stage, json!({}), json!({}));
    let answer = stage
        .redeem(
            &code,
            &[
                web,
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", &assertion),
            ],
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_trusted_issuers_token_stands_for_the_application() {
    let (issuer, stranger) = (Pair::new(-1, 1), Pair::new(-1, 1));
    let mut tenant = tenant();
    let pem = issuer.key.public_key_to_pem().unwrap();
    tenant.applications[0].federated = vec![
        FederatedCredential::new("https://issuer.example/", "system:serviceaccount:a:b", &pem)
            .unwrap(),
    ];
    let stage = stage(vec![tenant], SignIn::default()).await;
    let token = |pair: &Pair, changes: &[(&str, Json)]| {
        let mut claims = json!({
            "aud": ["api://AzureADTokenExchange"],
            "iss": "https://issuer.example/",
            "sub": "system:serviceaccount:a:b",
            "exp": stage.seconds() + 3600,
        });
        for (name, value) in changes {
            claims[*name] = value.clone();
        }
        pair.sign(&json!({"alg": "RS256", "kid": "k"}), &claims, false)
    };
    let good = token(&issuer, &[]);
    assert_eq!(stage.prove(&good).await.status, 200);
    // A token in a file is sent again and again.
    assert_eq!(stage.prove(&good).await.status, 200);
    for (changes, code) in [
        (("iss", json!("https://other.example/")), 700_211),
        (("sub", json!("system:serviceaccount:a:B")), 700_213),
        (("aud", json!("api://other")), 700_212),
        (("exp", json!(stage.seconds() - 300)), 700_024),
    ] {
        let answer = stage.prove(&token(&issuer, &[changes])).await;
        refused(&answer, "invalid_client", code);
    }
    refused(
        &stage.prove(&token(&stranger, &[])).await,
        "invalid_client",
        700_027,
    );
}
