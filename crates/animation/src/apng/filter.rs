//! PNG filtering and compression: pixel rows to filtered rows to a zlib stream (PNG specification
//! §9 and §10).

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

use crate::{Error, rect::Rect, rgba::Rgba};

/// Maximum error of each color component in levels of 255. Alpha is always exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColorError(u8);

impl ColorError {
    /// The error allowed at `quality`: 0 at quality 100, 1 from 80, 2 from 60, and so on up to 5.
    ///
    /// Each residual of the filters is rounded to a multiple of `2 × error + 1`, as in
    /// near-lossless JPEG-LS (ITU-T T.87 §A.4.4). The error is bounded for each pixel and does not
    /// accumulate, so gradients keep their shape. Rounding the colors themselves to as many levels
    /// would cause banding.
    pub(super) fn for_quality(quality: u8) -> Self {
        Self((100 - quality.min(100)).div_ceil(20))
    }

    /// Table of the rounded value of every residual from -255 to 255.
    fn rounded_residuals(self) -> [i16; 511] {
        let (error, step) = (i16::from(self.0), 2 * i16::from(self.0) + 1);
        std::array::from_fn(|index| {
            let residual = index as i16 - 255;
            (residual.abs() + error) / step * step * residual.signum()
        })
    }
}

/// PNG's filter types with their numbers, without the average filter (3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    None = 0,
    Sub = 1,
    Up = 2,
    Paeth = 4,
}

const FILTERS: [Filter; 4] = [Filter::None, Filter::Sub, Filter::Up, Filter::Paeth];

/// One filtered row.
#[derive(Debug, Default, Clone)]
struct Row {
    residuals: Vec<[u8; 4]>,
    /// The pixels that a decoder reconstructs from the residuals.
    decoded: Vec<[u8; 4]>,
    /// Estimate of the compressed size, used only to compare filters.
    cost: u32,
}

/// Compresses `rect` of `canvas` to a zlib stream.
pub(super) fn compress(canvas: &Rgba, rect: Rect, error: ColorError) -> Result<Vec<u8>, Error> {
    let residuals = error.rounded_residuals();
    let mut above = vec![[0; 4]; rect.width()];
    let mut rows = [const { Row { residuals: Vec::new(), decoded: Vec::new(), cost: 0 } }; FILTERS.len()];
    let level = Compression::new(6);
    let mut stream = ZlibEncoder::new(Vec::with_capacity(rect.area() / 2), level);
    for row in rect.top..rect.bottom {
        let pixels = canvas.row_of(rect, row);
        for (filter, out) in FILTERS.into_iter().zip(&mut rows) {
            match filter {
                Filter::None => filter_row(pixels, &above, &residuals, out, |_, _, _| 0),
                Filter::Sub => filter_row(pixels, &above, &residuals, out, |left, _, _| left),
                Filter::Up => filter_row(pixels, &above, &residuals, out, |_, above, _| above),
                Filter::Paeth => filter_row(pixels, &above, &residuals, out, paeth),
            }
        }
        let Some((filter, best)) = FILTERS.into_iter().zip(&rows).min_by_key(|(_, row)| row.cost) else { continue };
        stream.write_all(&[filter as u8])?;
        stream.write_all(best.residuals.as_flattened())?;
        above.copy_from_slice(&best.decoded);
    }
    Ok(stream.finish()?)
}

fn filter_row(
    pixels: &[[u8; 4]],
    above: &[[u8; 4]],
    rounded: &[i16; 511],
    out: &mut Row,
    predict: impl Fn(i16, i16, i16) -> i16,
) {
    out.residuals.clear();
    out.decoded.clear();
    out.cost = 0;
    let (mut left, mut corner) = ([0; 4], [0; 4]);
    for (&pixel, &above) in pixels.iter().zip(above) {
        let predicted: [i16; 4] = std::array::from_fn(|channel| {
            predict(i16::from(left[channel]), i16::from(above[channel]), i16::from(corner[channel]))
        });
        let mut decoded = pixel;
        let mut residuals = [0; 4];
        for channel in 0..4 {
            let original = i16::from(pixel[channel]);
            let value = match (channel, pixel[3]) {
                (3, _) => original,
                // The color is invisible, so the predicted value is used: its residual is 0.
                (_, 0) => predicted[channel],
                _ => (predicted[channel] + rounded[(original - predicted[channel] + 255) as usize]).clamp(0, 255),
            };
            decoded[channel] = value as u8;
            residuals[channel] = (value - predicted[channel]) as u8;
        }
        out.cost += residuals.iter().map(|&residual| cost(residual)).sum::<u32>();
        out.residuals.push(residuals);
        out.decoded.push(decoded);
        (left, corner) = (decoded, above);
    }
}

fn cost(residual: u8) -> u32 {
    u32::from((residual as i8).unsigned_abs())
}

/// The Paeth predictor (PNG specification §9.4).
fn paeth(left: i16, above: i16, corner: i16) -> i16 {
    let (to_left, to_above, to_corner) =
        ((above - corner).abs(), (left - corner).abs(), (left + above - 2 * corner).abs());
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        corner
    }
}
