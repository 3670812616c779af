//! The JSON shape of a color.

use clearcut_frame::Rgb8;
use serde::Serialize;
use utoipa::ToSchema;

/// A color.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Color {
    r: u8,
    g: u8,
    b: u8,
    /// Hexadecimal form, such as `#E92FBC`.
    hex: String,
}

impl From<Rgb8> for Color {
    fn from(color: Rgb8) -> Self {
        Self { r: color.r, g: color.g, b: color.b, hex: color.to_string() }
    }
}
