//! The text fields of an image request. Each route names and reads those that it knows.

use clearcut_job::RequestError;

use crate::{ApiError, http::field_warning::FieldWarning, jobs::fields::Fields};

/// The field that may be given several times.
const LIST: &str = "sizes";

/// The text fields of a request, as received.
#[derive(Debug)]
pub(crate) struct ImageFields {
    names: &'static [&'static str],
    fields: Vec<(&'static str, String)>,
    warnings: Vec<FieldWarning>,
}

impl Fields for ImageFields {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// # Errors
    /// If a field that is no list is given twice.
    fn take(&mut self, name: &str, text: &str) -> Result<(), ApiError> {
        let Some(&name) = self.names.iter().find(|known| **known == name) else { return Ok(()) };
        if name != LIST && self.fields.iter().any(|(field, _)| *field == name) {
            // A URL may contain a secret.
            let value = if name == "url" { "" } else { text };
            return Err(RequestError::new(name, value, "given once").into());
        }
        self.fields.push((name, text.to_owned()));
        Ok(())
    }

    fn take_source(&mut self) -> (Option<String>, Option<String>) {
        (self.take_all("url").pop(), self.take_all("inputStorageId").pop())
    }
}

impl ImageFields {
    /// The fields of a route that knows those in `names`, with `url` and `inputStorageId`.
    pub(crate) const fn named(names: &'static [&'static str]) -> Self {
        Self { names, fields: Vec::new(), warnings: Vec::new() }
    }

    /// Takes out the field `name` and parses it; `None` if it is absent.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, RequestError>,
    ) -> Result<Option<T>, ApiError> {
        Ok(self.take_all(name).pop().map(|text| parse(&text)).transpose()?)
    }

    /// Takes out all fields `name`.
    pub(crate) fn take_all(&mut self, name: &str) -> Vec<String> {
        self.fields.extract_if(.., |(field, _)| *field == name).map(|(_, text)| text).collect()
    }

    /// Warns of the field `name`, which has no effect for this `reason`.
    pub(crate) fn warn(&mut self, name: &str, reason: &str) {
        self.warnings.push(FieldWarning::without_effect(name, reason));
    }

    /// The fields without effect.
    pub(crate) fn into_warnings(self) -> Vec<FieldWarning> {
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

    fn side_of(given: &[(&str, &str)]) -> Result<Option<u32>, ApiError> {
        let mut fields = ImageFields::named(&["width", "url", LIST]);
        for (name, text) in given {
            fields.take(name, text)?;
        }
        fields.read("width", |text| whole_number("width", text, 1..=10, "a number"))
    }

    #[test]
    fn a_field_is_read_once_unless_it_is_a_list() {
        assert_eq!(side_of(&[]).unwrap(), None);
        assert_eq!(side_of(&[("width", " 7 "), ("sizes", "1"), ("sizes", "2")]).unwrap(), Some(7));
        for given in
            [&[("width", "7"), ("width", "7")][..], &[("width", "11")], &[("width", "+7")], &[("width", "7.0")]]
        {
            let error = side_of(given).unwrap_err();
            assert_eq!((error.code().name(), error.status().as_u16()), ("INVALID_SIZE", 400), "{given:?}");
        }
        let error = side_of(&[("url", "https://a/?secret"), ("url", "https://a/?secret")]).unwrap_err();
        assert!(error.code() == "INVALID_URL" && !error.to_string().contains("secret"), "{error}");
    }
}
