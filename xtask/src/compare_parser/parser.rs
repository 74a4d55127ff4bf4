//! Microsoft's parser, in a process of Node.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kql_semantics::TableSchema;
use serde_json::{Value, json};

use crate::command::root;

/// What one side says of a query.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Names and types of the result.
    pub(super) columns: Vec<(String, String)>,
    /// Why it is refused; empty when it is accepted.
    pub(super) refusals: Vec<String>,
}

/// An argument to begin with.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    /// The name of its type.
    pub(super) ty: String,
    /// Whether it has to be a constant.
    pub(super) constant: bool,
    /// What to write, where a value of the type will not do.
    pub(super) text: Option<String>,
}

/// A function, and lists of arguments that it takes.
#[derive(Debug)]
pub(super) struct Callee {
    pub(super) name: String,
    pub(super) lists: Vec<Vec<Argument>>,
}

/// The functions that the parser has.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) scalars: Vec<Callee>,
    pub(super) aggregates: Vec<Callee>,
}

/// The process, which answers a line for a line.
pub(super) struct Parser {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Parser {
    /// Starts the parser that is installed in `place`, to know these tables.
    pub(super) fn start(
        place: &Path,
        tables: &BTreeMap<String, TableSchema>,
    ) -> Result<(Self, Catalogue), String> {
        let script = root().join("tests/parser/ask.mjs");
        println!("$ node {}", script.display());
        let mut child = Command::new("node")
            .arg(&script)
            // What follows the last separator is no part of where packages are looked for.
            .env("PARSER_NODE", place.join("package.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node did not start: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("node has no streams".to_owned());
        };
        let mut parser = Self {
            child,
            input: Some(input),
            output: BufReader::new(output).lines(),
        };
        let tables: serde_json::Map<String, Value> = tables
            .iter()
            .map(|(name, table)| {
                let columns = table.columns.iter();
                let columns = columns.map(|column| json!([column.name, column.ty.name()]));
                (name.clone(), columns.collect())
            })
            .collect();
        let answers = parser.exchange(&[json!({ "tables": tables })])?;
        let catalogue = Catalogue {
            scalars: callees(&answers[0]["scalars"]),
            aggregates: callees(&answers[0]["aggregates"]),
        };
        Ok((parser, catalogue))
    }

    /// What the parser says of each query.
    pub(super) fn ask(&mut self, queries: &[String]) -> Result<Vec<Verdict>, String> {
        let asked: Vec<Value> = queries
            .iter()
            .map(|query| json!({ "query": query }))
            .collect();
        Ok(self.exchange(&asked)?.iter().map(verdict).collect())
    }

    /// Writes and reads at once, since either side waits when its pipe is full.
    fn exchange(&mut self, asked: &[Value]) -> Result<Vec<Value>, String> {
        let mut input = self.input.take().ok_or("node has ended")?;
        let output = &mut self.output;
        let (input, answers) = std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                for line in asked {
                    writeln!(input, "{line}")?;
                }
                input.flush()?;
                Ok::<ChildStdin, std::io::Error>(input)
            });
            let answers: Result<Vec<Value>, String> = asked
                .iter()
                .map(|_| {
                    let line = output.next().ok_or("node ended early")?;
                    let line = line.map_err(|error| error.to_string())?;
                    serde_json::from_str(&line).map_err(|error| error.to_string())
                })
                .collect();
            (writer.join(), answers)
        });
        let answers = answers?;
        let input = input.map_err(|_| "the writer to node ended early")?;
        self.input = Some(input.map_err(|error| error.to_string())?);
        Ok(answers)
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        // The end of its input is the end of the process.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn verdict(answer: &Value) -> Verdict {
    let texts = |value: &Value| {
        let texts = value.as_array().into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let columns = answer["columns"].as_array().into_iter().flatten();
    let columns = columns.filter_map(|column| {
        let text = |index: usize| column[index].as_str().map(str::to_owned);
        Some((text(0)?, text(1)?))
    });
    Verdict {
        columns: columns.collect(),
        refusals: texts(&answer["errors"]),
    }
}

fn callees(answer: &Value) -> Vec<Callee> {
    let argument = |value: &Value| Argument {
        ty: value["type"].as_str().unwrap_or("long").to_owned(),
        constant: value["constant"] == true,
        text: value["text"].as_str().map(str::to_owned),
    };
    let list = |value: &Value| {
        let arguments = value.as_array().into_iter().flatten();
        arguments.map(argument).collect()
    };
    let callees = answer.as_array().into_iter().flatten();
    callees
        .map(|value| Callee {
            name: value["name"].as_str().unwrap_or_default().to_owned(),
            lists: (value["lists"].as_array().into_iter().flatten())
                .map(list)
                .collect(),
        })
        .collect()
}
