//! Temporal filter for alpha: pixels that look the same in neighboring frames get a common alpha,
//! so that they do not flicker.

use clearcut_frame::{Frame, FrameFormat};

use crate::pixels::spread;

/// Largest difference of the result from the median of the three alphas, in levels: the effect of
/// coding noise on an edge. More smooths flicker further and lets edges lag.
const MEDIAN_REACH: u8 = 8;

/// One frame as input of the temporal filter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TemporalFrame<'a> {
    pub(crate) alpha: &'a [u8],
    /// The source's Y', Cb, Cr.
    pub(crate) source_planes: &'a [u8],
    pub(crate) format: FrameFormat,
}

/// Sets every pixel of `out` to the mean alpha of the frame and its neighbors. A neighbor takes
/// part where the place looks the same, within three deviations and a level of `noise` (luma,
/// chroma). Where it has changed, the frame's own alpha stands in, so nothing lags or leaves
/// ghosts.
pub(crate) fn stabilize(
    out: &mut Frame,
    current: &TemporalFrame,
    neighbors: [Option<TemporalFrame>; 2],
    noise: [f32; 2],
) {
    let format = current.format;
    let width = format.size.width() as usize;
    let tolerances = noise.map(|sigma| (1.0 + 3.0 * sigma).min(255.0) as u8);
    let mut neighbor_alphas = [current.alpha.to_vec(), current.alpha.to_vec()];
    for (alphas, neighbor) in neighbor_alphas.iter_mut().zip(neighbors) {
        let usable =
            neighbor.filter(|other| other.format == format && other.source_planes.len() == current.source_planes.len());
        let Some(other) = &usable else { continue };
        let mut changed = vec![0; width];
        for (y, alphas) in alphas.chunks_exact_mut(width).enumerate() {
            mark_changes(&mut changed, y, current, other, tolerances);
            for ((alpha, theirs), changed) in alphas.iter_mut().zip(&other.alpha[y * width..]).zip(&changed) {
                *alpha = (*alpha & changed) | (theirs & !changed);
            }
        }
    }
    let [before, after] = &neighbor_alphas;
    for ((alpha, own), (before, after)) in
        out.planes_mut()[3].iter_mut().zip(current.alpha).zip(before.iter().zip(after))
    {
        *alpha = limited_mean(*own, *before, *after);
    }
}

/// The mean of the three, limited to [`MEDIAN_REACH`] around their median. A value far from the
/// others is not flicker: an object of the same color has come or gone. Never falls when one of the
/// three rises.
fn limited_mean(own: u8, before: u8, after: u8) -> u8 {
    let median = own.min(before).max(own.max(before).min(after));
    let mean = ((u16::from(own) + u16::from(before) + u16::from(after) + 1) / 3) as u8;
    mean.clamp(median.saturating_sub(MEDIAN_REACH), median.saturating_add(MEDIAN_REACH))
}

/// Marks the pixels of row `y` that differ between the two frames by more than `tolerances` in luma
/// or chroma: 255, else 0.
fn mark_changes(changed: &mut [u8], y: usize, a: &TemporalFrame, b: &TemporalFrame, tolerances: [u8; 2]) {
    let (width, luma_len) = (changed.len(), a.format.luma_len());
    let (chroma_width, shift) = (a.format.chroma_size().0, a.format.subsampling.shift());
    let mut chroma = vec![0; chroma_width];
    for plane in 0..2 {
        let start = luma_len + plane * a.format.chroma_len() + (y >> shift) * chroma_width;
        let row = start..start + chroma_width;
        for ((mark, a), b) in chroma.iter_mut().zip(&a.source_planes[row.clone()]).zip(&b.source_planes[row]) {
            *mark |= if a.abs_diff(*b) > tolerances[1] { 255 } else { 0 };
        }
    }
    spread(&chroma, shift, changed);
    let row = y * width..(y + 1) * width;
    for ((mark, a), b) in changed.iter_mut().zip(&a.source_planes[row.clone()]).zip(&b.source_planes[row]) {
        *mark |= if a.abs_diff(*b) > tolerances[0] { 255 } else { 0 };
    }
}
