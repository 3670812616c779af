//! The text fields of a form, as the intake collects them.

use crate::ApiError;

/// Collects the text fields of a request, in any order.
pub(crate) trait Fields: Send {
    /// The names of the fields, beside the file.
    fn names(&self) -> &'static [&'static str];

    /// Takes the field `name`, one of [`Self::names`]. `text` is not empty.
    fn take(&mut self, name: &str, text: &str) -> Result<(), ApiError>;

    /// Takes note that the file of a new background is part of the request.
    fn take_background_file(&mut self) -> Result<(), ApiError> {
        Ok(())
    }

    /// Takes out `url` and `inputStorageId`.
    fn take_source(&mut self) -> (Option<String>, Option<String>);
}
