//! The clip itself as a background: blurred, without its subject, so that no halo of the subject lies
//! around it.

use clearcut_frame::{Frame, Size, Subsampling};

use super::compose::halved;
use crate::{Error, image::scaled};

/// Longer side of the small picture that is blurred, in pixels: each is the mean of many.
const SMALL_SIDE: u32 = 128;
/// Radius of a box, in pixels of the small picture. Three boxes are nearly a Gaussian; its deviation is
/// then 2.4 of these pixels, a fiftieth of the longer side.
const RADIUS: usize = 2;
const BOXES: usize = 3;
/// Weight of the mean color, against that of a whole pixel of background: it fills what is so deep in
/// the subject that no background is near.
const MEAN_WEIGHT: f32 = 1e-3;

/// The blurred background of `frame`, which was matted, from the color planes of its source; without
/// them, from its own.
pub(super) fn blurred(frame: &Frame, source_planes: &[u8]) -> Result<Frame, Error> {
    let format = frame.format().without_alpha();
    let planes = if source_planes.is_empty() { frame.bytes() } else { source_planes };
    let (y, chroma) = planes.split_at(format.luma_len());
    let (cb, rest) = chroma.split_at(format.chroma_len());
    let cr = &rest[..format.chroma_len()];
    let solid = vec![255; format.luma_len()];
    let alpha = frame.alpha().unwrap_or(&solid);
    let is_halved = format.subsampling == Subsampling::Half;
    let chroma_alpha = if is_halved { halved(alpha, format) } else { alpha.to_vec() };
    let (columns, rows) = format.chroma_size();
    let chroma_size = Size::new(columns as u32, rows as u32).unwrap_or(format.size);
    let small = format.size.with_longest_side(SMALL_SIDE.min(chroma_size.longest_side()));
    let [y, cb, cr] = [(y, alpha, format.size), (cb, &chroma_alpha[..], chroma_size), (cr, &chroma_alpha, chroma_size)]
        .map(|(plane, alpha, size)| blurred_plane((plane, alpha), size, small));
    let packed: Vec<u8> = y.into_iter().zip(cb).zip(cr).flat_map(|((y, cb), cr)| [y, cb, cr, 255]).collect();
    let large = scaled(small, &packed, format.size)?;
    let plane = |index: usize| -> Vec<u8> { large.as_chunks::<4>().0.iter().map(|pixel| pixel[index]).collect() };
    let chroma = |index: usize| if is_halved { halved(&plane(index), format) } else { plane(index) };
    let picture = Frame::from_bytes(format, [plane(0), chroma(1), chroma(2)].concat());
    Ok(picture.unwrap_or_else(|| Frame::new(format)))
}

/// The part of `plane` that `alpha` leaves clear, blurred, in the size `small`.
fn blurred_plane((plane, alpha): (&[u8], &[u8]), size: Size, small: Size) -> Vec<u8> {
    let (width, height) = (small.width() as usize, small.height() as usize);
    let (mut sums, mut weights) = shrink((plane, alpha), size, (width, height));
    let (sum, weight) = (sums.iter().sum::<f32>(), weights.iter().sum::<f32>());
    let mean = if weight > 0.0 { sum / weight } else { f32::from(plane[0]) };
    for _ in 0..BOXES {
        for values in [&mut sums, &mut weights] {
            *values = box_blur(values, width, height);
        }
    }
    let level = |(sum, weight): (&f32, &f32)| (sum + MEAN_WEIGHT * mean) / (weight + MEAN_WEIGHT);
    sums.iter().zip(&weights).map(level).map(|level| level.round() as u8).collect()
}

/// For each pixel of a smaller picture, the sum of the levels that it covers, weighed by what `alpha`
/// leaves clear, and the weight; both as shares of its area.
fn shrink((plane, alpha): (&[u8], &[u8]), size: Size, (width, height): (usize, usize)) -> (Vec<f32>, Vec<f32>) {
    let (full_width, full_height) = (size.width() as usize, size.height() as usize);
    let mut cells = vec![(0_u64, 0_u64, 0_u64); width * height];
    for (row, (levels, alphas)) in plane.chunks_exact(full_width).zip(alpha.chunks_exact(full_width)).enumerate() {
        let cells = &mut cells[row * height / full_height * width..][..width];
        for (column, (&level, &alpha)) in levels.iter().zip(alphas).enumerate() {
            let cell = &mut cells[column * width / full_width];
            let weight = 255 - u64::from(alpha);
            *cell = (cell.0 + weight * u64::from(level), cell.1 + weight, cell.2 + 255);
        }
    }
    cells
        .into_iter()
        .map(|(sum, weight, area)| {
            let area = area.max(1) as f32;
            (sum as f32 / area, weight as f32 / area)
        })
        .unzip()
}

/// Each value replaced by the mean of those around it, across and down. At the borders there are fewer.
fn box_blur(values: &[f32], width: usize, height: usize) -> Vec<f32> {
    let mean = |at: usize, length: usize, value: &dyn Fn(usize) -> f32| {
        let (from, to) = (at.saturating_sub(RADIUS), (at + RADIUS).min(length - 1));
        (from..=to).map(value).sum::<f32>() / (to - from + 1) as f32
    };
    let across: Vec<f32> =
        (0..width * height).map(|index| mean(index % width, width, &|x| values[index / width * width + x])).collect();
    (0..width * height).map(|index| mean(index / width, height, &|y| across[y * width + index % width])).collect()
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix};

    use super::*;

    /// A grey wall, of 60 on the left and 180 on the right, with a bright subject in the middle.
    fn matted(subsampling: Subsampling) -> (Frame, Vec<u8>) {
        let size = Size::new(320, 180).unwrap();
        let format = FrameFormat { size, subsampling, has_alpha: true, matrix: Matrix::Bt709 };
        let mut frame = Frame::new(format);
        let [y, cb, _, alpha] = frame.planes_mut();
        for (index, (y, alpha)) in y.iter_mut().zip(alpha.iter_mut()).enumerate() {
            let is_subject = (120..200).contains(&(index % 320)) && (40..140).contains(&(index / 320));
            *y = if is_subject {
                235
            } else if index % 320 < 160 {
                60
            } else {
                180
            };
            *alpha = if is_subject { 255 } else { 0 };
        }
        cb.fill(90);
        let planes = frame.bytes()[..format.without_alpha().byte_len()].to_vec();
        (frame, planes)
    }

    #[test]
    fn the_background_is_blurred_without_its_subject() {
        for subsampling in [Subsampling::Half, Subsampling::Full] {
            let (frame, planes) = matted(subsampling);
            let picture = blurred(&frame, &planes).unwrap();
            let at = |x: usize, y: usize| picture.y()[y * 320 + x];
            assert!(at(5, 90).abs_diff(60) <= 1 && at(315, 90).abs_diff(180) <= 1, "{subsampling:?}");
            assert!((100..140).contains(&at(160, 10)), "the step is soft: {}", at(160, 10));
            assert!(picture.y().iter().all(|level| *level <= 182), "nothing of the subject is left");
            assert!(picture.cb().iter().all(|level| level.abs_diff(90) <= 1));
        }
    }

    #[test]
    fn a_frame_that_is_all_subject_has_some_background() {
        let (mut frame, planes) = matted(Subsampling::Half);
        frame.planes_mut()[3].fill(255);
        assert_eq!(blurred(&frame, &planes).unwrap().format(), frame.format().without_alpha());
    }
}
