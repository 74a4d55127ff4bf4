//! The file of `--tenants`: whom to ask with one application.

use std::path::Path;

use defender_cloud::Cloud;
use defender_core::{Error, ErrorKind, Result, WrittenName, read_bounded};

use crate::text;

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tenant {
    /// The tenant's id or one of its domains.
    pub(crate) id: String,
    /// What messages call it.
    pub(crate) name: Option<String>,
    /// Its cloud, when it is not the connection's.
    pub(crate) cloud: Option<String>,
}

/// More is no list of tenants.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Reads `tenant,name,cloud`; the heading may be there or not, name and cloud may be left out.
///
/// A heading may order its columns otherwise. Lines that begin with `#` are passed over. What is
/// between the columns is what the first line has there: a comma, a semicolon or a tab.
pub(crate) fn read(path: &Path) -> Result<Vec<Tenant>> {
    let wrong = |what: String| Error::new(ErrorKind::Config, what);
    let cannot = |error: std::io::Error| {
        let message = format!("cannot read {}, named by --tenants", path.display());
        Error::new(ErrorKind::Io, message).with_source(error)
    };
    let bytes = read_bounded(path, LONGEST).map_err(cannot)?;
    let text = text::decode(bytes).map_err(cannot)?.text;
    parse(&text).map_err(|Wrong { line, what, hint }| {
        wrong(format!("line {line} of {} {what}", path.display())).with_hint(hint.unwrap_or_else(
            || "a line is tenant,name,cloud, such as contoso.com,Contoso,global".to_owned(),
        ))
    })
}

/// What is wrong with a line, and what to do where that is not the same for all.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    line: usize,
    what: String,
    hint: Option<String>,
}

impl From<(usize, String)> for Wrong {
    fn from((line, what): (usize, String)) -> Self {
        Self {
            line,
            what,
            hint: None,
        }
    }
}

fn parse(text: &str) -> std::result::Result<Vec<Tenant>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut columns = [Some(0), Some(1), Some(2)];
    let mut tenants: Vec<Tenant> = Vec::new();
    let mut is_first = true;
    let mut separator = b',';
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    for (index, text) in lines {
        let line = index + 1;
        let is_heading = std::mem::take(&mut is_first);
        if is_heading {
            separator = separator_of(text);
        }
        let record = record(text, separator).ok_or_else(|| (line, "is not CSV".to_owned()))?;
        let at = |name: &str| {
            record
                .iter()
                .position(|cell| cell.eq_ignore_ascii_case(name))
        };
        if is_heading
            && let Some(tenant) = at("tenant")
                .or_else(|| at("tenant_id"))
                .or_else(|| at("tenantid"))
        {
            columns = [Some(tenant), at("name"), at("cloud")];
            let known = |index: usize| columns.contains(&Some(index));
            let mut cells = record.iter().enumerate();
            if let Some((_, cell)) = cells.find(|(index, cell)| !cell.is_empty() && !known(*index))
            {
                return Err(Wrong::from((
                    line,
                    format!(
                        "has {}; the headings are tenant, name and cloud",
                        match WrittenName::of_words(cell).shown() {
                            Some(cell) => format!("the heading '{cell}'"),
                            None => "another heading".to_owned(),
                        }
                    ),
                )));
            }
            continue;
        }
        let cell = |column: Option<usize>| {
            let text = record.get(column?)?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let Some(id) = cell(columns[0]) else {
            return Err((line, "names no tenant".to_owned()).into());
        };
        if !is_id(&id) && !is_domain(&id) {
            return Err(Wrong::from((
                line,
                match WrittenName::of_words(&id).shown() {
                    Some(id) => {
                        format!("begins with '{id}', which is neither a tenant's id nor a domain")
                    }
                    None => "begins with neither a tenant's id nor a domain".to_owned(),
                },
            )));
        }
        if tenants
            .iter()
            .any(|known| known.id.eq_ignore_ascii_case(&id))
        {
            return Err((line, format!("names {id} again")).into());
        }
        let cloud = cell(columns[2]);
        if let Some(Err(error)) = cloud.as_deref().map(str::parse::<Cloud>) {
            return Err(Wrong {
                line,
                what: format!("names an {error}"),
                hint: error.hint().map(str::to_owned),
            });
        }
        tenants.push(Tenant {
            id,
            name: cell(columns[1]),
            cloud,
        });
    }
    if tenants.is_empty() {
        return Err((1, "is the end: there is no tenant".to_owned()).into());
    }
    Ok(tenants)
}

/// Eight-four-four-four-twelve hexadecimal digits.
fn is_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '-' || letter == '_')
    };
    text.contains('.') && text.split('.').all(is_label)
}

/// The first character outside of quotes that may be between columns: spreadsheets write semicolons
/// where a comma is in numbers.
fn separator_of(line: &str) -> u8 {
    let mut quoted = false;
    for byte in line.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b',' | b';' | b'\t' if !quoted => return byte,
            _ => {}
        }
    }
    b','
}

/// The cells of one line.
fn record(line: &str, separator: u8) -> Option<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(line.as_bytes());
    reader.records().next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str, name: Option<&str>, cloud: Option<&str>) -> Tenant {
        Tenant {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            cloud: cloud.map(str::to_owned),
        }
    }

    #[test]
    fn headings_order_and_blanks_are_as_they_come() {
        let contoso = tenant("contoso.com", Some("Contoso, Ltd"), Some("gcc"));
        let fabrikam = tenant("fabrikam.com", None, None);
        for text in [
            "tenant,name,cloud\ncontoso.com,\"Contoso, Ltd\",gcc\nfabrikam.com\n",
            "contoso.com,\"Contoso, Ltd\",gcc\r\n\r\n# none\r\nfabrikam.com,,\r\n",
            "\u{feff}Cloud,Tenant,Name\n gcc , contoso.com ,\"Contoso, Ltd\"\n,fabrikam.com,\n",
            "tenant;name;cloud\ncontoso.com;Contoso, Ltd;gcc\nfabrikam.com;;\n",
            "# none\ncontoso.com\tContoso, Ltd\tgcc\nfabrikam.com\n",
        ] {
            assert_eq!(
                parse(text).unwrap(),
                [contoso.clone(), fabrikam.clone()],
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, what) in [
            ("", 1, "is the end: there is no tenant"),
            ("tenant\n", 1, "is the end: there is no tenant"),
            ("a.com\n,b\n", 2, "names no tenant"),
            ("a.com\n# x\nA.com\n", 3, "names A.com again"),
            (
                "tenant,name,clod\na.com,A,gcc\n",
                1,
                "has the heading 'clod'; the headings are tenant, name and cloud",
            ),
            (
                "customer,name\na.com,A\n",
                1,
                "begins with 'customer', which is neither a tenant's id nor a domain",
            ),
            (
                "1111-2222,A\n",
                1,
                "begins with '1111-2222', which is neither a tenant's id nor a domain",
            ),
            (
                "a.com\n44444444-4444-4444-4444-44444444444g\n",
                2,
                "begins with neither a tenant's id nor a domain",
            ),
            (
                "a.com,A\nb.com;B\n",
                2,
                "begins with neither a tenant's id nor a domain",
            ),
        ] {
            let wrong = Wrong::from((line, what.to_owned()));
            assert_eq!(parse(text).unwrap_err(), wrong, "{text}");
        }
        for (text, line, what, hint) in [
            (
                "tenant,name,cloud\na.com,A,gcc\nb.com,B,usgvo\n",
                3,
                "names an unknown cloud 'usgvo'",
                "did you mean 'usgov'? ",
            ),
            (
                "a.com;A;moon\n",
                1,
                "names an unknown cloud 'moon'",
                "known clouds are ",
            ),
        ] {
            let wrong = parse(text).unwrap_err();
            assert_eq!((wrong.line, wrong.what.as_str()), (line, what), "{text}");
            let said = wrong.hint.unwrap();
            assert!(said.starts_with(hint), "{said}");
        }
    }
}
