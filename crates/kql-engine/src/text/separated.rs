//! Separated values, quoted as RFC 4180 has it.

/// The records of a text; a line break ends one, unless it is inside quotes.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    rest: &'a str,
    separator: char,
    line: usize,
}

impl<'a> Records<'a> {
    pub(crate) fn new(text: &'a str, separator: char) -> Self {
        Self {
            rest: text,
            separator,
            line: 1,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<String>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let start = self.line;
        let mut fields = Vec::new();
        loop {
            let mut field = String::new();
            if let Some(inner) = self.rest.strip_prefix('"') {
                let mut inner = inner;
                loop {
                    let Some((before, after)) = inner.split_once('"') else {
                        self.rest = "";
                        return Some(Err(format!("the quote of line {start} is not closed")));
                    };
                    field.push_str(before);
                    let Some(next) = after.strip_prefix('"') else {
                        self.rest = after;
                        break;
                    };
                    field.push('"');
                    inner = next;
                }
                self.line += field.matches('\n').count();
            }
            let separator = self.separator;
            let end = self
                .rest
                .find([separator, '\n', '\r'])
                .unwrap_or(self.rest.len());
            field.push_str(&self.rest[..end]);
            fields.push(field);
            let rest = &self.rest[end..];
            if let Some(next) = rest.strip_prefix(separator) {
                self.rest = next;
                continue;
            }
            self.rest = rest
                .strip_prefix("\r\n")
                .or_else(|| rest.strip_prefix(['\r', '\n']))
                .unwrap_or("");
            self.line += 1;
            return Some(Ok(fields));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Records;

    #[test]
    fn quotes_hold_separators_and_lines() {
        let text = "a,\"b,\"\"c\"\"\"\r\n\"x\ny\",\n";
        let records: Result<Vec<_>, _> = Records::new(text, ',').collect();
        let expected = vec![vec!["a", "b,\"c\""], vec!["x\ny", ""]];
        assert_eq!(
            records,
            Ok(expected
                .into_iter()
                .map(|one| one.into_iter().map(str::to_owned).collect())
                .collect())
        );
        assert!(
            Records::new("\"a", ',')
                .next()
                .is_some_and(|one| one.is_err())
        );
    }
}
