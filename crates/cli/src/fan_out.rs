//! One query to several tenants at once, as the command shows it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use defender_core::{Error, Result};
use defender_query::{
    Answer, Ask, ConnectedProvider, Failure, FanOut, FanOutOptions, FanOutProgress, Finished,
    Query, QueryProvider,
};

use crate::context::Context;
use crate::limit::DefaultLimit;
use crate::line::Line;
use crate::split::Split;
use crate::target::Target;

/// How many tenants are asked at once, and whether the first that fails ends the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) parallel: u16,
    pub(crate) fail_fast: bool,
}

/// A question to several tenants.
pub(crate) struct Tenants {
    fan_out: FanOut,
    progress: Arc<Progress>,
}

impl Tenants {
    pub(crate) fn new(
        provider: &QueryProvider,
        targets: Vec<Target>,
        query: &Query,
        ask: Arc<dyn Ask>,
        pace: Pace,
        context: &Context,
    ) -> Result<Self> {
        let mut connections = provider.clone().connections();
        let mut taken = BTreeSet::new();
        for Target { label, connection } in targets {
            connections.add_connection(distinct(&label, &mut taken), connection)?;
        }
        let progress = Arc::new(Progress {
            line: Line::new(context),
            done: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            rows: AtomicUsize::new(0),
            of: taken.len(),
        });
        let fan_out = connections
            .fan_out(query)
            .with_options(FanOutOptions {
                parallel: usize::from(pace.parallel),
                fail_fast: pace.fail_fast,
                ..FanOutOptions::default()
            })
            .asking(ask)
            .with_progress(Arc::clone(&progress) as _);
        Ok(Self { fan_out, progress })
    }

    /// Asks all of them. Where none answers, the others' reasons are said, and the first is the
    /// error.
    pub(crate) async fn answer(&self, context: &Context) -> Result<Answer> {
        let answer = self.fan_out.answer().await;
        if answer.is_err() {
            self.progress.line.close();
            for failure in self.failures() {
                context.failure(&failure.alias, &failure.error);
            }
        }
        answer
    }

    /// Ends the line of progress before something else is said.
    pub(crate) fn quieten(&self) {
        self.progress.line.close();
    }

    /// Those that did not answer, once everything is written.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.fan_out.failures()
    }

    /// An interruption with how far the tenants were.
    pub(crate) fn interrupted(&self, error: Error) -> Error {
        let (done, of) = (self.progress.done.load(Ordering::Relaxed), self.progress.of);
        error.reworded(|message| format!("{message}; {done} of {of} tenants had answered"))
    }
}

/// A name that no other tenant of the run has.
fn distinct(label: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = label.to_owned();
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{label} ({number})");
    }
    name
}

/// Asks whole, or slice by slice.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) split: Option<Split>,
    pub(crate) limit: Option<DefaultLimit>,
}

#[async_trait]
impl Ask for Asking {
    async fn ask(
        &self,
        alias: &str,
        provider: &ConnectedProvider,
        query: &Query,
    ) -> Result<Answer> {
        let answer = match &self.split {
            Some(split) => split.ask(provider, alias, query).await,
            None => provider.query(query).await,
        }?;
        Ok(match self.limit.clone() {
            Some(limit) => limit.told(answer),
            None => answer,
        })
    }
}

/// Counts the tenants, and shows them on a terminal.
#[derive(Debug)]
struct Progress {
    line: Line,
    done: AtomicUsize,
    failed: AtomicUsize,
    rows: AtomicUsize,
    of: usize,
}

impl FanOutProgress for Progress {
    fn finished(&self, finished: &Finished<'_>) {
        self.done.store(finished.done, Ordering::Relaxed);
        let (rows, failed) = match finished.outcome {
            Ok(rows) => (rows, 0),
            Err(_) => (0, 1),
        };
        let rows = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let failed = self.failed.fetch_add(failed, Ordering::Relaxed) + failed;
        let mut text = format!("{} of {} tenants, {rows} rows", finished.done, finished.of);
        if failed > 0 {
            text = format!("{text}, {failed} failed");
        }
        self.line.say(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_of_one_name_are_told_apart() {
        let mut taken = BTreeSet::new();
        let names = ["Contoso", "Fabrikam", "Contoso", "Contoso (2)", "Contoso"];
        let names = names.map(|name| distinct(name, &mut taken));
        assert_eq!(
            names,
            [
                "Contoso",
                "Fabrikam",
                "Contoso (2)",
                "Contoso (2) (2)",
                "Contoso (3)"
            ]
        );
    }
}
