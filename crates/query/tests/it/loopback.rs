//! Every layer has the same idea of this machine: where plain `http` may carry a secret.

use defender_cloud::check_root;
use defender_core::Scope;
use defender_credentials::Authority;
use defender_emulator::Cloud;
use defender_keyvault::Vaults;
use defender_query::{
    Connection, ConnectionArgs, ConnectionKey, DataEnvironment, QueryProvider, SecretRef,
};
use url::Url;

use crate::service::{CLIENT, SECRET, TENANT, start};

#[test]
fn an_address_is_of_this_machine_for_all_or_for_none() {
    for url in [
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:8080",
        "http://[::ffff:127.0.0.1]",
        "http://localhost",
        "http://LOCALHOST.",
        "http://emulator.localhost:8080",
        "http://10.0.0.5",
        "http://[2001:db8::5]",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://notlocalhost",
    ] {
        let url = Url::parse(url).unwrap();
        let expected = defender_core::is_loopback(&url);
        assert_eq!(check_root("address", &url).is_ok(), expected, "{url}");
        assert_eq!(
            Authority::new(url.clone(), TENANT).is_ok(),
            expected,
            "{url}"
        );
        let vaults = Vaults {
            default_vault: None,
            suffix: "vault.azure.net".to_owned(),
            scope: Scope::default_of("https://vault.azure.net"),
        };
        assert_eq!(vaults.address(url.as_str()).is_ok(), expected, "{url}");
    }
}

/// Nobody asks a name server for them, and no proxy gets them.
#[tokio::test]
async fn names_below_localhost_reach_the_emulator() {
    let running = start(Cloud::Global).await;
    let port = Url::parse(&running.http_url()).unwrap().port().unwrap();
    for name in ["localhost", "emulator.localhost", "a.b.localhost."] {
        let root = format!("http://{name}:{port}/");
        let args = ConnectionArgs::default()
            .with(ConnectionKey::TenantId, TENANT)
            .unwrap()
            .with(ConnectionKey::ClientId, CLIENT)
            .unwrap()
            .with(
                ConnectionKey::ClientSecret,
                SecretRef::Inline(SECRET.into()),
            )
            .unwrap()
            .with(ConnectionKey::ApiRoot, root.as_str())
            .unwrap()
            .with(ConnectionKey::Authority, root.as_str())
            .unwrap();
        let provider = QueryProvider::new(DataEnvironment::M365dGraph)
            .connect(Connection::from_args(args))
            .await
            .unwrap();
        let table = provider.exec_query("print x").await.unwrap();
        assert_eq!(table.row_count(), 1, "{name}");
    }
}
