//! `invoke`.

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind};

use super::super::expressions::column_value;
use super::super::rows::Rows;
use super::super::scope::{Entity, Scope};
use super::super::{Binder, Column, Context, Outcome, Refused};
use crate::bound::{Operator, Value};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::types::ScalarType::{self, Bool, DateTime, Int, String as Text};

/// What `FileProfile` adds to a row.
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-fileprofile-function>
const FILE_PROFILE: [(&str, ScalarType); 18] = [
    ("SHA1", Text),
    ("SHA256", Text),
    ("MD5", Text),
    ("FileSize", Int),
    ("GlobalPrevalence", Int),
    ("GlobalFirstSeen", DateTime),
    ("GlobalLastSeen", DateTime),
    ("Signer", Text),
    ("Issuer", Text),
    ("SignerHash", Text),
    ("IsCertificateValid", Bool),
    ("IsRootSignerMicrosoft", Bool),
    ("SignatureState", Text),
    ("IsExecutable", Bool),
    ("ThreatName", Text),
    ("Publisher", Text),
    ("SoftwareName", Text),
    ("ProfileAvailability", Text),
];

impl<'a> Binder<'a> {
    pub(super) fn invoke(
        &mut self,
        rows: &mut Rows,
        invoked: &'a tree::Expression,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        let ExpressionKind::Call(call) = &invoked.kind else {
            return self.unsupported(invoked.span, "'invoke' of a function of another place");
        };
        let name = call.function.text.as_str();
        if matches!(self.lookup(scope, name), Some(Entity::Function { .. })) {
            let shared = self.share_rows(rows.clone());
            *rows = self.tabular_function(call, scope, Some(Entity::Table(shared)))?;
            return Ok(());
        }
        match name {
            "FileProfile" => self.file_profile(rows, call, scope, span),
            "SeenBy" | "DeviceFromIP" | "AssignedIPAddresses" => {
                self.unsupported(call.span, format!("'{name}', a function of the service,"))
            }
            _ => {
                let declared = self.declared_names(scope);
                let known = declared.iter().map(std::string::String::as_str).chain([
                    "FileProfile",
                    "SeenBy",
                    "DeviceFromIP",
                ]);
                let suggestion = nearest(name, known);
                self.errors.push(
                    Diagnostic::new(
                        DiagnosticKind::Name,
                        call.function.span,
                        format!("no function named '{name}' to invoke"),
                    )
                    .with_suggestion(suggestion),
                );
                Err(Refused)
            }
        }
    }

    fn file_profile(
        &mut self,
        rows: &mut Rows,
        call: &'a tree::Call,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        if !(1..=2).contains(&call.arguments.len()) {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                "'FileProfile' takes a column and a number of rows",
            );
        }
        let hash = self.expression(
            &call.arguments[0].value,
            &mut Context::over(scope, &rows.columns),
        )?;
        // A column may be named in quotes as well.
        let hash = match hash.literal() {
            Some(Value::String(name)) => match rows.find(name) {
                Some(column) => column_value(column, hash.span),
                None => {
                    return self.refuse(
                        DiagnosticKind::Name,
                        hash.span,
                        format!("no column named '{name}'"),
                    );
                }
            },
            _ => hash,
        };
        let mut arguments = vec![hash];
        if let Some(limit) = call.arguments.get(1) {
            arguments.push(self.count(&limit.value, &mut Context::constant(scope))?);
        }
        let outputs: Vec<Column> = FILE_PROFILE
            .iter()
            .map(|(name, ty)| self.column(*name, *ty))
            .collect();
        let mut columns = rows.columns.clone();
        for output in &outputs {
            // What a row knows already it keeps.
            if rows.find(&output.name).is_none() {
                columns.push(output.clone());
            }
        }
        rows.then(
            Operator::Enrich {
                name: "FileProfile",
                arguments,
                outputs,
            },
            columns,
            span,
        );
        Ok(())
    }
}
