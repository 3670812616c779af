//! From the model's resolution to the frame's own.

use clearcut_frame::{Frame, Size};

use super::{foreground::band_of, guide::Guide, mask::Mask, shrink::stretched};
use crate::clean;

/// Models draw edges as wide, even ramps; what they are less sure of than this either way is left to color.
const UNSURE: f32 = 0.2;
/// Longer side of the frames on which alpha learns to follow color, and what it is afterwards taken to be sure of; it looks
/// around in squares of [`FIRST`] and then of [`NEXT`] pixels a side. Wide at first, so that an edge which the model has off
/// by several pixels is drawn to where color changes; narrow in the end, so that fine shapes are followed.
const PASSES: [(u32, f32); 3] = [(160, 0.2), (320, 0.2), (640, 0.05)];
const FIRST: usize = 9;
const NEXT: usize = 7;

/// `frame` with alpha from `mask` and the subject's own color; clear where there is no mask. An alpha plane on
/// the input multiplies ours.
pub(crate) fn cut(frame: Frame, mask: Option<&Mask>) -> Frame {
    let format = frame.format().with_alpha();
    let guides = guides(&frame);
    let mut alpha: Vec<u8> = match mask {
        Some(mask) => refined(&frame, &guides, mask),
        None => vec![0; format.luma_len()],
    };
    for (alpha, own) in alpha.iter_mut().zip(frame.alpha().into_iter().flatten()) {
        *alpha = ((u16::from(*alpha) * u16::from(*own) + 127) / 255) as u8;
    }
    let band = band_of(&frame, &guides[1], &alpha);
    let subject: Vec<u8> = alpha.iter().map(|&alpha| if alpha > 0 { 255 } else { 0 }).collect();
    let mut bytes = frame.into_bytes();
    bytes.resize(format.byte_len(), 0);
    let mut out = Frame::from_bytes(format, bytes).unwrap_or_else(|| Frame::new(format));
    clean::paint(&mut out, &subject, &band);
    out.planes_mut()[3].copy_from_slice(&alpha);
    out
}

/// The copies of `frame` for [`PASSES`].
fn guides(frame: &Frame) -> [Guide; 3] {
    let [small, middle, large] = PASSES.map(|(side, ..)| grid(frame.size(), side));
    let large = Guide::of(frame, large);
    let middle = large.shrunk_to(middle);
    [middle.shrunk_to(small), middle, large]
}

/// Alpha of every pixel of `frame`.
fn refined(frame: &Frame, guides: &[Guide; 3], mask: &Mask) -> Vec<u8> {
    let [(_, after_first), (_, after_second), (_, at_last)] = PASSES;
    let [small, middle, large] = guides;
    let mut alpha = stretched(&mask.values, mask.size, small.size);
    decide(&mut alpha, UNSURE);
    alpha = small.followed_by::<FIRST>(&alpha).at(middle);
    decide(&mut alpha, after_first);
    alpha = middle.followed_by::<NEXT>(&alpha).at(large);
    decide(&mut alpha, after_second);
    let settle = |alpha: f32| (decided(alpha, at_last) * 255.0 + 0.5) as u8;
    large.followed_by::<NEXT>(&alpha).at_every_pixel(frame, settle)
}

/// Stretches alpha so that what is at most `sure` away from clear or solid is so.
fn decide(alpha: &mut [f32], sure: f32) {
    for alpha in alpha {
        *alpha = decided(*alpha, sure);
    }
}

fn decided(alpha: f32, sure: f32) -> f32 {
    ((alpha - sure) / (1.0 - 2.0 * sure)).clamp(0.0, 1.0)
}

/// The size of a frame's copy whose longer side is `side`, or the frame's own if it is smaller.
pub(crate) fn grid(size: Size, side: u32) -> [usize; 2] {
    let small = size.with_longest_side(side.min(size.longest_side()));
    [small.width() as usize, small.height() as usize]
}
