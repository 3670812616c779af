//! Alpha settled over time: what has not moved from frame to frame does not flicker either.

use clearcut_frame::{Frame, FrameFormat};

use crate::likeness::spread;

/// How far from the median of three alphas their mean is believed, in levels: what coding noise does to an edge.
const LEAP: u8 = 8;

/// One frame as time sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steadied<'a> {
    pub(crate) alpha: &'a [u8],
    /// Y', Cb, Cr as they came in.
    pub(crate) seen: &'a [u8],
    pub(crate) format: FrameFormat,
}

/// Gives every pixel of `out` a third of the alpha of each neighbor in which the place looks the same, within three
/// deviations and a level of `noise` (luma, chroma); what has changed keeps its own, so nothing lags or leaves ghosts.
pub(crate) fn steady(out: &mut Frame, current: &Steadied, neighbors: [Option<Steadied>; 2], noise: [f32; 2]) {
    let format = current.format;
    let width = format.size.width() as usize;
    let same = noise.map(|sigma| (1.0 + 3.0 * sigma).min(255.0) as u8);
    let mut seen_there = [current.alpha.to_vec(), current.alpha.to_vec()];
    for (seen, neighbor) in seen_there.iter_mut().zip(neighbors) {
        let usable = neighbor.filter(|other| other.format == format && other.seen.len() == current.seen.len());
        let Some(other) = &usable else { continue };
        let mut changed = vec![0; width];
        for (y, seen) in seen.chunks_exact_mut(width).enumerate() {
            mark_changes(&mut changed, y, current, other, same);
            for ((seen, theirs), changed) in seen.iter_mut().zip(&other.alpha[y * width..]).zip(&changed) {
                *seen = (*seen & changed) | (theirs & !changed);
            }
        }
    }
    let [before, after] = &seen_there;
    for ((alpha, own), (before, after)) in
        out.planes_mut()[3].iter_mut().zip(current.alpha).zip(before.iter().zip(after))
    {
        *alpha = settled(*own, *before, *after);
    }
}

/// The mean of the three, kept near their median: one that is leaps away from the others is no flicker but something of the same
/// color that has come or gone. Never falls when one of the three rises.
fn settled(own: u8, before: u8, after: u8) -> u8 {
    let median = own.min(before).max(own.max(before).min(after));
    let mean = ((u16::from(own) + u16::from(before) + u16::from(after) + 1) / 3) as u8;
    mean.clamp(median.saturating_sub(LEAP), median.saturating_add(LEAP))
}

/// 255 where the pixels of row `y` differ between the two frames by more than `same` in luma or chroma, else 0.
fn mark_changes(changed: &mut [u8], y: usize, a: &Steadied, b: &Steadied, same: [u8; 2]) {
    let (width, luma_len) = (changed.len(), a.format.luma_len());
    let (chroma_width, shift) = (a.format.chroma_size().0, a.format.subsampling.shift());
    let mut chroma = vec![0; chroma_width];
    for plane in 0..2 {
        let start = luma_len + plane * a.format.chroma_len() + (y >> shift) * chroma_width;
        let row = start..start + chroma_width;
        for ((mark, a), b) in chroma.iter_mut().zip(&a.seen[row.clone()]).zip(&b.seen[row]) {
            *mark |= if a.abs_diff(*b) > same[1] { 255 } else { 0 };
        }
    }
    spread(&chroma, shift, changed);
    let row = y * width..(y + 1) * width;
    for ((mark, a), b) in changed.iter_mut().zip(&a.seen[row.clone()]).zip(&b.seen[row]) {
        *mark |= if a.abs_diff(*b) > same[0] { 255 } else { 0 };
    }
}
