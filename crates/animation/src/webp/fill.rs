//! Fill colors under alpha 0, chosen to cost VP8 as few bytes as possible.

/// One plane of a rectangle and the visibility of its samples.
#[derive(Debug)]
pub(super) struct Plane<'a> {
    pub(super) samples: &'a mut [u8],
    pub(super) width: usize,
    /// Whether each sample is at least partly visible.
    pub(super) is_visible: &'a [bool],
    /// Side of a macroblock in this plane: 16 for luma, 8 for chroma.
    pub(super) block: usize,
}

/// Number of relaxation sweeps over a block, alternately forward and backward: enough for a value
/// to cross it.
const SWEEPS: usize = 8;

/// Replaces invisible samples by a smooth interpolation of the visible ones, like a membrane
/// stretched between them (Laplace's equation, free at the sides of the block).
///
/// Works block by block, because VP8 does not transform across blocks. A block without visible
/// samples gets the mean of the side that VP8 predicts it from, so that there is no residual to
/// code.
pub(super) fn fill_invisible(plane: &mut Plane) {
    let height = plane.samples.len() / plane.width;
    let mut invisible = Vec::with_capacity(plane.block * plane.block);
    for top in (0..height).step_by(plane.block) {
        for left in (0..plane.width).step_by(plane.block) {
            let (right, bottom) = ((left + plane.block).min(plane.width), (top + plane.block).min(height));
            fill_block(plane, [left, top, right, bottom], &mut invisible);
        }
    }
}

/// An invisible sample and its four neighbors, as slots (indices) in the membrane. At a side of the
/// block the sample is its own neighbor.
#[derive(Debug, Clone, Copy)]
struct InvisibleSample {
    slot: u8,
    neighbors: [u8; 4],
}

/// Side of the membrane array: that of the largest block.
const MEMBRANE_SIDE: usize = 16;

fn fill_block(plane: &mut Plane, [left, top, right, bottom]: [usize; 4], invisible: &mut Vec<InvisibleSample>) {
    let width = plane.width;
    let (mut sum, mut count) = (0_u32, 0_u32);
    for row in top..bottom {
        for index in row * width + left..row * width + right {
            sum += u32::from(plane.is_visible[index]) * u32::from(plane.samples[index]);
            count += u32::from(plane.is_visible[index]);
        }
    }
    if count as usize == (right - left) * (bottom - top) {
        return;
    }
    let initial = (sum + count / 2)
        .checked_div(count)
        .map_or_else(|| prediction_mean(plane, left, top, right, bottom), |mean| mean as u8);
    if count == 0 {
        for row in top..bottom {
            plane.samples[row * width + left..row * width + right].fill(initial);
        }
        return;
    }
    let (across, down) = (right - left, bottom - top);
    // In sixteenths of a level.
    let mut membrane = [i32::from(initial) * 16; MEMBRANE_SIDE * MEMBRANE_SIDE];
    invisible.clear();
    for y in 0..down {
        for x in 0..across {
            let slot = |x: usize, y: usize| (y.min(down - 1) * MEMBRANE_SIDE + x.min(across - 1)) as u8;
            let index = (top + y) * width + left + x;
            if plane.is_visible[index] {
                membrane[usize::from(slot(x, y))] = i32::from(plane.samples[index]) * 16;
            } else {
                let neighbors =
                    [slot(x.saturating_sub(1), y), slot(x + 1, y), slot(x, y.saturating_sub(1)), slot(x, y + 1)];
                invisible.push(InvisibleSample { slot: slot(x, y), neighbors });
            }
        }
    }
    let mut relax = |InvisibleSample { slot, neighbors }: &InvisibleSample| {
        membrane[usize::from(*slot)] = neighbors.iter().map(|&slot| membrane[usize::from(slot)]).sum::<i32>() / 4;
    };
    // Forward and backward, so that values travel in both directions.
    for _ in 0..SWEEPS / 2 {
        invisible.iter().for_each(&mut relax);
        invisible.iter().rev().for_each(&mut relax);
    }
    for slot in invisible.iter().map(|invisible| usize::from(invisible.slot)) {
        plane.samples[(top + slot / MEMBRANE_SIDE) * width + left + slot % MEMBRANE_SIDE] =
            ((membrane[slot] + 8) / 16) as u8;
    }
}

/// The mean of the samples to the left of a block, else above it; 128 in the first block.
fn prediction_mean(plane: &Plane, left: usize, top: usize, right: usize, bottom: usize) -> u8 {
    let (width, samples) = (plane.width, &plane.samples);
    let mean = |sum: u32, count: usize| ((sum + count as u32 / 2) / count as u32) as u8;
    if left > 0 {
        mean((top..bottom).map(|row| u32::from(samples[row * width + left - 1])).sum(), bottom - top)
    } else if top > 0 {
        mean(
            samples[(top - 1) * width + left..][..right - left].iter().map(|&sample| u32::from(sample)).sum(),
            right - left,
        )
    } else {
        128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(width: usize, samples: &[u8], is_visible: impl Fn(usize, usize) -> bool, block: usize) -> Vec<u8> {
        let mut samples = samples.to_vec();
        let is_visible: Vec<bool> = (0..samples.len()).map(|index| is_visible(index % width, index / width)).collect();
        fill_invisible(&mut Plane { samples: &mut samples, width, is_visible: &is_visible, block });
        samples
    }

    #[test]
    fn visible_samples_are_kept_and_invisible_ones_are_interpolated() {
        let noise: Vec<u8> = (0..16 * 16).map(|index: usize| (100 + index * 7919 % 31) as u8).collect();
        let is_visible = |x: usize, y: usize| x < 5 || y > 12;
        let out = filled(16, &noise, is_visible, 16);
        for (index, (&out, &noise)) in out.iter().zip(&noise).enumerate() {
            assert!(if is_visible(index % 16, index / 16) { out == noise } else { (100..=130).contains(&out) });
        }
    }

    #[test]
    fn fully_invisible_blocks_continue_the_neighboring_samples() {
        let mut samples = vec![0; 20 * 9];
        samples[..20 * 9]
            .iter_mut()
            .enumerate()
            .for_each(|(index, sample)| *sample = if index % 20 < 8 { 77 } else { 3 });
        assert_eq!(filled(20, &samples, |x, _| x < 8, 8), vec![77; 20 * 9]);
        assert_eq!(filled(20, &samples, |_, _| false, 8), vec![128; 20 * 9]);
    }
}
