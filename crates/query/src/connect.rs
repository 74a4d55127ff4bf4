//! Where the pieces meet: settings, cloud, credential, transport, driver.

use std::sync::Arc;

use defender_cloud::{Cloud, Endpoint};
#[cfg(feature = "certificate")]
use defender_config::EnvironmentSecrets;
use defender_config::{ConnectionArgs, ConnectionKey, Given, Method, ResolvedProxy, Settings};
#[cfg(feature = "certificate")]
use defender_core::SecretRef;
use defender_core::{
    DataEnvironment, Error, ErrorKind, ExposeSecret, Redaction, Result, SecretResolver,
    SecretString, Transport, is_loopback,
};
use defender_credentials::{Selection, claims};
use defender_drivers::{Collections, CollectionsDescription, Description, Driver};
use defender_http::{HttpOptions, PaceKey, ProxySettings, Quota, Retry, Traced};

use crate::connected::Service;
use crate::consent::{self, Consenting};
use crate::credential::{self, Material, Place, Quiet};
use crate::identity::Identity;
use crate::secrets;
use crate::shared::Shared;
use crate::{ConnectedProvider, Connection, Options};

pub(crate) async fn connect(
    environment: DataEnvironment,
    options: &Options,
    shared: &Shared,
    connection: Connection,
) -> Result<ConnectedProvider> {
    if environment == DataEnvironment::Local {
        return local(options, connection).await;
    }
    let identity = identity(environment, options, shared, connection).await?;
    identity.token().await?;
    let collections = collections(environment, options, &identity);
    if environment == DataEnvironment::SecurityGraph
        && let Some(collections) = collections.clone()
    {
        return Ok(ConnectedProvider {
            endpoint: Some(identity.service.endpoint),
            ..ConnectedProvider::from_driver(collections)
        });
    }
    let driver = driver(environment, options, &identity)?;
    let mut connected = ConnectedProvider::from_driver(driver);
    connected.capabilities.collections = collections;
    connected.endpoint = Some(identity.service.endpoint);
    Ok(connected)
}

/// What `environment` lists beside queries.
pub(crate) fn collections(
    environment: DataEnvironment,
    options: &Options,
    identity: &Identity,
) -> Option<Arc<Collections>> {
    let description = listed(environment)?;
    // Their quotas are counted apart from those of hunting.
    let api = format!("{environment} collections");
    let base = identity.service.endpoint.base();
    let connection = opened(options, identity, base, description.quota, api);
    Some(Arc::new(Collections::new(description, connection)))
}

/// How the collections of `environment` are asked, where it has any.
pub(crate) fn listed(environment: DataEnvironment) -> Option<CollectionsDescription> {
    match environment {
        // Microsoft Graph has them beside hunting.
        #[cfg(feature = "security-graph")]
        DataEnvironment::SecurityGraph | DataEnvironment::M365dGraph => {
            Some(defender_drivers::SECURITY_GRAPH.of(environment))
        }
        #[cfg(feature = "mde-rest")]
        DataEnvironment::Mde => Some(defender_drivers::MDE_REST),
        _ => None,
    }
}

/// What to say where there are no collections.
pub(crate) fn nothing_listed(environment: DataEnvironment) -> Error {
    let feature = match environment {
        DataEnvironment::SecurityGraph | DataEnvironment::M365dGraph => Some("security-graph"),
        DataEnvironment::Mde => Some("mde-rest"),
        _ => None,
    };
    let refused = |what: String| Error::new(ErrorKind::Usage, what);
    match feature {
        None => refused(format!(
            "{environment} has no alerts, incidents or machines to list"
        ))
        .with_hint("M365DGraph, SecurityGraph and MDE have them"),
        Some(feature) => refused(format!(
            "this build lists no alerts, incidents or machines of {environment}"
        ))
        .with_hint(format!("build defender-query with feature {feature}")),
    }
}

/// Who signs in for `connection`, before they do.
pub(crate) async fn identity(
    environment: DataEnvironment,
    options: &Options,
    shared: &Shared,
    connection: Connection,
) -> Result<Identity> {
    let Known {
        instance,
        args,
        warnings,
    } = arguments(environment, options, &connection)?;
    args.require_complete()?;
    args.require_ids()?;
    for warning in warnings {
        options.prompt.warning(&warning);
    }
    let secrets: Arc<dyn SecretResolver> = match &options.secrets {
        Some(secrets) => Arc::clone(secrets),
        None => secrets::resolver(options, connection.settings.as_ref(), &args, shared),
    };
    let (args, material) = {
        let hidden = secrets_around(options).along_with(&args.redaction());
        let material = credential::fetch(&args, secrets.as_ref());
        let args = args.clone().resolve(secrets.as_ref());
        let fetched = futures::future::try_join(args, material).await;
        fetched.map_err(|error| hidden.error(error))?
    };
    args.require_ids()?;
    // Every word from here on passes the gate of the secrets in use, and of what came from
    // elsewhere.
    let hidden = Redaction::of(material.secrets())
        .along_with(&secrets_around(options))
        .along_with(&args.redaction());
    for doubt in material.doubts(&args) {
        options.prompt.warning(&doubt);
    }
    let endpoint = endpoint(environment, &args).map_err(|error| hidden.error(error))?;
    let transport = transport(
        options,
        shared,
        connection.settings.as_ref(),
        &args,
        secrets.as_ref(),
        &hidden,
    )
    .await
    .map_err(|error| hidden.error(error))?;
    let place = Place {
        options,
        shared,
        login: endpoint.authority.clone(),
        transport: Arc::clone(&transport),
    };
    let tenant = tenant(&args, &material, options);
    let application = application(&args, &material, options);
    let made = credential::credential(&place, &args, material)
        .await
        .map_err(|error| hidden.error(error))?;
    let consent = application.and_then(|application| {
        let login = endpoint.authority.clone();
        consent::address(login, tenant.as_deref(), &application).ok()
    });
    // What is hidden stays so in the address for consent.
    let credential = Quiet::over(
        Consenting::over(made.credential, consent.as_ref()),
        hidden.clone(),
    );
    Ok(Identity {
        service: Service {
            endpoint,
            credential,
            tenant,
            instance: connection.called.or(instance),
        },
        delegated: made.delegated,
        consent,
        method: args.method(),
        client_id: owned(args.client_id()),
        transport,
        hidden,
        timeout: args.timeout().or(options.http.total_timeout),
        retry: Retry {
            notice: Arc::clone(&options.notice),
            subject: connection.alias.clone(),
            ..Retry::new(options.retry.clone(), Arc::clone(&options.clock))
        },
    })
}

/// The secrets of the variables that sign-ins may use.
///
/// Source: <https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential>
pub(crate) fn secrets_around(options: &Options) -> Redaction {
    let secrets: Vec<SecretString> = [
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_PASSWORD",
    ]
    .into_iter()
    .filter_map(|name| options.environment.get(name))
    .map(|secret| SecretString::from(secret.as_str()))
    .collect();
    Redaction::of(&secrets)
}

/// The tenant that is asked: as it was named, or as a given token says.
fn tenant(args: &ConnectionArgs, material: &Material, options: &Options) -> Option<String> {
    if let Some(tenant) = args.tenant_id() {
        return Some(tenant.get().to_owned());
    }
    if let Some(token) = &material.access_token {
        return claims(token.expose_secret()).ok()?.tenant;
    }
    match args.method() {
        Some(Method::Environment | Method::WorkloadIdentity) => {
            options.environment.get("AZURE_TENANT_ID").cloned()
        }
        _ => None,
    }
}

/// The application that signs in, where it is one that consent is given to: not Azure's own command
/// line, nor a machine.
fn application(args: &ConnectionArgs, material: &Material, options: &Options) -> Option<String> {
    match args.method() {
        Some(Method::AzureCli | Method::ManagedIdentity) => None,
        Some(Method::ExistingToken) => {
            claims(material.access_token.as_ref()?.expose_secret())
                .ok()?
                .application
        }
        Some(Method::Environment) => options.environment.get("AZURE_CLIENT_ID").cloned(),
        Some(Method::WorkloadIdentity) if !args.has(ConnectionKey::ClientId) => {
            options.environment.get("AZURE_CLIENT_ID").cloned()
        }
        _ => owned(args.client_id()),
    }
}

/// The value itself, for a request.
pub(crate) fn owned(given: Option<Given<'_, str>>) -> Option<String> {
    given.map(|given| given.get().to_owned())
}

/// Forgets the kept sign-ins of `connection`'s user, or with `all` of everybody.
pub(crate) async fn forget(
    environment: DataEnvironment,
    options: &Options,
    shared: &Shared,
    connection: &Connection,
    all: bool,
) -> Result<Vec<String>> {
    let known = arguments(environment, options, connection);
    let (args, selection) = match (known, all) {
        (known, true) => (
            known.map(|known| known.args).unwrap_or_default(),
            Selection::default(),
        ),
        (Err(error), false) => return Err(error),
        (Ok(known), false) => {
            let args = known.args;
            let secrets: Arc<dyn SecretResolver> = match &options.secrets {
                Some(secrets) => Arc::clone(secrets),
                None => secrets::resolver(options, connection.settings.as_ref(), &args, shared),
            };
            let args = args.resolve(secrets.as_ref()).await?;
            args.require_ids()?;
            let selection = Selection {
                authority: Some(endpoint(environment, &args)?.authority),
                tenant: owned(args.tenant_id()),
                client_id: owned(args.client_id()),
                username: owned(args.username()),
            };
            (args, selection)
        }
    };
    let args = args.with(ConnectionKey::TokenCache, true)?;
    let store = credential::store(options, shared, &args, true);
    let forgotten = store.forget(&selection).await?;
    Ok(forgotten.iter().map(ToString::to_string).collect())
}

/// Where an administrator lets the application of `connection` into the tenant.
pub(crate) fn consent_url(
    environment: DataEnvironment,
    options: &Options,
    connection: &Connection,
    redirect: Option<&url::Url>,
    state: Option<&str>,
) -> Result<url::Url> {
    let args = arguments(environment, options, connection)?.args;
    args.require_ids()?;
    let Some(client_id) = args.client_id() else {
        return Err(Error::new(
            ErrorKind::Config,
            "consent is given to an application, and none is named",
        )
        .with_hint("name it with --client-id, ClientId or an instance"));
    };
    let login = endpoint(environment, &args)?.authority;
    let mut url = consent::address(login, owned(args.tenant_id()).as_deref(), client_id.get())?;
    let mut query = url.query_pairs_mut();
    if let Some(redirect) = redirect {
        query.append_pair("redirect_uri", redirect.as_str().trim_end_matches('/'));
    }
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    drop(query);
    Ok(url)
}

/// Reads the certificate and the key of `connection`, where it signs in with those and all of them
/// are here.
#[cfg(feature = "certificate")]
pub(crate) async fn check_certificate(
    environment: DataEnvironment,
    options: &Options,
    connection: &Connection,
) -> Result<()> {
    let args = arguments(environment, options, connection)?.args;
    let mut references = args.references();
    let is_elsewhere =
        references.any(|(_, reference)| matches!(reference, SecretRef::Vault { .. }));
    if args.method() != Some(Method::Certificate) || is_elsewhere {
        return Ok(());
    }
    let secrets = EnvironmentSecrets::new(options.environment.clone());
    let material = credential::fetch(&args, &secrets).await?;
    let hidden = Redaction::of(material.secrets()).along_with(&args.redaction());
    let key = credential::certificate::key(options, &args, material);
    key.await.map(drop).map_err(|error| hidden.error(error))
}

/// Whether a person may have to sign in for `connection`.
pub(crate) fn needs_person(
    environment: DataEnvironment,
    options: &Options,
    connection: &Connection,
) -> bool {
    arguments(environment, options, connection)
        .is_ok_and(|known| known.args.method() == Some(Method::Delegated))
}

/// What is known of `connection` without asking anybody: its instance's name and its arguments.
pub(crate) fn known(
    environment: DataEnvironment,
    options: &Options,
    connection: &Connection,
) -> Result<(Option<String>, ConnectionArgs)> {
    let known = arguments(environment, options, connection)?;
    Ok((known.instance, known.args))
}

/// Where queries of `connection` would go.
pub(crate) fn endpoint_of(
    environment: DataEnvironment,
    options: &Options,
    connection: &Connection,
) -> Result<Endpoint> {
    endpoint(
        environment,
        &arguments(environment, options, connection)?.args,
    )
}

/// Everything that is known of a connection before anybody is asked.
struct Known {
    /// The instance's name.
    instance: Option<String>,
    args: ConnectionArgs,
    /// What the section of the settings leaves in doubt.
    warnings: Vec<String>,
}

impl Known {
    fn of(args: ConnectionArgs) -> Self {
        Self {
            instance: None,
            args,
            warnings: Vec::new(),
        }
    }
}

fn arguments(
    environment: DataEnvironment,
    options: &Options,
    connection: &Connection,
) -> Result<Known> {
    let call = connection.call.clone();
    call.require_one_method()?;
    if let Some(base) = &connection.base {
        base.require_one_method()?;
        return Ok(Known::of(base.clone().merge(call)));
    }
    let Some(settings) = &connection.settings else {
        return Ok(Known::of(whole(call, options)?));
    };
    let instance = connection.instance.as_deref();
    let found = match settings.find_provider(environment, instance) {
        // A call that says everything needs no section, and so no choice between instances.
        Err(_) if instance.is_none() && call.missing().is_empty() => None,
        found => found?,
    };
    if let Some(provider) = found {
        // A call that says how to sign in leaves nothing in doubt.
        let decides = call.method().is_some() || call.delegated_auth().is_some();
        let warnings = provider.warnings.iter().filter(|_| !decides);
        return Ok(Known {
            warnings: warnings.map(ToString::to_string).collect(),
            instance: provider.instance.name,
            args: provider.args.merge(call),
        });
    }
    let args = whole(call, options)?;
    if args.origins().next().is_none() {
        // Nothing is known at all: says which file was read and what is missing in it.
        settings.provider(environment, instance)?;
    }
    Ok(Known::of(args))
}

/// `args`, or the identity of the `AZURE_` variables where `args` name none: a secret is never
/// sent for another application than its own.
fn whole(args: ConnectionArgs, options: &Options) -> Result<ConnectionArgs> {
    let names_an_identity = args.has(ConnectionKey::TenantId)
        || args.has(ConnectionKey::ClientId)
        || args.method().is_some();
    if names_an_identity {
        return Ok(args);
    }
    let mut azure = ConnectionArgs::from_azure(&options.environment)?;
    if args.has(ConnectionKey::Cloud) {
        // The cloud that a call names has a sign-in host of its own.
        azure.clear(ConnectionKey::Authority);
    }
    Ok(azure.merge(args))
}

fn endpoint(environment: DataEnvironment, args: &ConnectionArgs) -> Result<Endpoint> {
    let cloud: Cloud = match args.cloud() {
        None => Cloud::Global,
        Some(name) => name.get().parse().map_err(|error: Error| {
            if name.quotable().is_some() {
                error.reworded(|text| format!("{text}, from {}", name.origin()))
            } else {
                let known = Cloud::ALL.map(Cloud::name).join(", ");
                Error::new(ErrorKind::Config, format!("{name} is not a cloud"))
                    .with_hint(format!("known clouds are {known}"))
            }
        })?,
    };
    let mut endpoint = cloud.endpoint(environment)?;
    if let Some(root) = args.api_root() {
        endpoint = endpoint.with_api_root(root.get().clone())?;
    }
    if let Some(authority) = args.authority() {
        endpoint = endpoint.with_authority(authority.get().clone())?;
    }
    if let Some(version) = args.api_version() {
        endpoint = endpoint.with_version(version.get())?;
    }
    Ok(endpoint)
}

pub(crate) async fn transport(
    options: &Options,
    shared: &Shared,
    settings: Option<&Settings>,
    args: &ConnectionArgs,
    secrets: &dyn SecretResolver,
    hidden: &Redaction,
) -> Result<Arc<dyn Transport>> {
    if let Some(transport) = &options.transport {
        return Ok(Arc::clone(transport));
    }
    let mut http = options.http.clone();
    if http.environment.is_empty() {
        http.environment.clone_from(&options.environment);
    }
    if let Some(settings) = settings {
        if let Some(timeouts) = settings.http_timeout() {
            http.connect_timeout = timeouts.connect.unwrap_or(http.connect_timeout);
            http.answer_timeout = timeouts.read.unwrap_or(http.answer_timeout);
            http.read_timeout = timeouts.read.unwrap_or(http.read_timeout);
        }
        // A call beats the environment, and the environment beats the file.
        if http.proxy.is_none()
            && !names_a_proxy(&http)
            && let Some(proxy) = &settings.proxies().https
        {
            http.proxy = Some(proxy_settings(proxy.resolve(secrets).await?));
        }
    }
    if let Some(timeout) = args.timeout() {
        http.total_timeout = Some(timeout);
    }
    let opened = shared.transport(http)?;
    Ok(Arc::new(Traced::hiding(opened, hidden.clone())))
}

fn names_a_proxy(http: &HttpOptions) -> bool {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .any(|name| {
            http.environment
                .get(*name)
                .is_some_and(|value| !value.is_empty())
        })
}

fn proxy_settings(proxy: ResolvedProxy) -> ProxySettings {
    ProxySettings {
        url: proxy.url.to_string(),
        user: proxy.user_name,
        password: proxy.password,
        no_proxy: None,
    }
}

/// The hunting API of `environment`, when it has one that this build knows.
pub(crate) fn description_of(environment: DataEnvironment) -> Option<Description> {
    let known: &[Description] = &[
        #[cfg(feature = "m365d-graph")]
        defender_drivers::M365D_GRAPH,
        #[cfg(feature = "mde")]
        defender_drivers::MDE,
        #[cfg(feature = "m365d")]
        defender_drivers::M365D,
    ];
    let mut known = known.iter().copied();
    known.find(|description| description.environment == environment)
}

fn driver(
    environment: DataEnvironment,
    options: &Options,
    identity: &Identity,
) -> Result<Arc<dyn Driver>> {
    let description = description_of(environment).ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("the environment {environment} cannot be queried by this build"),
        )
    })?;
    let url = identity.service.endpoint.url();
    let api = description.environment.name().to_owned();
    let connection = opened(options, identity, url, description.quota, api);
    let hunting = Arc::new(defender_drivers::Hunting::new(description, connection));
    #[cfg(feature = "local")]
    let hunting = Arc::new(crate::advice::Advised::new(hunting));
    Ok(hunting)
}

/// A way to `url` as `identity`, counted against the quota of `api`.
fn opened(
    options: &Options,
    identity: &Identity,
    url: url::Url,
    quota: Quota,
    api: String,
) -> defender_drivers::Connection {
    let service = &identity.service;
    let quota = if is_loopback(&url) {
        // An emulator: whoever wants it counted says so.
        quota.uncounted()
    } else {
        quota
    };
    let key = PaceKey {
        application: identity.client_id.clone().unwrap_or_default(),
        tenant: service.tenant.clone().unwrap_or_default(),
        api,
    };
    let mut connection = defender_drivers::Connection::new(
        url,
        service.endpoint.scope(),
        Arc::clone(&identity.transport),
        Arc::clone(&service.credential),
    );
    connection.tenant.clone_from(&service.tenant);
    connection.instance.clone_from(&service.instance);
    connection.hidden.clone_from(&identity.hidden);
    connection.consent.clone_from(&identity.consent);
    connection.retry = identity.retry.clone();
    connection.timeout = identity.timeout;
    connection.pace = Some(options.pacer.pace(key, quota));
    connection
}

#[cfg(feature = "local")]
async fn local(options: &Options, connection: Connection) -> Result<ConnectedProvider> {
    let timeout = connection.call.timeout();
    let clock = Arc::clone(&options.clock);
    // Some files are read as a whole to know what tables they hold.
    let driver = defender_http::aside(move || {
        let places = connection.data.into_iter().map(|data| kql_engine::Place {
            path: data.path,
            table: data.table,
            shown: data.shown,
        });
        let places: Vec<_> = places.collect();
        crate::local::Local::new(&places, connection.reading, timeout, clock)
    });
    let driver = driver.await?;
    let driver = crate::advice::Advised::new(Arc::new(driver));
    Ok(ConnectedProvider::from_driver(Arc::new(driver)))
}

#[cfg(not(feature = "local"))]
#[expect(clippy::unused_async, reason = "with feature `local` it waits")]
async fn local(_: &Options, _: Connection) -> Result<ConnectedProvider> {
    Err(
        Error::new(ErrorKind::Usage, "this build cannot query local data")
            .with_hint("build defender-query with feature local"),
    )
}
