//! A table of answers, for tests that need no engine.

use std::collections::HashMap;

use async_trait::async_trait;

use super::backend::{HuntingBackend, Question};
use super::fault::QueryFault;
use super::value::{Column, Rows, Value};

/// Answers the queries it was told of, and refuses the others.
///
/// Texts are compared without the space around them.
///
/// ```
/// use defender_emulator::{Column, ColumnType, Script, Value};
///
/// let script = Script::new().answer(
///     "DeviceInfo | count",
///     vec![Column::new("Count", ColumnType::Long)],
///     vec![vec![Value::Long(3)]],
/// );
/// # let _ = script;
/// ```
#[derive(Debug, Clone, Default)]
pub struct Script {
    answers: HashMap<String, Result<Table, QueryFault>>,
    otherwise: Option<Table>,
}

#[derive(Debug, Clone)]
struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

impl Script {
    /// A script without answers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers `query` with these rows.
    #[must_use]
    pub fn answer(
        mut self,
        query: impl AsRef<str>,
        columns: Vec<Column>,
        rows: Vec<Vec<Value>>,
    ) -> Self {
        self.answers
            .insert(key(query.as_ref()), Ok(Table { columns, rows }));
        self
    }

    /// Refuses `query`.
    #[must_use]
    pub fn refuse(mut self, query: impl AsRef<str>, fault: QueryFault) -> Self {
        self.answers.insert(key(query.as_ref()), Err(fault));
        self
    }

    /// Answers every other query with these rows.
    #[must_use]
    pub fn otherwise(mut self, columns: Vec<Column>, rows: Vec<Vec<Value>>) -> Self {
        self.otherwise = Some(Table { columns, rows });
        self
    }
}

fn key(query: &str) -> String {
    query.trim().to_owned()
}

#[async_trait]
impl HuntingBackend for Script {
    async fn run(&self, question: Question) -> Result<Rows, QueryFault> {
        let table = match self.answers.get(question.query.trim()) {
            Some(answer) => answer.clone()?,
            None => self.otherwise.clone().ok_or_else(|| {
                QueryFault::Unsupported("the script holds no answer for it".to_owned())
            })?,
        };
        Ok(Rows::new(table.columns, table.rows))
    }
}
