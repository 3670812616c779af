//! Colors as people write them: also by their names in CSS.

use clearcut_frame::Rgb8;
use clearcut_job::{EdgeColor, KeyColorChoice, RequestError};
use palette::{Srgb, named};

/// A color by its name in CSS, such as `lime`, or in hexadecimal digits, such as `#0f0`.
pub(crate) fn css_color(text: &str) -> Option<Rgb8> {
    let text = text.trim().to_ascii_lowercase();
    let color: Srgb<u8> = named::from_str(&text).or_else(|| text.strip_prefix('#')?.parse().ok())?;
    Some(Rgb8::new(color.red, color.green, color.blue))
}

/// A key color: what the API reads, or a color of CSS.
pub(crate) fn key_color(text: &str) -> Result<KeyColorChoice, String> {
    text.parse().or_else(|error: RequestError| {
        let given = css_color(text).map(KeyColorChoice::Given);
        given.ok_or_else(|| format!("allowed: {}; or a color of CSS, such as lime or #0f0", error.allowed()))
    })
}

/// An edge color: what the API reads, or a color of CSS.
pub(crate) fn edge_color(text: &str) -> Result<EdgeColor, String> {
    text.parse().or_else(|error: RequestError| {
        let given = css_color(text).map(EdgeColor);
        given.ok_or_else(|| format!("allowed: {}; or a color of CSS, such as white", error.allowed()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_color_is_read_as_people_write_it() {
        let lime = KeyColorChoice::Given(Rgb8::new(0, 255, 0));
        for text in ["lime", "LIME", "#0f0", "#00ff00", "00FF00", "0,255,0"] {
            assert_eq!(key_color(text), Ok(lime), "{text}");
        }
        assert_eq!(key_color("green"), Ok(KeyColorChoice::Given(Rgb8::new(0, 128, 0))));
        assert_eq!(key_color("auto"), Ok(KeyColorChoice::Auto));
        for text in ["greenish", "transparent", "0f0", "#0f", ""] {
            assert!(key_color(text).unwrap_err().contains("#RRGGBB"), "{text}");
        }
    }
}
