//! Functions whose value depends on the rows around a row: in a slice, others are around it.

use std::collections::BTreeMap;

use defender_core::Result;
use kql_semantics::{Function, FunctionKind};
use kql_syntax::Node;
use kql_syntax::tree::{Expression, ExpressionKind, Query, StatementKind};

use super::refusal;

/// Refuses an answer that calls such a function, itself or in a function of its own.
pub(super) fn check(tree: &Query, answer: &Expression) -> Result<()> {
    let mut functions: BTreeMap<&str, &Expression> = BTreeMap::new();
    for node in tree.nodes() {
        if let Node::Statement(statement) = node
            && let StatementKind::Let(binding) = &statement.kind
            && let ExpressionKind::Function(_) = &binding.value.kind
        {
            functions.insert(&binding.name.text, &binding.value);
        }
    }
    let mut pending = vec![Node::Expression(answer)];
    while let Some(node) = pending.pop() {
        if let Node::Expression(expression) = node
            && let ExpressionKind::Call(call) = &expression.kind
        {
            let name = call.function.text.as_str();
            // Looked at once; a function that calls itself ends as well.
            if let Some(body) = functions.remove(name) {
                pending.push(Node::Expression(body));
            }
            let known = Function::scalar(name);
            if known.is_some_and(|known| known.kind == FunctionKind::Window) {
                return Err(refusal(
                    &format!("{name}() looks at the rows around a row"),
                    "leave it out, and work on the file that comes out",
                ));
            }
        }
        pending.extend(node.children());
    }
    Ok(())
}
