//! The size of a scaled image, and the way an [`ImageEncoding`] is written as one argument of the
//! process that scales.

use std::{fmt, str::FromStr};

use clearcut_frame::Size;

use crate::{ImageEncoding, ImageFit, ImageFormat, Quality};

impl ImageFormat {
    /// Longest side of an image in this format, in pixels.
    #[must_use]
    pub const fn max_side(self) -> u32 {
        match self {
            Self::Jpeg | Self::Png => ImageEncoding::MAX_SIDE,
            Self::Webp => 16_383,
        }
    }

    /// The format's name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }
}

impl ImageFit {
    /// The fit's name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cover => "cover",
            Self::Contain => "contain",
            Self::Fill => "fill",
            Self::Inside => "inside",
            Self::Outside => "outside",
        }
    }
}

impl ImageEncoding {
    /// Longest side of a scaled image, in pixels.
    pub const MAX_SIDE: u32 = 16_384;

    /// Most pixels of a scaled image.
    pub const MAX_PIXELS: u64 = 100_000_000;

    /// The size that an image of `source` gets; `None` if a side exceeds [`ImageFormat::max_side`], or
    /// the pixels [`Self::MAX_PIXELS`]. An image may be scaled up.
    #[must_use]
    pub fn output_size(&self, source: Size) -> Option<Size> {
        let [from_width, from_height] = [source.width(), source.height()].map(f64::from);
        let scaled = |side: f64, scale: f64| (side * scale).round().max(1.0);
        let both = |scale: f64| (scaled(from_width, scale), scaled(from_height, scale));
        let (width, height) = match (self.width.map(f64::from), self.height.map(f64::from)) {
            (None, None) => (from_width, from_height),
            (Some(width), None) => (width, scaled(from_height, width / from_width)),
            (None, Some(height)) => (scaled(from_width, height / from_height), height),
            (Some(width), Some(height)) => {
                let [across, down] = [width / from_width, height / from_height];
                match self.fit {
                    ImageFit::Cover | ImageFit::Contain | ImageFit::Fill => (width, height),
                    ImageFit::Inside => both(across.min(down)),
                    ImageFit::Outside => both(across.max(down)),
                }
            }
        };
        let is_allowed = width.max(height) <= f64::from(self.format.max_side());
        let size = is_allowed.then(|| Size::new(width as u32, height as u32)).flatten();
        size.filter(|size| size.pixels() <= Self::MAX_PIXELS)
    }
}

impl fmt::Display for ImageEncoding {
    /// Width, height, fit, format and quality, separated by colons; 0 for a side that is not given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [width, height] = [self.width, self.height].map(Option::unwrap_or_default);
        let (fit, format, quality) = (self.fit.name(), self.format.name(), self.quality.get());
        write!(f, "{width}:{height}:{fit}:{format}:{quality}")
    }
}

/// Error for a text that is no [`ImageEncoding`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not WIDTH:HEIGHT:FIT:FORMAT:QUALITY")]
pub struct ParseImageEncodingError;

impl FromStr for ImageEncoding {
    type Err = ParseImageEncodingError;

    /// Reads what its `Display` writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let mut next = || parts.next().ok_or(ParseImageEncodingError);
        let [width, height, fit, format, quality] = [next()?, next()?, next()?, next()?, next()?];
        let side = |text: &str| {
            text.parse().map_err(|_| ParseImageEncodingError).map(|side| Some(side).filter(|side| *side > 0))
        };
        let fits = [ImageFit::Cover, ImageFit::Contain, ImageFit::Fill, ImageFit::Inside, ImageFit::Outside];
        let formats = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Webp];
        Ok(Self {
            width: side(width)?,
            height: side(height)?,
            fit: fits.into_iter().find(|known| known.name() == fit).ok_or(ParseImageEncodingError)?,
            format: formats.into_iter().find(|known| known.name() == format).ok_or(ParseImageEncodingError)?,
            quality: quality.parse::<Quality>().map_err(|_| ParseImageEncodingError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(width: u32, height: u32, fit: ImageFit) -> ImageEncoding {
        let side = |side: u32| Some(side).filter(|side| *side > 0);
        let (width, height) = (side(width), side(height));
        ImageEncoding { width, height, fit, format: ImageFormat::Png, quality: Quality::default() }
    }

    #[test]
    fn the_size_follows_from_the_fit_and_the_shape() {
        let size = |width, height, fit| {
            let size = encoding(width, height, fit).output_size(Size::new(400, 300).unwrap()).unwrap();
            (size.width(), size.height())
        };
        assert_eq!(size(0, 0, ImageFit::Cover), (400, 300));
        assert_eq!(size(100, 0, ImageFit::Cover), (100, 75));
        assert_eq!(size(0, 100, ImageFit::Cover), (133, 100));
        for fit in [ImageFit::Cover, ImageFit::Contain, ImageFit::Fill] {
            assert_eq!(size(100, 100, fit), (100, 100));
        }
        assert_eq!(size(100, 100, ImageFit::Inside), (100, 75));
        assert_eq!(size(100, 100, ImageFit::Outside), (133, 100));
        assert_eq!(size(800, 0, ImageFit::Cover), (800, 600));
    }

    #[test]
    fn sizes_beyond_the_limits_are_refused() {
        let size = |encoding: ImageEncoding, width, height| encoding.output_size(Size::new(width, height).unwrap());
        assert!(size(encoding(16_384, 6000, ImageFit::Fill), 10, 10).is_some());
        assert!(size(encoding(16_385, 10, ImageFit::Fill), 10, 10).is_none());
        assert!(size(encoding(16_384, 16_384, ImageFit::Fill), 10, 10).is_none());
        assert!(size(encoding(1000, 0, ImageFit::Cover), 1, 1000).is_none());
        let webp = ImageEncoding { format: ImageFormat::Webp, ..encoding(16_384, 10, ImageFit::Fill) };
        assert!(size(webp, 10, 10).is_none());
        let thin = encoding(10, 0, ImageFit::Cover);
        assert_eq!(size(thin, 10_000, 1), Size::new(10, 1));
    }

    #[test]
    fn an_encoding_is_read_back_from_its_text() {
        let encoding = ImageEncoding { format: ImageFormat::Jpeg, ..encoding(0, 90, ImageFit::Outside) };
        assert_eq!(encoding.to_string(), "0:90:outside:jpeg:60");
        assert_eq!(encoding.to_string().parse(), Ok(encoding));
        for text in
            ["", "1:2:cover:png", "1:2:over:png:60", "1:2:cover:gif:60", "1:2:cover:png:101", "-1:2:cover:png:60"]
        {
            assert_eq!(text.parse::<ImageEncoding>(), Err(ParseImageEncodingError), "{text}");
        }
    }
}
