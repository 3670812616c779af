//! The text fields of an image request. Each route takes the fields that it knows; of the others,
//! the reply warns.

use serde::Serialize;
use utoipa::ToSchema;

use clearcut_job::RequestError;

use crate::{ApiError, jobs::intake::Fields};

/// The text fields of a request, as received. An empty one counts as absent.
#[derive(Debug, Default)]
pub(crate) struct ImageFields {
    fields: Vec<(String, String)>,
    warnings: Vec<FieldWarning>,
}

/// A field of the request that has no effect.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FieldWarning {
    /// Name of the field.
    field: String,
    /// Why it has no effect.
    message: String,
}

impl FieldWarning {
    pub(crate) fn new(field: &str, message: &str) -> Self {
        Self { field: field.chars().take(64).collect(), message: message.to_owned() }
    }
}

impl Fields for ImageFields {
    fn take(&mut self, name: &str, text: &str) -> Result<(), ApiError> {
        if !text.trim().is_empty() {
            self.fields.push((name.to_owned(), text.to_owned()));
        }
        Ok(())
    }

    fn take_source(&mut self) -> (Option<String>, Option<String>) {
        (self.take_all("url").pop(), self.take_all("inputStorageId").pop())
    }
}

impl ImageFields {
    /// Takes out the field `name` and parses it; `None` if it is absent.
    ///
    /// # Errors
    /// If it is invalid or given twice.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, RequestError>,
    ) -> Result<Option<T>, ApiError> {
        match &self.take_all(name)[..] {
            [] => Ok(None),
            [text] => Ok(Some(parse(text)?)),
            [_, again, ..] => Err(RequestError::new(name, again, "given once").into()),
        }
    }

    /// Takes out all fields `name`.
    pub(crate) fn take_all(&mut self, name: &str) -> Vec<String> {
        self.fields.extract_if(.., |(field, _)| field == name).map(|(_, text)| text).collect()
    }

    /// Adds a warning to the reply.
    pub(crate) fn warn(&mut self, field: &str, message: &str) {
        self.warnings.push(FieldWarning::new(field, message));
    }

    /// The warnings of the reply: those added, and one for each field that no one has taken.
    pub(crate) fn into_warnings(mut self) -> Vec<FieldWarning> {
        let unknown = |(name, _): (String, String)| FieldWarning::new(&name, "this route has no such field");
        self.warnings.extend(self.fields.into_iter().map(unknown));
        self.warnings
    }
}

/// Parses a whole number within `range`, which `allowed` describes.
pub(crate) fn whole_number(
    field: &'static str,
    text: &str,
    range: std::ops::RangeInclusive<u32>,
    allowed: &'static str,
) -> Result<u32, RequestError> {
    let number = text.trim();
    let is_decimal = number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|number| is_decimal && range.contains(number));
    number.ok_or_else(|| RequestError::new(field, text, allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(given: &[(&str, &str)]) -> ImageFields {
        let mut fields = ImageFields::default();
        for (name, text) in given {
            fields.take(name, text).unwrap();
        }
        fields
    }

    #[test]
    fn an_empty_field_is_absent_and_a_second_one_refused() {
        let side = |text: &str| whole_number("width", text, 1..=10, "a number");
        assert_eq!(fields(&[("width", " ")]).read("width", side).unwrap(), None);
        assert_eq!(fields(&[("width", " 7 ")]).read("width", side).unwrap(), Some(7));
        for given in
            [&[("width", "7"), ("width", "7")][..], &[("width", "11")], &[("width", "+7")], &[("width", "7.0")]]
        {
            let error = fields(given).read("width", side).unwrap_err();
            assert_eq!((error.code().name(), error.status().as_u16()), ("INVALID_SIZE", 400), "{given:?}");
        }
    }

    #[test]
    fn fields_that_no_one_takes_are_warned_of() {
        let mut fields = fields(&[("tolerence", "5"), ("width", "7")]);
        fields.read("width", |text| whole_number("width", text, 1..=10, "a number")).unwrap();
        fields.warn("edgeSampleSize", "it has no effect");
        let warned: Vec<_> = fields.into_warnings().into_iter().map(|warning| warning.field).collect();
        assert_eq!(warned, ["edgeSampleSize", "tolerence"]);
    }
}
