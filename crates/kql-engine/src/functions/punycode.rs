//! Punycode, the ASCII form of international names (RFC 3492).

use idna::punycode::{decode_to_string, encode_str};

use super::Call;
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

/// The mark of an encoded label of a domain.
const MARK: &str = "xn--";

fn domain_decoded(domain: &str) -> Option<String> {
    let labels: Option<Vec<String>> = domain
        .split('.')
        .map(|label| match label.get(..MARK.len()) {
            Some(start) if start.eq_ignore_ascii_case(MARK) => {
                decode_to_string(&label[MARK.len()..])
            }
            _ => Some(label.to_owned()),
        })
        .collect();
    Some(labels?.join("."))
}

fn domain_encoded(domain: &str) -> Option<String> {
    let labels: Option<Vec<String>> = domain
        .split(['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'])
        .map(|label| {
            if label.is_ascii() {
                Some(label.to_owned())
            } else {
                Some(format!("{MARK}{}", encode_str(label)?))
            }
        })
        .collect();
    Some(labels?.join("."))
}

fn text(body: fn(&str) -> Option<String>) -> Kernel {
    kernel(move |values| Ok(Datum::text(body(&values[0].display()).unwrap_or_default())))
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "punycode_from_string" => text(encode_str),
        "punycode_to_string" => text(decode_to_string),
        // The names are the service's: `from` reads the encoded form.
        "punycode_domain_from_string" => text(domain_decoded),
        "punycode_domain_to_string" => text(domain_encoded),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::{domain_decoded, domain_encoded};

    #[test]
    fn domains_are_encoded_label_by_label() {
        assert_eq!(
            domain_encoded("Riðill｡Skáldskaparmál｡org").as_deref(),
            Some("xn--Riill-jta.xn--Skldskaparml-dbbj.org")
        );
        assert_eq!(
            domain_decoded("xn--Lin-8na.Celtchair.org").as_deref(),
            Some("Lúin.Celtchair.org")
        );
    }
}
