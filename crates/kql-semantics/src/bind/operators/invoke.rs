//! `invoke`.

use kql_syntax::Span;
use kql_syntax::tree::{self, ExpressionKind};

use super::super::expressions::column_value;
use super::super::rows::Rows;
use super::super::scope::{Entity, Scope};
use super::super::{Binder, Column, Context, Outcome, Refused};
use crate::bound::{Assignment, Expr, ExprKind, Operator, SetOp, SetOperand, Value};
use crate::diagnostic::{Diagnostic, DiagnosticKind, nearest};
use crate::types::ScalarType::{self, Bool, DateTime, Dynamic, Int, String as Text};

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

/// The column of hashes that `FileProfile` looks at when the query does not say.
const FILE: &str = "SHA1";

/// The table that stands in for what the service knows of who has seen a device: `DeviceId` is the
/// device and `SeenBy` the one that has seen it.
const SIGHTINGS: &str = "SeenBy";
const DEVICE: &str = "DeviceId";
const SEEN_BY: &str = "SeenBy";

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
            *rows = self.tabular_function(call, scope, Some(shared))?;
            return Ok(());
        }
        match name {
            "FileProfile" => self.file_profile(rows, call, scope, span),
            "SeenBy" => self.seen_by(rows, call, scope, span),
            "DeviceFromIP" | "AssignedIPAddresses" => {
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
        if call.arguments.len() > 2 {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                "'FileProfile' takes a column and a number of rows",
            );
        }
        let hash = self.column_argument(rows, call, FILE, scope)?;
        // A column may be named in quotes as well.
        let hash = match hash.literal() {
            Some(Value::String(name)) => self.column_named(rows, name, hash.span)?,
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

    /// `invoke SeenBy(device)`: the devices that have seen those of the rows, or one, each once.
    ///
    /// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-seenby-function>, and
    /// <https://learn.microsoft.com/defender-endpoint/device-discovery> for the column `SeenBy`
    fn seen_by(
        &mut self,
        rows: &mut Rows,
        call: &'a tree::Call,
        scope: Scope,
        span: Span,
    ) -> Outcome<()> {
        if call.arguments.len() > 1 {
            return self.refuse(
                DiagnosticKind::Arity,
                call.span,
                "'SeenBy' takes one device",
            );
        }
        let device = self.column_argument(rows, call, DEVICE, scope)?;
        let device = match device.literal() {
            Some(Value::String(name)) if rows.find(name).is_some() => {
                self.column_named(rows, name, device.span)?
            }
            _ => device,
        };
        let Some(mut seen) = self.schema_table(SIGHTINGS, call.span) else {
            // What comes out is known all the same, by either page: the devices, and the rows with
            // a column of the devices. Who runs it says what is missing.
            let outputs = vec![self.column(DEVICE, Text), self.column(SEEN_BY, Dynamic)];
            let mut columns = rows.columns.clone();
            for output in &outputs {
                if rows.find(&output.name).is_none() {
                    columns.push(output.clone());
                }
            }
            let enrich = Operator::Enrich {
                name: "SeenBy",
                arguments: vec![device],
                outputs,
            };
            rows.then(enrich, columns, span);
            return Ok(());
        };
        let seen_device = self.column_named(&seen, DEVICE, call.span)?;
        let seen_by = self.column_named(&seen, SEEN_BY, call.span)?;
        let set = if device.is_constant() {
            SetOperand::List(vec![device.converted(Text)])
        } else {
            let asked = self.column(DEVICE, Text);
            let assignments = vec![Assignment {
                column: asked.id,
                value: device.converted(Text),
            }];
            let mut devices = rows.clone();
            devices.then(Operator::Compute { assignments }, vec![asked], span);
            SetOperand::Query(Box::new(devices.into_pipeline()))
        };
        let predicate = Expr {
            kind: ExprKind::Set {
                op: SetOp::In,
                negated: false,
                value: Box::new(seen_device.converted(Text)),
                set,
            },
            ty: Bool,
            span,
        };
        seen.pass(Operator::Filter { predicate }, span);
        let column = self.column(DEVICE, Text);
        let keys = vec![Assignment {
            column: column.id,
            value: seen_by.converted(Text),
        }];
        let aggregates = Vec::new();
        seen.then(Operator::Aggregate { keys, aggregates }, vec![column], span);
        *rows = seen;
        Ok(())
    }

    /// The first argument over the rows, or the column that stands for it where there is none.
    fn column_argument(
        &mut self,
        rows: &Rows,
        call: &'a tree::Call,
        default: &str,
        scope: Scope,
    ) -> Outcome<Expr> {
        match call.arguments.first() {
            Some(argument) => {
                self.expression(&argument.value, &mut Context::over(scope, &rows.columns))
            }
            None => self.column_named(rows, default, call.span),
        }
    }

    fn column_named(&mut self, rows: &Rows, name: &str, span: Span) -> Outcome<Expr> {
        if let Some(column) = rows.find(name) {
            return Ok(column_value(column, span));
        }
        self.refuse(
            DiagnosticKind::Name,
            span,
            format!("no column named '{name}'"),
        )
    }
}
