//! The pixels of a decoded image.

use clearcut_frame::Size;
use clearcut_job::ImageFailure;

use crate::resize::resize;

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

    /// The image, stretched to `size`.
    pub(crate) fn scaled_to(&self, size: Size) -> Result<Self, ImageFailure> {
        let whole = (f64::from(self.size.width()), f64::from(self.size.height()));
        resize(self, (0.0, 0.0), whole, size)
    }
}
