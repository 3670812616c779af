//! The pixels of a decoded image.

use clearcut_frame::Size;

/// Pixels in sRGB with straight alpha.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) size: Size,
    /// Red, green, blue and alpha, 8 bits each, row by row.
    pub(crate) rgba: Vec<u8>,
}

impl Pixels {
    /// Whether no pixel is translucent.
    pub(crate) fn are_opaque(&self) -> bool {
        self.rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255)
    }
}
