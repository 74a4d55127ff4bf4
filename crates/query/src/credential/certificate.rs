//! Signing in with a certificate: from files, or from wherever a secret may be.

use std::path::Path;
use std::sync::Arc;

use defender_config::{AssertionAlgorithm, ConnectionArgs, ConnectionKey, Given};
use defender_core::{Result, SecretRef, SecretString};
use defender_credentials::{
    CertificateKey, CertificateOptions, CertificateSources, ClientCertificate, KeyMaterial, Owner,
    SigningAlgorithm,
};
use defender_http::aside;

use crate::Options;
use crate::connect::owned;

use super::{Made, Material, Place, lacks};

pub(super) async fn credential(
    place: &Place<'_>,
    args: &ConnectionArgs,
    material: Material,
) -> Result<Made> {
    let authority = place.authority(args)?;
    let client_id = owned(args.client_id()).ok_or_else(|| lacks(ConnectionKey::ClientId))?;
    let key = key(place.options, args, material).await?;
    for notice in key.notices() {
        place.warn(&notice.to_string());
    }
    let options = CertificateOptions {
        algorithm: match args.assertion_algorithm() {
            Some(AssertionAlgorithm::Rs256) => SigningAlgorithm::Rs256,
            _ => SigningAlgorithm::Ps256,
        },
        send_chain: args.send_x5c() == Some(true),
        ..CertificateOptions::default()
    };
    let owner = Owner::application(&authority, &client_id);
    let credential = ClientCertificate::new(
        authority,
        client_id,
        key,
        options,
        Arc::clone(&place.transport),
        place.clock(),
    );
    Ok(place.kept(credential, args, owner))
}

/// The certificate and its key, read and unlocked; nothing is sent yet.
pub(crate) async fn key(
    options: &Options,
    args: &ConnectionArgs,
    material: Material,
) -> Result<CertificateKey> {
    let (options, args) = (options.clone(), args.clone());
    aside(move || loaded(&options, &args, material)).await
}

fn loaded(options: &Options, args: &ConnectionArgs, material: Material) -> Result<CertificateKey> {
    let certificate = read(
        options,
        args,
        ConnectionKey::Certificate,
        args.certificate(),
        material.certificate.as_ref(),
    )?;
    let mut sources =
        CertificateSources::new(certificate.ok_or_else(|| lacks(ConnectionKey::Certificate))?);
    sources.private_key = read(
        options,
        args,
        ConnectionKey::PrivateKey,
        args.private_key(),
        material.private_key.as_ref(),
    )?;
    sources.password = material.private_key_secret;
    sources.password_setting = args.origin(ConnectionKey::PrivateKeySecret);
    CertificateKey::load(&sources, options.clock.now())
}

/// The file at `path`, or what was fetched in its place.
fn read(
    options: &Options,
    args: &ConnectionArgs,
    key: ConnectionKey,
    path: Option<Given<'_, Path>>,
    fetched: Option<&SecretString>,
) -> Result<Option<KeyMaterial>> {
    let setting = args.origin(key);
    // What stands in a settings file has been expanded already.
    let expanded = |path: &Path| options.expanded(path).unwrap_or_else(|| path.to_owned());
    let (Some(reference), Some(text)) = (args.reference(key), fetched) else {
        let Some(path) = path else {
            return Ok(None);
        };
        if let Some(path) = path.quotable() {
            return KeyMaterial::from_path(expanded(path), setting).map(Some);
        }
        let text = SecretString::from(path.get().display().to_string());
        let name = args.variable(key).unwrap_or(key.setting());
        return KeyMaterial::from_text(&text, name, setting, expanded).map(Some);
    };
    let material = match reference {
        SecretRef::Vault { name, .. } => KeyMaterial::from_secret(text, name.to_string(), setting)?,
        // A variable may hold the name of a file, as Azure's own do.
        SecretRef::Env { variable, .. } => {
            let name = variable.shown().unwrap_or(key.setting());
            KeyMaterial::from_text(text, name, setting, expanded)?
        }
        _ => KeyMaterial::from_text(text, key.setting(), setting, expanded)?,
    };
    Ok(Some(material))
}
