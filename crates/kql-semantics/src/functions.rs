//! The functions of the language, as data.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::types::ScalarType;

mod aggregates;
mod dynamics;
mod geography;
mod networks;
mod notation;
mod numbers;
mod series;
mod service;
mod strings;
mod times;
mod windows;

/// What a function is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// A value from values.
    Scalar,
    /// A value from the values of a group; only in `summarize`, `make-series`, `top-nested`.
    Aggregate,
    /// A value that depends on the rows around; only over ordered rows.
    Window,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Any type.
    Any,
    /// This type; for `string` a `dynamic` is converted, unless it is written out.
    Of(ScalarType),
    /// `string`, and no `dynamic`.
    TextAlone,
    /// `int`, `long`, `real`, `decimal`.
    Number,
    /// `int`, `long` or `real`, as a `real`.
    Real,
    /// A number or a `bool`.
    NumberOrBool,
    /// A number, or a `dynamic` that is an array of them.
    Series,
    /// `int` or `long`, as a `long`.
    Integer,
    /// `int` or `long`, for a function that looks at its own bits.
    Bits,
    /// A number, `datetime` or `timespan`.
    Summable,
    /// Anything but `dynamic` and `guid`.
    Orderable,
    /// Anything but `dynamic`.
    NotDynamic,
    /// Anything but `real` and `bool`.
    NotRealOrBool,
    /// Anything; converted to `string`.
    Text,
    /// `dynamic`, an array or a bag.
    Dynamic,
    /// `string` or `dynamic`, as it is.
    Json,
    /// `string` or `dynamic`, also one that is written out, as a `string`.
    StringOrDynamic,
    /// `typeof(…)`.
    TypeName,
    /// The same for every row.
    Constant(&'static Parameter),
    /// A constant string that is one of these, in any case.
    OneOf(&'static [&'static str]),
}

/// How a function's type follows from its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnRule {
    /// Always this.
    Type(ScalarType),
    /// The type of the argument of that index.
    Argument(usize),
    /// The common type of all arguments, which are converted to it.
    Common,
    /// `long` for `int`, else the argument's own type.
    Sum,
    /// `real` for integers, else the argument's own type.
    Average,
    /// A rule of its own, in the binder.
    Special,
}

/// How a column is called that is made of a call without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By position: `Column1`, in `print` `print_0`.
    Position,
    /// Like the first argument.
    FirstArgument,
    /// The prefix, `_`, and the first argument's name (nothing, if it has none).
    Prefix(&'static str),
    /// Always this.
    Fixed(&'static str),
}

/// One function.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The canonical name.
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// What it is for.
    pub kind: FunctionKind,
    /// Least number of arguments.
    pub min: usize,
    /// Greatest number of arguments; `usize::MAX` is no limit.
    pub max: usize,
    /// What the arguments must be; the last one repeats.
    pub parameters: &'static [Parameter],
    /// What comes out.
    pub returns: ReturnRule,
    /// How a column made of a call without a name is called.
    pub naming: Naming,
    /// Whether it gives another value for each row, whatever its arguments.
    pub volatile: bool,
}

impl Function {
    /// Every function of the language that this library knows.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        TABLES.iter().flat_map(|table| table.iter())
    }

    /// The function of one value or row that bears this name or alias.
    #[must_use]
    pub fn scalar(name: &str) -> Option<&'static Self> {
        INDEX.scalars.get(name).copied()
    }

    /// The aggregate that bears this name or alias.
    #[must_use]
    pub fn aggregate(name: &str) -> Option<&'static Self> {
        INDEX.aggregates.get(name).copied()
    }

    /// What the argument of that index must be.
    #[must_use]
    pub fn parameter(&self, index: usize) -> Parameter {
        match self
            .parameters
            .get(index)
            .or_else(|| self.parameters.last())
        {
            Some(parameter) => *parameter,
            None => Parameter::Any,
        }
    }
}

static TABLES: &[&[Function]] = &[
    strings::FUNCTIONS,
    times::FUNCTIONS,
    numbers::FUNCTIONS,
    dynamics::FUNCTIONS,
    networks::FUNCTIONS,
    geography::FUNCTIONS,
    series::FUNCTIONS,
    service::FUNCTIONS,
    windows::FUNCTIONS,
    aggregates::FUNCTIONS,
];

/// The functions by name. Some names (`hll_merge`) are a scalar function and an aggregate.
struct Index {
    scalars: HashMap<&'static str, &'static Function>,
    aggregates: HashMap<&'static str, &'static Function>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index {
        scalars: HashMap::new(),
        aggregates: HashMap::new(),
    };
    for function in Function::all() {
        let names = match function.kind {
            FunctionKind::Scalar | FunctionKind::Window => &mut index.scalars,
            FunctionKind::Aggregate => &mut index.aggregates,
        };
        for name in std::iter::once(&function.name).chain(function.aliases) {
            names.insert(name, function);
        }
    }
    index
});

#[cfg(test)]
mod tests {
    use super::{Function, FunctionKind};

    #[test]
    fn no_name_is_given_twice() {
        let mut seen = std::collections::HashSet::new();
        for function in Function::all() {
            for name in std::iter::once(&function.name).chain(function.aliases) {
                let aggregate = function.kind == FunctionKind::Aggregate;
                assert!(
                    seen.insert((aggregate, *name)),
                    "{name} is in the tables twice"
                );
            }
            assert!(function.min <= function.max, "{}", function.name);
        }
    }

    #[test]
    fn an_alias_finds_the_canonical_function() {
        assert_eq!(
            Function::scalar("todynamic").map(|found| found.name),
            Some("parse_json")
        );
        assert_eq!(
            Function::aggregate("makeset").map(|found| found.name),
            Some("make_set")
        );
        assert_eq!(Function::scalar("make_set"), None);
    }
}
