//! What people write who come from SQL, Splunk, OData or another language, and how KQL has it.
//!
//! Only texts that are wrong come here: what is KQL is never judged.

use super::Parser;
use super::expressions::text_operator;
use crate::lexer::{Token, TokenKind, unit_ticks};

/// Comparisons that are words elsewhere.
const COMPARISONS: &[(&str, &str)] = &[
    ("eq", "=="),
    ("equals", "=="),
    ("ne", "!="),
    ("neq", "!="),
    ("gt", ">"),
    ("ge", ">="),
    ("gte", ">="),
    ("lt", "<"),
    ("le", "<="),
    ("lte", "<="),
];

/// Tests of texts that have another name here.
const TESTS: &[(&str, &str)] = &[
    ("include", "contains"),
    ("includes", "contains"),
    ("containsany", "has_any"),
    ("beginswith", "startswith"),
    ("hasany", "has_any"),
    ("hasall", "has_all"),
    ("notin", "!in"),
    ("notlike", "!contains"),
    ("notbetween", "!between"),
    ("doesnotcontain", "!contains"),
];

/// Operators of other languages, and what does the same here.
const OPERATORS: &[(&str, &str)] = &[
    ("append", "union (U)"),
    ("bin", "summarize count() by bin(Timestamp, 1h)"),
    ("bucket", "summarize count() by bin(Timestamp, 1h)"),
    ("chart", "summarize count() by Column | render columnchart"),
    (
        "dedup",
        "distinct Column, or summarize arg_max(Timestamp, *) by Column",
    ),
    ("delete", "project-away Column"),
    ("drop", "project-away Column"),
    ("eval", "extend Name = value"),
    (
        "eventstats",
        "join kind=inner of the summarize on its groups",
    ),
    ("exclude", "where not(…), or project-away Column"),
    ("fields", "project Column, Other, or project-away Column"),
    ("fillnull", "extend Column = coalesce(Column, value)"),
    ("first", "take 1"),
    ("having", "where, after the summarize"),
    ("from", "a table at the begin of the query: T | where …"),
    ("iplocation", "extend geo_info_from_ip_address(Column)"),
    ("offset", "serialize | where row_number() > 10"),
    ("regex", "where Column matches regex \"…\""),
    ("rename", "project-rename New = Old"),
    ("rex", "extend Name = extract(\"…\", 1, Column)"),
    ("skip", "serialize | where row_number() > 10"),
    ("spath", "extend Name = parse_json(Column)"),
    ("stats", "summarize count() by Column"),
    (
        "streamstats",
        "serialize with row_cumsum(), prev() or row_number()",
    ),
    ("table", "project Column, Other"),
    ("tail", "top 10 by Timestamp asc"),
    (
        "timechart",
        "summarize count() by bin(Timestamp, 1h) | render timechart",
    ),
    (
        "transaction",
        "summarize min(Timestamp), max(Timestamp) by Column",
    ),
    ("uniq", "distinct *"),
    ("unique", "distinct Column"),
    ("values", "distinct Column"),
    ("with", "let Name = …; before the query"),
];

/// How joins begin where their kind comes first.
const JOINS: &[(&str, &str)] = &[
    ("inner", "inner"),
    ("left", "leftouter"),
    ("right", "rightouter"),
    ("full", "fullouter"),
    ("outer", "fullouter"),
    ("anti", "leftanti"),
    ("semi", "leftsemi"),
];

/// Commands of SQL that a text begins with.
const COMMANDS: &[&str] = &[
    "insert", "update", "delete", "create", "drop", "alter", "merge", "exec",
];

/// Words that KQL has in lower case, other than operators between pipes and those on texts.
const WORDS: &[&str] = &[
    "and", "or", "in", "has_any", "has_all", "between", "by", "asc", "desc", "on", "to", "with",
    "kind", "matches", "nulls", "first", "last", "regex", "step", "typeof",
];

/// What to write for a word that stands where an operator between pipes is expected.
pub(super) fn operator(word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let known = |list: &[(&str, &'static str)]| {
        let found = list.iter().find(|(elsewhere, _)| *elsewhere == lower);
        found.map(|(_, here)| *here)
    };
    if let Some(kind) = known(JOINS) {
        return Some(format!("write `join kind={kind} (U) on Column`"));
    }
    known(OPERATORS).map(|here| format!("in KQL: {here}"))
}

impl Parser<'_> {
    /// How KQL has what stands here, where it is written as in another language.
    pub(super) fn elsewhere(&self) -> Option<String> {
        self.by_word()
            .or_else(|| self.by_token())
            .or_else(|| self.by_what_is_before())
    }

    /// How KQL has a statement that went wrong here and whose first token is `first`.
    pub(super) fn statement_elsewhere(&self, first: usize) -> Option<String> {
        let token = *self.tokens.get(first)?;
        let word = self.text_of(token).to_ascii_lowercase();
        if COMMANDS.contains(&word.as_str()) && self.position == first + 1 {
            return Some("KQL reads, and changes nothing: T | where … | project …".to_owned());
        }
        match word.as_str() {
            "select" => Some(self.selecting(first)),
            "from" => Some("a query begins with its table: T | where …".to_owned()),
            "var" | "set" | "const" | "define" if self.position == first + 1 => Some(format!(
                "a value gets its name with `let {} = …;`",
                self.name_or(self.token(), "Name")
            )),
            _ if self.kind() == TokenKind::Assign && self.position == first + 1 => Some(format!(
                "a query begins with its table, T | where {name} == …; a value gets its name with \
                 `let {name} = …;`",
                name = self.text_of(token)
            )),
            _ if super::operators::KNOWN.contains(&self.lower(0).as_str()) => Some(format!(
                "operators stand after a pipe: `| {} …`",
                self.lower(0)
            )),
            _ => None,
        }
    }

    /// `select a from T`, as KQL has it.
    fn selecting(&self, first: usize) -> String {
        let from = (first..self.tokens.len())
            .find(|at| self.text_of(self.tokens[*at]).eq_ignore_ascii_case("from"));
        let table = from.and_then(|at| self.tokens.get(at + 1));
        let table = table.map_or("T", |token| self.name_or(*token, "T"));
        format!("a query begins with its table: {table} | where … | project …")
    }

    /// The text of a token where that is a word.
    fn name_or<'t>(&'t self, token: Token, otherwise: &'t str) -> &'t str {
        match token.kind {
            TokenKind::Word => self.slice(token),
            _ => otherwise,
        }
    }

    fn text_of(&self, token: Token) -> &str {
        self.name_or(token, "")
    }

    /// The word `count` tokens ahead, in lower case; nothing for what is no word.
    fn lower(&self, count: usize) -> String {
        self.word_ahead(count).to_ascii_lowercase()
    }

    /// The token `count` before the one at hand.
    fn before(&self, count: usize) -> Option<Token> {
        Some(self.tokens[self.position.checked_sub(count)?])
    }

    fn lower_before(&self, count: usize) -> String {
        let token = self.before(count);
        token.map_or_else(String::new, |token| {
            self.text_of(token).to_ascii_lowercase()
        })
    }

    fn kind_before(&self) -> Option<TokenKind> {
        Some(self.before(1)?.kind)
    }

    /// Whether the token before touches the one at hand.
    fn touches_before(&self) -> bool {
        self.before(1)
            .is_some_and(|before| before.span.end == self.span().start)
    }

    /// The name that is compared, where it is a single word.
    fn compared(&self) -> &str {
        let after_dot = self.before(2).is_some_and(|two| two.kind == TokenKind::Dot);
        match self.before(1) {
            Some(token) if !after_dot => self.name_or(token, "x"),
            _ => "x",
        }
    }

    fn by_word(&self) -> Option<String> {
        let word = self.word();
        if word.is_empty() {
            return None;
        }
        let (lower, next) = (self.lower(0), self.lower(1));
        let compared = self.compared();
        let pair = |list: &[(&'static str, &'static str)], of: &str| {
            list.iter()
                .find(|(one, _)| *one == of)
                .map(|(_, here)| *here)
        };
        match lower.as_str() {
            "not" if next == "like" => return Some(self.like(2, "!")),
            "not" if next == "matches" || next == "regex" => {
                return Some(format!("write not({compared} matches regex \"…\")"));
            }
            "not" if is_test(&next) => return Some(format!("write `!{next}`")),
            "not" => return Some("write not(…), which is a function".to_owned()),
            "is" if next == "not" => {
                return Some(format!(
                    "write isnotnull({compared}), or isnotempty({compared}) for a string"
                ));
            }
            "is" if next == "null" || next == "empty" => {
                return Some(format!(
                    "write isnull({compared}), or isempty({compared}) for a string"
                ));
            }
            "is" => return Some("values are compared with ==".to_owned()),
            "like" | "ilike" => return Some(self.like(1, "")),
            "rlike" | "regexp" | "regex" | "matches" if self.kind_ahead(1) == TokenKind::String => {
                return Some("write `matches regex`".to_owned());
            }
            "$left" | "$right" => return Some("write `on $left.a == $right.b`".to_owned()),
            "does" if next == "not" => {
                let positive = self.lower(2);
                let test = if positive.starts_with("has") || positive == "have" {
                    "!has"
                } else {
                    "!contains"
                };
                return Some(format!("write `{test}`"));
            }
            "starts" | "begins" if next == "with" => {
                return Some("write `startswith`, one word".to_owned());
            }
            "ends" if next == "with" => return Some("write `endswith`, one word".to_owned()),
            "descending" | "ascending" => {
                return Some(format!("write `{}`", lower.trim_end_matches("ending")));
            }
            "when" | "then" => {
                return Some("write iff(condition, value, other), or case(…)".to_owned());
            }
            "as" => return Some(self.naming()),
            "group" if next == "by" => {
                return Some(
                    "groups are given in summarize: summarize count() by Column".to_owned(),
                );
            }
            "from" => return Some("the table stands first: T | project …".to_owned()),
            "having" => {
                return Some("a condition on groups stands after them: | where …".to_owned());
            }
            "days" | "hours" | "minutes" | "seconds" | "day" | "hour" | "minute" | "weeks"
            | "week" | "months" | "month" | "years" | "year"
                if self.kind_before() == Some(TokenKind::Long) =>
            {
                return Some(self.timespan(&lower));
            }
            _ => {}
        }
        if let Some(operator) = pair(COMPARISONS, &lower) {
            return Some(format!("write `{operator}`"));
        }
        let plain = lower.replace('_', "");
        if let Some(test) = pair(TESTS, &plain) {
            return Some(format!("write `{test}`"));
        }
        let negated = plain.strip_prefix("not").filter(|rest| is_test(rest));
        if let Some(test) = negated {
            return Some(format!("write `!{test}`"));
        }
        for one in [&lower, &plain] {
            let is_known = is_test(one)
                || WORDS.contains(&one.as_str())
                || super::operators::KNOWN.contains(&one.as_str());
            if one != word && is_known {
                let why = if lower == *one {
                    "in lower case"
                } else {
                    "one word"
                };
                return Some(format!("write `{one}`, {why}"));
            }
        }
        None
    }

    /// `a as b`: a new name, or a type.
    fn naming(&self) -> String {
        let (value, name) = (self.compared(), self.word_ahead(1));
        if let Some(function) = conversion(&self.lower(1)) {
            return format!("write {function}({value}): each type has a function of its own");
        }
        let name = if name.is_empty() { "Name" } else { name };
        let value = match self.kind_before() {
            Some(TokenKind::Word) if value != "x" => value,
            _ => "…",
        };
        format!("the new name stands first: {name} = {value}")
    }

    /// The test that a pattern of `like` stands for; the pattern is `ahead` tokens on.
    fn like(&self, ahead: usize, not: &str) -> String {
        let token = self.ahead(ahead);
        if token.kind != TokenKind::String {
            return format!("write `{not}contains`, `{not}startswith` or `{not}endswith`");
        }
        let pattern = crate::literals::string(self.slice(token)).0;
        let (front, back) = (pattern.starts_with('%'), pattern.ends_with('%'));
        let inner = pattern.trim_matches('%');
        let test = match (front, back) {
            _ if inner.is_empty() || inner.contains(['%', '_', '"', '\\']) => {
                return match not {
                    "" => "write `matches regex` with a regular expression".to_owned(),
                    _ => format!("write not({} matches regex \"…\")", self.compared()),
                };
            }
            (true, true) => format!("{not}contains"),
            (true, false) => format!("{not}endswith"),
            (false, true) => format!("{not}startswith"),
            (false, false) if not.is_empty() => "=~".to_owned(),
            (false, false) => "!~".to_owned(),
        };
        format!("write `{test} \"{inner}\"`")
    }

    /// A number and a unit with a blank between them.
    fn timespan(&self, unit: &str) -> String {
        let number = self.before(1).map_or("1", |token| self.slice(token));
        if unit_ticks(unit).is_some() {
            let short = &unit[..1];
            return format!("write {number}{short}: number and unit without a blank");
        }
        "the longest unit of time is d: 7d is a week, 365d is a year".to_owned()
    }

    fn by_token(&self) -> Option<String> {
        let (kind, next) = (self.kind(), self.kind_ahead(1));
        let touching = next != TokenKind::End && self.touching(0);
        let after = self.kind_before().filter(|_| self.touches_before());
        let is_listed = matches!(
            self.lower_before(1).as_str(),
            "in" | "!in" | "in~" | "!in~" | "has_any" | "has_all"
        );
        let comment = || "comments begin with //".to_owned();
        Some(match kind {
            TokenKind::Directive => comment(),
            TokenKind::Minus if after == Some(TokenKind::Minus) => comment(),
            TokenKind::Minus if touching && next == TokenKind::Minus => comment(),
            TokenKind::Slash if touching && next == TokenKind::Star => comment(),
            TokenKind::Star if after == Some(TokenKind::Slash) => comment(),
            TokenKind::Star if after == Some(TokenKind::Star) => "write pow(a, b)".to_owned(),
            TokenKind::Slash if next == TokenKind::Word => {
                "a regular expression is a string: x matches regex \"…\"".to_owned()
            }
            TokenKind::Bar if after == Some(TokenKind::Bar) => {
                "write `or`; texts are put together with strcat(a, b)".to_owned()
            }
            TokenKind::Bar if self.kind_before() == Some(TokenKind::Bar) => {
                "an operator stands between two pipes".to_owned()
            }
            TokenKind::Comma
                if (self.before(2)).is_some_and(|two| two.kind == TokenKind::OpenBracket) =>
            {
                "a list is written dynamic([…])".to_owned()
            }
            TokenKind::Comma if matches!(self.lower_before(2).as_str(), "take" | "limit") => {
                "to skip rows, write serialize | where row_number() > 5 | take 10".to_owned()
            }
            TokenKind::Equal if self.lower_before(2) == "let" => {
                "a value gets its name with a single `=`".to_owned()
            }
            TokenKind::Bar if self.kind_before() == Some(TokenKind::Semicolon) => {
                "take out the `;` before it, which ends the query".to_owned()
            }
            TokenKind::Greater if after == Some(TokenKind::Bar) => "a pipe is `|`".to_owned(),
            TokenKind::OpenBracket | TokenKind::String if is_listed => {
                format!("write `{} (\"a\", \"b\")`", self.lower_before(1))
            }
            TokenKind::OpenBracket if next == TokenKind::Word => format!(
                "a name in brackets stands in quotes: ['{}']",
                self.word_ahead(1)
            ),
            TokenKind::OpenBracket => "a list is written dynamic([…])".to_owned(),
            TokenKind::OpenBrace if self.kind_before() == Some(TokenKind::CloseParenthesis) => {
                "parameters of a function have types: let f = (a: string) { … }".to_owned()
            }
            TokenKind::OpenBrace => "an object is written dynamic({…}), or bag_pack(…)".to_owned(),
            TokenKind::OpenParenthesis if self.lower_before(1) == "count" => {
                "the operator is `count`; count() stands in summarize".to_owned()
            }
            TokenKind::Colon if touching && next == TokenKind::Colon => {
                let ty = self.lower(2);
                let function = conversion(&ty).unwrap_or("tostring");
                format!("write {function}({})", self.compared())
            }
            TokenKind::Colon if touching && next == TokenKind::Assign => {
                "write `=` for a new name, `==` to compare".to_owned()
            }
            TokenKind::Assign if touching && next == TokenKind::Less => "write `<=`".to_owned(),
            TokenKind::Assign if touching && next == TokenKind::Greater => "write `>=`".to_owned(),
            TokenKind::Assign if after == Some(TokenKind::NotEqual) => "write `!=`".to_owned(),
            TokenKind::Assign if self.ahead(1).kind != TokenKind::End => {
                "values are compared with ==".to_owned()
            }
            _ => return None,
        })
    }

    fn by_what_is_before(&self) -> Option<String> {
        let (one, two) = (self.lower_before(1), self.lower_before(2));
        let here = self.slice(self.token());
        let here = if here.is_empty() || here.len() > 40 || self.kind() == TokenKind::String {
            "Column"
        } else {
            here
        };
        let after_bar = self.before(2).is_some_and(|two| two.kind == TokenKind::Bar);
        Some(match one.as_str() {
            "not" if is_test(&two) => format!("write `!{two}`"),
            "not" => "write not(…), which is a function".to_owned(),
            "select" => self.selecting(self.position - 1),
            "between" => "write `between (1 .. 2)`".to_owned(),
            "ago" if self.kind() == TokenKind::TimeSpan => format!("write ago({here})"),
            "sort" | "order" if after_bar => format!("write `{one} by {here}`"),
            "distinct" if !after_bar => format!("write `distinct {here}`"),
            _ if two == "top" && self.kind_before() == Some(TokenKind::Long) => {
                let number = self.before(1).map_or("5", |token| self.slice(token));
                format!("write `top {number} by {here}`, or `take {number}`")
            }
            _ if self.kind_before() == Some(TokenKind::String)
                && self.touches_before()
                && self.kind() == TokenKind::Word =>
            {
                "inside of a string its quote is written \\' or \\\"".to_owned()
            }
            _ => return None,
        })
    }
}

/// Whether a word tests a value, so that `!` may stand before it.
fn is_test(word: &str) -> bool {
    matches!(word, "in" | "in~" | "between") || text_operator(word).is_some()
}

/// The function that makes a type's value of another.
fn conversion(ty: &str) -> Option<&'static str> {
    Some(match ty {
        "int" | "integer" => "toint",
        "long" | "bigint" => "tolong",
        "real" | "double" | "float" => "todouble",
        "bool" | "boolean" => "tobool",
        "date" | "datetime" | "timestamp" => "todatetime",
        "timespan" | "time" | "interval" => "totimespan",
        "decimal" | "numeric" => "todecimal",
        "guid" | "uuid" => "toguid",
        "dynamic" | "json" => "todynamic",
        "string" | "text" | "varchar" | "nvarchar" | "char" => "tostring",
        _ => return None,
    })
}
