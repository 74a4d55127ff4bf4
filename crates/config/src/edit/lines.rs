//! The lines of a settings file, and the block mappings that they make.

/// A text as lines.
pub(crate) struct Lines {
    text: Vec<String>,
    /// What ends each line.
    ending: &'static str,
    /// What the text begins with before the first line.
    mark: &'static str,
    /// Whether the last line is ended.
    ended: bool,
}

/// The entries of a block mapping: lines from `start` up to `end`, keys at `indent`.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    start: usize,
    end: usize,
    pub(crate) indent: usize,
}

/// A key of a block mapping.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) indent: usize,
    /// After the last line that belongs to it, comments and blank lines at its end left out.
    end: usize,
    pub(crate) value: Value,
    /// Where in its line the value begins, after the colon.
    after_colon: usize,
    /// Where in its line the comment begins; the line's length where there is none.
    comment: usize,
}

/// What stands behind a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing at all.
    Nothing,
    /// Text on the same line, or a block or quotes that begin there.
    Scalar,
    /// A mapping between braces on the same line.
    Flow,
    /// A block mapping on the following lines.
    Section,
    /// A list, an anchor, an alias, a tag.
    Other,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let (mark, text) = match text.strip_prefix('\u{feff}') {
            Some(rest) => ("\u{feff}", rest),
            None => ("", text),
        };
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self {
            text: text.lines().map(str::to_owned).collect(),
            ending,
            mark,
            ended: text.is_empty() || text.ends_with('\n'),
        }
    }

    pub(crate) fn into_text(self) -> String {
        let mut text = self.text.join(self.ending);
        if self.ended && !self.text.is_empty() {
            text.push_str(self.ending);
        }
        format!("{}{text}", self.mark)
    }

    /// The mapping at the top; `None` when there is something else.
    pub(crate) fn root(&self) -> Option<Section> {
        let start = self
            .text
            .iter()
            .position(|line| line.trim_end() == "---")
            .map_or(0, |line| line + 1);
        let end = self
            .text
            .iter()
            .skip(start)
            .position(|line| line.trim_end() == "...")
            .map_or(self.text.len(), |line| start + line);
        let section = self.section(start, end, 0);
        let first = self.text.get(section.start..section.end)?;
        let first = first.iter().find(|line| holds_something(line));
        match first {
            Some(line) if key(line).is_none() || section.indent != 0 => None,
            _ => Some(section),
        }
    }

    fn section(&self, start: usize, end: usize, otherwise: usize) -> Section {
        let indent = self.text[start..end]
            .iter()
            .find(|line| holds_something(line))
            .map_or(otherwise, |line| indent(line));
        Section { start, end, indent }
    }

    /// The mapping below an entry.
    pub(crate) fn section_of(&self, entry: &Entry) -> Section {
        self.section(entry.line + 1, entry.end, entry.indent + 2)
    }

    pub(crate) fn entries(&self, section: &Section) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut line = section.start;
        while line < section.end {
            let text = &self.text[line];
            let here = (holds_something(text) && indent(text) == section.indent)
                .then(|| key(text))
                .flatten();
            let Some((name, after_colon)) = here else {
                line += 1;
                continue;
            };
            let mut next = line + 1;
            while next < section.end
                && (!holds_something(&self.text[next])
                    || indent(&self.text[next]) > section.indent
                    || is_item_at(&self.text[next], section.indent))
            {
                next += 1;
            }
            let mut end = next;
            while end > line + 1
                && (!holds_something(&self.text[end - 1])
                    && indent(&self.text[end - 1]) <= section.indent
                    || self.text[end - 1].trim().is_empty())
            {
                end -= 1;
            }
            let comment = comment(text, after_colon);
            let below = self.text[line + 1..end]
                .iter()
                .find(|line| holds_something(line));
            entries.push(Entry {
                name,
                line,
                indent: section.indent,
                end,
                value: value(text[after_colon..comment].trim(), below),
                after_colon,
                comment,
            });
            line = next;
        }
        entries
    }

    /// The line that a new entry of `section` is put before.
    pub(crate) fn end_of(&self, section: &Section) -> usize {
        self.entries(section)
            .last()
            .map_or(section.end, |entry| entry.end)
    }

    /// Puts `names`, each below the one before, and `value` before `line`.
    pub(crate) fn insert(&mut self, line: usize, indent: usize, names: &[&str], value: &str) {
        let mut added = Vec::with_capacity(names.len());
        for (depth, name) in names.iter().enumerate() {
            let spaces = " ".repeat(indent + 2 * depth);
            let name = super::scalar::within_flow(name);
            if depth + 1 == names.len() {
                added.push(format!("{spaces}{name}: {value}"));
            } else {
                added.push(format!("{spaces}{name}:"));
            }
        }
        if self.text.is_empty() || line == self.text.len() {
            self.ended = true;
        }
        self.text.splice(line..line, added);
    }

    /// Gives `entry` the value `value`; `None` where that would take more than a value away.
    pub(crate) fn replace(&mut self, entry: &Entry, value: &str) -> Option<()> {
        if entry.value == Value::Other {
            return None;
        }
        let text = &self.text[entry.line];
        let comment = &text[entry.comment..];
        let gap = &text[text[..entry.comment].trim_end().len()..entry.comment];
        // A value in quotes or braces that goes on below takes its comment along.
        let whole =
            comment.is_empty() || entry.value != Value::Scalar || entry.end == entry.line + 1;
        let (gap, comment) = match (whole, comment) {
            (false, _) | (_, "") => ("", ""),
            (true, comment) => (if gap.is_empty() { " " } else { gap }, comment),
        };
        let line = format!("{} {value}{gap}{comment}", &text[..entry.after_colon]);
        self.text.splice(entry.line..entry.end, [line]);
        Some(())
    }

    /// Puts an entry into the braces behind `entry`; `None` when they are not all on its line.
    pub(crate) fn insert_into_flow(
        &mut self,
        entry: &Entry,
        names: &[&str],
        value: &str,
    ) -> Option<()> {
        let [name] = names else { return None };
        let text = &self.text[entry.line];
        let flow = text[entry.after_colon..entry.comment].trim_end();
        let inner = flow.trim_start().strip_prefix('{')?.strip_suffix('}')?;
        if super::find_in_flow(inner, name) {
            return None;
        }
        let inner = inner.trim();
        let separator = if inner.is_empty() { "" } else { ", " };
        let name = super::scalar::within_flow(name);
        let end = entry.after_colon + flow.len();
        let line = format!(
            "{} {{{inner}{separator}{name}: {value}}}{}",
            &text[..entry.after_colon],
            &text[end..]
        );
        self.text[entry.line] = line;
        Some(())
    }
}

fn holds_something(line: &str) -> bool {
    let text = line.trim_start();
    !text.is_empty() && !text.starts_with('#')
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// A list may stand as far left as the key that it belongs to.
fn is_item_at(line: &str, column: usize) -> bool {
    let text = line.trim_start();
    indent(line) == column && (text == "-" || text.starts_with("- "))
}

/// The key that a line begins with, and where its value begins.
fn key(line: &str) -> Option<(String, usize)> {
    let start = indent(line);
    let text = &line[start..];
    let quote = text.chars().next().filter(|c| ['"', '\''].contains(c));
    let (name, after) = if let Some(quote) = quote {
        let end = text[1..].find(quote)? + 1;
        (&text[1..end], end + 1)
    } else {
        let end = text
            .match_indices(':')
            .map(|(at, _)| at)
            .find(|at| text[at + 1..].is_empty() || text[at + 1..].starts_with([' ', '\t']))?;
        (text[..end].trim_end(), end)
    };
    let special = |c: char| "{}[],&*!|>%@`#?".contains(c);
    if quote.is_none() && (name.is_empty() || name.starts_with(special) || name.starts_with("- ")) {
        return None;
    }
    let colon = text[after..].trim_start().strip_prefix(':').map(str::len)?;
    Some((name.to_owned(), line.len() - colon))
}

/// Where the comment of a line begins, quotes looked through.
fn comment(line: &str, from: usize) -> usize {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in line[from..].char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            // A quote counts where a value may begin.
            None if ['"', '\''].contains(&character) && " \t{[,:".contains(before) => {
                quote = Some(character);
            }
            None if character == '#' && [' ', '\t'].contains(&before) => return from + at,
            _ => {}
        }
        before = character;
    }
    line.len()
}

fn value(text: &str, below: Option<&String>) -> Value {
    if text.is_empty() {
        return match below {
            None => Value::Nothing,
            Some(line) if key(line).is_some() => Value::Section,
            Some(_) => Value::Other,
        };
    }
    match text.chars().next() {
        Some('{') if text.ends_with('}') => Value::Flow,
        Some('&' | '*' | '!' | '[' | '{') => {
            // An anchor on a section leaves the section one.
            let names_a_section = text.starts_with('&') && !text.contains(' ');
            match below {
                Some(line) if names_a_section && key(line).is_some() => Value::Section,
                _ => Value::Other,
            }
        }
        _ => Value::Scalar,
    }
}
