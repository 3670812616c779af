//! Whether the sound is kept.

use crate::request::keyword_enum;

/// What becomes of the sound, in the formats that carry it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AudioChoice {
    /// It is kept.
    #[default]
    Keep,
    /// It is left out.
    Drop,
}

keyword_enum!(AudioChoice, "audio", "keep or drop", "keep" => Keep, "drop" => Drop);
