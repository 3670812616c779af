//! Warnings about fields of a request that were accepted and had no effect.

use serde::Serialize;
use utoipa::ToSchema;

/// Similarity from which a known name counts as the one that was meant, 0–1.
const MIN_SIMILARITY: f64 = 0.6;

/// Maximum length of an unknown name in a reply, in characters.
const MAX_NAME_CHARS: usize = 64;

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
        // A control character stands for a data URL in some replies.
        let field = name.chars().filter(|character| !character.is_control()).take(MAX_NAME_CHARS).collect();
        Self { did_you_mean: closest(name, known), field, message }
    }

    /// The warning about a known field that has no effect on this request, with the reason.
    pub(crate) fn without_effect(field: &str, reason: &str) -> Self {
        Self { field: field.to_owned(), message: reason.to_owned(), did_you_mean: None }
    }
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
    fn a_name_is_shortened_and_has_no_control_characters() {
        assert_eq!(FieldWarning::unknown(&"x".repeat(9000), KNOWN).field.len(), MAX_NAME_CHARS);
        assert_eq!(FieldWarning::unknown("a\u{1}b\n", KNOWN).field, "ab");
    }
}
