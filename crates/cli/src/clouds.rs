//! `defender clouds`: every environment's endpoints for every cloud.

use defender_cloud::{Cloud, Row};
use defender_core::Result;
use defender_table::Format;
use serde_json::{Value, json};

use crate::arguments::CloudsOptions;
use crate::listing;

/// Prints the table.
pub(crate) fn run(options: &CloudsOptions) -> Result<()> {
    let text = match options.format.as_str() {
        "markdown" => defender_cloud::markdown(),
        "json" => {
            let rows: Vec<Value> = defender_cloud::table().map(|row| object(&row)).collect();
            format!("{:#}", Value::from(rows))
        }
        _ => {
            let rows: Vec<[String; 5]> = defender_cloud::table().map(|row| line(&row)).collect();
            listing::text(
                ["cloud", "environment", "url", "audience", "login"],
                &rows,
                Format::Table,
            )?
        }
    };
    listing::print(&text)
}

fn line(row: &Row) -> [String; 5] {
    let [url, audience, login] = match &row.endpoint {
        None => ["not available".to_owned(), String::new(), String::new()],
        Some(endpoint) => [
            endpoint.url().to_string(),
            endpoint.audience.clone(),
            endpoint.authority.host_str().unwrap_or_default().to_owned(),
        ],
    };
    [
        row.cloud.to_string(),
        row.environment.to_string(),
        url,
        audience,
        login,
    ]
}

fn object(row: &Row) -> Value {
    let key_vault = row.cloud.key_vault();
    json!({
        "cloud": row.cloud.name(),
        "aliases": Cloud::aliases(row.cloud),
        "environment": row.environment.name(),
        "available": row.endpoint.is_some(),
        "url": row.endpoint.as_ref().map(|endpoint| endpoint.url().to_string()),
        "audience": row.endpoint.as_ref().map(|endpoint| endpoint.audience.clone()),
        "scope": row.endpoint.as_ref().map(|endpoint| endpoint.scope().to_string()),
        "authority": row.cloud.authority().to_string(),
        "host_source": row.endpoint.as_ref().map(|endpoint| endpoint.host_source.to_string()),
        "audience_source": row.endpoint.as_ref().map(|endpoint| endpoint.audience_source.to_string()),
        "key_vault_suffix": key_vault.suffix,
    })
}
