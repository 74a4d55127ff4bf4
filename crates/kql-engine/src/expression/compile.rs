//! From bound expressions to compiled ones.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kql_semantics::bound::{self, CompareOp, Expr, ExprKind, ScalarId, SetOp, SetOperand, TextOp};
use kql_semantics::{ColumnId, ScalarType};

use super::{Compiled, Kernel, Node, compare, kernel, size};
use crate::allowance;
use crate::datum::Datum;
use crate::decimal::Decimal;
use crate::dynamic::{self, Dynamic};
use crate::functions::{self, Call, arithmetic, terms};
use crate::{EngineError, convert};

/// A column that an expression reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    Column(ColumnId),
    /// A column of the last row that a step of `scan` matched.
    Step(usize, ColumnId),
}

/// What expressions may ask for beyond their row.
pub(crate) trait Surroundings {
    /// The value of a scalar query.
    fn scalar(&self, id: ScalarId) -> Result<Datum<'static>, EngineError>;
    /// The values of the only column of a pipeline.
    fn values(&self, pipeline: &bound::Pipeline) -> Result<Vec<Datum<'static>>, EngineError>;
    /// `now()`, one instant for the whole query.
    fn now(&self) -> Option<i64>;
    /// What `geo_info_from_ip_address` does to an address.
    fn places(&self) -> Result<Kernel, EngineError>;
}

/// Compiles expressions that share their inputs.
pub(crate) struct Compiler<'s> {
    surroundings: &'s dyn Surroundings,
    inputs: Vec<Input>,
    /// A `search` looks for the same text in every column.
    tests: HashMap<(TextOp, String), super::TextTest>,
}

impl<'s> Compiler<'s> {
    pub(crate) fn new(surroundings: &'s dyn Surroundings) -> Self {
        Self {
            surroundings,
            inputs: Vec::new(),
            tests: HashMap::new(),
        }
    }

    /// The inputs of everything compiled so far, in order.
    pub(crate) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn input(&mut self, input: Input, ty: ScalarType) -> Compiled {
        let at = self
            .inputs
            .iter()
            .position(|one| *one == input)
            .unwrap_or_else(|| {
                self.inputs.push(input);
                self.inputs.len() - 1
            });
        Compiled {
            node: Node::Input(at),
            ty,
        }
    }

    fn all(&mut self, list: &[Expr]) -> Result<Vec<Compiled>, EngineError> {
        list.iter().map(|one| self.compile(one)).collect()
    }

    /// Compiles `expr`; what depends on nothing is evaluated here.
    pub(crate) fn compile(&mut self, expr: &Expr) -> Result<Compiled, EngineError> {
        let ty = expr.ty;
        let compiled = match &expr.kind {
            ExprKind::Literal(value) => return Ok(Compiled::constant(literal(value, ty), ty)),
            ExprKind::Column(id) => return Ok(self.input(Input::Column(*id), ty)),
            ExprKind::StepState { step, column } => {
                return Ok(self.input(Input::Step(*step, *column), ty));
            }
            ExprKind::ScalarQuery(id) => {
                return Ok(Compiled::constant(self.surroundings.scalar(*id)?, ty));
            }
            ExprKind::Negate(value) => {
                let value = self.compile(value)?;
                apply(
                    kernel(|values| Ok(arithmetic::negate(&values[0]))),
                    vec![value],
                    ty,
                )
            }
            ExprKind::Arithmetic(op, left, right) => {
                let (left, right) = (self.compile(left)?, self.compile(right)?);
                let op = *op;
                let map = right
                    .as_constant()
                    .and_then(|right| arithmetic::map(op, right, ty));
                if let (Some(map), true) = (map, varies(&left, ty)) {
                    return Ok(whole(map, left));
                }
                let body: Kernel =
                    kernel(move |values| Ok(arithmetic::binary(op, &values[0], &values[1], ty)));
                apply(body, vec![left, right], ty)
            }
            ExprKind::Compare(op, left, right) => {
                let (left, right) = (self.compile(left)?, self.compile(right)?);
                let (op, left, right) = if left.as_constant().is_some() {
                    (mirrored(*op), right, left)
                } else {
                    (*op, left, right)
                };
                Compiled {
                    node: Node::Compare(op, Box::new(left), Box::new(right)),
                    ty,
                }
            }
            ExprKind::And(list) => junction(self.all(list)?, true, ty),
            ExprKind::Or(list) => junction(self.all(list)?, false, ty),
            ExprKind::Text {
                op,
                negated,
                value,
                pattern,
            } => {
                let (value, pattern) = (self.compile(value)?, self.compile(pattern)?);
                text(&mut self.tests, *op, *negated, value, pattern, expr)?
            }
            ExprKind::Set {
                op,
                negated,
                value,
                set,
            } => {
                let value = self.compile(value)?;
                self.set(*op, *negated, value, set, expr)?
            }
            ExprKind::Between {
                negated,
                value,
                low,
                high,
            } => {
                let negated = *negated;
                let list = vec![
                    self.compile(value)?,
                    self.compile(low)?,
                    self.compile(high)?,
                ];
                let list = match between(negated, list, ty) {
                    Ok(comparisons) => return Ok(comparisons),
                    Err(list) => list,
                };
                apply(
                    kernel(move |values| {
                        let low = compare::compare_values(
                            CompareOp::GreaterOrEqual,
                            &values[0],
                            &values[1],
                        );
                        let high =
                            compare::compare_values(CompareOp::LessOrEqual, &values[0], &values[2]);
                        Ok(match (low, high) {
                            (Some(low), Some(high)) => Datum::Bool((low && high) != negated),
                            _ => Datum::Null,
                        })
                    }),
                    list,
                    ty,
                )
            }
            ExprKind::Member(base, name) => {
                let base = self.compile(base)?;
                let name = Arc::clone(name);
                apply(
                    kernel(move |values| Ok(member(&values[0], &name))),
                    vec![base],
                    ty,
                )
            }
            ExprKind::Index(base, index) => {
                let list = vec![self.compile(base)?, self.compile(index)?];
                apply(
                    kernel(|values| Ok(element(&values[0], &values[1]))),
                    list,
                    ty,
                )
            }
            ExprKind::Convert(value) => {
                let value = self.compile(value)?;
                if value.ty == ty {
                    return Ok(value);
                }
                apply(
                    kernel(move |values| Ok(convert::to_type(&values[0], ty))),
                    vec![value],
                    ty,
                )
            }
            ExprKind::Call {
                function,
                arguments,
            } => {
                let mut arguments = self.all(arguments)?;
                if let ("bin", [value, size]) = (function.name, arguments.as_slice())
                    && varies(value, ty)
                    && let Some(size) = size.as_constant()
                    && let Some(map) = arithmetic::bin_map(size, ty)
                {
                    return Ok(whole(map, arguments.swap_remove(0)));
                }
                let call = Call {
                    name: function.name,
                    ty,
                    types: arguments.iter().map(|one| one.ty).collect(),
                    constants: arguments
                        .iter()
                        .map(|one| one.as_constant().cloned())
                        .collect(),
                    now: self.surroundings.now(),
                };
                let range = expr.span.range();
                let found = if function.name == "geo_info_from_ip_address" {
                    self.surroundings.places().map(Some)
                } else {
                    functions::kernel_of(&call)
                };
                let Some(body) = found.map_err(|error| error.about(range.clone()))? else {
                    let what = format!("function {}()", function.name);
                    return Err(EngineError::unsupported(what, range));
                };
                if function.volatile {
                    return Ok(Compiled {
                        node: Node::Volatile(body, arguments),
                        ty,
                    });
                }
                if FALLIBLE.contains(&function.name) {
                    let located = move |error: EngineError| error.about(range.clone());
                    let body = kernel(move |values| body(values).map_err(&located));
                    return folded(apply(body, arguments, ty));
                }
                apply(body, arguments, ty)
            }
        };
        folded(compiled).map_err(|error| error.about(expr.span.range()))
    }

    fn set(
        &mut self,
        op: SetOp,
        negated: bool,
        value: Compiled,
        set: &SetOperand,
        expr: &Expr,
    ) -> Result<Compiled, EngineError> {
        let ty = expr.ty;
        let members: Vec<Compiled> = match set {
            SetOperand::List(list) => self.all(list)?,
            SetOperand::Query(pipeline) => {
                let member_type = pipeline
                    .columns
                    .first()
                    .map_or(ScalarType::String, |one| one.ty);
                let mut seen = HashSet::new();
                self.surroundings
                    .values(pipeline)?
                    .into_iter()
                    .filter(|one| seen.insert(key(one)))
                    .map(|one| Compiled::constant(one, member_type))
                    .collect()
            }
        };
        let constant = members.iter().all(|one| one.as_constant().is_some());
        if constant {
            let mut flat = Vec::new();
            for member in &members {
                spread(
                    member.as_constant().unwrap_or(&Datum::Null),
                    value.ty,
                    &mut flat,
                );
            }
            return Ok(constant_set(op, negated, value, &flat, ty));
        }
        let value_type = value.ty;
        let mut list = vec![value];
        list.extend(members);
        let body = kernel(move |values| {
            let mut flat = Vec::new();
            for member in &values[1..] {
                spread(member, value_type, &mut flat);
            }
            let test = set_test(op, negated, &flat);
            Ok(Datum::Bool(test(&values[0])))
        });
        Ok(apply(body, list, ty))
    }
}

/// A column between two values as two comparisons, which readers of files understand; otherwise
/// the parts as they were.
fn between(
    negated: bool,
    mut list: Vec<Compiled>,
    ty: ScalarType,
) -> Result<Compiled, Vec<Compiled>> {
    let plain = matches!(list[0].node, Node::Input(_)) && list[0].ty != ScalarType::Dynamic;
    let bounded = list[1..].iter().all(|bound| {
        let value = bound.as_constant();
        value.is_some_and(|one| !one.is_null() && !matches!(one, Datum::Dynamic(_)))
    });
    let (Node::Input(at), false, true, true) = (&list[0].node, negated, plain, bounded) else {
        return Err(list);
    };
    let (at, value_type) = (*at, list[0].ty);
    let sides = [CompareOp::LessOrEqual, CompareOp::GreaterOrEqual]
        .into_iter()
        .filter_map(|op| {
            let column = Compiled {
                node: Node::Input(at),
                ty: value_type,
            };
            Some(Compiled {
                node: Node::Compare(op, Box::new(column), Box::new(list.pop()?)),
                ty,
            })
        })
        .collect();
    Ok(Compiled {
        node: Node::And(sides),
        ty,
    })
}

/// `and` or `or` without the constants that do not matter; one that decides is all there is.
fn junction(mut list: Vec<Compiled>, all: bool, ty: ScalarType) -> Compiled {
    let decided = |one: &Compiled| one.as_constant().and_then(Datum::as_bool);
    if list.iter().any(|one| decided(one) == Some(!all)) {
        return Compiled::constant(Datum::Bool(!all), ty);
    }
    list.retain(|one| decided(one) != Some(all));
    if list.is_empty() {
        return Compiled::constant(Datum::Bool(all), ty);
    }
    let node = if all { Node::And(list) } else { Node::Or(list) };
    Compiled { node, ty }
}

fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
        same => same,
    }
}

/// Whether `value` is of type `ty` and differs from row to row.
fn varies(value: &Compiled, ty: ScalarType) -> bool {
    value.ty == ty && value.as_constant().is_none()
}

fn whole(map: arithmetic::WholeMap, value: Compiled) -> Compiled {
    Compiled {
        ty: value.ty,
        node: Node::Whole(map, Box::new(value)),
    }
}

fn apply(body: Kernel, arguments: Vec<Compiled>, ty: ScalarType) -> Compiled {
    Compiled {
        node: Node::Kernel(body, arguments),
        ty,
    }
}

/// Functions that may fail for one row and not for another, and then are shown in the query.
const FALLIBLE: [&str; 10] = [
    "assert",
    "extract",
    "extract_all",
    "format_datetime",
    "format_timespan",
    "indexof_regex",
    "replace_regex",
    "trim",
    "trim_end",
    "trim_start",
];

/// The most bytes of a value that is kept instead of what makes it.
const LARGE: usize = 1 << 20;

/// Evaluates now what depends on no row.
fn folded(compiled: Compiled) -> Result<Compiled, EngineError> {
    let constant = match &compiled.node {
        Node::Constant(_) | Node::Input(_) | Node::Volatile(..) | Node::Whole(..) => false,
        Node::And(list) | Node::Or(list) | Node::Kernel(_, list) => {
            list.iter().all(|one| one.as_constant().is_some())
        }
        Node::Test(_, value) => value.as_constant().is_some(),
        Node::Compare(_, left, right) => {
            left.as_constant().is_some() && right.as_constant().is_some()
        }
    };
    if !constant || !allowance::may_fold() {
        return Ok(compiled);
    }
    let value = compiled.single()?;
    let bytes = size::of_constant(&value);
    allowance::spend_constant(bytes);
    // What is large is made where it is used, one at a time.
    if bytes > LARGE {
        return Ok(compiled);
    }
    Ok(Compiled::constant(value, compiled.ty))
}

/// A literal of the bound tree.
fn literal(value: &bound::Value, ty: ScalarType) -> Datum<'static> {
    match value {
        bound::Value::Null if ty == ScalarType::String => Datum::text(""),
        bound::Value::Null => Datum::Null,
        bound::Value::Bool(value) => Datum::Bool(*value),
        bound::Value::Int(value) => Datum::Int(*value),
        bound::Value::Long(value) => Datum::Long(*value),
        bound::Value::Real(value) => Datum::Real(*value),
        bound::Value::Decimal(value) => Decimal::parse(value).map_or(Datum::Null, Datum::Decimal),
        bound::Value::DateTime(value) => Datum::DateTime(*value),
        bound::Value::TimeSpan(value) => Datum::TimeSpan(*value),
        bound::Value::Guid(value) => Datum::Guid(value.clone().into()),
        bound::Value::String(value) => Datum::text(value.clone()),
        bound::Value::Dynamic(text) => Datum::dynamic(dynamic::parse(text)),
    }
}

/// `base.name`.
pub(crate) fn member<'a>(base: &Datum<'a>, name: &str) -> Datum<'a> {
    match base {
        Datum::Dynamic(std::borrow::Cow::Borrowed(bytes)) => match dynamic::view(bytes) {
            Dynamic::Object(entries) => entries.get(name).map_or(Datum::Null, Datum::dynamic),
            _ => Datum::Null,
        },
        Datum::Dynamic(bytes) => match dynamic::view(bytes) {
            Dynamic::Object(entries) => entries
                .get(name)
                .map_or(Datum::Null, |value| Datum::dynamic(value.to_vec())),
            _ => Datum::Null,
        },
        _ => Datum::Null,
    }
}

/// `base[index]`.
fn element<'a>(base: &Datum<'a>, index: &Datum<'_>) -> Datum<'a> {
    let index = index.borrowed().unwrapped();
    if let Some(name) = index.as_str() {
        return member(base, name);
    }
    let Some(at) = index.as_long() else {
        return Datum::Null;
    };
    match base {
        Datum::Dynamic(std::borrow::Cow::Borrowed(bytes)) => match dynamic::view(bytes) {
            Dynamic::Array(items) => items.at(at).map_or(Datum::Null, Datum::dynamic),
            _ => Datum::Null,
        },
        Datum::Dynamic(bytes) => match dynamic::view(bytes) {
            Dynamic::Array(items) => items
                .at(at)
                .map_or(Datum::Null, |value| Datum::dynamic(value.to_vec())),
            _ => Datum::Null,
        },
        _ => Datum::Null,
    }
}

fn text(
    tests: &mut HashMap<(TextOp, String), super::TextTest>,
    op: TextOp,
    negated: bool,
    value: Compiled,
    pattern: Compiled,
    expr: &Expr,
) -> Result<Compiled, EngineError> {
    if let Some(pattern) = pattern.as_constant() {
        let key = (op, pattern.display().into_owned());
        let test = if let Some(test) = tests.get(&key) {
            Arc::clone(test)
        } else {
            let test = terms::test(op, &key.1).map_err(|error| error.about(expr.span.range()))?;
            tests.insert(key, Arc::clone(&test));
            test
        };
        let test: super::TextTest = if negated {
            Arc::new(move |text| !test(text))
        } else {
            test
        };
        return Ok(Compiled {
            node: Node::Test(test, Box::new(value)),
            ty: expr.ty,
        });
    }
    let body = kernel(move |values| {
        let test = terms::test(op, &values[1].display())?;
        Ok(Datum::Bool(test(&values[0].display()) != negated))
    });
    Ok(apply(body, vec![value, pattern], expr.ty))
}

/// A dynamic array stands for its elements beside a value of another type.
fn spread(member: &Datum<'_>, value_type: ScalarType, out: &mut Vec<Datum<'static>>) {
    if let Datum::Dynamic(bytes) = member {
        match dynamic::view(bytes) {
            Dynamic::Array(items) => {
                out.extend(items.iter().map(|item| {
                    let value = Datum::dynamic(item.to_vec()).unwrapped();
                    adjusted(value, value_type)
                }));
                return;
            }
            Dynamic::Object(entries) => {
                out.extend(entries.iter().map(|(_, item)| {
                    adjusted(Datum::dynamic(item.to_vec()).unwrapped(), value_type)
                }));
                return;
            }
            _ => {}
        }
    }
    out.push(adjusted(
        member.clone().into_owned().unwrapped(),
        value_type,
    ));
}

fn adjusted(value: Datum<'static>, ty: ScalarType) -> Datum<'static> {
    if ty == ScalarType::Dynamic {
        value
    } else {
        convert::to_type(&value, ty)
    }
}

/// A value as a key of a set: numbers by value, whatever their type.
pub(crate) fn key(value: &Datum<'_>) -> String {
    match value {
        Datum::Dynamic(_) => {
            let inner = value.borrowed().unwrapped();
            if matches!(inner, Datum::Dynamic(_)) {
                format!("d{}", inner.display())
            } else {
                key(&inner)
            }
        }
        Datum::Null => "n".to_owned(),
        Datum::String(text) => format!("s{text}"),
        Datum::Guid(text) => format!("s{text}"),
        Datum::Bool(value) => format!("b{value}"),
        Datum::Real(value) => match crate::datum::real_to_long(*value) {
            #[expect(clippy::cast_precision_loss, reason = "compared back with the real")]
            Some(whole) if whole as f64 == *value => format!("#{whole}"),
            _ => format!("#{value:e}"),
        },
        Datum::Int(value) => format!("#{value}"),
        Datum::Long(value) => format!("#{value}"),
        Datum::Decimal(value) => format!("#{value}"),
        Datum::DateTime(value) => format!("t{value}"),
        Datum::TimeSpan(value) => format!("p{value}"),
    }
}

type SetTest = Box<dyn Fn(&Datum<'_>) -> bool + Send + Sync>;

fn set_test(op: SetOp, negated: bool, members: &[Datum<'static>]) -> SetTest {
    match op {
        SetOp::In => {
            let longs: Option<HashSet<i64>> = members
                .iter()
                .map(|one| match one {
                    Datum::Long(value) => Some(*value),
                    _ => None,
                })
                .collect();
            let texts: Option<HashSet<String>> = members
                .iter()
                .map(|one| match one {
                    Datum::String(text) => Some(text.to_string()),
                    _ => None,
                })
                .collect();
            let keys: HashSet<String> = members
                .iter()
                .filter(|one| !one.is_null())
                .map(key)
                .collect();
            Box::new(move |value| {
                let found = match (value, &longs, &texts) {
                    (Datum::Long(value), Some(longs), _) => longs.contains(value),
                    (Datum::String(text), _, Some(texts)) => texts.contains(text.as_ref()),
                    (Datum::Null, ..) => false,
                    _ => keys.contains(&key(value)),
                };
                found != negated
            })
        }
        SetOp::InIgnoreCase => {
            let texts: HashSet<String> = members
                .iter()
                .map(|one| one.display().to_lowercase())
                .collect();
            Box::new(move |value| texts.contains(&value.display().to_lowercase()) != negated)
        }
        SetOp::HasAny | SetOp::HasAll => {
            let tests: Vec<super::TextTest> = members
                .iter()
                .filter_map(|one| terms::test(TextOp::Has, &one.display()).ok())
                .collect();
            let all = op == SetOp::HasAll;
            Box::new(move |value| {
                let text = value.display();
                let found = if all {
                    tests.iter().all(|test| test(&text))
                } else {
                    tests.iter().any(|test| test(&text))
                };
                found != negated
            })
        }
    }
}

fn constant_set(
    op: SetOp,
    negated: bool,
    value: Compiled,
    members: &[Datum<'static>],
    ty: ScalarType,
) -> Compiled {
    if value.ty == ScalarType::String && op == SetOp::In {
        let texts: HashSet<String> = members
            .iter()
            .map(|one| one.display().into_owned())
            .collect();
        let test: super::TextTest = Arc::new(move |text| texts.contains(text) != negated);
        return Compiled {
            node: Node::Test(test, Box::new(value)),
            ty,
        };
    }
    if value.ty == ScalarType::String && op == SetOp::InIgnoreCase {
        let texts: HashSet<String> = members
            .iter()
            .map(|one| one.display().to_lowercase())
            .collect();
        let lengths: HashSet<usize> = texts.iter().map(String::len).collect();
        let ascii = texts.iter().all(|one| one.is_ascii());
        let test: super::TextTest = Arc::new(move |text| {
            // Lower case keeps the length of ASCII.
            let possible = !ascii || !text.is_ascii() || lengths.contains(&text.len());
            (possible && texts.contains(&text.to_lowercase())) != negated
        });
        return Compiled {
            node: Node::Test(test, Box::new(value)),
            ty,
        };
    }
    if op == SetOp::HasAny && !matches!(value.ty, ScalarType::Dynamic) {
        let terms: Vec<String> = members
            .iter()
            .map(|one| one.display().into_owned())
            .collect();
        let any = terms::any_term(&terms);
        let test: super::TextTest = Arc::new(move |text| any(text) != negated);
        return Compiled {
            node: Node::Test(test, Box::new(value)),
            ty,
        };
    }
    let test = set_test(op, negated, members);
    let body = kernel(move |values| Ok(Datum::Bool(test(&values[0]))));
    apply(body, vec![value], ty)
}
