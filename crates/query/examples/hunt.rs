//! From settings to rows: hunts in the tenant of an instance, in every row of it.
//!
//! `cargo run -p defender-query --example hunt -- Contoso 'DeviceInfo | where OSPlatform == "Linux"'`
//!
//! The instance is a section of `msticpyconfig.yaml`, found as MSTICPy finds it.

use std::error::Error;
use std::io::{Write as _, stderr, stdout};

use defender_query::{
    Connection, DataEnvironment, Driver as _, Format, Options, Query, QueryProvider, Settings,
    Sources, Table, WriterOptions,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [instance, text] = arguments.as_slice() else {
        return Err("usage: hunt INSTANCE QUERY".into());
    };
    // The library reads neither the environment nor the working folder by itself.
    #[expect(clippy::disallowed_methods, reason = "this is a program")]
    let environment = std::env::vars().collect();
    let options = Options {
        environment,
        ..Options::default()
    };
    let settings = Settings::load(&Sources {
        environment: options.environment.clone(),
        folder: std::env::current_dir().ok(),
        home: std::env::home_dir(),
        ..Sources::default()
    })?;
    let connected = QueryProvider::with_options(DataEnvironment::M365dGraph, options)
        .connect(Connection::from_settings(&settings, Some(instance)))
        .await?;
    let answer = connected.all_rows()?.query(&Query::new(text)).await?;
    let table = Table::collect(answer).await?;
    for warning in table.warnings() {
        writeln!(stderr(), "warning: {warning}")?;
    }
    let options = WriterOptions::default();
    table.write(Format::Ndjson, Box::new(stdout()), &options)?;
    Ok(())
}
