//! What a query is about: techniques, tables, and the entities that it takes.

use std::collections::BTreeSet;
use std::str::FromStr;

use defender_core::{Error, ErrorKind, nearest};
use kql_syntax::{TokenKind, tokenize};
use serde_json::Value as Json;

use crate::definition::{Definition, Language, Parameter};
use crate::value::Value;

/// Something that an investigation follows and that queries take as a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// An IP address.
    Ip,
    /// A device, by name or id.
    Host,
    /// An account, by name or address.
    Account,
    /// The hash of a file.
    Hash,
    /// A file, by name or path.
    File,
    /// A URL or domain.
    Url,
    /// A process, by name or command line.
    Process,
    /// A message.
    Message,
    /// An alert.
    Alert,
}

impl Entity {
    /// Every entity, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Ip,
        Self::Host,
        Self::Account,
        Self::Hash,
        Self::File,
        Self::Url,
        Self::Process,
        Self::Message,
        Self::Alert,
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Host => "host",
            Self::Account => "account",
            Self::Hash => "hash",
            Self::File => "file",
            Self::Url => "url",
            Self::Process => "process",
            Self::Message => "message",
            Self::Alert => "alert",
        }
    }

    /// Whether a parameter of this name takes the entity, by the names that queries use.
    fn is_taken_by(self, parameter: &str) -> bool {
        let name = parameter.to_ascii_lowercase();
        let any = |words: &[&str]| words.contains(&name.as_str());
        match self {
            Self::Ip => {
                any(&[
                    "ip",
                    "ip_address",
                    "ip_address_list",
                    "src_ip",
                    "dest_ip",
                    "ipaddress",
                ]) || name.ends_with("_ip")
            }
            Self::Host => any(&[
                "host",
                "host_name",
                "hostname",
                "device",
                "device_id",
                "device_name",
                "computer",
            ]),
            Self::Account => any(&[
                "account",
                "account_name",
                "user",
                "user_name",
                "username",
                "upn",
                "mailbox",
                "user_principal_name",
                "user_id",
            ]),
            Self::Hash => any(&[
                "hash",
                "file_hash",
                "sha1",
                "sha256",
                "md5",
                "process_identifier",
            ]),
            Self::File => any(&[
                "file",
                "file_name",
                "filename",
                "file_path",
                "path",
                "folder",
            ]),
            Self::Url => any(&["url", "domain", "domain_name", "dns_name", "url_domain"]),
            Self::Process => any(&[
                "process",
                "process_name",
                "process_identifier",
                "cmd_line",
                "commandline",
                "command_line",
            ]),
            Self::Message => any(&["message_id", "network_message_id", "message"]),
            Self::Alert => any(&["alert_id", "alert"]),
        }
    }
}

impl FromStr for Entity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL
            .into_iter()
            .find(|entity| entity.name().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let error = Error::new(
                ErrorKind::Usage,
                format!("'{}' is not an entity", text.escape_debug()),
            );
            match nearest(text, names) {
                Some(near) => error.with_hint(format!("did you mean '{near}'?")),
                None => error.with_hint(format!("an entity is one of {}", names.join(", "))),
            }
        })
    }
}

impl Definition {
    /// Its title, when its metadata have one.
    pub fn title(&self) -> Option<&str> {
        self.metadata.get("title").and_then(Json::as_str)
    }

    /// The MITRE ATT&CK techniques that it looks for, such as `T1059.001`.
    pub fn techniques(&self) -> Vec<&str> {
        self.texts("techniques")
    }

    /// How bad a row of it is, as its author says.
    pub fn severity(&self) -> Option<&str> {
        self.metadata.get("severity").and_then(Json::as_str)
    }

    /// What it finds besides what it looks for.
    pub fn false_positives(&self) -> Option<&str> {
        self.metadata.get("false_positives").and_then(Json::as_str)
    }

    /// The names that it had before, without its family; it still goes by them.
    pub fn former_names(&self) -> Vec<&str> {
        self.texts("former_names")
    }

    /// Where to read more.
    pub fn references(&self) -> Vec<&str> {
        self.texts("references")
    }

    fn texts(&self, key: &str) -> Vec<&str> {
        match self.metadata.get(key) {
            Some(Json::String(text)) => vec![text],
            Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The tables that its text reads, sorted; one that a parameter names, by its default.
    pub fn tables(&self) -> Vec<&str> {
        let mut tables = BTreeSet::new();
        if let Some(Value::Text(table)) = self
            .parameter("table")
            .filter(|_| self.uses("table"))
            .and_then(|table| table.default.as_ref())
        {
            tables.insert(table.as_str());
        }
        if self.language == Language::Kql {
            tables.extend(read_tables(&self.text));
        }
        tables.into_iter().collect()
    }

    /// The first parameter that takes `entity`.
    pub fn takes(&self, entity: Entity) -> Option<&Parameter> {
        let names = |parameter: &Parameter| {
            std::iter::once(&parameter.name)
                .chain(&parameter.aliases)
                .any(|name| entity.is_taken_by(name))
        };
        self.parameters
            .iter()
            .find(|parameter| names(parameter) && self.uses(&parameter.name))
    }
}

/// The names that stand where a pipeline begins and that the text does not define itself.
fn read_tables(text: &str) -> Vec<&str> {
    let (tokens, _) = tokenize(text);
    let tokens: Vec<(TokenKind, &str)> = tokens
        .iter()
        .filter(|token| token.kind != TokenKind::Comment)
        .map(|token| {
            let text = text.get(token.span.start as usize..token.span.end as usize);
            (token.kind, text.unwrap_or_default())
        })
        .collect();
    let defined: Vec<&str> = tokens
        .windows(2)
        .filter(|pair| pair[0].1 == "let")
        .map(|pair| pair[1].1)
        .collect();
    let mut tables = Vec::new();
    // For each open parenthesis, whether what stands in it is a list of tables.
    let mut lists = vec![false];
    let mut begins = true;
    let mut at = 0;
    while let Some(&(kind, word)) = tokens.get(at) {
        let next = tokens.get(at + 1).map(|(kind, _)| *kind);
        let follows = matches!(
            next,
            Some(TokenKind::Bar | TokenKind::End | TokenKind::Semicolon | TokenKind::OpenBrace)
        );
        let in_list = lists.last().copied().unwrap_or_default();
        let listed = in_list
            && (matches!(next, Some(TokenKind::Comma | TokenKind::CloseParenthesis))
                || tokens.get(at + 1).is_some_and(|(_, word)| *word == "on"));
        if kind == TokenKind::Word && begins && (follows || listed) && !defined.contains(&word) {
            tables.push(word);
        }
        begins = match kind {
            TokenKind::Word if matches!(word, "union" | "join" | "lookup") => {
                // What follows are options, `kind=inner`, then tables.
                while tokens
                    .get(at + 2)
                    .is_some_and(|(kind, _)| *kind == TokenKind::Assign)
                {
                    at += 3;
                }
                if let Some(list) = lists.last_mut() {
                    *list = true;
                }
                true
            }
            TokenKind::Word if word == "on" => {
                if let Some(list) = lists.last_mut() {
                    *list = false;
                }
                false
            }
            TokenKind::OpenParenthesis => {
                lists.push(false);
                true
            }
            TokenKind::CloseParenthesis => {
                if lists.len() > 1 {
                    lists.pop();
                }
                false
            }
            TokenKind::Bar => {
                if let Some(list) = lists.last_mut() {
                    *list = false;
                }
                false
            }
            TokenKind::Comma => in_list,
            TokenKind::Assign => at >= 2 && tokens[at - 2].1 == "let",
            TokenKind::Semicolon => true,
            _ => false,
        };
        at += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_where_pipelines_begin() {
        assert_eq!(
            read_tables(
                "let a = Alpha | where x in (b | project c);\nunion (Beta | take 1), (a | take 1)\n| join kind=inner (Gamma\n| where y) on z"
            ),
            ["Alpha", "b", "Beta", "Gamma"]
        );
        assert_eq!(read_tables("Alpha"), ["Alpha"]);
        assert_eq!(
            read_tables(
                "Alpha\n| summarize count() by A, B\n| extend C = D\n| where C == 1\n{more}"
            ),
            ["Alpha"]
        );
        assert_eq!(
            read_tables(
                "union isfuzzy=true Alpha, Beta\n| join kind=leftanti Gamma on Id, Other | take 1"
            ),
            ["Alpha", "Beta", "Gamma"]
        );
        assert_eq!(read_tables("let x = 1; Alpha {more}"), ["Alpha"]);
    }

    #[test]
    fn entities_have_names() {
        for entity in Entity::ALL {
            assert_eq!(entity.name().parse::<Entity>().unwrap(), entity);
        }
        let error = "hosts".parse::<Entity>().unwrap_err();
        assert_eq!(error.hint(), Some("did you mean 'host'?"));
    }
}
