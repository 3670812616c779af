//! Sizes of frames in pixels, and scaling that keeps the aspect ratio.

use std::fmt;

/// Width and height in pixels, both at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// A size of `width` × `height` pixels; `None` unless both sides are at least 1.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Option<Self> {
        if width == 0 || height == 0 { None } else { Some(Self { width, height }) }
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Width × height in pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The longer side in pixels.
    #[must_use]
    pub const fn longest_side(self) -> u32 {
        if self.width > self.height { self.width } else { self.height }
    }

    /// The size scaled up or down so that the longer side is `side` pixels. The aspect ratio is
    /// kept; the shorter side is rounded and never 0.
    #[must_use]
    pub fn with_longest_side(self, side: u32) -> Self {
        let side = side.max(1);
        let longest = u64::from(self.longest_side());
        let scale = |length: u32| {
            let scaled = (u64::from(length) * u64::from(side) + longest / 2) / longest;
            (scaled as u32).max(1)
        };
        Self { width: scale(self.width), height: scale(self.height) }
    }

    /// The size scaled down so that it has at most `pixels` pixels, at least 1. The aspect ratio is kept;
    /// both sides are rounded down and never 0.
    #[must_use]
    pub fn within_pixels(self, pixels: u64) -> Self {
        if self.pixels() <= pixels.max(1) {
            return self;
        }
        let scale = (pixels.max(1) as f64 / self.pixels() as f64).sqrt();
        let scaled = |length: u32| ((f64::from(length) * scale) as u32).max(1);
        let (width, height) = (scaled(self.width), scaled(self.height));
        // Of a very thin image, the side that stays at 1 pixel leaves too many to the other.
        let longest = u32::try_from(pixels.max(1)).unwrap_or(u32::MAX);
        if height == 1 {
            Self { width: width.min(longest), height }
        } else {
            Self { width, height: height.min(longest) }
        }
    }

    /// The size with both sides rounded up to the next even number, as 4:2:0 encoders require.
    #[must_use]
    pub const fn padded_to_even(self) -> Self {
        Self { width: self.width.next_multiple_of(2), height: self.height.next_multiple_of(2) }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_keeps_the_aspect_ratio_and_never_yields_a_zero_side() {
        let wide = Size::new(1920, 1080).unwrap();
        assert_eq!(wide.with_longest_side(640), Size::new(640, 360).unwrap());
        assert_eq!(Size::new(1080, 1920).unwrap().with_longest_side(640), Size::new(360, 640).unwrap());
        assert_eq!(Size::new(5000, 1).unwrap().with_longest_side(64), Size::new(64, 1).unwrap());
        assert_eq!(Size::new(100, 50).unwrap().with_longest_side(200), Size::new(200, 100).unwrap());
    }

    #[test]
    fn a_zero_side_is_rejected() {
        assert_eq!(Size::new(0, 5), None);
        assert_eq!(Size::new(5, 0), None);
    }

    #[test]
    fn odd_sides_are_padded_to_even() {
        assert_eq!(Size::new(5, 4).unwrap().padded_to_even(), Size::new(6, 4).unwrap());
    }
}
