//! The color that the soft edges of a GIF are mixed with.

use std::{fmt, str::FromStr};

use clearcut_frame::Rgb8;
use serde::{Deserialize, Serialize};

use crate::RequestError;

/// Color of the page that a GIF is made for. A pixel of a GIF is solid or clear; with this color, the
/// soft pixels of the matte are solid, mixed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EdgeColor(pub Rgb8);

impl FromStr for EdgeColor {
    type Err = RequestError;

    /// Reads `#RRGGBB`, or `R,G,B` with decimal components.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = "#RRGGBB, or R,G,B with each from 0 to 255";
        text.parse().map(Self).map_err(|_| RequestError::new("edgeColor", text, allowed))
    }
}

impl fmt::Display for EdgeColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for EdgeColor {
    type Error = RequestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EdgeColor> for String {
    fn from(color: EdgeColor) -> Self {
        color.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_read_and_written_and_others_name_their_field() {
        assert_eq!("#0A141E".parse::<EdgeColor>().unwrap(), EdgeColor(Rgb8::new(10, 20, 30)));
        let stored = serde_json::to_string(&EdgeColor(Rgb8::new(10, 20, 30))).unwrap();
        assert_eq!(serde_json::from_str::<EdgeColor>(&stored).unwrap(), EdgeColor(Rgb8::new(10, 20, 30)));
        let error = "whitish".parse::<EdgeColor>().unwrap_err();
        assert_eq!((error.field(), error.code().name()), ("edgeColor", "INVALID_REQUEST"));
    }
}
