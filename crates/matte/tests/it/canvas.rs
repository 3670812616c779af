//! Helpers for the tests: paint synthetic frames and run the whole keyer on them.

use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling, Ycc8};
use clearcut_matte::{Background, KeySettings, Keyer, PocketTracker};

/// Green of a studio wall.
pub(crate) const GREEN: [u8; 3] = [120, 80, 70];
/// Reference white.
pub(crate) const WHITE: [u8; 3] = [235, 128, 128];
/// A red that has nothing in common with the green.
pub(crate) const RED: [u8; 3] = [90, 100, 220];

pub(crate) fn format(width: u32, height: u32, subsampling: Subsampling) -> FrameFormat {
    FrameFormat { size: Size::new(width, height).unwrap(), subsampling, has_alpha: false, matrix: Matrix::Bt709 }
}

/// Paints `color_at(x, y)` (Y', Cb, Cr) with a deterministic grain of up to `grain` levels. Chroma
/// is averaged over the pixels of a sample.
pub(crate) fn painted(format: FrameFormat, grain: u8, color_at: impl Fn(usize, usize) -> [f32; 3]) -> Frame {
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let step = 1 << format.subsampling.shift();
    let chroma_width = format.chroma_size().0;
    let mut state = 0x9E37_79B9_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let reach = 2 * u32::from(grain) + 1;
        ((state >> 16) % reach) as f32 - f32::from(grain)
    };
    let mut frame = Frame::new(format);
    let [luma, cb, cr, _] = frame.planes_mut();
    for (index, value) in luma.iter_mut().enumerate() {
        *value = (color_at(index % width, index / width)[0] + noise()).round().clamp(1.0, 254.0) as u8;
    }
    for (at, (cb, cr)) in cb.iter_mut().zip(cr).enumerate() {
        let (left, top) = (at % chroma_width * step, at / chroma_width * step);
        let cells: Vec<[f32; 3]> = (top..(top + step).min(height))
            .flat_map(|y| (left..(left + step).min(width)).map(move |x| (x, y)))
            .map(|(x, y)| color_at(x, y))
            .collect();
        let mean = |k: usize| cells.iter().map(|cell| cell[k]).sum::<f32>() / cells.len() as f32;
        *cb = (mean(1) + noise()).round().clamp(1.0, 254.0) as u8;
        *cr = (mean(2) + noise()).round().clamp(1.0, 254.0) as u8;
    }
    frame
}

/// Alpha of an antialiased disc of `radius` around the centre of a `side` × `side` frame.
pub(crate) fn disc_alpha(x: usize, y: usize, side: usize, radius: f32) -> f32 {
    let centre = side as f32 / 2.0;
    let distance = (x as f32 + 0.5 - centre).hypot(y as f32 + 0.5 - centre);
    (radius + 0.5 - distance).clamp(0.0, 1.0)
}

pub(crate) fn mixed(front: [u8; 3], back: [u8; 3], alpha: f32) -> [f32; 3] {
    [0, 1, 2].map(|k| alpha * f32::from(front[k]) + (1.0 - alpha) * f32::from(back[k]))
}

pub(crate) fn flat(color: [u8; 3]) -> impl Fn(usize, usize) -> [f32; 3] {
    move |_, _| color.map(f32::from)
}

pub(crate) fn rgb(format: FrameFormat, [y, cb, cr]: [u8; 3]) -> clearcut_frame::Rgb8 {
    format.matrix.rgb8(Ycc8 { y, cb, cr })
}

/// Runs the whole clip through all stages of the keyer.
pub(crate) fn cut(clip: &[Frame], background: &Background, tolerance: u8) -> Vec<Frame> {
    cut_with(clip, background, KeySettings { tolerance, ..KeySettings::default() })
}

pub(crate) fn cut_with(clip: &[Frame], background: &Background, settings: KeySettings) -> Vec<Frame> {
    let keyer = Keyer::new(background.clone(), settings);
    let mut pockets = PocketTracker::default();
    let keyed: Vec<_> = clip
        .iter()
        .map(|frame| {
            let mut compared = keyer.compare(frame.clone(), None);
            pockets.classify(&mut compared);
            keyer.key(compared)
        })
        .collect();
    (0..keyed.len())
        .map(|at| {
            let before: Vec<_> = keyed[at.saturating_sub(Keyer::REACH)..at].iter().rev().collect();
            let after: Vec<_> = keyed[at + 1..(at + 1 + Keyer::REACH).min(keyed.len())].iter().collect();
            keyer.finish(&before, &keyed[at], &after)
        })
        .collect()
}

/// Cuts one frame as a clip of its own, with the background estimated from it.
pub(crate) fn cut_one(frame: &Frame) -> Frame {
    let clip = std::slice::from_ref(frame);
    cut(clip, &Background::estimate(clip, None).unwrap(), 30).remove(0)
}
