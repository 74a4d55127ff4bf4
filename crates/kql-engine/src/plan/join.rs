//! Joins and lookups.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::common::{Column as Named, JoinType, NullEquality};
use datafusion::logical_expr::{Expr as Native, LogicalPlan, LogicalPlanBuilder};
use kql_semantics::bound::{Join, JoinKind};
use kql_semantics::{ColumnId, ScalarType};

use super::steps::batch_of;
use super::summarize::encode;
use super::transform::Each;
use super::{Context, Flow, Planner, name, named};
use crate::EngineError;
use crate::column::Reader;
use crate::error::Foreign;

impl Planner<'_> {
    pub(super) fn join(
        &self,
        flow: Flow,
        join: &Join,
        columns: &[(ColumnId, ScalarType)],
        context: Option<&Context>,
    ) -> Result<Flow, EngineError> {
        let right = self.pipeline(&join.right, context)?;
        let key_types: Vec<ScalarType> = join.on.iter().map(|key| key.left.ty).collect();
        let lefts: Vec<_> = join.on.iter().map(|key| &key.left).collect();
        let rights: Vec<_> = join.on.iter().map(|key| &key.right).collect();
        let carried = flow.carried.clone();
        let (mut left_plan, left_names) = self.with_values(&flow, &lefts)?;
        if join.kind == JoinKind::InnerUnique {
            left_plan = self.first_of_keys(left_plan, &flow, &left_names, &key_types)?;
        }
        let mut left_keys: Vec<Named> = left_names.iter().map(Named::new_unqualified).collect();
        let right_columns = right.columns.clone();
        let (right_plan, right_names, extra) = self.right_side(right, &rights, &carried)?;
        let mut right_keys: Vec<Named> = right_names.iter().map(Named::new_unqualified).collect();
        for (own, renamed) in carried.iter().zip(&extra) {
            left_keys.push(Named::new_unqualified(own));
            right_keys.push(Named::new_unqualified(renamed));
        }
        let kind = match join.kind {
            JoinKind::InnerUnique | JoinKind::Inner => JoinType::Inner,
            JoinKind::LeftOuter => JoinType::Left,
            JoinKind::RightOuter => JoinType::Right,
            JoinKind::FullOuter => JoinType::Full,
            JoinKind::LeftAnti => JoinType::LeftAnti,
            JoinKind::RightAnti => JoinType::RightAnti,
            JoinKind::LeftSemi => JoinType::LeftSemi,
            JoinKind::RightSemi => JoinType::RightSemi,
        };
        if !carried.is_empty()
            && !matches!(
                kind,
                JoinType::Inner | JoinType::Left | JoinType::LeftAnti | JoinType::LeftSemi
            )
        {
            return Err(EngineError::Unsupported {
                what: "this kind of join inside a body".to_owned(),
                span: None,
            });
        }
        let plan = LogicalPlanBuilder::from(left_plan)
            .join_detailed(
                right_plan,
                kind,
                (left_keys, right_keys),
                None::<Native>,
                NullEquality::NullEqualsNull,
            )
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        let present: Vec<_> = match join.kind {
            JoinKind::LeftAnti | JoinKind::LeftSemi => flow.columns.clone(),
            JoinKind::RightAnti | JoinKind::RightSemi => right_columns,
            _ => flow.columns.iter().chain(&right_columns).copied().collect(),
        };
        let outer = matches!(
            join.kind,
            JoinKind::LeftOuter | JoinKind::RightOuter | JoinKind::FullOuter
        );
        let joined = Flow {
            plan,
            columns: present,
            carried,
        };
        let joined = if outer {
            self.without_null_text(joined)?
        } else {
            joined
        };
        let joined = self.keep(joined, columns)?;
        if joined.carried.is_empty() {
            Ok(joined)
        } else {
            self.by_part(joined)
        }
    }

    /// The right side with its keys; inside a body its parts under other names.
    fn right_side(
        &self,
        right: Flow,
        keys: &[&kql_semantics::bound::Expr],
        carried: &[String],
    ) -> Result<(LogicalPlan, Vec<String>, Vec<String>), EngineError> {
        let bare = Flow {
            carried: Vec::new(),
            ..right.clone()
        };
        if right.carried.is_empty() {
            // Rows from outside the body belong to no part: only a body that reads none of its
            // own rows on the right is joined without them.
            let (plan, names) = self.with_values(&bare, keys)?;
            return Ok((plan, names, Vec::new()));
        }
        let mut list = Vec::new();
        let mut extra = Vec::new();
        for own in carried {
            let renamed = self.fresh("q");
            list.push(named(own).alias(renamed.clone()));
            extra.push(renamed);
        }
        list.extend(right.columns.iter().map(|(id, _)| named(&name(*id))));
        let mut names = Vec::new();
        for key in keys {
            let fresh = self.fresh("v");
            list.push(self.native(key)?.alias(fresh.clone()));
            names.push(fresh);
        }
        let plan = LogicalPlanBuilder::from(right.plan)
            .project(list)
            .and_then(LogicalPlanBuilder::build)
            .ours()?;
        Ok((plan, names, extra))
    }

    /// The first row of every key.
    fn first_of_keys(
        &self,
        plan: LogicalPlan,
        flow: &Flow,
        names: &[String],
        types: &[ScalarType],
    ) -> Result<LogicalPlan, EngineError> {
        let schema = Arc::new(plan.schema().as_arrow().clone());
        let first = flow.carried.len() + flow.columns.len();
        let parts = flow.carried.len();
        let types = types.to_vec();
        let count = names.len();
        let out = Arc::clone(&schema);
        self.transform(
            "unique",
            vec![plan],
            schema,
            Arc::new(move || {
                let mut seen: HashSet<Vec<u8>> = HashSet::new();
                let types = types.clone();
                let schema = Arc::clone(&out);
                Box::new(Each(move |_, batch: RecordBatch| {
                    let mut readers: Vec<Reader<'_>> = (0..parts)
                        .map(|at| Reader::new(batch.column(at), ScalarType::Long))
                        .collect();
                    readers.extend(
                        (0..count).map(|at| Reader::new(batch.column(first + at), types[at])),
                    );
                    let mask: BooleanArray = (0..batch.num_rows())
                        .map(|row| {
                            let mut key = Vec::new();
                            for reader in &readers {
                                encode(&reader.get(row), &mut key);
                            }
                            Some(seen.insert(key))
                        })
                        .collect();
                    let kept = filter_record_batch(&batch, &mask).ours()?;
                    let rows = kept.num_rows();
                    batch_of(&schema, kept.columns().to_vec(), rows)
                }))
            }),
        )
    }
}
