//! Colors in 8-bit R'G'B' and Y'CbCr, and the matrices that convert between them.

use std::{fmt, str::FromStr};

/// A color in display-referred (gamma-coded) 8-bit R'G'B'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rgb8 {
    /// Red, 0–255.
    pub r: u8,
    /// Green, 0–255.
    pub g: u8,
    /// Blue, 0–255.
    pub b: u8,
}

impl Rgb8 {
    /// The color with these components.
    #[must_use]
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }
}

impl fmt::Display for Rgb8 {
    /// Formats the color as `#E92FBC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02X}{:02X}{:02X}", self.r, self.g, self.b)
    }
}

/// Error for a text that is neither `#RRGGBB` nor `R,G,B`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a color of the form #RRGGBB or R,G,B")]
pub struct ParseColorError;

impl FromStr for Rgb8 {
    type Err = ParseColorError;

    /// Reads `#RRGGBB`, `RRGGBB` (either case) or `R,G,B` with decimal components 0–255.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.contains(',') {
            let mut parts = text.split(',').map(|part| part.trim().parse::<u8>());
            let mut next = || parts.next().and_then(Result::ok).ok_or(ParseColorError);
            let color = Self::new(next()?, next()?, next()?);
            return if parts.next().is_none() { Ok(color) } else { Err(ParseColorError) };
        }
        let hex = text.strip_prefix('#').unwrap_or(text);
        if hex.len() != 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseColorError);
        }
        let value = u32::from_str_radix(hex, 16).map_err(|_| ParseColorError)?;
        Ok(Self::new((value >> 16) as u8, (value >> 8) as u8, value as u8))
    }
}

/// A color in 8-bit limited-range Y'CbCr: luma 16–235, chroma 16–240 around 128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ycc8 {
    /// Luma, nominally 16 (black) to 235 (white).
    pub y: u8,
    /// Blue-difference chroma, nominally 16–240, 128 = none.
    pub cb: u8,
    /// Red-difference chroma, nominally 16–240, 128 = none.
    pub cr: u8,
}

/// The luma coefficients that convert R'G'B' to Y'CbCr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// ITU-R BT.601: standard definition, Kr 0.299, Kb 0.114.
    Bt601,
    /// ITU-R BT.709: high definition, Kr 0.2126, Kb 0.0722.
    Bt709,
}

impl Matrix {
    /// The matrix that players assume for an untagged file: BT.709 from 720 lines up, BT.601 below.
    #[must_use]
    pub const fn guessed_from_height(height: u32) -> Self {
        if height >= 720 { Self::Bt709 } else { Self::Bt601 }
    }

    /// The luma weights of red and blue, (Kr, Kb).
    #[must_use]
    pub const fn weights(self) -> (f32, f32) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
        }
    }

    /// Converts R'G'B' to limited-range `[y, cb, cr]`, unrounded. Components are nominally 0–255
    /// and may lie outside. ITU-R BT.709-6 §3.
    #[must_use]
    pub fn ycc_from_rgb(self, [r, g, b]: [f32; 3]) -> [f32; 3] {
        let (kr, kb) = self.weights();
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let cb = (b - y) / (2.0 * (1.0 - kb));
        let cr = (r - y) / (2.0 * (1.0 - kr));
        [16.0 + y * (219.0 / 255.0), 128.0 + cb * (224.0 / 255.0), 128.0 + cr * (224.0 / 255.0)]
    }

    /// Converts limited-range `[y, cb, cr]` to R'G'B' (nominally 0–255, unclamped). The inverse of
    /// [`Self::ycc_from_rgb`].
    #[must_use]
    pub fn rgb_from_ycc(self, [y, cb, cr]: [f32; 3]) -> [f32; 3] {
        let (kr, kb) = self.weights();
        let y = (y - 16.0) * (255.0 / 219.0);
        let cb = (cb - 128.0) * (255.0 / 224.0);
        let cr = (cr - 128.0) * (255.0 / 224.0);
        let r = y + 2.0 * (1.0 - kr) * cr;
        let b = y + 2.0 * (1.0 - kb) * cb;
        let g = (y - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b]
    }

    /// [`Self::ycc_from_rgb`], rounded and clamped to 8 bits.
    #[must_use]
    pub fn ycc8(self, rgb: Rgb8) -> Ycc8 {
        let [y, cb, cr] = self.ycc_from_rgb([f32::from(rgb.r), f32::from(rgb.g), f32::from(rgb.b)]).map(round_to_u8);
        Ycc8 { y, cb, cr }
    }

    /// [`Self::rgb_from_ycc`], rounded and clamped to 8 bits.
    #[must_use]
    pub fn rgb8(self, ycc: Ycc8) -> Rgb8 {
        let [r, g, b] = self.rgb_from_ycc([f32::from(ycc.y), f32::from(ycc.cb), f32::from(ycc.cr)]).map(round_to_u8);
        Rgb8 { r, g, b }
    }
}

fn round_to_u8(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_parse_in_all_documented_forms() {
        let magenta = Rgb8::new(0xE9, 0x2F, 0xBC);
        for text in ["#E92FBC", "e92fbc", "233,47,188", " 233, 47 ,188 "] {
            assert_eq!(text.parse(), Ok(magenta), "{text}");
        }
        assert_eq!(magenta.to_string(), "#E92FBC");
    }

    #[test]
    fn malformed_colors_are_rejected() {
        for text in ["", "#", "#FFF", "#GG0000", "256,0,0", "1,2", "1,2,3,4", "-1,0,0", "#+12345", "rgb(0,0,0)"] {
            assert_eq!(text.parse::<Rgb8>(), Err(ParseColorError), "{text}");
        }
    }

    #[test]
    fn both_matrices_match_the_itu_reference_values() {
        // ITU-R BT.709 / BT.601 100 % bars.
        assert_eq!(Matrix::Bt709.ycc8(Rgb8::new(0, 255, 0)), Ycc8 { y: 173, cb: 42, cr: 26 });
        assert_eq!(Matrix::Bt601.ycc8(Rgb8::new(0, 255, 0)), Ycc8 { y: 145, cb: 54, cr: 34 });
        assert_eq!(Matrix::Bt709.ycc8(Rgb8::new(255, 255, 255)), Ycc8 { y: 235, cb: 128, cr: 128 });
    }

    #[test]
    fn every_color_survives_a_round_trip_within_two_levels() {
        for matrix in [Matrix::Bt601, Matrix::Bt709] {
            for r in (0..=255).step_by(15) {
                for g in (0..=255).step_by(15) {
                    for b in (0..=255).step_by(15) {
                        let rgb = Rgb8::new(r, g, b);
                        let back = matrix.rgb8(matrix.ycc8(rgb));
                        let error = [r.abs_diff(back.r), g.abs_diff(back.g), b.abs_diff(back.b)];
                        assert!(error.iter().all(|&e| e <= 2), "{matrix:?} {rgb} round-trips to {back}");
                    }
                }
            }
        }
    }
}
