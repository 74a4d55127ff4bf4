//! A value written into a template so that it stays what it is, wherever it stands.

use std::time::SystemTime;

use defender_core::{Error, ErrorKind, Result};
use kql_syntax::tree::{ExpressionKind, OperatorKind, StatementKind};
use kql_syntax::{TokenKind, parse, quote, tokenize};

use crate::definition::{Kind, Language, Parameter, Type};
use crate::format;
use crate::placing::{is_comparison, is_string_operator};
use crate::scanning::Place;
use crate::template::Hole;
use crate::time::Moment;
use crate::value::Value;

/// A value read by its parameter's type.
#[derive(Clone, Debug)]
pub(crate) enum Typed {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Time(Moment),
    List(Vec<Typed>),
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

/// What a parameter takes in place of `value`, which is shown as far as it is short.
fn takes(what: &str, value: &Value) -> Error {
    const MOST: usize = 40;
    let Some(text) = value.scalar() else {
        return usage(format!("it takes {what}"));
    };
    let short: String = text.chars().take(MOST).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    usage(format!(
        "it takes {what}, not '{}{dots}'",
        short.escape_debug()
    ))
}

impl Typed {
    /// Reads `value` as `ty`; text is read as a person at a command line writes it.
    pub(crate) fn read(value: &Value, ty: Type, now: SystemTime) -> Result<Self> {
        match ty {
            Type::Str => match value {
                Value::Time(instant) => Moment::new(*instant).text(),
                Value::List(_) => Err(usage("it takes one text, not a list")),
                other => Ok(other.scalar().unwrap_or_default()),
            }
            .map(Self::Text),
            Type::Datetime => Moment::of(value, now).map(Self::Time),
            Type::Int => match value {
                Value::Int(number) => Some(*number),
                Value::Text(text) => text.trim().parse().ok(),
                // A float that is whole converts exactly.
                Value::Float(number) if number.fract() == 0.0 => {
                    format!("{number:.0}").parse().ok()
                }
                _ => None,
            }
            .map(Self::Int)
            .ok_or_else(|| takes("a whole number of 64 bits", value)),
            Type::Float => match value {
                Value::Int(number) => number.to_string().parse().ok(),
                Value::Float(number) => Some(*number),
                Value::Text(text) => text.trim().parse().ok(),
                _ => None,
            }
            .filter(|number: &f64| number.is_finite())
            .map(Self::Float)
            .ok_or_else(|| takes("a finite number", value)),
            Type::Bool => match value {
                Value::Bool(value) => Some(*value),
                Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => None,
                },
                _ => None,
            }
            .map(Self::Bool)
            .ok_or_else(|| takes("true or false", value)),
            Type::List => match value {
                Value::List(items) => items.iter().map(Self::item).collect(),
                Value::Text(text) => Ok(items(text).into_iter().map(Self::Text).collect()),
                other => Self::item(other).map(|item| vec![item]),
            }
            .map(Self::List),
        }
    }

    fn item(value: &Value) -> Result<Self> {
        Ok(match value {
            Value::Text(text) => Self::Text(text.clone()),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) if number.is_finite() => Self::Float(*number),
            Value::Float(_) => return Err(usage("an item is not a finite number")),
            Value::Bool(value) => Self::Bool(*value),
            Value::Time(instant) => Self::Time(Moment::new(*instant)),
            Value::List(_) => return Err(usage("a list stands within the list")),
        })
    }

    /// The text without quotes.
    fn plain(&self) -> Result<String> {
        Ok(match self {
            Self::Text(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => format!("{number:?}"),
            Self::Bool(value) => value.to_string(),
            Self::Time(moment) => moment.text()?,
            Self::List(items) => joined(items, Self::literal)?,
        })
    }

    /// The value as a KQL literal.
    fn literal(&self) -> Result<String> {
        Ok(match self {
            Self::Text(text) => format!("'{}'", escaped(text, '\'', false)?),
            Self::Time(moment) => format!("datetime({})", moment.text()?),
            other => other.plain()?,
        })
    }

    fn with_spec(&self, spec: &str) -> Result<String> {
        let text = match self {
            _ if spec.is_empty() => return self.plain(),
            Self::Time(moment) => return moment.formatted(spec),
            Self::Int(number) => format::int(*number, spec),
            Self::Float(number) => format::float(*number, spec),
            Self::Text(text) if spec == "s" => Some(text.clone()),
            _ => None,
        };
        text.ok_or_else(|| usage(format!("its format '{spec}' does not fit its type")))
    }
}

fn joined(items: &[Typed], write: impl Fn(&Typed) -> Result<String>) -> Result<String> {
    let items: Vec<String> = items.iter().map(write).collect::<Result<_>>()?;
    Ok(items.join(", "))
}

/// The items of a text with commas; an item in quotes keeps its own commas.
fn items(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut items = Vec::new();
    let mut rest = text.trim();
    loop {
        let quoted = rest
            .chars()
            .next()
            .filter(|letter| matches!(letter, '\'' | '"'));
        let closing = quoted.and_then(|quote| {
            let end = rest[1..].find(quote)? + 1;
            let after = rest[end + 1..].trim_start();
            (after.is_empty() || after.starts_with(',')).then_some((end, after))
        });
        let after = if let Some((end, after)) = closing {
            items.push(rest[1..end].to_owned());
            after
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            items.push(rest[..end].trim().to_owned());
            &rest[end..]
        };
        match after.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None => return items,
        }
    }
}

/// Writes `value` where `hole` is.
pub(crate) fn write(
    value: &Typed,
    parameter: &Parameter,
    hole: &Hole,
    language: Language,
) -> Result<String> {
    if language == Language::Odata {
        return odata(value, parameter, hole);
    }
    match hole.place {
        Place::Code => code(value, parameter, hole),
        Place::Text { quote, verbatim } => escaped(&value.with_spec(&hole.spec)?, quote, verbatim),
        Place::Comment => Ok(value.with_spec(&hole.spec)?.replace(
            |letter: char| letter.is_control() || is_line_end(letter),
            " ",
        )),
        Place::Fence(fence) => fenced(value.with_spec(&hole.spec)?, fence),
        Place::Typed(word) => typed(value, hole, word),
    }
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The inside of a string literal in this quote.
fn escaped(text: &str, quoted: char, verbatim: bool) -> Result<String> {
    if verbatim {
        if text.contains(|letter: char| letter.is_control() || is_line_end(letter)) {
            return Err(usage(
                "it holds a line break or control character, and a verbatim string (@'…') cannot",
            ));
        }
        let quoted = quoted.to_string();
        return Ok(text.replace(&quoted, &quoted.repeat(2)));
    }
    let literal = quote(text);
    let inner = &literal[1..literal.len() - 1];
    Ok(if quoted == '"' {
        inner.to_owned()
    } else {
        inner.replace("\\\"", "\"").replace('\'', "\\'")
    })
}

fn fenced(text: String, fence: char) -> Result<String> {
    let three: String = std::iter::repeat_n(fence, 3).collect();
    if text.contains(&three) || text.starts_with(fence) || text.ends_with(fence) {
        return Err(usage(format!(
            "it holds '{fence}' where it would end the string literal around it"
        )));
    }
    Ok(text)
}

/// The inside of `datetime(…)` and the like, which knows no quotes.
fn typed(value: &Typed, hole: &Hole, word: &str) -> Result<String> {
    let text = match value {
        Typed::Text(text) if hole.spec.is_empty() && matches!(word, "datetime" | "date") => {
            // Only a date: relative times have no meaning without the moment of the call.
            let date = text
                .trim()
                .starts_with(|first: char| first.is_ascii_digit());
            match defender_core::moment(text, SystemTime::UNIX_EPOCH) {
                Ok(instant) if date => Moment::new(instant).text()?,
                _ => text.clone(),
            }
        }
        other => other.with_spec(&hole.spec)?,
    };
    let allowed = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, ':' | '.' | '+' | '-' | ' ' | '_')
    };
    // What is only a part of the literal cannot be judged without the rest.
    let fits = || {
        !hole.alone
            || parse(&format!("print {word}({text})"))
                .diagnostics
                .is_empty()
    };
    if text.chars().all(allowed) && fits() {
        Ok(text)
    } else {
        Err(usage(format!("it cannot stand within {word}(…)")))
    }
}

/// A value between tokens.
fn code(value: &Typed, parameter: &Parameter, hole: &Hole) -> Result<String> {
    let kind = kind(parameter, hole);
    match value {
        Typed::Text(_) | Typed::Time(_) if !hole.spec.is_empty() => {
            let text = value.with_spec(&hole.spec)?;
            match value {
                Typed::Time(_) => bare(&text, kind),
                _ => text_in_code(&text, kind, hole),
            }
        }
        Typed::Text(text) => text_in_code(text, kind, hole),
        Typed::List(items) if kind == Kind::Identifier => {
            joined(items, |item| identifier(&item.plain()?))
        }
        Typed::Time(_) | Typed::List(_) => match value {
            Typed::List(items) => joined(items, Typed::literal),
            _ => value.literal(),
        },
        Typed::Int(_) | Typed::Float(_) | Typed::Bool(_) => value.with_spec(&hole.spec),
    }
}

/// What the parameter stands for in this hole.
fn kind(parameter: &Parameter, hole: &Hole) -> Kind {
    if let Some(kind) = parameter.kind.or_else(|| Kind::of_name(&parameter.name)) {
        return kind;
    }
    let literal_default =
        matches!(&parameter.default, Some(Value::Text(text)) if literal(text).is_ok());
    let computed_default = matches!(&parameter.default, Some(Value::Text(text)) if text.contains('(') && expression(text).is_ok());
    match hole.placement.kind {
        Kind::Value if literal_default => Kind::Literal,
        Kind::Value if computed_default => Kind::Expression,
        kind => kind,
    }
}

fn text_in_code(text: &str, kind: Kind, hole: &Hole) -> Result<String> {
    match kind {
        Kind::Value => Ok(quote(text)),
        Kind::Identifier => identifier(text),
        Kind::Operator => operator(text),
        Kind::Literal => literal(text),
        Kind::Expression => expression(text),
        Kind::Fragment => fragment(text, hole.placement.after_bar),
    }
}

/// A formatted time outside of quotes: only what cannot be more than one token's text.
fn bare(text: &str, kind: Kind) -> Result<String> {
    let plain = text
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | ':' | '-'));
    match kind {
        _ if plain => Ok(text.to_owned()),
        Kind::Value => Ok(quote(text)),
        _ => Err(usage("its format writes more than one name or number")),
    }
}

/// The longest name that a column or table has.
const MAX_NAME: usize = 1024;

fn identifier(text: &str) -> Result<String> {
    let text = text.trim();
    let inner = ["['", "[\""]
        .into_iter()
        .zip(["']", "\"]"])
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    let name = inner.unwrap_or(text);
    let fits = name
        .chars()
        .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | ' ' | '.'));
    if name.is_empty() || name.len() > MAX_NAME || !fits {
        return Err(
            usage("it takes one name of a table or column, and nothing else")
                .with_hint("conditions and steps go into a parameter such as add_query_items"),
        );
    }
    let parsed = parse(name);
    let is_name = match parsed.tree.statements.as_slice() {
        [statement] if parsed.diagnostics.is_empty() => matches!(
            &statement.kind,
            StatementKind::Expression(expression)
                if matches!(&expression.kind, ExpressionKind::Name(found) if found.text == name && !found.bracketed)
        ),
        _ => false,
    };
    Ok(if is_name {
        name.to_owned()
    } else {
        format!("['{name}']")
    })
}

/// One comparison of a column with a literal.
fn operator(text: &str) -> Result<String> {
    let text = text.trim();
    let (tokens, complaints) = tokenize(text);
    let one = match tokens.as_slice() {
        [token, _] if token.kind == TokenKind::Word => {
            is_string_operator(text) && !matches!(text, "between" | "matches" | "regex")
        }
        [token, _] => is_comparison(token.kind),
        _ => false,
    };
    if one && complaints.is_empty() {
        Ok(text.to_owned())
    } else {
        Err(usage("it takes one comparison, such as ==, =~ or has"))
    }
}

fn literal(text: &str) -> Result<String> {
    let text = text.trim();
    let (tokens, complaints) = tokenize(text);
    let mut kinds = tokens.iter().map(|token| token.kind);
    let mut first = kinds.next();
    if matches!(first, Some(TokenKind::Minus | TokenKind::Plus)) {
        first = kinds.next();
    }
    let is_literal = matches!(
        first,
        Some(
            TokenKind::Long
                | TokenKind::Real
                | TokenKind::TimeSpan
                | TokenKind::Bool
                | TokenKind::Guid
                | TokenKind::Typed
        )
    );
    if is_literal && kinds.next() == Some(TokenKind::End) && complaints.is_empty() {
        Ok(text.to_owned())
    } else {
        Err(usage("it takes one literal, such as 7d or 10"))
    }
}

/// One scalar expression, in parentheses so that nothing around it binds closer.
fn expression(text: &str) -> Result<String> {
    let text = text.trim();
    let refused = || {
        usage("it takes one scalar expression, such as ActionType == 'LogonFailed'")
            .with_hint("steps with a '|' go into a parameter such as add_query_items")
    };
    let (tokens, complaints) = tokenize(text);
    let mut depth = 0_i64;
    for token in &tokens {
        match token.kind {
            TokenKind::OpenParenthesis | TokenKind::OpenBracket | TokenKind::OpenBrace => {
                depth += 1;
            }
            TokenKind::CloseParenthesis | TokenKind::CloseBracket | TokenKind::CloseBrace => {
                depth -= 1;
            }
            TokenKind::Comment | TokenKind::Directive | TokenKind::Semicolon => {
                return Err(refused());
            }
            _ => {}
        }
        if depth < 0 {
            return Err(refused());
        }
    }
    let parsed = parse(&format!("T | where ({text}\n)"));
    let one = match parsed.tree.statements.as_slice() {
        [statement] if parsed.diagnostics.is_empty() && complaints.is_empty() => {
            matches!(&statement.kind, StatementKind::Expression(expression)
                if matches!(&expression.kind, ExpressionKind::Pipe(pipe)
                    if matches!(pipe.operators.as_slice(), [operator]
                        if matches!(&operator.kind, OperatorKind::Where(inner)
                            if matches!(&inner.kind, ExpressionKind::Parenthesized(inner)
                                if !matches!(inner.kind, ExpressionKind::Pipe(_)))))))
        }
        _ => false,
    };
    if !one {
        return Err(refused());
    }
    let alone = parse(text).tree;
    let call = matches!(alone.statements.as_slice(), [statement]
        if matches!(&statement.kind, StatementKind::Expression(expression)
            if matches!(expression.kind, ExpressionKind::Call(_))));
    let atom = call || tokens.len() == 2;
    Ok(if atom {
        text.to_owned()
    } else {
        format!("({text})")
    })
}

/// Pipeline steps that can only go on where the template stops.
fn fragment(text: &str, after_bar: bool) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let refused = |what: String| {
        usage(format!(
            "it takes pipeline steps, such as '| take 10': {what}"
        ))
        .with_hint("every step begins with '|', and nothing else may stand there")
    };
    if after_bar == text.starts_with('|') {
        return Err(refused(if after_bar {
            "the query has the first '|' already".to_owned()
        } else {
            "the first '|' is missing".to_owned()
        }));
    }
    let parsed = parse(&format!("T {}{text}", if after_bar { "| " } else { "" }));
    if let Some(complaint) = parsed.diagnostics.first() {
        return Err(refused(complaint.message.clone()));
    }
    let only_steps = parsed.tree.directives.is_empty()
        && match parsed.tree.statements.as_slice() {
            [statement] => matches!(&statement.kind, StatementKind::Expression(expression)
                if matches!(&expression.kind, ExpressionKind::Pipe(pipe)
                    if matches!(pipe.source.kind, ExpressionKind::Name(_)))),
            _ => false,
        };
    // A semicolon at the end would end the template's statement.
    let (tokens, _) = tokenize(text);
    let mut ends = tokens
        .iter()
        .rev()
        .filter(|token| token.kind != TokenKind::End);
    let commented = matches!(ends.clone().next(), Some(last) if last.kind == TokenKind::Comment);
    let closed = ends
        .find(|token| token.kind != TokenKind::Comment)
        .is_some_and(|token| token.kind == TokenKind::Semicolon);
    if !only_steps || closed {
        return Err(refused("there is more than steps".to_owned()));
    }
    Ok(if commented {
        format!("{text}\n")
    } else {
        text.to_owned()
    })
}

/// A value in an `OData` address.
fn odata(value: &Typed, parameter: &Parameter, hole: &Hole) -> Result<String> {
    let plain = |value: &Typed| match value {
        // The plus sign of an offset would be a blank in an address.
        Typed::Time(moment) if hole.spec.is_empty() => moment.utc(),
        other => other.with_spec(&hole.spec),
    };
    let text = match value {
        Typed::List(items) => {
            return joined(items, |item| match item {
                Typed::Text(text) => Ok(format!("'{}'", address(text, '\'')?)),
                other => plain(other),
            });
        }
        other => plain(other)?,
    };
    let kind = parameter.kind.or_else(|| Kind::of_name(&parameter.name));
    match hole.place {
        Place::Text { quote, .. } => address(&text, quote),
        _ if kind == Some(Kind::Fragment) || kind == Some(Kind::Expression) => {
            let quotes = text.matches('\'').count();
            if quotes % 2 == 1 || text.contains(['&', '#', '"']) || text.contains(char::is_control)
            {
                return Err(usage(
                    "it takes a condition of an OData filter, such as and severity eq 'high'",
                ));
            }
            Ok(text)
        }
        _ => {
            let fits = |letter: char| {
                letter.is_ascii_alphanumeric()
                    || matches!(letter, '/' | '_' | '-' | '.' | ':' | ',' | '@' | '~')
            };
            if text.chars().all(fits) {
                Ok(text)
            } else {
                Err(usage("it cannot stand in an address without quotes"))
            }
        }
    }
}

/// The inside of an `OData` string: its quote doubled, what has a meaning in addresses encoded.
fn address(text: &str, quote: char) -> Result<String> {
    if text.contains(char::is_control) {
        return Err(usage("it holds a control character, and an address cannot"));
    }
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '%' => written.push_str("%25"),
            '&' => written.push_str("%26"),
            '#' => written.push_str("%23"),
            '+' => written.push_str("%2B"),
            letter => {
                if letter == quote {
                    written.push(letter);
                }
                written.push(letter);
            }
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests;
