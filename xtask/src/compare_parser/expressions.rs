//! The expressions that both sides are asked about: every function over every type.

use kql_semantics::{Function, FunctionKind, Parameter, ScalarType};

use super::forms;
use super::parser::{Argument, Callee, Catalogue};

/// The column of that type.
pub(super) fn column(ty: &str) -> String {
    format!("c_{ty}")
}

/// A constant of that type.
pub(super) fn constant(ty: &str) -> &'static str {
    match ty {
        "bool" => "true",
        "int" => "int(1)",
        "long" => "1",
        "real" => "1.5",
        "decimal" => "decimal(1.5)",
        "datetime" => "datetime(2024-01-31)",
        "timespan" => "1h",
        "guid" => "guid(01234567-89ab-cdef-0123-456789abcdef)",
        "dynamic" => "dynamic([1])",
        _ => "'s'",
    }
}

/// Where a call can stand.
#[derive(Clone, Copy)]
enum Place {
    /// In any row.
    Row,
    /// In rows with an order.
    Ordered,
    /// In a group.
    Group,
}

/// Every query, some of them more than once.
pub(super) fn all(catalogue: &Catalogue) -> Vec<String> {
    let mut queries = forms::all();
    for callee in &catalogue.scalars {
        calls(callee, place(&callee.name), &mut queries);
    }
    for callee in &catalogue.aggregates {
        calls(callee, Place::Group, &mut queries);
    }
    for function in Function::all() {
        let known = match function.kind {
            FunctionKind::Aggregate => &catalogue.aggregates,
            FunctionKind::Scalar | FunctionKind::Window => &catalogue.scalars,
        };
        let place = match function.kind {
            FunctionKind::Aggregate => Place::Group,
            FunctionKind::Scalar => Place::Row,
            FunctionKind::Window => Place::Ordered,
        };
        for name in std::iter::once(&function.name).chain(function.aliases) {
            if known.iter().all(|callee| callee.name != *name) {
                calls(&ours(function, name), place, &mut queries);
            }
        }
    }
    queries
}

fn place(name: &str) -> Place {
    let window = Function::scalar(name).is_some_and(|found| found.kind == FunctionKind::Window);
    if window { Place::Ordered } else { Place::Row }
}

/// A function that only this side has.
fn ours(function: &Function, name: &str) -> Callee {
    let argument = |index: usize| Argument {
        ty: match function.parameter(index) {
            Parameter::Of(ty) => ty.name().to_owned(),
            Parameter::Dynamic | Parameter::Json => "dynamic".to_owned(),
            Parameter::Text | Parameter::TextAlone | Parameter::StringOrDynamic => {
                "string".to_owned()
            }
            _ => "long".to_owned(),
        },
        constant: false,
        text: None,
    };
    Callee {
        name: name.to_owned(),
        lists: vec![(0..function.min).map(argument).collect()],
    }
}

/// The calls of one function, with arguments of every type in every position.
fn calls(callee: &Callee, place: Place, queries: &mut Vec<String>) {
    let name = &callee.name;
    let mut put = |arguments: &[String]| {
        queries.push(within(place, &format!("{name}({})", arguments.join(", "))));
    };
    for list in &callee.lists {
        let base: Vec<String> = list.iter().map(text).collect();
        put(&base);
        if let Some((_, fewer)) = base.split_last() {
            put(fewer);
        }
        let mut more = base.clone();
        more.push(constant("long").to_owned());
        put(&more);
        for (index, written) in list.iter().enumerate() {
            for ty in ScalarType::ALL.map(ScalarType::name) {
                let mut arguments = base.clone();
                if written.constant {
                    constant(ty).clone_into(&mut arguments[index]);
                } else {
                    arguments[index] = column(ty);
                }
                put(&arguments);
            }
            if written.constant && written.text.as_deref() != Some("*") {
                let mut arguments = base.clone();
                arguments[index] = column(&written.ty);
                put(&arguments);
            }
        }
        if base.len() >= 2 {
            for ty in ScalarType::ALL.map(ScalarType::name) {
                put(&vec![column(ty); base.len()]);
            }
        }
    }
    for list in &callee.lists {
        let base: Vec<String> = list.iter().map(text).collect();
        named(place, &format!("{name}({})", base.join(", ")), queries);
    }
}

fn text(argument: &Argument) -> String {
    match &argument.text {
        Some(text) => text.clone(),
        None if argument.constant => constant(&argument.ty).to_owned(),
        None => column(&argument.ty),
    }
}

/// A query whose result has a column of that expression.
fn within(place: Place, expression: &str) -> String {
    match place {
        Place::Row => format!("T | extend {expression}"),
        Place::Ordered => format!("T | serialize | extend {expression}"),
        Place::Group => format!("T | summarize {expression}"),
    }
}

/// Queries about the name of a column that is made of a call.
fn named(place: Place, call: &str, queries: &mut Vec<String>) {
    match place {
        Place::Row => {
            queries.push(format!("T | project {call}, {call}"));
            queries.push(format!("T | summarize by {call}"));
            queries.push(format!("T | summarize take_any({call}), dcount({call})"));
            queries.push(format!("T | distinct {call}"));
            queries.push(format!("T | project tostring({call})"));
        }
        Place::Ordered => queries.push(format!("T | serialize {call}, {call}")),
        Place::Group => {
            queries.push(format!("T | summarize {call}, {call} by c_bool"));
            queries.push(format!("T | summarize tostring({call})"));
        }
    }
}
