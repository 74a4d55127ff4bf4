//! One query definition: what it asks, with which parameters, of which environments.

use std::path::PathBuf;
use std::str::FromStr;

use defender_core::DataEnvironment;
use serde::{Serialize, Serializer};

use crate::template::Template;
use crate::value::Value;

/// The type of a parameter: which values it takes, and how they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Text.
    #[default]
    Str,
    /// A moment: `2026-11-20T08:00Z`, `-7d`, `now`, or a number of days from now.
    Datetime,
    /// A whole number of 64 bits.
    Int,
    /// A finite number.
    Float,
    /// Several values: a list, or text with commas.
    List,
    /// `true` or `false`.
    Bool,
}

impl Type {
    /// Every type, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Str,
        Self::Datetime,
        Self::Int,
        Self::Float,
        Self::List,
        Self::Bool,
    ];

    /// The name in a definition file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Datetime => "datetime",
            Self::Int => "int",
            Self::Float => "float",
            Self::List => "list",
            Self::Bool => "bool",
        }
    }

    /// The type that a definition file calls `name`, also by the names that people mean it by.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "str" | "string" | "text" => Self::Str,
            "datetime" | "date" | "time" => Self::Datetime,
            "int" | "integer" | "long" => Self::Int,
            "float" | "real" | "double" | "number" => Self::Float,
            "list" | "array" => Self::List,
            "bool" | "boolean" => Self::Bool,
            _ => return None,
        })
    }
}

/// What a parameter stands for where the template gives it no quotes.
///
/// A definition file says it with the key `kind`, which MSTICPy does not know. Without it,
/// `table` and `time_column` are identifiers, `add_query_items` is a fragment, and of any other
/// text parameter the place decides: right of a comparison stands a value, left of it a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A value, quoted by its type.
    Value,
    /// One name of a table or column; for a list, several.
    Identifier,
    /// One comparison, such as `=~` or `has`.
    Operator,
    /// One literal that is written without quotes, such as `7d`.
    Literal,
    /// One scalar expression.
    Expression,
    /// Pipeline steps, each with its `|`, that go on where the template stops.
    Fragment,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Value,
        Self::Identifier,
        Self::Operator,
        Self::Literal,
        Self::Expression,
        Self::Fragment,
    ];

    /// The name in a definition file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Identifier => "identifier",
            Self::Operator => "operator",
            Self::Literal => "literal",
            Self::Expression => "expression",
            Self::Fragment => "fragment",
        }
    }

    /// What parameters of these names are by convention.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        match name {
            "table" | "time_column" => Some(Self::Identifier),
            "add_query_items" => Some(Self::Fragment),
            _ => None,
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
            .ok_or(())
    }
}

/// A parameter of a query.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name in the template.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Which values it takes.
    #[serde(rename = "type")]
    pub ty: Type,
    /// What it stands for outside of quotes; `None` lets name and place decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// What it is when nobody says otherwise; without one it is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether the default comes from the file's `defaults` and not from the query itself.
    #[serde(skip)]
    pub shared_default: bool,
    /// Other names for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// A Python format template, such as `{:%Y-%m-%d}`, that its value is written with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

impl Parameter {
    /// Whether `name` is its name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// The language that a query is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// The Kusto Query Language.
    Kql,
    /// The path and query of an `OData` address, such as `/security/alerts_v2?$filter=…`.
    Odata,
    /// The language of a service that this project does not ask.
    Other,
}

/// A query definition as loaded: defaults merged, macros put in.
#[derive(Clone, Debug, Serialize)]
pub struct Definition {
    /// Its name within its families.
    pub name: String,
    /// The families it is found under; a family may be dotted.
    pub families: Vec<String>,
    /// What it asks.
    pub description: String,
    /// The environments it declares.
    #[serde(serialize_with = "names")]
    pub environments: Vec<DataEnvironment>,
    /// The environments it declares that this project does not know, such as `LogAnalytics`.
    pub other_environments: Vec<String>,
    /// The language of its text.
    pub language: Language,
    /// The kind of data it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_source: Option<String>,
    /// The tags of its file.
    pub tags: Vec<String>,
    /// Where it is explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Everything else that its metadata says.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Its parameters by name.
    pub parameters: Vec<Parameter>,
    /// The template: `{name}` is a parameter, doubled braces are braces.
    pub text: String,
    /// The file it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Its line there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip)]
    pub(crate) template: Template,
    /// The bytes of the file that the text was written with.
    #[serde(skip)]
    pub(crate) written: Option<(usize, usize)>,
}

fn names<S: Serializer>(
    environments: &[DataEnvironment],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(environments.iter().map(|environment| environment.name()))
}

impl Definition {
    /// The parameter that goes by `name`, also as an alias.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
            .or_else(|| {
                self.parameters
                    .iter()
                    .find(|parameter| parameter.answers_to(name))
            })
    }

    /// Whether the template uses the parameter `name`.
    pub fn uses(&self, name: &str) -> bool {
        self.template.holes().any(|hole| hole.name == name)
    }

    /// The parameters that the caller has to give: used, and without a default.
    ///
    /// `start` and `end` are among them, though [`Library::render`](crate::Library::render)
    /// fills them in.
    pub fn required(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters
            .iter()
            .filter(|parameter| parameter.default.is_none() && self.uses(&parameter.name))
    }
}
