//! Where the pieces meet: settings, cloud, credential, transport, driver.

use std::sync::Arc;

use defender_cloud::{Cloud, Endpoint};
use defender_config::{ConnectionArgs, ConnectionKey, ResolvedProxy, Settings};
use defender_core::{DataEnvironment, Error, ErrorKind, Result, SecretResolver, Transport};
use defender_credentials::Authority;
use defender_drivers::{Description, Driver};
use defender_http::{HttpOptions, HttpTransport, ProxySettings, Retry, Traced};

use crate::connected::Service;
use crate::credential::credential;
use crate::secrets::{self, OpenVaults};
use crate::{ConnectedProvider, Connection, Options};

pub(crate) async fn connect(
    environment: DataEnvironment,
    options: &Options,
    vaults: &OpenVaults,
    connection: Connection,
) -> Result<ConnectedProvider> {
    if environment == DataEnvironment::Local {
        return local(options, &connection);
    }
    let (instance, args) = arguments(environment, options, &connection)?;
    args.require_complete()?;
    let secrets: Arc<dyn SecretResolver> = match &options.secrets {
        Some(secrets) => Arc::clone(secrets),
        None => secrets::resolver(options, connection.settings.as_ref(), &args, vaults),
    };
    let args = args.resolve(secrets.as_ref()).await?;
    let endpoint = endpoint(environment, &args)?;
    let tenant = args.tenant_id.clone().unwrap_or_default();

    let transport = transport(
        options,
        connection.settings.as_ref(),
        &args,
        secrets.as_ref(),
    )
    .await?;
    let authority = Authority::new(endpoint.authority.clone(), tenant.clone())?;
    let clock = Arc::clone(&options.clock);
    let credential = credential(
        &args,
        authority,
        secrets.as_ref(),
        Arc::clone(&transport),
        clock,
    )
    .await?;

    let retry = Retry {
        notice: Arc::clone(&options.notice),
        ..Retry::new(options.retry.clone(), Arc::clone(&options.clock))
    };
    let service = Service {
        endpoint,
        credential,
        tenant,
        instance,
    };
    sign_in(&retry, &service).await?;

    let driver = driver(environment, &service, transport, retry)?;
    Ok(ConnectedProvider {
        driver,
        service: Some(service),
    })
}

/// Where queries of `connection` would go.
pub(crate) fn endpoint_of(
    environment: DataEnvironment,
    options: &Options,
    connection: &Connection,
) -> Result<Endpoint> {
    let (_, args) = arguments(environment, options, connection)?;
    endpoint(environment, &args)
}

/// The instance's name, and everything that is known of the connection.
fn arguments(
    environment: DataEnvironment,
    options: &Options,
    connection: &Connection,
) -> Result<(Option<String>, ConnectionArgs)> {
    let call = connection.call.clone();
    if let Some(base) = &connection.base {
        return Ok((None, base.clone().merge(call)));
    }
    let Some(settings) = &connection.settings else {
        return Ok((None, whole(call, options)?));
    };
    let instance = connection.instance.as_deref();
    let found = match settings.find_provider(environment, instance) {
        // A call that says everything needs no section, and so no choice between instances.
        Err(_) if instance.is_none() && call.missing().is_empty() => None,
        found => found?,
    };
    if let Some(provider) = found {
        return Ok((provider.instance.name, provider.args.merge(call)));
    }
    let args = whole(call, options)?;
    if args.origins.is_empty() {
        // Nothing is known at all: says which file was read and what is missing in it.
        settings.provider(environment, instance)?;
    }
    Ok((None, args))
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
    let cloud: Cloud = match &args.cloud {
        None => Cloud::Global,
        Some(name) => name.parse().map_err(|error: Error| {
            let message = format!("{error}, from {}", args.origin(ConnectionKey::Cloud));
            let wrong = Error::new(ErrorKind::Config, message);
            match error.hint() {
                Some(hint) => wrong.with_hint(hint.to_owned()),
                None => wrong,
            }
        })?,
    };
    let mut endpoint = cloud.endpoint(environment)?;
    if let Some(root) = &args.api_root {
        endpoint = endpoint.with_api_root(root.clone())?;
    }
    if let Some(authority) = &args.authority {
        endpoint = endpoint.with_authority(authority.clone())?;
    }
    if let Some(version) = &args.api_version {
        endpoint = endpoint.with_version(version)?;
    }
    Ok(endpoint)
}

pub(crate) async fn transport(
    options: &Options,
    settings: Option<&Settings>,
    args: &ConnectionArgs,
    secrets: &dyn SecretResolver,
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
    if let Some(timeout) = args.timeout {
        http.total_timeout = Some(timeout);
    }
    Ok(Arc::new(Traced::new(HttpTransport::new(&http)?)))
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

/// Gets the first token, so that a wrong credential is found before anything is asked.
async fn sign_in(retry: &Retry, service: &Service) -> Result<()> {
    let request = service.token_request();
    retry
        .run(async |_| service.credential.token(&request).await)
        .await
        .map(drop)
}

fn driver(
    environment: DataEnvironment,
    service: &Service,
    transport: Arc<dyn Transport>,
    retry: Retry,
) -> Result<Arc<dyn Driver>> {
    let known: &[Description] = &[
        #[cfg(feature = "m365d-graph")]
        defender_drivers::M365D_GRAPH,
        #[cfg(feature = "mde")]
        defender_drivers::MDE,
        #[cfg(feature = "m365d")]
        defender_drivers::M365D,
    ];
    let description = known
        .iter()
        .find(|description| description.environment == environment)
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("the environment {environment} cannot be queried by this build"),
            )
        })?;
    let mut connection = defender_drivers::Connection::new(
        service.endpoint.url(),
        service.endpoint.scope(),
        transport,
        Arc::clone(&service.credential),
    );
    connection.tenant = Some(service.tenant.clone());
    connection.instance.clone_from(&service.instance);
    connection.retry = retry;
    Ok(Arc::new(defender_drivers::Hunting::new(
        *description,
        connection,
    )))
}

#[cfg(feature = "local")]
fn local(options: &Options, connection: &Connection) -> Result<ConnectedProvider> {
    let driver = crate::local::Local::new(&connection.folders, Arc::clone(&options.clock))?;
    Ok(ConnectedProvider::from_driver(Arc::new(driver)))
}

#[cfg(not(feature = "local"))]
fn local(_: &Options, _: &Connection) -> Result<ConnectedProvider> {
    Err(
        Error::new(ErrorKind::Usage, "this build cannot query local data")
            .with_hint("build defender-query with feature local"),
    )
}
