//! Composition: a matted frame over an opaque picture.
//!
//! Levels are mixed as they are stored, gamma-coded: the matte solved for its alpha in the same way,
//! so the errors of both cancel out (docs/design/outputs.md has the measurement).

use clearcut_frame::{Frame, FrameFormat, Rgb8, Subsampling, Ycc8};

/// A picture of one color.
pub(super) fn solid(color: Rgb8, format: FrameFormat) -> Frame {
    let mut picture = Frame::new(format);
    let Ycc8 { y, cb, cr } = format.matrix.ycc8(color);
    let planes = picture.planes_mut();
    for (plane, level) in planes.into_iter().zip([y, cb, cr]) {
        plane.fill(level);
    }
    picture
}

/// Puts `picture`, which has the format of `frame` without alpha, behind `frame`, and makes it solid.
pub(super) fn put_behind(frame: &mut Frame, picture: &Frame) {
    let format = frame.format();
    let [y, cb, cr, alpha] = frame.planes_mut();
    if alpha.is_empty() {
        return; // The frame is solid already.
    }
    mix(y, picture.y(), alpha);
    match format.subsampling {
        Subsampling::Full => {
            mix(cb, picture.cb(), alpha);
            mix(cr, picture.cr(), alpha);
        }
        Subsampling::Half => {
            let shares = halved(alpha, format);
            mix(cb, picture.cb(), &shares);
            mix(cr, picture.cr(), &shares);
        }
    }
    alpha.fill(255);
}

/// Mixes the levels of `front` and `back` by the `alpha` of `front`, rounded.
fn mix(front: &mut [u8], back: &[u8], alpha: &[u8]) {
    for ((front, &back), &alpha) in front.iter_mut().zip(back).zip(alpha) {
        let sum = u32::from(*front) * u32::from(alpha) + u32::from(back) * (255 - u32::from(alpha));
        *front = ((sum + 127) / 255) as u8;
    }
}

/// Mean of `plane`, which has the size of the luma, for each sample of chroma.
pub(super) fn halved(plane: &[u8], format: FrameFormat) -> Vec<u8> {
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let (columns, rows) = format.chroma_size();
    let mut means = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let top = &plane[2 * row * width..][..width];
        let bottom = &plane[(2 * row + 1).min(height - 1) * width..][..width];
        means.extend((0..columns).map(|column| {
            let (left, right) = (2 * column, (2 * column + 1).min(width - 1));
            let sum = [top[left], top[right], bottom[left], bottom[right]].map(u16::from).iter().sum::<u16>();
            ((sum + 2) / 4) as u8
        }));
    }
    means
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Matrix, Size};

    use super::*;

    fn format(subsampling: Subsampling) -> FrameFormat {
        FrameFormat { size: Size::new(3, 3).unwrap(), subsampling, has_alpha: false, matrix: Matrix::Bt709 }
    }

    #[test]
    fn solid_pixels_stay_clear_ones_show_the_picture_and_others_are_mixed() {
        for subsampling in [Subsampling::Half, Subsampling::Full] {
            let format = format(subsampling);
            let mut frame = Frame::new(format.with_alpha());
            let [y, cb, _, alpha] = frame.planes_mut();
            y.fill(200);
            cb.fill(100);
            alpha.copy_from_slice(&[255, 255, 0, 255, 255, 0, 51, 51, 0]);
            put_behind(&mut frame, &solid(Rgb8::new(0, 0, 0), format));
            assert_eq!(frame.y(), [200, 200, 16, 200, 200, 16, 53, 53, 16], "{subsampling:?}");
            assert_eq!((frame.cb()[0], frame.alpha().unwrap()), (100, &[255; 9][..]));
            let mixed = if subsampling == Subsampling::Half { [100, 128, 122, 128].to_vec() } else { vec![] };
            assert!(mixed.is_empty() || frame.cb() == mixed, "{:?}", frame.cb());
        }
    }

    #[test]
    fn a_solid_frame_is_left_alone() {
        let format = format(Subsampling::Half);
        let mut frame = solid(Rgb8::new(9, 99, 199), format);
        put_behind(&mut frame, &solid(Rgb8::new(255, 255, 255), format));
        assert_eq!(frame, solid(Rgb8::new(9, 99, 199), format));
    }
}
