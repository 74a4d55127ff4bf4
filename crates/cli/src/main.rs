//! The command `defender`: asks Microsoft Defender questions in KQL.

mod arguments;
mod child;
mod clouds;
mod collections;
mod completion;
mod config;
mod context;
mod dataset;
mod delivery;
mod emulator;
mod failure;
mod fan_out;
mod fmt;
mod given;
mod hidden_input;
mod indicator;
mod leftovers;
mod limit;
mod line;
mod lint;
mod listing;
mod logging;
mod login;
mod man;
mod messages;
mod partial;
mod pasted;
mod permissions;
mod person;
mod queries;
mod query;
mod query_files;
mod range;
mod run;
mod schema;
mod secrets;
mod signals;
mod sink;
mod split;
mod target;
mod tenants;
mod terminal;
mod text;
mod tips;
mod token;
mod value_file;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use defender_core::{Error, ErrorKind, Result};

use crate::arguments::{
    AlertsCommand, ApiCommand, Arguments, Command, GlobalOptions, IncidentsCommand, MachinesCommand,
};
use crate::context::Context;

fn main() -> ExitCode {
    messages::report_panics();
    let code = answer();
    messages::finish();
    code
}

fn answer() -> ExitCode {
    match completion::answered() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => return misused(&error),
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let given: Vec<_> = std::env::args_os().collect();
            return misused(&tips::with_tip(error, &given));
        }
    };
    let context = Arc::new(Context::new(&arguments.global));
    start(&arguments, &context).unwrap_or_else(|error| ended(&error, &context))
}

/// Says why the run is over.
fn ended(error: &Error, context: &Context) -> ExitCode {
    context.ended(error);
    ExitCode::from(failure::exit_code(error.kind()))
}

/// Help and version, or what is wrong with the command line.
fn misused(error: &clap::Error) -> ExitCode {
    let json_errors = std::env::args_os().any(|argument| argument == "--json-errors");
    let context = Context::new(&GlobalOptions {
        json_errors,
        ..GlobalOptions::default()
    });
    if !error.use_stderr() {
        use std::io::Write as _;
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        return match listing::printed(printed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => ended(&error, &context),
        };
    }
    let text = tips::without_values(error, &error.to_string());
    let code = ExitCode::from(failure::exit_code(ErrorKind::Usage));
    if !json_errors {
        let styled = context
            .is_styled()
            .then(|| tips::without_values(error, &error.render().ansi().to_string()));
        messages::say_styled(&text, styled.as_deref());
        return code;
    }
    // What is wrong, a tip, the usage, where to find help: a paragraph each.
    let mut paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let message = paragraphs.next().unwrap_or_default();
    let message = message.trim_start_matches("error: ").to_owned();
    let mut error = Error::new(ErrorKind::Usage, message);
    if let Some(tip) = paragraphs.find_map(|text| Some(text.strip_prefix("tip: ")?.to_owned())) {
        error = error.with_hint(tip);
    }
    context.ended(&error);
    code
}

/// Keeps secrets out of core files, and this process's memory from other processes of the user.
///
/// Where the system refuses, the run goes on: it is one defence of several.
#[cfg(target_os = "linux")]
fn keep_memory() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // Programs that are started from here have their own: it does not outlive `exec`.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(not(target_os = "linux"))]
fn keep_memory() {}

fn start(arguments: &Arguments, context: &Arc<Context>) -> Result<ExitCode> {
    keep_memory();
    logging::start(&arguments.global)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "cannot start threads").with_source(error))?;
    let result = runtime.block_on(async {
        let teller = Arc::clone(context);
        signals::listen(move |error| teller.ended(error))?;
        run(&arguments.command, context).await
    });
    // Reading standard input cannot be cancelled; it must not keep the process.
    runtime.shutdown_background();
    result
}

async fn run(command: &Command, context: &Context) -> Result<ExitCode> {
    match command {
        Command::Query(options) => return query::run(options, context).await,
        Command::Run(options) => return run::run(options, context).await,
        Command::Alerts(AlertsCommand::List(options)) => {
            return collections::alerts(options, context).await;
        }
        Command::Incidents(IncidentsCommand::List(options)) => {
            return collections::incidents(options, context).await;
        }
        Command::Machines(MachinesCommand::List(options)) => {
            return collections::machines(options, context).await;
        }
        Command::Api(ApiCommand::Get(options)) => return collections::get(options, context).await,
        Command::Emulator(options) => {
            return emulator::run(options, context.quiet, &context.environment).await;
        }
        Command::Clouds(options) => clouds::run(options)?,
        Command::Config(command) => config::run(command, context).await?,
        Command::ConsentUrl(options) => login::consent_url(options, context)?,
        Command::Login(options) => login::run(options, context).await?,
        Command::Logout(options) => login::logout(options, context).await?,
        Command::Fmt(options) => fmt::run(options, context)?,
        Command::Lint(options) => lint::run(options, context)?,
        Command::Queries(command) => queries::run(command, context).await?,
        Command::Schema(options) => schema::run(options)?,
        Command::Token(options) => token::run(options, context).await?,
        Command::Completions { shell } => {
            listing::print(&completion::script(*shell)?)?;
        }
        Command::Man { folder } => man::run(folder.as_deref(), context)?,
    }
    Ok(ExitCode::SUCCESS)
}
