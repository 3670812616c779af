//! What the process that reads an image says about it. The process reads untrusted files, so the
//! reader of this checks it.

use clearcut_frame::Size;
use serde::{Deserialize, Serialize};

use crate::StillFormat;

/// The properties of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageInfo {
    /// Format of the file.
    pub format: StillFormat,
    /// Width in pixels after [`Self::orientation`] was applied.
    pub width: u32,
    /// Height in pixels after [`Self::orientation`] was applied.
    pub height: u32,
    /// Orientation that the file states, as in EXIF: 1 (upright) to 8. Applied on decoding.
    pub orientation: u8,
    /// Bits of a channel in the file. Pixels are decoded to 8.
    pub bits: u8,
    /// Whether any pixel is not opaque.
    pub has_alpha: bool,
    /// What the file says about its colors.
    pub colors: ImageColors,
    /// Name of its color profile, if it has one.
    pub profile: Option<String>,
}

/// What an image says about its colors, all of which are converted to sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageColors {
    /// Nothing, or that they are sRGB.
    Srgb,
    /// A color profile, which was applied.
    Profile,
    /// A gamma or primaries without a profile, which were applied.
    Gamma,
    /// CMYK without a usable profile, converted by the plain formula.
    Cmyk,
    /// A color profile that could not be used: it is damaged or belongs to other channels. The colors
    /// were read as sRGB.
    UnusableProfile,
}

impl ImageInfo {
    /// Longest name of a profile, in characters.
    const MAX_NAME: usize = 64;

    /// Width and height after the orientation was applied; `None` if a side is 0.
    #[must_use]
    pub const fn size(&self) -> Option<Size> {
        Size::new(self.width, self.height)
    }

    /// The same properties, with a name of the profile that is safe to print.
    #[must_use]
    pub fn sanitized(self) -> Self {
        let clean = |name: String| {
            let kept: String = name.chars().filter(|c| !c.is_control()).take(Self::MAX_NAME).collect();
            Some(kept).filter(|kept| !kept.trim().is_empty())
        };
        Self { profile: self.profile.and_then(clean), ..self }
    }
}
