//! A driver alone: one API, a token from the command line, a table on the terminal.
//!
//! ```text
//! az account get-access-token --resource https://graph.microsoft.com --query accessToken -o tsv |
//!     cargo run -p defender-drivers --example one_driver_only \
//!     --no-default-features --features m365d-graph -- 'DeviceInfo | take 5'
//! ```

use std::io::{Write as _, stderr, stdin, stdout};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_core::{AccessToken, Clock as _, Credential, Result, Scope, TokenRequest};
use defender_drivers::{Connection, Driver, Hunting, M365D_GRAPH, Query};
use defender_http::{HttpOptions, HttpTransport, SystemClock};
use defender_table::{Format, Table, WriterOptions};

/// A token that somebody else obtained.
#[derive(Debug)]
struct Given(AccessToken);

#[async_trait]
impl Credential for Given {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        Ok(self.0.clone())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let Some(text) = std::env::args().nth(1) else {
        return Err("give the query as an argument and a token on stdin".into());
    };
    let mut token = String::new();
    stdin().read_line(&mut token)?;
    let until: SystemTime = SystemClock.now() + Duration::from_hours(1);
    let connection = Connection::new(
        "https://graph.microsoft.com/v1.0/security/runHuntingQuery".parse()?,
        Scope::default_of("https://graph.microsoft.com"),
        Arc::new(HttpTransport::new(&HttpOptions::default())?),
        Arc::new(Given(AccessToken::new(token.trim().to_owned(), until))),
    );
    let driver: Box<dyn Driver> = Box::new(Hunting::new(M365D_GRAPH, connection));
    let table = Table::collect(driver.query(&Query::new(text)).await?).await?;
    for warning in table.warnings() {
        writeln!(stderr(), "warning: {warning}")?;
    }
    let options = WriterOptions {
        width: Some(100),
        ..WriterOptions::default()
    };
    table.write(Format::Table, Box::new(stdout()), &options)?;
    Ok(())
}
