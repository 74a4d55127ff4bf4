//! Functions whose arguments are not plain values: columns, types, settings.

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind, TypeOfColumn};

use super::super::expressions::column_value;
use super::super::{Binder, Column, Context, Outcome, Refused};
use crate::bound::{Expr, ExprKind, Value};
use crate::diagnostic::DiagnosticKind;
use crate::functions::Function;
use crate::types::ScalarType::{self, Bool, DateTime, Dynamic, String as Text};

impl<'a> Binder<'a> {
    /// Functions whose arguments are not plain values.
    pub(super) fn special_call(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Option<Outcome<Expr>> {
        Some(match function.name {
            "extract" if call.arguments.len() == 4 => self.typed_extract(function, call, context),
            "extractjson" | "percentile_tdigest" if call.arguments.len() == 3 => {
                self.typed_extract(function, call, context)
            }
            "column_ifexists" => self.column_if_exists(function, call, context),
            "pack_all" => self.pack_all(function, call, context),
            "bag_pack_columns" => self.bag_pack_columns(function, call, context),
            "bag_pack" if call.arguments.len() % 2 == 1 => self.refuse(
                DiagnosticKind::Arity,
                call.span,
                format!("'{}' takes pairs of name and value", call.function.text),
            ),
            "pack_array" | "estimate_data_size" if is_star(call) => {
                let arguments = context
                    .columns
                    .iter()
                    .map(|column| column_value(column, call.span))
                    .collect();
                self.apply(function, call, arguments, context)
            }
            "estimate_data_size" => {
                let arguments = match self.arguments(call, context) {
                    Ok(arguments) => arguments,
                    Err(Refused) => return Some(Err(Refused)),
                };
                let column = |value: &Expr| matches!(value.kind, ExprKind::Column(_));
                match arguments.iter().find(|value| !column(value)) {
                    Some(value) => {
                        let span = value.span;
                        self.refuse(
                            DiagnosticKind::Meaning,
                            span,
                            "'estimate_data_size' needs a column here",
                        )
                    }
                    None => self.apply(function, call, arguments, context),
                }
            }
            "bin_auto" => self.bin_auto(call, context),
            "column_names_of" => self.column_names(call, context),
            "ingestion_time" if call.arguments.is_empty() => {
                // Local rows do not know when they were ingested; the time of the event is nearest.
                let stamp = context.find("Timestamp").filter(|one| one.ty == DateTime)?;
                self.note(call.span, "ingestion_time() is read from Timestamp");
                Ok(column_value(stamp, call.span))
            }
            _ => return None,
        })
    }

    /// `bin_auto(x)`: the bin that `set query_bin_auto_size` and `query_bin_auto_at` say.
    fn bin_auto(&mut self, call: &'a tree::Call, context: &mut Context<'_>) -> Outcome<Expr> {
        let Some(size) = self.bins.size else {
            return self.refuse(
                DiagnosticKind::Meaning,
                call.span,
                "'bin_auto' needs 'set query_bin_auto_size=…' before the query",
            );
        };
        let [argument] = call.arguments.as_slice() else {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                "'bin_auto' takes 1 argument",
            );
        };
        let mut arguments = vec![
            self.expression(&argument.value, context)?,
            self.expression(size, &mut Context::constant(context.scope))?,
        ];
        let function = match self.bins.at {
            Some(at) => {
                arguments.push(self.expression(at, &mut Context::constant(context.scope))?);
                self.known("bin_at", call.span)?
            }
            None => self.known("bin", call.span)?,
        };
        self.apply(function, call, arguments, context)
    }

    fn column_names(&mut self, call: &'a tree::Call, context: &Context<'_>) -> Outcome<Expr> {
        let [argument] = call.arguments.as_slice() else {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                "'column_names_of' takes 1 argument",
            );
        };
        let rows = self.tabular(&argument.value, context.scope)?;
        let mut names = String::from("[");
        for (index, column) in rows.columns.iter().enumerate() {
            if index > 0 {
                names.push(',');
            }
            super::super::literals::write_json_string(&column.name, &mut names);
        }
        names.push(']');
        let value = Value::Dynamic(names);
        Ok(Expr {
            kind: ExprKind::Literal(value),
            ty: Dynamic,
            span: call.span,
        })
    }

    fn typed_extract(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        let Some((last, others)) = call.arguments.split_last() else {
            return Err(Refused);
        };
        let ty = self.type_literal(&last.value)?;
        let mut arguments = Vec::with_capacity(others.len());
        for argument in others {
            arguments.push(self.expression(&argument.value, context)?);
        }
        let arguments = self.checked(function, arguments)?;
        let plain = if function.name == "percentile_tdigest" {
            Dynamic
        } else {
            Text
        };
        let value = Expr {
            kind: ExprKind::Call {
                function,
                arguments,
            },
            ty: plain,
            span: call.span,
        };
        Ok(value.converted(ty))
    }

    pub(in crate::bind) fn type_literal(
        &mut self,
        expression: &tree::Expression,
    ) -> Outcome<ScalarType> {
        if let ExpressionKind::TypeOf(written) = &expression.kind
            && let [TypeOfColumn::Type(name)] = written.columns.as_slice()
        {
            return self.type_name(name);
        }
        self.refuse(
            DiagnosticKind::Constant,
            expression.span,
            "typeof() with one type is needed here",
        )
    }

    fn column_if_exists(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        self.check_arity(function, call.arguments.len(), call.span)?;
        let name = self.expression(
            &call.arguments[0].value,
            &mut Context::constant(context.scope),
        )?;
        let Some(Value::String(name)) = name.literal() else {
            return self.refuse(
                DiagnosticKind::Constant,
                name.span,
                "the column's name has to be a string constant",
            );
        };
        let Some(column) = context.find(name) else {
            self.existing.remove(&call.span);
            return self.expression(&call.arguments[1].value, context);
        };
        self.existing.insert(call.span, name.clone());
        Ok(column_value(column, call.span))
    }

    fn pack_all(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        self.check_arity(function, call.arguments.len(), call.span)?;
        let ignore = match call.arguments.first() {
            Some(argument) => {
                let value = self.expression(&argument.value, context)?;
                match value.literal() {
                    Some(Value::Bool(ignore)) => *ignore,
                    _ => {
                        return self.refuse(
                            DiagnosticKind::Constant,
                            value.span,
                            "true or false is needed here",
                        );
                    }
                }
            }
            None => false,
        };
        let mut arguments = pairs(context.columns, call.span);
        let function = if ignore {
            arguments.insert(
                0,
                Expr {
                    kind: ExprKind::Literal(Value::Bool(true)),
                    ty: Bool,
                    span: call.span,
                },
            );
            function
        } else {
            self.known("bag_pack", call.span)?
        };
        Ok(Expr {
            kind: ExprKind::Call {
                function,
                arguments,
            },
            ty: Dynamic,
            span: call.span,
        })
    }

    /// A bag of columns, without those that are null or empty.
    pub(in crate::bind) fn bag_of(&mut self, columns: &[Column], span: Span) -> Outcome<Expr> {
        let mut arguments = pairs(columns, span);
        arguments.insert(
            0,
            Expr {
                kind: ExprKind::Literal(Value::Bool(true)),
                ty: Bool,
                span,
            },
        );
        Ok(Expr {
            kind: ExprKind::Call {
                function: self.known("pack_all", span)?,
                arguments,
            },
            ty: Dynamic,
            span,
        })
    }

    fn bag_pack_columns(
        &mut self,
        function: &'static Function,
        call: &'a tree::Call,
        context: &mut Context<'_>,
    ) -> Outcome<Expr> {
        self.check_arity(function, call.arguments.len(), call.span)?;
        let mut arguments = Vec::new();
        for argument in &call.arguments {
            let value = self.expression(&argument.value, context)?;
            let Some(name) = self.lent_name(&argument.value, context.scope) else {
                return self.refuse(
                    DiagnosticKind::Meaning,
                    value.span,
                    "a column is needed here",
                );
            };
            arguments.push(string_value(&name, value.span));
            arguments.push(value);
        }
        let function = self.known("bag_pack", call.span)?;
        Ok(Expr {
            kind: ExprKind::Call {
                function,
                arguments,
            },
            ty: Dynamic,
            span: call.span,
        })
    }
}

fn is_star(call: &tree::Call) -> bool {
    matches!(call.arguments.as_slice(), [only] if matches!(&only.value.kind, ExpressionKind::Wildcard(text) if text == "*"))
}

fn string_value(text: &str, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Literal(Value::String(text.to_owned())),
        ty: Text,
        span,
    }
}

/// Names and values of columns, for a bag.
fn pairs(columns: &[Column], span: Span) -> Vec<Expr> {
    let mut arguments = Vec::with_capacity(columns.len() * 2);
    for column in columns {
        arguments.push(string_value(&column.name, span));
        arguments.push(column_value(column, span));
    }
    arguments
}
