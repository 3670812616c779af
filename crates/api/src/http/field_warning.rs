//! Warnings about fields of a request that were accepted and had no effect.

use std::fmt::Write as _;

use axum::{
    extract::Query,
    http::{HeaderName, HeaderValue, Uri},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Similarity from which a known name counts as the one that was meant, 0–1.
const MIN_SIMILARITY: f64 = 0.6;

/// Maximum length of an unknown name in a reply, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Header with the warnings of a reply that is no JSON: a JSON array in ASCII, as `data.warnings`
/// of other replies.
pub(crate) const WARNINGS: HeaderName = HeaderName::from_static("clearcut-warnings");

/// Maximum number of warnings about the address, and of those in a header.
const MAX_WARNINGS: usize = 16;

/// A field of the request that was accepted and had no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldWarning {
    /// Name of the field, as it was sent.
    #[schema(example = "tolerence")]
    field: String,
    /// Why it had no effect.
    #[schema(example = "there is no such field; it was ignored")]
    message: String,
    /// Name of the field that was probably meant; missing if no name is similar.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "tolerance", nullable = false)]
    did_you_mean: Option<&'static str>,
}

impl FieldWarning {
    /// The warning about a field that is none of `known`.
    pub(crate) fn unknown(name: &str, known: &[&'static str]) -> Self {
        let message = format!("there is no such field; it was ignored. Fields: {}", known.join(", "));
        Self { did_you_mean: closest(name, known), field: shortened(name), message }
    }

    /// The warnings about the parameters in the address of a form, which takes none. `known` are
    /// the fields of the form.
    pub(crate) fn in_address(uri: &Uri, known: &[&'static str]) -> Vec<Self> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
        let warning = |name: &str| {
            let message = format!(
                "it is in the address, which has no parameters; it was ignored. Send the fields in the body: {}",
                known.join(", ")
            );
            Self { did_you_mean: closest(name, known), field: shortened(name), message }
        };
        pairs.iter().take(MAX_WARNINGS).map(|(name, _)| warning(name)).collect()
    }

    /// The warnings as the value of the header [`WARNINGS`]; `None` if there are none.
    pub(crate) fn header(warnings: &[Self]) -> Option<HeaderValue> {
        let warnings = &warnings[..warnings.len().min(MAX_WARNINGS)];
        let json = serde_json::to_string(warnings).ok().filter(|_| !warnings.is_empty())?;
        let mut ascii = String::with_capacity(json.len());
        for character in json.chars() {
            if character.is_ascii() {
                ascii.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(ascii, "\\u{unit:04x}");
                }
            }
        }
        HeaderValue::try_from(ascii).ok()
    }

    /// The warning about a known field that has no effect on this request, with the reason.
    pub(crate) fn without_effect(field: &str, reason: &str) -> Self {
        Self { field: field.to_owned(), message: reason.to_owned(), did_you_mean: None }
    }
}

/// A name from a request, as replies show it.
fn shortened(name: &str) -> String {
    // A control character stands for a data URL in some replies.
    name.chars().filter(|character| !character.is_control()).take(MAX_NAME_CHARS).collect()
}

/// The known name that is most similar to `name`, in any case and with or without separators.
fn closest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let plain = |name: &str| -> String {
        name.chars().take(MAX_NAME_CHARS).filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let given = plain(name);
    let similarity = |known: &str| strsim::normalized_damerau_levenshtein(&given, &plain(known));
    let scored = known.iter().map(|known| (similarity(known), *known));
    let (similarity, best) = scored.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (similarity >= MIN_SIMILARITY).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["file", "tolerance", "chromaKey", "fps", "format", "inputStorageId", "size"];

    #[test]
    fn a_misspelt_field_is_recognised_and_a_foreign_one_is_not() {
        for (given, meant) in [
            ("tolerence", Some("tolerance")),
            ("Tolerance", Some("tolerance")),
            ("chroma_key", Some("chromaKey")),
            ("fsp", Some("fps")),
            ("input-storage-id", Some("inputStorageId")),
            ("background", None),
            ("", None),
            ("\u{e9}", None),
        ] {
            assert_eq!(FieldWarning::unknown(given, KNOWN).did_you_mean, meant, "{given:?}");
        }
    }

    #[test]
    fn parameters_of_the_address_are_named_with_the_field_that_was_meant() {
        let warnings = FieldWarning::in_address(&Uri::from_static("/a?tolerance=5&chroma%5Fkey=a&debug"), KNOWN);
        let found: Vec<_> = warnings.iter().map(|warning| (warning.field.as_str(), warning.did_you_mean)).collect();
        assert_eq!(found, [("tolerance", Some("tolerance")), ("chroma_key", Some("chromaKey")), ("debug", None)]);
        assert!(warnings[0].message.contains("in the body"));
        assert_eq!(FieldWarning::in_address(&Uri::from_static("/a"), KNOWN), []);
        let many: Uri = format!("/a?{}", "x&".repeat(1000)).parse().unwrap();
        assert_eq!(FieldWarning::in_address(&many, KNOWN).len(), MAX_WARNINGS);
    }

    #[test]
    fn a_header_holds_the_warnings_in_ascii() {
        let warnings = vec![FieldWarning::unknown("größe😀", KNOWN); 99];
        let value = FieldWarning::header(&warnings).unwrap();
        let read: serde_json::Value = serde_json::from_str(value.to_str().unwrap()).unwrap();
        assert_eq!((read.as_array().unwrap().len(), &read[0]["field"]), (MAX_WARNINGS, &"größe😀".into()));
        assert_eq!(FieldWarning::header(&[]), None);
    }

    #[test]
    fn a_name_is_shortened_and_has_no_control_characters() {
        assert_eq!(FieldWarning::unknown(&"x".repeat(9000), KNOWN).field.len(), MAX_NAME_CHARS);
        assert_eq!(FieldWarning::unknown("a\u{1}b\n", KNOWN).field, "ab");
    }
}
