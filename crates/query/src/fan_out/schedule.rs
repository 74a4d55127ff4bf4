//! Who works when, and whose turn it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use defender_core::{Error, ErrorKind, Result};
use defender_table::Table;
use tokio::task::{Id, JoinSet};

use super::{Failure, FanOut, Finished, bytes_of};
use crate::connections::Named;
use crate::{ConnectedProvider, Connection};

/// What comes of a connection when it is its turn.
#[derive(Debug)]
pub(super) enum Turn {
    Table(Box<Table>),
    Failed(Failure),
    /// The first failure of a run that is to end with it, whosever turn it is.
    Ended(Failure),
}

/// The connections at work, and the answers that wait for their turn.
///
/// While the next in order takes its time, the others go on: as many as may work at once, and as
/// long as their answers fit into what may wait.
pub(super) struct Schedule {
    fan_out: FanOut,
    /// Where a person signed in, or failed to.
    signed_in: HashMap<usize, Result<ConnectedProvider>>,
    tasks: JoinSet<Result<Table>>,
    indexes: HashMap<Id, usize>,
    waiting: BTreeMap<usize, Result<Table>>,
    /// The bytes that wait.
    held: usize,
    begun: usize,
    turn: usize,
    done: usize,
}

impl Schedule {
    /// Lets those sign in that need a person for it; a person can do that once at a time, and is
    /// not asked in the middle of a run.
    pub(super) async fn new(fan_out: &FanOut) -> Self {
        let connections = &fan_out.connections;
        let mut signed_in = HashMap::new();
        for (index, Named { connection, .. }) in connections.named.iter().enumerate() {
            if connections.provider.needs_person(connection) {
                signed_in.insert(index, connect(fan_out, connection).await);
            }
        }
        Self {
            fan_out: fan_out.clone(),
            signed_in,
            tasks: JoinSet::new(),
            indexes: HashMap::new(),
            waiting: BTreeMap::new(),
            held: 0,
            begun: 0,
            turn: 0,
            done: 0,
        }
    }

    /// The place of the connection whose turn was last.
    pub(super) fn index(&self) -> usize {
        self.turn.saturating_sub(1)
    }

    pub(super) fn failure(&self, index: usize, error: Error) -> Failure {
        Failure {
            index,
            alias: self.alias(index).to_owned(),
            error,
        }
    }

    fn alias(&self, index: usize) -> &str {
        let named = &self.fan_out.connections.named;
        named.get(index).map_or("", |named| &named.alias)
    }

    /// The next in order, when it is there; `None` after the last.
    pub(super) async fn turn(&mut self) -> Option<Turn> {
        let all = self.fan_out.connections.named.len();
        loop {
            self.begin();
            if let Some(outcome) = self.waiting.remove(&self.turn) {
                let index = self.turn;
                self.turn += 1;
                return Some(match outcome {
                    Ok(table) => {
                        self.held = self.held.saturating_sub(bytes_of(&table));
                        Turn::Table(Box::new(table))
                    }
                    Err(error) => Turn::Failed(self.failure(index, error)),
                });
            }
            if self.turn >= all {
                return None;
            }
            let (id, outcome) = match self.tasks.join_next_with_id().await? {
                Ok((id, outcome)) => (id, outcome),
                Err(error) => (
                    error.id(),
                    Err(Error::new(ErrorKind::Protocol, "the work on it broke off")
                        .with_source(error)),
                ),
            };
            let Some(index) = self.indexes.remove(&id) else {
                continue;
            };
            self.done += 1;
            self.fan_out.progress.finished(&Finished {
                alias: self.alias(index),
                outcome: outcome.as_ref().map(Table::row_count),
                done: self.done,
                of: all,
            });
            match outcome {
                Err(error) if self.fan_out.options.fail_fast => {
                    self.tasks.abort_all();
                    return Some(Turn::Ended(self.failure(index, error)));
                }
                Err(error) => {
                    self.waiting.insert(index, Err(error));
                }
                Ok(table) => {
                    self.held += bytes_of(&table);
                    self.waiting.insert(index, Ok(table));
                }
            }
        }
    }

    /// Lets as many work as may.
    fn begin(&mut self) {
        let all = self.fan_out.connections.named.len();
        while self.begun < all
            && self.tasks.len() < self.fan_out.options.parallel.max(1)
            && (self.held < self.fan_out.options.ahead || self.begun == self.turn)
        {
            let index = self.begun;
            self.begun += 1;
            let signed_in = self.signed_in.remove(&index);
            let fan_out = self.fan_out.clone();
            let handle = self
                .tasks
                .spawn(async move { work(&fan_out, index, signed_in).await });
            self.indexes.insert(handle.id(), index);
        }
    }
}

async fn connect(fan_out: &FanOut, connection: &Connection) -> Result<ConnectedProvider> {
    let provider = &fan_out.connections.provider;
    provider.connect(connection.clone()).await
}

/// Signs in where nobody has yet, and asks.
async fn work(
    fan_out: &FanOut,
    index: usize,
    signed_in: Option<Result<ConnectedProvider>>,
) -> Result<Table> {
    let connections = Arc::clone(&fan_out.connections);
    let Some(Named { alias, connection }) = connections.named.get(index) else {
        return Err(Error::new(ErrorKind::Config, "there is no such connection"));
    };
    let provider = match signed_in {
        Some(outcome) => outcome?,
        None => connect(fan_out, connection).await?,
    };
    let query = fan_out.query.clone().with_turn(index);
    Table::collect(fan_out.ask.ask(alias, &provider, &query).await?).await
}
