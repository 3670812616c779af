//! The form fields whose texts may be JSON: formats and key colors.

use std::sync::LazyLock;

use clearcut_frame::Rgb8;
use clearcut_job::{KeyColorChoice, OutputFormat, RequestError};
use serde::Deserialize;

#[derive(Deserialize)]
struct ChromaKey {
    r: u8,
    g: u8,
    b: u8,
}

static FORMATS_ALLOWED: LazyLock<String> =
    LazyLock::new(|| format!("a JSON array with {}, each once", OutputFormat::ANY));
const KEY_COLOR_ALLOWED: &str = "{\"r\":0-255,\"g\":0-255,\"b\":0-255} as JSON, or #RRGGBB";

/// Parses formats: a JSON array, or one name.
pub(crate) fn parse_formats(text: &str) -> Result<Vec<OutputFormat>, RequestError> {
    let invalid = || RequestError::new("formats", text, &FORMATS_ALLOWED);
    if text.trim_start().starts_with('[') {
        let names: Vec<String> = serde_json::from_str(text).map_err(|_| invalid())?;
        if names.is_empty() {
            return Err(invalid());
        }
        return names.iter().map(|name| name.parse()).collect();
    }
    text.trim().parse().map(|format| vec![format]).map_err(|_: RequestError| invalid())
}

/// Parses a key color: a JSON object, or a text.
pub(crate) fn parse_key_color(text: &str) -> Result<KeyColorChoice, RequestError> {
    let invalid = || RequestError::new("chromaKey", text, KEY_COLOR_ALLOWED);
    if text.trim_start().starts_with('{') {
        let ChromaKey { r, g, b } = serde_json::from_str(text).map_err(|_| invalid())?;
        return Ok(KeyColorChoice::Given(Rgb8::new(r, g, b)));
    }
    text.parse().map_err(|_: RequestError| invalid())
}
