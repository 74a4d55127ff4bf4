//! Python's format templates: `{name}`, doubled braces, and what may follow a colon.

/// A piece of a format template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// Text, its doubled braces made single.
    Text(String),
    /// `{name:spec}`.
    Hole { name: String, spec: String },
}

/// Cuts a format template into its pieces; the error is what is wrong with it.
pub(crate) fn parts(template: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err("a '}' closes nothing".to_owned());
        }
        let Some(end) = after.find('}') else {
            return Err("a '{' is not closed".to_owned());
        };
        let inner = &after[..end];
        let (name, spec) = inner.split_once(':').unwrap_or((inner, ""));
        let is_name = name
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_');
        if !is_name || spec.contains('{') {
            let shown: String = inner.chars().take(40).collect();
            return Err(format!("'{{{shown}}}' is not a parameter's name"));
        }
        parts.push(Part::Text(std::mem::take(&mut text)));
        parts.push(Part::Hole {
            name: name.to_owned(),
            spec: spec.to_owned(),
        });
        rest = &after[end + 1..];
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    parts.retain(|part| *part != Part::Text(String::new()));
    Ok(parts)
}

/// How a number is written: `[0][width][.precision][type]`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number {
    zeros: bool,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

/// Numbers are not padded further than this.
const MAX_WIDTH: usize = 100;

impl Number {
    fn parse(spec: &str) -> Option<Self> {
        let letter = spec.chars().next_back().filter(char::is_ascii_alphabetic);
        let spec = letter.map_or(spec, |letter| &spec[..spec.len() - letter.len_utf8()]);
        let (width, precision) = match spec.split_once('.') {
            Some((width, precision)) => (width, Some(precision.parse().ok()?)),
            None => (spec, None),
        };
        let number = Self {
            zeros: width.starts_with('0'),
            width: if width.is_empty() {
                0
            } else {
                width.parse().ok()?
            },
            precision,
            letter: letter.unwrap_or(if precision.is_some() { 'f' } else { 'g' }),
        };
        let sane = number.width <= MAX_WIDTH
            && number
                .precision
                .is_none_or(|precision| precision <= MAX_WIDTH)
            && matches!(number.letter, 'd' | 'x' | 'X' | 'f' | 'g');
        sane.then_some(number)
    }

    fn padded(self, digits: &str) -> String {
        if !self.zeros {
            return format!("{digits:>width$}", width = self.width);
        }
        let (sign, digits) = match digits.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", digits),
        };
        let width = self.width.saturating_sub(sign.len());
        format!("{sign}{digits:0>width$}")
    }
}

/// The whole number as `spec` says; `None` when the spec is not one for whole numbers.
pub(crate) fn int(value: i64, spec: &str) -> Option<String> {
    let number = Number::parse(spec)?;
    Some(
        number.padded(&match number.letter {
            'd' | 'g' if number.precision.is_none() => value.to_string(),
            'x' if value >= 0 => format!("{value:x}"),
            'X' if value >= 0 => format!("{value:X}"),
            'f' => format!("{value}.{}", "0".repeat(number.precision.unwrap_or(6)))
                .trim_end_matches('.')
                .to_owned(),
            _ => return None,
        }),
    )
}

/// The number as `spec` says; `None` when the spec is not one for numbers with a fraction.
pub(crate) fn float(value: f64, spec: &str) -> Option<String> {
    let number = Number::parse(spec)?;
    Some(number.padded(&match (number.letter, number.precision) {
        ('g', None) => format!("{value:?}"),
        ('f', precision) => format!("{value:.*}", precision.unwrap_or(6)),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_specs_and_doubled_braces() {
        let text = |text: &str| Part::Text(text.to_owned());
        let hole = |name: &str, spec: &str| Part::Hole {
            name: name.to_owned(),
            spec: spec.to_owned(),
        };
        assert_eq!(
            parts("a {b} {{c}} {d:%H:%M}").unwrap(),
            [text("a "), hole("b", ""), text(" {c} "), hole("d", "%H:%M")]
        );
        assert_eq!(
            parts("{{{a}}}").unwrap(),
            [text("{"), hole("a", ""), text("}")]
        );
        for wrong in ["{", "}", "a {b", "{a.b}", "{a[0]}", "{a!r}", "{a:{b}}"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_as_python_writes_them() {
        assert_eq!(int(7, "05d").unwrap(), "00007");
        assert_eq!(int(-7, "05").unwrap(), "-0007");
        assert_eq!(int(255, "x").unwrap(), "ff");
        assert_eq!(int(7, "4").unwrap(), "   7");
        assert_eq!(int(7, ".2f").unwrap(), "7.00");
        assert_eq!(int(7, ".0f").unwrap(), "7");
        assert_eq!(float(2.5, ".2f").unwrap(), "2.50");
        assert_eq!(float(2.5, "").unwrap(), "2.5");
        for wrong in ["s", ">5", "999999999", "%"] {
            assert_eq!(int(7, wrong), None, "{wrong}");
        }
        assert_eq!(float(2.5, "d"), None);
    }
}
