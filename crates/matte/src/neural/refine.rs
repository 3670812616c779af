//! Refinement of a mask from the model's resolution to that of the frame.

use clearcut_frame::Frame;

use super::{
    foreground::unmixed_band,
    guide::{Guide, working_size},
    mask::Mask,
    shrink::interpolated,
};
use crate::edge_extend;

/// Uncertainty of the model. Models draw edges as wide, even ramps; alphas less certain than this
/// either way are decided by color.
const MODEL_UNCERTAINTY: f32 = 0.2;
/// Passes of the guided filter: longer side of the frame copy, and the margin for [`stretch`] after
/// the pass.
///
/// The first pass uses squares of [`FIRST_WINDOW`] pixels a side, the others of [`NEXT_WINDOW`].
/// The wide first pass draws an edge that the model has off by several pixels to the change of
/// color; the narrow last one follows fine shapes.
const PASSES: [(u32, f32); 3] = [(160, 0.2), (320, 0.2), (640, 0.05)];
const FIRST_WINDOW: usize = 9;
const NEXT_WINDOW: usize = 7;

/// The matted frame: `frame` with alpha from `mask` and the subject's own color; clear if there is
/// no mask. An alpha plane of the input is multiplied in.
pub(crate) fn matted(frame: Frame, mask: Option<&Mask>) -> Frame {
    let format = frame.format().with_alpha();
    let guides = guides(&frame);
    let mut alpha: Vec<u8> = match mask {
        Some(mask) => refined(&frame, &guides, mask),
        None => vec![0; format.luma_len()],
    };
    for (alpha, source) in alpha.iter_mut().zip(frame.alpha().into_iter().flatten()) {
        *alpha = ((u16::from(*alpha) * u16::from(*source) + 127) / 255) as u8;
    }
    let band = unmixed_band(&frame, &guides[1], &alpha);
    let subject: Vec<u8> = alpha.iter().map(|&alpha| if alpha > 0 { 255 } else { 0 }).collect();
    let mut bytes = frame.into_bytes();
    bytes.resize(format.byte_len(), 0);
    let mut out = Frame::from_bytes(format, bytes).unwrap_or_else(|| Frame::new(format));
    edge_extend::paint(&mut out, &subject, &band);
    out.planes_mut()[3].copy_from_slice(&alpha);
    out
}

/// The guides of `frame` for [`PASSES`].
fn guides(frame: &Frame) -> [Guide; 3] {
    let [small, middle, large] = PASSES.map(|(side, ..)| working_size(frame.size(), side));
    let large = Guide::from_frame(frame, large);
    let middle = large.resized_to(middle);
    [middle.resized_to(small), middle, large]
}

/// The alpha of every pixel of `frame`.
fn refined(frame: &Frame, guides: &[Guide; 3], mask: &Mask) -> Vec<u8> {
    let [(_, after_first), (_, after_second), (_, after_last)] = PASSES;
    let [small, middle, large] = guides;
    let mut alpha = interpolated(&mask.values, mask.size, small.size);
    stretch(&mut alpha, MODEL_UNCERTAINTY);
    alpha = small.fit::<FIRST_WINDOW>(&alpha).alpha_for(middle);
    stretch(&mut alpha, after_first);
    alpha = middle.fit::<NEXT_WINDOW>(&alpha).alpha_for(large);
    stretch(&mut alpha, after_second);
    let to_level = |alpha: f32| (stretched(alpha, after_last) * 255.0 + 0.5) as u8;
    large.fit::<NEXT_WINDOW>(&alpha).alpha_at_full_size(frame, to_level)
}

/// Stretches alpha so that values within `margin` of clear or solid become exactly that.
fn stretch(alpha: &mut [f32], margin: f32) {
    for alpha in alpha {
        *alpha = stretched(*alpha, margin);
    }
}

fn stretched(alpha: f32, margin: f32) -> f32 {
    ((alpha - margin) / (1.0 - 2.0 * margin)).clamp(0.0, 1.0)
}
