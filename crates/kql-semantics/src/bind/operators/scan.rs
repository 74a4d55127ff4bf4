//! `scan`.

use kql_syntax::tree;

use super::super::rows::Rows;
use super::super::scope::Scope;
use super::super::{Binder, Context, Outcome};
use super::project::replace_or_push;
use crate::bound::{Operator, Scan, ScanOutput, ScanStep};
use crate::diagnostic::DiagnosticKind;
use crate::types::ScalarType;

impl<'a> Binder<'a> {
    pub(super) fn scan(
        &mut self,
        rows: &mut Rows,
        scan: &'a tree::Scan,
        operator: &'a tree::Operator,
        scope: Scope,
    ) -> Outcome<()> {
        if !scan.order_by.is_empty() {
            let keys = self.sort_keys(rows, &scan.order_by, scope)?;
            rows.pass(Operator::Sort { keys }, operator.span);
            rows.ordered = true;
        }
        if let Some(by) = scan.partition_by.first() {
            return self.unsupported(by.span, "'partition by' inside of 'scan'");
        }
        if !rows.ordered {
            return self.refuse(
                DiagnosticKind::Meaning,
                operator.span,
                "'scan' needs rows in order; put 'sort by' or 'serialize' before",
            );
        }
        let mut columns = rows.columns.clone();
        let mut declared = Vec::with_capacity(scan.declare.len());
        for declaration in &scan.declare {
            let ty = self.type_name(&declaration.column.ty)?;
            let default = match &declaration.default {
                Some(default) => {
                    let value = self.expression(default, &mut Context::constant(scope))?;
                    Some(self.argument_of_type(value, ty)?)
                }
                None => None,
            };
            let column = self.column(declaration.column.name.text.as_str(), ty);
            replace_or_push(&mut columns, column.clone());
            declared.push((column, default));
        }
        let names: Vec<String> = scan
            .steps
            .iter()
            .map(|step| step.name.text.clone())
            .collect();
        let mut steps = Vec::with_capacity(scan.steps.len());
        for (at, step) in scan.steps.iter().enumerate() {
            if names[..at].contains(&step.name.text) {
                return self.refuse(
                    DiagnosticKind::Name,
                    step.name.span,
                    format!("a step named '{}' is there already", step.name.text),
                );
            }
            let mut context = Context::over(scope, &columns);
            context.steps = &names;
            let condition = self.predicate(&step.condition, &mut context)?;
            let mut assignments = Vec::with_capacity(step.assignments.len());
            for assignment in &step.assignments {
                let Some((column, _)) = declared
                    .iter()
                    .find(|(column, _)| *column.name == assignment.name.text)
                else {
                    return self.unknown_column(&assignment.name, &context);
                };
                let (id, ty) = (column.id, column.ty);
                let value = self.expression(&assignment.value, &mut context)?;
                let value = self.argument_of_type(value, ty)?;
                assignments.push((id, value));
            }
            let output = match step.output.as_ref().map(|name| name.text.as_str()) {
                None | Some("all") => ScanOutput::All,
                Some("last") => ScanOutput::Last,
                Some("none") => ScanOutput::None,
                Some(other) => {
                    return self.refuse(
                        DiagnosticKind::Name,
                        step.span,
                        format!("no output is called '{other}'"),
                    );
                }
            };
            steps.push(ScanStep {
                name: step.name.text.clone(),
                optional: step.optional,
                output,
                condition,
                assignments,
            });
        }
        let match_id = match Self::option(operator, "with_match_id") {
            Some(name) => {
                let column = self.column(name, ScalarType::Long);
                let id = column.id;
                replace_or_push(&mut columns, column);
                Some(id)
            }
            None => None,
        };
        rows.then(
            Operator::Scan(Box::new(Scan {
                declared,
                match_id,
                steps,
            })),
            columns,
            operator.span,
        );
        Ok(())
    }
}
