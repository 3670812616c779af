//! The soft edges of a GIF, whose pixels are solid or clear, mixed with the color of a page.

use clearcut_frame::{Frame, Rgb8};

use super::compose::{put_behind, solid};

/// By how much alpha is raised: what covers a sixteenth of its pixel becomes half solid, which is where a
/// GIF shows it.
const GAIN: u8 = 8;

/// `frame` over `color`, with the alpha of what is seen of it raised, so that its soft edges are shown whole.
pub(crate) fn mix_edges(mut frame: Frame, color: Rgb8) -> Frame {
    let Some(alpha) = frame.alpha() else { return frame };
    let raised: Vec<u8> = alpha.iter().map(|alpha| alpha.saturating_mul(GAIN)).collect();
    let page = solid(color, frame.format().without_alpha());
    put_behind(&mut frame, &page);
    let [.., alpha] = frame.planes_mut();
    alpha.copy_from_slice(&raised);
    frame
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    #[test]
    fn soft_pixels_are_mixed_with_the_color_and_shown() {
        let size = Size::new(5, 1).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Full, has_alpha: true, matrix: Matrix::Bt709 };
        let black = [[16; 5], [128; 5], [128; 5], [0, 15, 16, 128, 255]].concat();
        let mixed = mix_edges(Frame::from_bytes(format, black).unwrap(), Rgb8::new(255, 255, 255));
        assert_eq!(mixed.y(), [235, 222, 221, 125, 16]);
        assert_eq!(mixed.alpha().unwrap(), [0, 120, 128, 255, 255]);
    }
}
