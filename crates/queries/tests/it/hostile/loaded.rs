//! The queries of the library and of the fixtures, with hostile values for all that takes one.

use defender_queries::{Definition, Filter, Language, Parameters, Type, Value};
use kql_syntax::parse;
use proptest::collection::vec;

use super::{Harmless, LIBRARY, check, hostile, marker, rendered};

/// The text parameters of a library's query whose place is that of a value.
fn values_of<'a>(name: &'a str, query: &'a Definition) -> impl Iterator<Item = &'a str> {
    let values = query.parameters.iter().filter(move |parameter| {
        let probe = |text: &str| {
            let given = parameters_of(query, |other| {
                (other == parameter.name).then(|| Value::from(text))
            });
            rendered(name, &given)
        };
        // Only a value may be a word, two of them, and nothing at all.
        parameter.ty == Type::Str
            && ["Zq", "Zq Zq", ""].iter().all(|text| probe(text).is_some())
            && probe("| Zq").is_some_and(|text| parse(&text).diagnostics.is_empty())
    });
    values.map(|parameter| parameter.name.as_str())
}

/// `given`, and something that fits for every other parameter without a default.
fn parameters_of(query: &Definition, given: impl Fn(&str) -> Option<Value>) -> Parameters {
    let values = query.parameters.iter().filter_map(|parameter| {
        let value = given(&parameter.name).or_else(|| {
            let fits = match (parameter.ty, parameter.name.as_str()) {
                _ if parameter.default.is_some() => return None,
                (_, "timestamp") | (Type::Datetime, _) => "2026-01-15",
                (Type::Bool, _) => "true",
                (Type::Int | Type::Float, _) | (_, "cmd_line" | "protocol") => "1",
                (Type::Str | Type::List, _) => "Zq",
            };
            Some(Value::from(fits))
        })?;
        Some((parameter.name.clone(), value))
    });
    values.collect()
}

#[test]
fn no_value_changes_the_tree_of_a_query_of_the_library() {
    let mut queries = 0;
    for (index, (name, query)) in LIBRARY.queries(&Filter::default()).into_iter().enumerate() {
        if query.language != Language::Kql || name.starts_with("Made.") {
            continue;
        }
        let names: Vec<&str> = values_of(name, query).collect();
        let all = |values: &[String]| {
            let given = parameters_of(query, |name| {
                let index = names.iter().position(|found| *found == name)?;
                Some(Value::from(values[index].as_str()))
            });
            rendered(name, &given)
        };
        if names.is_empty() {
            continue;
        }
        queries += 1;
        let markers: Vec<String> = (0..names.len()).map(marker).collect();
        let harmless = Harmless::of(&all(&markers).unwrap());
        check(6, index, &vec(hostile(), names.len()), |values| {
            // Nothing in the library stands where a value could not be written.
            harmless.is(&all(&values).unwrap(), &values);
        });
    }
    assert!(queries >= 100, "only {queries}");
}

/// The parts of an address between its quotes, and the rest in order.
fn quoted(address: &str) -> (Vec<String>, String) {
    let (mut inside, mut outside) = (Vec::new(), String::new());
    let mut rest = address;
    while let Some(at) = rest.find('\'') {
        outside += &rest[..=at];
        rest = &rest[at + 1..];
        let mut text = String::new();
        loop {
            let end = rest.find('\'').unwrap();
            text += &rest[..end];
            rest = &rest[end + 1..];
            match rest.strip_prefix('\'') {
                Some(after) => {
                    text.push('\'');
                    rest = after;
                }
                None => break,
            }
        }
        for (code, letter) in [("%26", "&"), ("%23", "#"), ("%2B", "+"), ("%25", "%")] {
            assert!(letter == "%" || !text.contains(letter), "{address}");
            text = text.replace(code, letter);
        }
        inside.push(text);
    }
    (inside, outside + rest)
}

#[test]
fn no_value_leaves_the_quotes_of_an_address() {
    let mut written = 0;
    let user = |text: &str| rendered("by_user", &Parameters::from([("user", text)]));
    let (_, outside) = quoted(&user("Zq").unwrap());
    check(400, 0, &hostile(), |value| {
        let Some(text) = user(&value) else {
            return;
        };
        let (inside, found) = quoted(&text);
        // A blank at the end is the address's own end.
        assert_eq!((inside, found), (vec![value], outside.clone()), "{text}");
        written += 1;
    });
    assert!(written > 150, "only {written}");
}
