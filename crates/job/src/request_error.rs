//! The error of a request field with an invalid value.

use crate::ErrorCode;

/// A request field with an invalid value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value:?}; allowed: {allowed}")]
pub struct RequestError {
    field: &'static str,
    value: String,
    allowed: &'static str,
}

impl RequestError {
    /// Creates the error. `value` is truncated to 64 characters; `allowed` describes the valid
    /// values in words.
    #[must_use]
    pub fn new(field: &'static str, value: &str, allowed: &'static str) -> Self {
        Self { field, value: value.chars().take(64).collect(), allowed }
    }

    /// The name of the field on the wire.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// The invalid value, truncated.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The valid values, in words.
    #[must_use]
    pub const fn allowed(&self) -> &'static str {
        self.allowed
    }

    /// The stable API error code for this field.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self.field {
            "tolerance" => ErrorCode::InvalidTolerance,
            "fps" => ErrorCode::InvalidFps,
            "format" | "formats" => ErrorCode::InvalidFormats,
            "chromaKey" => ErrorCode::InvalidChromaKey,
            "quality" => ErrorCode::InvalidQuality,
            "size" | "sizes" | "width" | "height" => ErrorCode::InvalidSize,
            "url" | "webhookUrl" => ErrorCode::InvalidUrl,
            _ => ErrorCode::InvalidRequest,
        }
    }
}
