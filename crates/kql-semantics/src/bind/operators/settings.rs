//! Options, hints and properties of operators: which there are, and their values.
//!
//! Hints change no answer, but one that no operator has is a slip.
//!
//! Source: <https://learn.microsoft.com/kusto/query/shuffle-query>

use kql_syntax::tree::{self, ExpressionKind, LiteralValue, OperatorKind};

use super::super::rows::Rows;
use super::super::scope::Scope;
use super::super::{Binder, Context, Outcome, Refused};
use crate::bound::Render;
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};

/// The hints of all operators, and the words that a hint takes, where it takes words.
const HINTS: &[(&str, &[&str])] = &[
    ("concurrency", &[]),
    (
        "distribution",
        &["single", "per_node", "per_shard", "default"],
    ),
    ("materialized", &[]),
    ("num_partitions", &[]),
    ("pass_filters", &[]),
    ("pass_filters_column", &[]),
    ("progressive_top", &[]),
    ("remote", &["auto", "left", "local", "right", "unresolved"]),
    ("shufflekey", &[]),
    ("spread", &[]),
    (
        "strategy",
        &[
            "auto",
            "broadcast",
            "centralized",
            "shuffle",
            "native",
            "legacy",
            "splitBlock",
            "multipleBlocks",
        ],
    ),
];

/// What `render` draws.
///
/// Source: <https://learn.microsoft.com/kusto/query/render-operator>
const CHARTS: &[&str] = &[
    "table",
    "list",
    "barchart",
    "piechart",
    "ladderchart",
    "timechart",
    "linechart",
    "anomalychart",
    "pivotchart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "timepivot",
    "columnchart",
    "timeline",
    "3Dchart",
    "card",
    "treemap",
    "plotly",
    "graph",
    "sankey",
];

/// The properties of a chart, and the words that one takes, where it takes words.
const PROPERTIES: &[(&str, &[&str])] = &[
    (
        "kind",
        &["default", "unstacked", "stacked", "stacked100", "map"],
    ),
    ("title", &[]),
    ("accumulate", &["true", "false"]),
    ("xcolumn", &[]),
    ("ycolumns", &[]),
    ("anomalycolumns", &[]),
    ("series", &[]),
    ("xtitle", &[]),
    ("ytitle", &[]),
    ("xaxis", &["linear", "log"]),
    ("yaxis", &["linear", "log"]),
    ("legend", &["visible", "hidden"]),
    ("ysplit", &["none", "axes", "panels"]),
    ("ymin", &[]),
    ("ymax", &[]),
    ("xmin", &[]),
    ("xmax", &[]),
];

impl<'a> Binder<'a> {
    /// Refuses options that an operator has twice, and hints and kinds that it does not have.
    pub(in crate::bind) fn check_options(&mut self, operator: &'a tree::Operator) -> Outcome<()> {
        let keyword = operator.keyword.text.as_str();
        for (at, option) in operator.options.iter().enumerate() {
            let name = option.name.text.as_str();
            if operator.options[..at]
                .iter()
                .any(|one| one.name.text == name)
            {
                return self.refuse(
                    DiagnosticKind::Name,
                    option.span,
                    format!("'{name}' is written twice"),
                );
            }
            let allowed: &[&str] = match (&operator.kind, name) {
                (OperatorKind::Reduce(_), "kind") => &["source"],
                (OperatorKind::Union(_), "isfuzzy" | "best_effort") => &["true", "false"],
                (OperatorKind::Partition(_), "hint.strategy") => &["legacy", "native", "shuffle"],
                (OperatorKind::Scan(_), "kind") => {
                    return self.unsupported(option.span, "the kind of a 'scan'");
                }
                (OperatorKind::MvApply(_), "kind" | "bagexpansion") => {
                    if value_of(option) == Some("array") {
                        return self.unsupported(option.span, "'mv-apply' of bags as arrays");
                    }
                    &["bag"]
                }
                (OperatorKind::Parse(_) | OperatorKind::ParseWhere(_), "flags") => &[],
                (_, "flags") => {
                    return self.refuse(
                        DiagnosticKind::Name,
                        option.span,
                        format!("'{keyword}' has no 'flags'"),
                    );
                }
                _ => match name.strip_prefix("hint.") {
                    Some(hint) => {
                        let known: Vec<&str> = HINTS.iter().map(|(name, _)| *name).collect();
                        let written = tree::Name {
                            text: hint.to_owned(),
                            ..option.name.clone()
                        };
                        self.known_name(&written, &known, "hint")?;
                        HINTS
                            .iter()
                            .find(|(name, _)| *name == hint)
                            .map_or(&[], |(_, words)| words)
                    }
                    None => &[],
                },
            };
            self.known_value(option, allowed, keyword)?;
        }
        Ok(())
    }

    /// `render`, whose rows are the answer: what it draws is checked, and nothing is drawn.
    pub(super) fn render(
        &mut self,
        rows: &Rows,
        render: &'a tree::Render,
        scope: Scope,
        operator: &'a tree::Operator,
    ) -> Outcome<()> {
        self.known_name(&render.chart, CHARTS, "chart")?;
        for property in &render.properties {
            let name = property.name.text.as_str();
            let names_columns = match name {
                // The old form.
                "by" | "with" if !render.with => true,
                _ => matches!(name, "xcolumn" | "ycolumns" | "anomalycolumns" | "series"),
            };
            if names_columns {
                for column in &property.values {
                    if matches!(column.kind, ExpressionKind::Name(_)) {
                        self.expression(column, &mut Context::over(scope, &rows.columns))?;
                    }
                }
                continue;
            }
            let known: Vec<&str> = PROPERTIES.iter().map(|(name, _)| *name).collect();
            self.known_name(&property.name, &known, "property of a chart")?;
            let words = PROPERTIES.iter().find(|(known, _)| *known == name);
            self.known_value(property, words.map_or(&[], |(_, words)| words), "render")?;
        }
        self.render = Some(Render {
            chart: render.chart.text.clone(),
        });
        self.note(
            operator.span,
            "'render' draws nothing here; the rows are the answer",
        );
        Ok(())
    }

    /// Refuses a name that is not among those known.
    pub(super) fn known_name(
        &mut self,
        name: &tree::Name,
        known: &[&str],
        what: &str,
    ) -> Outcome<()> {
        if known.contains(&name.text.as_str()) {
            return Ok(());
        }
        let suggestion = nearest(&name.text, known.iter().copied());
        let message = match what {
            "parse-kv" => format!("'{what}' has no property '{}'", name.text),
            _ => format!("no {what} is called '{}'", name.text),
        };
        self.errors.push(
            Diagnostic::new(DiagnosticKind::Name, name.span, message).with_suggestion(suggestion),
        );
        Err(Refused)
    }

    /// Refuses the value of a setting that takes other words.
    fn known_value(
        &mut self,
        setting: &tree::Setting,
        words: &[&str],
        keyword: &str,
    ) -> Outcome<()> {
        if words.is_empty() {
            return Ok(());
        }
        let value = value_of(setting).unwrap_or_default();
        if words.contains(&value) {
            return Ok(());
        }
        let option = &setting.name.text;
        let option = option.strip_prefix("hint.").unwrap_or(option);
        self.errors.push(
            Diagnostic::new(
                DiagnosticKind::Name,
                setting.span,
                format!("no {option} of {keyword} is called '{value}'"),
            )
            .with_suggestion(nearest(value, words.iter().copied())),
        );
        Err(Refused)
    }
}

/// The value of a setting as text: a bare word, a string, or as it is written.
pub(super) fn value_of(setting: &tree::Setting) -> Option<&str> {
    match &setting.values.first()?.kind {
        ExpressionKind::Name(name) => Some(&name.text),
        ExpressionKind::Literal(literal) => match &literal.value {
            LiteralValue::String { value, .. } => Some(value),
            _ => Some(&literal.text),
        },
        _ => None,
    }
}
