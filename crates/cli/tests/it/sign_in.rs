//! Signing in and out, tokens, customers' tenants, and secrets that are put into vaults.

use std::path::Path;
use std::time::Duration;

use defender_emulator::{
    Api, Application, DeviceScript, Options, Running, SignIn, Tenant, User, Vault, VaultSecret,
};

use crate::command::{Folder, Ran};
use crate::service::{self, CLIENT, SECRET, TENANT};

const USER: &str = "ana@contoso.example";

fn start(options: Options) -> Running {
    service::start(Options {
        sign_in: SignIn {
            device: DeviceScript {
                pending: 0,
                interval: Duration::ZERO,
                ..DeviceScript::default()
            },
            ..SignIn::default()
        },
        ..options
    })
}

fn with_user() -> Options {
    let mut options = service::options();
    options.tenants[0].users = vec![User::new(USER, "Ana")];
    options
}

/// Settings in which a user signs in.
fn user_settings(running: &Running) -> String {
    let url = running.http_url();
    format!(
        "DataProviders:\n  MicrosoftDefender:\n    Args:\n      TenantId: {TENANT}\n      ClientId: \
         {CLIENT}\n      UserName: {USER}\n      AuthType: device\n      Authority: {url}\n      \
         ApiRoot: {url}\n"
    )
}

fn assert_code(ran: &Ran, code: i32) {
    assert_eq!(ran.code, code, "{}\n{}", ran.text(), ran.stderr);
}

/// Every file below `folder`, as text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

#[cfg(target_os = "linux")]
#[test]
fn a_sign_in_that_cannot_be_kept_is_said_with_the_reason() {
    let running = start(with_user());
    let folder = Folder::new();
    folder.write("msticpyconfig.yaml", &user_settings(&running));
    for (home, why) in [
        (None, "HOME is not set"),
        (Some(""), "HOME is empty"),
        (Some("home"), "HOME is not an absolute path"),
    ] {
        let mut command = folder.command(&["login"]);
        command.env_remove("HOME").env("XDG_DATA_HOME", "data");
        command.envs(home.map(|home| ("HOME", home)));
        let ran = crate::command::finish(command.spawn().unwrap());
        assert_code(&ran, 0);
        let warning = format!(
            "warning: tokens are kept for this run only: there is no place for the token cache, \
             since {why}\n"
        );
        assert!(ran.stderr.contains(&warning), "{}", ran.stderr);
        let names: Vec<_> = files(&folder.work());
        assert_eq!(names.len(), 1, "{names:?}");
    }
}

#[test]
fn a_user_signs_in_once_for_every_later_run_and_out_again() {
    let running = start(with_user());
    let folder = Folder::new();
    folder.write("msticpyconfig.yaml", &user_settings(&running));
    let query = ["query", "print x=1", "--no-input", "--retries", "0"];

    let ran = folder.run(&query);
    assert_code(&ran, 4);
    assert!(ran.stderr.contains("defender login"), "{}", ran.stderr);

    let ran = folder.run(&["login"]);
    assert_code(&ran, 0);
    assert_eq!(
        ran.text(),
        format!("signed in as {USER} in tenant {TENANT}\n")
    );
    assert!(ran.stderr.contains("enter this code"), "{}", ran.stderr);

    assert_code(&folder.run(&query), 0);
    // A token for another environment comes of the same sign-in.
    assert_code(
        &folder.run(&["query", "print x=1", "--no-input", "--env", "MDE"]),
        0,
    );
    for (name, text) in files(folder.root()) {
        assert!(!text.contains("eyJ"), "{name} holds a token in plain text");
        #[cfg(unix)]
        if name.contains("token") {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&name).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name} is readable by others");
        }
    }

    let ran = folder.run(&["logout"]);
    assert_code(&ran, 0);
    assert!(
        ran.text().starts_with(&format!("signed out {USER}")),
        "{}",
        ran.text()
    );
    assert_code(&folder.run(&query), 4);
    let ran = folder.run(&["logout", "--all"]);
    assert_code(&ran, 0);
    assert!(
        ran.stderr.contains("nobody was signed in"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_user_without_consent_is_told_where_it_is_given() {
    let mut options = with_user();
    options.tenants[0].applications[0].consented = false;
    let running = start(options);
    let folder = Folder::new();
    folder.write("msticpyconfig.yaml", &user_settings(&running));
    let url = running.http_url();
    let consent = format!("consent is given at {url}/{TENANT}/adminconsent?client_id={CLIENT}\n");
    for arguments in [&["login"][..], &["query", "print x=1", "--retries", "0"]] {
        let ran = folder.run(arguments);
        assert!([4, 5].contains(&ran.code), "{}", ran.stderr);
        assert!(ran.stderr.contains(&consent), "{}", ran.stderr);
    }
}

#[test]
fn without_a_cache_nothing_is_kept() {
    let running = start(with_user());
    let folder = Folder::new();
    folder.write("msticpyconfig.yaml", &user_settings(&running));
    assert_code(&folder.run(&["login", "--no-token-cache"]), 0);
    assert_code(&folder.run(&["query", "print x=1", "--no-input"]), 4);
    assert!(
        !files(folder.root())
            .iter()
            .any(|(name, _)| name.contains("tokens"))
    );
}

#[test]
fn a_token_says_whether_it_may_do_what_it_is_for() {
    let mut options = service::options();
    options.tenants[0].applications[0]
        .roles
        .insert(Api::Graph, vec!["ThreatHunting.Read.All".to_owned()]);
    let running = start(options);
    let folder = Folder::of(&running);
    let ran = folder.run(&["token", "--for", "hunting"]);
    assert_code(&ran, 0);
    assert!(
        ran.text().contains("ThreatHunting.Read.All: granted"),
        "{}",
        ran.text()
    );
    let ran = folder.run(&["token", "--for", "alerts"]);
    assert_code(&ran, 5);
    assert!(
        ran.text().contains("SecurityAlert.Read.All or"),
        "{}",
        ran.text()
    );
    assert!(ran.stderr.contains("consent-url"), "{}", ran.stderr);
    assert_code(&folder.run(&["token", "--for", "machines"]), 2);
    assert_code(
        &folder.run(&["token", "--for", "machines", "--env", "MDE"]),
        0,
    );
}

#[test]
fn a_script_takes_the_token_to_curl() {
    let curl = Path::new("/usr/bin/curl");
    if !curl.exists() {
        println!("left out: there is no curl");
        return;
    }
    let running = start(service::options());
    let folder = Folder::of(&running);
    let ran = folder.run(&["token", "--raw"]);
    assert_code(&ran, 0);
    let output = std::process::Command::new(curl)
        .env_clear()
        .args(["--silent", "--show-error", "--max-time", "20", "--data"])
        .arg(r#"{"Query":"print x=1"}"#)
        .args(["-H", "Content-Type: application/json", "-H"])
        .arg(format!("Authorization: Bearer {}", ran.text().trim()))
        .arg(format!(
            "{}/v1.0/security/runHuntingQuery",
            running.http_url()
        ))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("\"results\""), "{text}");
}

#[cfg(unix)]
#[test]
fn whoever_is_signed_in_to_the_azure_cli_hunts() {
    use std::os::unix::fs::PermissionsExt as _;

    let running = start(service::options());
    let folder = Folder::of(&running);
    let token = folder.run(&["token", "--raw"]).text();
    let answer = serde_json::json!({
        "accessToken": token.trim(),
        "expires_on": 4_102_444_800_u64,
        "tokenType": "Bearer",
    });
    folder.write(
        "bin/az",
        &format!("#!/bin/sh\necho \"$@\" >> az.log\ncat <<'END'\n{answer}\nEND\n"),
    );
    let program = folder.work().join("bin/az");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let environment = [("PATH".to_owned(), path)];
    let url = running.http_url();
    let signed = [
        "--auth-type",
        "cli",
        "--tenant-id",
        TENANT,
        "--authority",
        &url,
    ];
    let signed = [&signed[..], &["--api-root", &url]].concat();
    let ran = folder.run_in(&[&["login"][..], &signed].concat(), &environment, "");
    assert_code(&ran, 0);
    assert!(ran.text().contains(CLIENT), "{}", ran.text());
    let ran = folder.run_in(
        &[&["query", "print x=1"][..], &signed].concat(),
        &environment,
        "",
    );
    assert_code(&ran, 0);
    let log = std::fs::read_to_string(folder.work().join("az.log")).unwrap();
    let asked = format!(
        "account get-access-token --output json --resource https://graph.microsoft.com --tenant {TENANT}"
    );
    assert!(log.lines().all(|line| line.starts_with(&asked)), "{log}");
    // Without the program the error says what to install.
    let ran = folder.run(&[&["query", "print x=1"][..], &signed].concat());
    assert!(ran.stderr.contains("az login"), "{}", ran.stderr);
}

#[test]
fn one_application_hunts_in_three_tenants_and_names_the_one_without_consent() {
    let tenants = [('4', "Contoso"), ('5', "Fabrikam"), ('7', "Woodgrove")].map(|(digit, name)| {
        let mut tenant = service::tenant(digit, name);
        tenant.applications = vec![Application::new(CLIENT, SECRET)];
        tenant
    });
    let [contoso, fabrikam, mut woodgrove]: [Tenant; 3] = tenants;
    let ids = [
        contoso.id.clone(),
        fabrikam.id.clone(),
        woodgrove.id.clone(),
    ];
    // Its administrator has not let the application in.
    woodgrove.applications.clear();
    let running = start(Options {
        tenants: vec![contoso, fabrikam, woodgrove],
        ..service::options()
    });
    let folder = Folder::new();
    let [contoso, fabrikam, woodgrove] = &ids;
    folder.write(
        "customers.csv",
        &format!("tenant,name,cloud\n{contoso},Contoso,global\n{fabrikam},Fabrikam,\n{woodgrove},Woodgrove\n"),
    );
    let url = running.http_url();
    let environment = [("APP_SECRET".to_owned(), SECRET.to_owned())];
    let common = [
        "--client-id",
        CLIENT,
        "--client-secret-env",
        "APP_SECRET",
        "--authority",
        &url,
        "--api-root",
        &url,
        "--format",
        "csv",
        "--retries",
        "0",
    ];
    let by_file = [
        &["query", "print x=1", "--tenants", "customers.csv"][..],
        &common,
    ]
    .concat();
    let by_option = [
        &[
            "query",
            "print x=1",
            "--tenant-id",
            contoso,
            "--tenant-id",
            fabrikam,
            "--tenant-id",
            woodgrove,
        ][..],
        &common,
    ]
    .concat();
    for (arguments, name) in [(&by_file, "Woodgrove"), (&by_option, woodgrove.as_str())] {
        let ran = folder.run_in(arguments, &environment, "");
        assert_code(&ran, 9);
        let rows = ran.text();
        assert!(rows.contains(contoso) && rows.contains(fabrikam), "{rows}");
        assert!(!rows.contains(woodgrove.as_str()), "{rows}");
        let consent = format!("{url}/{woodgrove}/adminconsent?client_id={CLIENT}");
        assert!(ran.stderr.contains(&consent), "{}", ran.stderr);
        assert!(
            ran.stderr
                .contains(&format!("the rows of {name} are missing")),
            "{}",
            ran.stderr
        );
    }
    let ran = folder.run(&[
        "consent-url",
        "--tenants",
        "customers.csv",
        "--client-id",
        CLIENT,
    ]);
    assert_code(&ran, 0);
    assert_eq!(ran.text().lines().count(), 3);
    assert!(ran.text().starts_with(&format!(
        "https://login.microsoftonline.com/{contoso}/adminconsent?client_id={CLIENT}\n"
    )));
}

#[test]
fn a_secret_in_the_place_of_an_id_is_never_shown() {
    let secret = "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1";
    let folder = Folder::new();
    for (tenant, client) in [("contoso.com", secret), (secret, CLIENT)] {
        folder.write(
            "msticpyconfig.yaml",
            &format!(
                "DataProviders:\n  MicrosoftDefender:\n    Args:\n      TenantId: \"{tenant}\"\n      \
                 ClientId: \"{client}\"\n      ClientSecret: other\n"
            ),
        );
        let options = ["--tenant-id", tenant, "--client-id", client];
        for arguments in [
            [&["consent-url"][..], &options].concat(),
            vec!["consent-url"],
            vec!["token"],
            vec!["query", "DeviceInfo"],
            vec!["alerts", "list"],
            vec!["login"],
        ] {
            let ran = folder.run(&arguments);
            assert_code(&ran, 3);
            let told = ran.text() + &ran.stderr;
            assert!(!told.contains("Zk3x9y"), "{arguments:?}: {told}");
            assert!(told.contains("id"), "{told}");
        }
    }
}

#[test]
fn a_secret_goes_into_the_vault_and_a_reference_into_the_file() {
    let mut tenant = service::tenant('4', "Contoso");
    tenant.vaults = vec![Vault {
        readers: vec![CLIENT.to_owned()],
        writers: vec![CLIENT.to_owned()],
        secrets: vec![VaultSecret::new("other", "x")],
        ..Vault::new("contoso")
    }];
    let running = start(Options {
        tenants: vec![tenant],
        proxy: Options::default().proxy,
        ..service::options()
    });
    let folder = Folder::new();
    folder.write("ca.pem", running.ca_pem());
    let settings = format!(
        "# ours\nKeyVault: {{VaultName: contoso}} # the vault\nDataProviders:\n  \
         MicrosoftDefender:\n    Args:\n      TenantId: {TENANT}\n      ClientId: {CLIENT}\n      \
         ClientSecret: old # to be moved\n"
    );
    folder.write("msticpyconfig.yaml", &settings);
    let environment = [
        ("HTTPS_PROXY".to_owned(), running.proxy_url().unwrap()),
        ("SSL_CERT_FILE".to_owned(), "ca.pem".to_owned()),
        ("AZURE_TENANT_ID".to_owned(), TENANT.to_owned()),
        ("AZURE_CLIENT_ID".to_owned(), CLIENT.to_owned()),
        ("AZURE_CLIENT_SECRET".to_owned(), SECRET.to_owned()),
    ];
    let setting = "DataProviders.MicrosoftDefender.Args.ClientSecret";
    let arguments = [
        "config",
        "set",
        setting,
        "--key-vault",
        "contoso/hunting",
        "--stdin",
    ];
    let ran = folder.run_in(&arguments, &environment, &format!("{SECRET}\n"));
    assert_code(&ran, 0);
    let changed = std::fs::read_to_string(folder.work().join("msticpyconfig.yaml")).unwrap();
    assert_eq!(
        changed,
        settings.replace(
            "ClientSecret: old",
            "ClientSecret: {KeyVault: contoso/hunting}"
        )
    );
    let ran = folder.run_in(&["query", "print x=1", "--retries", "0"], &environment, "");
    assert_code(&ran, 0);
    // A secret among the arguments is refused before anything is read or written.
    let ran = folder.run(&["config", "set", setting, "made-up"]);
    assert_code(&ran, 2);
    assert!(!ran.stderr.contains("made-up"), "{}", ran.stderr);
}

#[test]
fn settings_are_begun_changed_and_checked() {
    let folder = Folder::new();
    assert_code(&folder.run(&["config", "set", "Azure.cloud", "global"]), 3);
    assert_code(&folder.run(&["config", "init"]), 0);
    assert_code(&folder.run(&["config", "init"]), 2);
    let args = "DataProviders.MicrosoftDefender.Args";
    for (path, value) in [
        (format!("{args}.TenantId"), "contoso.example"),
        (format!("{args}.ClientId"), CLIENT),
        (format!("{args}.UserName"), USER),
    ] {
        assert_code(&folder.run(&["config", "set", &path, value]), 0);
    }
    let ran = folder.run(&["config", "validate"]);
    assert_code(&ran, 0);
    assert!(ran.text().contains("sound"), "{}", ran.text());
    let before = files(folder.root());
    for (path, hint) in [
        (format!("{args}.TenatId"), "the path is DataProviders"),
        (format!("{args}.ClientSecrt"), "Args.ClientSecret\n"),
        (format!("{args}.Qx8Q~Zk3.x"), "the keys of Args are"),
        (
            "foo.bar".to_owned(),
            "the whole path, such as DataProviders",
        ),
        ("TenantId=x".to_owned(), "as two arguments"),
    ] {
        let ran = folder.run(&["config", "set", &path, "hunter2secret"]);
        assert_code(&ran, 2);
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
        assert!(!ran.stderr.contains("Zk3"), "{}", ran.stderr);
    }
    let secret = format!("{args}.ClientSecret");
    for pasted in ["Qx8Q~Zk3", "$CONTOSO_SECRET", "aB3dE5fG7hJ9kL1mN3pQ5rS7"] {
        let ran = folder.run(&["config", "set", &secret, "--environment-var", pasted]);
        assert_code(&ran, 2);
        assert!(!ran.stderr.contains(pasted), "{}", ran.stderr);
    }
    assert_eq!(files(folder.root()), before);
    let editor = [("EDITOR".to_owned(), "/bin/true --wait".to_owned())];
    if Path::new("/bin/true").exists() {
        assert_code(&folder.run_in(&["config", "edit"], &editor, ""), 0);
    }
    assert_code(&folder.run(&["config", "edit"]), 3);
}
