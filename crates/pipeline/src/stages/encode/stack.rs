//! The frames of 4:2:0 with even sides: the stacked-alpha layout, with color above matte; the color
//! alone; the matte alone; and the frame with its alpha.

use clearcut_frame::{Frame, Subsampling};

/// Writes the stacked frame to `stacked`: color above matte, as H.264 players with a shader expect
/// it.
///
/// The result is 4:2:0. Both halves are padded to even sides. The matte is limited-range grey (16
/// clear – 235 solid) with neutral chroma. `stacked` is overwritten.
pub(crate) fn stack_frame(frame: &Frame, stacked: &mut Vec<u8>) {
    let size = frame.size();
    let (width, height) = (size.width() as usize, size.height() as usize);
    let padded = size.padded_to_even();
    let (padded_width, padded_height) = (padded.width() as usize, padded.height() as usize);
    stacked.clear();
    append_padded(stacked, frame.y(), (width, height), (padded_width, padded_height), |y| y);
    let alpha = frame.alpha().unwrap_or(&[]);
    if alpha.is_empty() {
        stacked.resize(stacked.len() + padded_width * padded_height, 235);
    } else {
        append_padded(stacked, alpha, (width, height), (padded_width, padded_height), limited_range);
    }
    let half = (padded_width / 2, padded_height / 2);
    for chroma in [frame.cb(), frame.cr()] {
        append_chroma(stacked, frame, chroma, half);
        stacked.resize(stacked.len() + half.0 * half.1, 128);
    }
}

/// Writes the color of the frame to `opaque` as a 4:2:0 frame, padded to even sides. `opaque` is
/// overwritten.
pub(crate) fn opaque_frame(frame: &Frame, opaque: &mut Vec<u8>) {
    let (size, padded) = (frame.size(), frame.size().padded_to_even());
    let sides = |size: clearcut_frame::Size| (size.width() as usize, size.height() as usize);
    let (width, height) = sides(padded);
    opaque.clear();
    append_padded(opaque, frame.y(), sides(size), (width, height), |y| y);
    for chroma in [frame.cb(), frame.cr()] {
        append_chroma(opaque, frame, chroma, (width / 2, height / 2));
    }
}

/// Appends a chroma plane of the frame in 4:2:0, which has the size `half`.
fn append_chroma(out: &mut Vec<u8>, frame: &Frame, chroma: &[u8], half: (usize, usize)) {
    let size = frame.format().chroma_size();
    match frame.format().subsampling {
        Subsampling::Half => append_padded(out, chroma, size, half, |c| c),
        Subsampling::Full => append_halved(out, chroma, size, half),
    }
}

/// Writes the frame to `padded` as 4:2:0 with straight alpha of full range, padded to even sides with
/// clear pixels. `padded` is overwritten.
pub(crate) fn padded_frame(frame: &Frame, padded: &mut Vec<u8>) {
    opaque_frame(frame, padded);
    let (size, even) = (frame.size(), frame.size().padded_to_even());
    let (width, height, even_width) = (size.width() as usize, size.height() as usize, even.width() as usize);
    for y in 0..height {
        match frame.alpha() {
            Some(alpha) => padded.extend(&alpha[y * width..][..width]),
            None => padded.extend(std::iter::repeat_n(255, width)),
        }
        padded.extend(std::iter::repeat_n(0, even_width - width));
    }
    padded.resize(even_width * even.height() as usize * 5 / 2, 0);
}

/// Writes the alpha of the frame to `matte` as the luma of a 4:2:0 frame without color, in full range,
/// padded to even sides. `matte` is overwritten.
pub(crate) fn matte_frame(frame: &Frame, matte: &mut Vec<u8>) {
    let (size, padded) = (frame.size(), frame.size().padded_to_even());
    let sides = |size: clearcut_frame::Size| (size.width() as usize, size.height() as usize);
    let (width, height) = sides(padded);
    matte.clear();
    match frame.alpha() {
        Some(alpha) => append_padded(matte, alpha, sides(size), (width, height), |alpha| alpha),
        None => matte.resize(width * height, 255),
    }
    matte.resize(width * height * 3 / 2, 128);
}

/// Converts alpha 0–255 to luma 16–235, rounded.
const fn limited_range(alpha: u8) -> u8 {
    (16 + (alpha as u32 * 219 + 127) / 255) as u8
}

/// Converts luma 16–235 to alpha 0–255, clamped, as players do. The inverse of [`limited_range`].
pub(crate) const fn full_range(luma: u8) -> u8 {
    let luma = luma as u32;
    let offset = if luma <= 16 {
        0
    } else if luma >= 235 {
        219
    } else {
        luma - 16
    };
    ((offset * 255 + 109) / 219) as u8
}

/// Appends a plane. Its last column and row are repeated up to the padded size.
fn append_padded(
    out: &mut Vec<u8>,
    plane: &[u8],
    (width, height): (usize, usize),
    (padded_width, padded_height): (usize, usize),
    map: impl Fn(u8) -> u8 + Copy,
) {
    for y in 0..padded_height {
        let row = &plane[y.min(height - 1) * width..][..width];
        out.extend(row.iter().map(|&value| map(value)));
        out.extend(std::iter::repeat_n(map(row[width - 1]), padded_width - width));
    }
}

/// Appends a full-resolution chroma plane, averaged over 2×2 down to `half`.
fn append_halved(out: &mut Vec<u8>, plane: &[u8], (width, height): (usize, usize), half: (usize, usize)) {
    let at = |x: usize, y: usize| u32::from(plane[y.min(height - 1) * width + x.min(width - 1)]);
    for y in 0..half.1 {
        for x in 0..half.0 {
            let sum = at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1);
            out.push(((sum + 2) / 4) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clearcut_frame::{FrameFormat, Matrix, Size};

    #[test]
    fn limited_range_round_trips_within_one_level() {
        for alpha in 0..=255 {
            assert!(full_range(limited_range(alpha)).abs_diff(alpha) <= 1, "{alpha}");
        }
        assert_eq!((full_range(0), full_range(255)), (0, 255));
    }

    #[test]
    fn a_frame_of_odd_sides_is_padded_with_clear_pixels() {
        for (subsampling, has_alpha) in
            [(Subsampling::Half, true), (Subsampling::Full, true), (Subsampling::Full, false)]
        {
            let size = Size::new(3, 3).unwrap();
            let mut frame = Frame::new(FrameFormat { size, subsampling, has_alpha, matrix: Matrix::Bt709 });
            let [y, cb, cr, alpha] = frame.planes_mut();
            y.fill(100);
            cb.fill(90);
            cr.fill(80);
            alpha.fill(255);
            let mut padded = Vec::new();
            padded_frame(&frame, &mut padded);
            let alpha = [255, 255, 255, 0, 255, 255, 255, 0, 255, 255, 255, 0, 0, 0, 0, 0];
            assert_eq!(padded, [vec![100; 16], vec![90; 4], vec![80; 4], alpha.to_vec()].concat());
        }
    }

    #[test]
    fn both_halves_are_even_and_the_matte_is_limited_range() {
        for subsampling in [Subsampling::Half, Subsampling::Full] {
            let size = Size::new(5, 3).unwrap();
            let format = FrameFormat { size, subsampling, has_alpha: true, matrix: Matrix::Bt709 };
            let mut frame = Frame::new(format);
            let [y, cb, _, alpha] = frame.planes_mut();
            y.fill(100);
            cb.fill(90);
            alpha.fill(255);
            alpha[0] = 0;
            let mut stacked = Vec::new();
            stack_frame(&frame, &mut stacked);
            assert_eq!(stacked.len(), 6 * 8 + 2 * (3 * 4));
            assert!(stacked[..24].iter().all(|&y| y == 100));
            assert_eq!(stacked[24], 16);
            assert!(stacked[25..48].iter().all(|&matte| matte == 235));
            assert!(stacked[48..54].iter().all(|&cb| cb == 90));
            assert!(stacked[54..60].iter().all(|&cb| cb == 128));
        }
    }
}
