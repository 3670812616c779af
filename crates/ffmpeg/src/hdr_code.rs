//! Size of a code of an HDR clip in the converted frames. The curves of HDR spread a hundred times
//! the light over their codes, and a wide gamut spreads its colors, so one code can be several
//! levels: what a codec is off by one code, is off by as much.

use clearcut_frame::{Matrix, Rgb8};

use crate::ColorConversion;

/// Linear light of BT.709 in the primaries of BT.2020, and back (ITU-R BT.2087-0).
const TO_WIDE: [[f64; 3]; 3] = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]];
const FROM_WIDE: [[f64; 3]; 3] = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];

/// Change of R'G'B' for one code of Y', Cb and Cr in 10 bits and limited range (ITU-R BT.2020-2,
/// tables 4 and 5).
const CODES: [[f64; 3]; 3] = [
    [1.0 / 876.0, 1.0 / 876.0, 1.0 / 876.0],
    [0.0, -0.1646 / 896.0, 1.8814 / 896.0],
    [1.4746 / 896.0, -0.5714 / 896.0, 0.0],
];

/// Power that is close to the curve of sRGB (IEC 61966-2-1).
const GAMMA: f64 = 2.2;

impl ColorConversion {
    /// Largest change of luma and of chroma, in levels, for one code of a 10-bit source at `color`
    /// of the converted frame. Without tone mapping, which changes it little. 0 if the source is
    /// not HDR.
    #[must_use]
    pub fn code_size(self, color: Rgb8) -> [f32; 2] {
        let curve = match self.code_points[1] {
            16 => Curve::PQ,
            18 => Curve::HLG,
            _ => return [0.0; 2],
        };
        let light = [color.r, color.g, color.b].map(|level| (f64::from(level) / 255.0).powf(GAMMA));
        let signal = product(&TO_WIDE, light).map(curve.encode);
        let converted = |change: [f64; 3]| {
            let wide = [0, 1, 2].map(|k| (curve.decode)((signal[k] + change[k]).clamp(0.0, 1.0)));
            let levels = product(&FROM_WIDE, wide).map(|light| 255.0 * light.clamp(0.0, 1.0).powf(1.0 / GAMMA));
            Matrix::Bt709.ycc_from_rgb(levels.map(|level| level as f32))
        };
        let unchanged = converted([0.0; 3]);
        let mut size = [0.0_f32; 2];
        for change in CODES.into_iter().flat_map(|code| [code, code.map(|value| -value)]) {
            let changed = converted(change);
            let off = [0, 1, 2].map(|k| (changed[k] - unchanged[k]).abs());
            size = [size[0].max(off[0]), size[1].max(off[1]).max(off[2])];
        }
        size
    }
}

/// A transfer curve between signal, 0.0..=1.0, and light in units of reference white: 203 cd/m²
/// (ITU-R BT.2408).
struct Curve {
    encode: fn(f64) -> f64,
    decode: fn(f64) -> f64,
}

impl Curve {
    /// ITU-R BT.2100-2, table 4.
    const PQ: Self = Self {
        encode: |light| {
            let power = (light.max(0.0) * 203.0 / 10_000.0).powf(M1);
            ((C1 + C2 * power) / (1.0 + C3 * power)).powf(M2)
        },
        decode: |signal| {
            let power = signal.powf(1.0 / M2);
            ((power - C1).max(0.0) / (C2 - C3 * power)).powf(1.0 / M1) * 10_000.0 / 203.0
        },
    };
    /// ITU-R BT.2100-2, table 5, without its system gamma, which changes all of a color alike.
    const HLG: Self = Self {
        encode: |light| {
            let scene = light.max(0.0) * HLG_WHITE;
            if scene <= 1.0 / 12.0 { (3.0 * scene).sqrt() } else { A * (12.0 * scene - B).ln() + C }
        },
        decode: |signal| {
            let scene = if signal <= 0.5 { signal * signal / 3.0 } else { (((signal - C) / A).exp() + B) / 12.0 };
            scene / HLG_WHITE
        },
    };
}

const M1: f64 = 2610.0 / 16384.0;
const M2: f64 = 2523.0 / 32.0;
const C1: f64 = 3424.0 / 4096.0;
const C2: f64 = 2413.0 / 128.0;
const C3: f64 = 2392.0 / 128.0;

const A: f64 = 0.178_832_77;
const B: f64 = 1.0 - 4.0 * A;
const C: f64 = 0.559_910_73;
/// Scene light of reference white, whose signal is 0.75 (ITU-R BT.2408).
const HLG_WHITE: f64 = 0.265;

fn product(matrix: &[[f64; 3]; 3], color: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(color).map(|(weight, value)| weight * value).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_size(transfer: u8, color: Rgb8) -> [f32; 2] {
        ColorConversion { code_points: [9, transfer, 9], has_full_range: false }.code_size(color)
    }

    #[test]
    fn the_curves_are_inverse_and_reference_white_has_its_signal() {
        for (curve, white) in [(Curve::PQ, 0.5807), (Curve::HLG, 0.75)] {
            assert!(((curve.encode)(1.0) - white).abs() < 1e-3, "{}", (curve.encode)(1.0));
            for light in [0.0, 0.001, 0.1, 0.5, 1.0, 2.0] {
                assert!(((curve.decode)((curve.encode)(light)) - light).abs() < 1e-3, "{light}");
            }
        }
    }

    #[test]
    fn a_code_is_large_where_a_saturated_color_has_little_of_a_component() {
        let (grey, green) = (Rgb8::new(128, 128, 128), Rgb8::new(30, 200, 60));
        for transfer in [16, 18] {
            let [luma, chroma] = code_size(transfer, grey);
            assert!((0.1..1.2).contains(&luma) && (0.1..1.2).contains(&chroma), "{luma} {chroma}");
            let [_, chroma] = code_size(transfer, green);
            assert!((2.5..16.0).contains(&chroma), "{chroma}");
        }
        assert!(code_size(1, green).iter().all(|size| *size == 0.0));
    }
}
