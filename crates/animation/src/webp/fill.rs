//! Colors under alpha 0 that cost VP8 as little as possible.

/// One plane of a rectangle with what can be seen of it.
#[derive(Debug)]
pub(super) struct Plane<'a> {
    pub(super) samples: &'a mut [u8],
    pub(super) width: usize,
    /// Per sample: whether a viewer sees any of it.
    pub(super) is_seen: &'a [bool],
    /// Side of the part of a macroblock that lies in this plane: 16 for luma, 8 for chroma.
    pub(super) block: usize,
}

/// Sweeps over a block, forth and back: enough for a value to cross it.
const SWEEPS: usize = 8;

/// Gives samples that nobody sees the values of a membrane that is stretched between those that are seen (Laplace's equation, free
/// at the sides of the block), block by block since VP8 transforms none across. A block of which nothing is seen takes the mean of the
/// side that VP8 predicts it from, so that nothing is left to code.
pub(super) fn fill_unseen(plane: &mut Plane) {
    let height = plane.samples.len() / plane.width;
    let mut unseen = Vec::with_capacity(plane.block * plane.block);
    for top in (0..height).step_by(plane.block) {
        for left in (0..plane.width).step_by(plane.block) {
            let (right, bottom) = ((left + plane.block).min(plane.width), (top + plane.block).min(height));
            fill_block(plane, [left, top, right, bottom], &mut unseen);
        }
    }
}

/// A sample of a block that nobody sees, and what lies beside it (itself at the sides of the block), by their places in the membrane.
#[derive(Debug, Clone, Copy)]
struct Unseen {
    place: u8,
    beside: [u8; 4],
}

/// Side of a membrane.
const SIDE: usize = 16;

fn fill_block(plane: &mut Plane, [left, top, right, bottom]: [usize; 4], unseen: &mut Vec<Unseen>) {
    let width = plane.width;
    let (mut sum, mut count) = (0_u32, 0_u32);
    for row in top..bottom {
        for index in row * width + left..row * width + right {
            sum += u32::from(plane.is_seen[index]) * u32::from(plane.samples[index]);
            count += u32::from(plane.is_seen[index]);
        }
    }
    if count as usize == (right - left) * (bottom - top) {
        return;
    }
    let start =
        (sum + count / 2).checked_div(count).map_or_else(|| beside(plane, left, top, right, bottom), |mean| mean as u8);
    if count == 0 {
        for row in top..bottom {
            plane.samples[row * width + left..row * width + right].fill(start);
        }
        return;
    }
    // In sixteenths of a level.
    let (across, down) = (right - left, bottom - top);
    let mut membrane = [i32::from(start) * 16; SIDE * SIDE];
    unseen.clear();
    for y in 0..down {
        for x in 0..across {
            let place = |x: usize, y: usize| (y.min(down - 1) * SIDE + x.min(across - 1)) as u8;
            let index = (top + y) * width + left + x;
            if plane.is_seen[index] {
                membrane[usize::from(place(x, y))] = i32::from(plane.samples[index]) * 16;
            } else {
                let beside =
                    [place(x.saturating_sub(1), y), place(x + 1, y), place(x, y.saturating_sub(1)), place(x, y + 1)];
                unseen.push(Unseen { place: place(x, y), beside });
            }
        }
    }
    let mut stretch = |Unseen { place, beside }: &Unseen| {
        membrane[usize::from(*place)] = beside.iter().map(|&place| membrane[usize::from(place)]).sum::<i32>() / 4;
    };
    // Forth and back, so that values travel in both directions.
    for _ in 0..SWEEPS / 2 {
        unseen.iter().for_each(&mut stretch);
        unseen.iter().rev().for_each(&mut stretch);
    }
    for place in unseen.iter().map(|unseen| usize::from(unseen.place)) {
        plane.samples[(top + place / SIDE) * width + left + place % SIDE] = ((membrane[place] + 8) / 16) as u8;
    }
}

/// The mean of what lies to the left of a block, else above it.
fn beside(plane: &Plane, left: usize, top: usize, right: usize, bottom: usize) -> u8 {
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

    fn filled(width: usize, samples: &[u8], is_seen: impl Fn(usize, usize) -> bool, block: usize) -> Vec<u8> {
        let mut samples = samples.to_vec();
        let is_seen: Vec<bool> = (0..samples.len()).map(|index| is_seen(index % width, index / width)).collect();
        fill_unseen(&mut Plane { samples: &mut samples, width, is_seen: &is_seen, block });
        samples
    }

    #[test]
    fn what_is_seen_is_not_touched_and_what_is_not_lies_between() {
        let noise: Vec<u8> = (0..16 * 16).map(|index: usize| (100 + index * 7919 % 31) as u8).collect();
        let is_seen = |x: usize, y: usize| x < 5 || y > 12;
        let out = filled(16, &noise, is_seen, 16);
        for (index, (&out, &noise)) in out.iter().zip(&noise).enumerate() {
            assert!(if is_seen(index % 16, index / 16) { out == noise } else { (100..=130).contains(&out) });
        }
    }

    #[test]
    fn clear_blocks_go_on_with_what_is_beside_them() {
        let mut samples = vec![0; 20 * 9];
        samples[..20 * 9]
            .iter_mut()
            .enumerate()
            .for_each(|(index, sample)| *sample = if index % 20 < 8 { 77 } else { 3 });
        assert_eq!(filled(20, &samples, |x, _| x < 8, 8), vec![77; 20 * 9]);
        assert_eq!(filled(20, &samples, |_, _| false, 8), vec![128; 20 * 9]);
    }
}
