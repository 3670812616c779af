//! Propagation of masks: the model's masks of the surrounding keyframes are carried to one frame
//! along the optical flow.

use super::{
    boxes::box_mean,
    flow::{Flow, PatchPyramid},
    grey::Grey,
    mask::Mask,
    trace::Trace,
};

/// Difference along the flow, luma and hue together, in levels, at which the trust falls to a
/// third. It allows for grain and for light that moves over objects; with more, masks leak from
/// what was there before.
const TRUSTED_DIFFERENCE: f32 = 14.0;
/// Least trust, for places that are not found in a keyframe. Where no keyframe shows a place, the
/// masks still give a value.
const LEAST_TRUST: f32 = 0.01;
/// Frames over which the influence of a keyframe falls to a third. It equals the reach, so that the
/// model's errors in single frames average out over all keyframes within it.
const INFLUENCE_DECAY: f32 = 8.0;

/// The mask of `current`, from `keyframes` with their distances in frames. `None` if none of them
/// has a mask.
pub(crate) fn propagated_mask(current: &Trace, keyframes: &[(usize, &Trace)]) -> Option<Mask> {
    let masks: Vec<(usize, &Trace, &Grey)> = keyframes
        .iter()
        .filter_map(|(distance, keyframe)| Some((*distance, *keyframe, keyframe.mask.as_ref()?)))
        .collect();
    let (_, _, first) = masks.first()?;
    let size = [first.width, first.height];
    let (mut sums, mut weights) = (vec![0.0; size[0] * size[1]], vec![0.0; size[0] * size[1]]);
    let patches = PatchPyramid::new(&current.pyramid);
    for (distance, keyframe, mask) in masks {
        let influence = (-(distance as f32) / INFLUENCE_DECAY).exp();
        if distance == 0 {
            let here = mask.rows().flatten().map(|value| (*value, influence * (1.0 + LEAST_TRUST)));
            add(&mut sums, &mut weights, here);
        } else {
            let flow = patches.flow_to(&current.pyramid, &keyframe.pyramid);
            let warped = warp(&flow, current, keyframe, mask);
            let trusted = warped.0.into_iter().zip(trust(&warped.1, size[0]));
            add(&mut sums, &mut weights, trusted.map(|(value, trust)| (value, influence * trust)));
        }
    }
    let values = sums.iter().zip(&weights).map(|(sum, weight)| sum / weight).collect();
    Some(Mask { size, values })
}

fn add(sums: &mut [f32], weights: &mut [f32], values: impl Iterator<Item = (f32, f32)>) {
    for ((sum, weight), (value, trust)) in sums.iter_mut().zip(weights).zip(values) {
        *sum += value * trust;
        *weight += trust;
    }
}

/// The mask of `keyframe` as seen from `current` along `flow`, and the difference of luma and hue
/// there.
fn warp(flow: &Flow, current: &Trace, keyframe: &Trace, mask: &Grey) -> (Vec<f32>, Vec<f32>) {
    let planes = |trace| -> Vec<&Grey> {
        let Trace { pyramid, .. }: &Trace = trace;
        std::iter::once(pyramid.finest()).chain(pyramid.chroma.iter().flatten()).collect()
    };
    let pairs: Vec<(&Grey, &Grey)> = planes(current).into_iter().zip(planes(keyframe)).collect();
    let (width, height) = (flow.width, flow.height);
    let (mut warped, mut differences) = (Vec::with_capacity(width * height), Vec::with_capacity(width * height));
    let (right_end, bottom_end) = (width as f32 - 1.0, height as f32 - 1.0);
    for y in 0..height {
        let here: Vec<(&[f32], &Grey)> =
            pairs.iter().map(|(from, to)| (from.values_from(0, y as isize), *to)).collect();
        let offsets = flow.right[y * width..].iter().zip(&flow.down[y * width..]).take(width);
        for (x, (right, down)) in offsets.enumerate() {
            let (there_x, there_y) = (x as f32 + right, y as f32 + down);
            let position = mask.position(there_x, there_y);
            warped.push(mask.at(&position));
            let is_outside = there_x < 0.0 || there_y < 0.0 || there_x > right_end || there_y > bottom_end;
            let difference: f32 = here.iter().map(|(here, to)| (to.at(&position) - here[x]).abs()).sum();
            differences.push(if is_outside { 255.0 } else { difference });
        }
    }
    (warped, differences)
}

/// Trust in each pixel's flow, from the mean difference at its end over the surrounding pixels.
fn trust(differences: &[f32], width: usize) -> Vec<f32> {
    let trust = |mean: f32| (-(mean / TRUSTED_DIFFERENCE) * (mean / TRUSTED_DIFFERENCE)).exp() + LEAST_TRUST;
    box_mean::<3>(differences, width).into_iter().map(trust).collect()
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    /// A textured wall with a bright textured square whose left edge is at `x`.
    fn trace(x: usize, mask: Option<f32>) -> Trace {
        let size = Size::new(96, 64).unwrap();
        let mut frame =
            Frame::new(FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 });
        for (at, value) in frame.planes_mut()[0].iter_mut().enumerate() {
            let (column, row) = (at % 96, at / 96);
            let in_square = (x..x + 24).contains(&column) && (20..44).contains(&row);
            // Patches without a period, so that nothing is found in a wrong place.
            let patch = |x: usize, y: usize| {
                let mixed = ((x / 3 * 7919 + y / 3 * 104_729) as u32).wrapping_mul(2_654_435_761);
                (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519) >> 26
            };
            *value = if in_square { 170 + patch(column - x, row) } else { 40 + patch(column + 7, row + 3) } as u8;
        }
        let mut trace = Trace::from_frame(&frame);
        trace.mask = mask.map(|value| Grey::new(96, 64, &vec![value; 96 * 64]));
        trace
    }

    /// Trust in the flow from `now` to `then`.
    fn trust_between(now: &Trace, then: &Trace) -> Vec<f32> {
        let flow = PatchPyramid::new(&now.pyramid).flow_to(&now.pyramid, &then.pyramid);
        trust(&warp(&flow, now, then, now.pyramid.finest()).1, flow.width)
    }

    #[test]
    fn uncovered_background_gets_little_trust() {
        let (now, then) = (trace(40, None), trace(28, None));
        let trust = trust_between(&now, &then);
        let mean = |columns: std::ops::Range<usize>| {
            let values: Vec<f32> =
                columns.flat_map(|x| (26..38).map(move |y| y * 96 + x)).map(|at| trust[at]).collect();
            values.iter().sum::<f32>() / values.len() as f32
        };
        let (uncovered, square, wall) = (mean(30..36), mean(46..58), mean(76..88));
        assert!(uncovered < 0.5 && square > 0.8 && wall > 0.8, "{uncovered} {square} {wall}");
    }

    #[test]
    fn a_difference_in_hue_alone_removes_the_trust() {
        let (now, mut then) = (trace(40, None), trace(40, None));
        let grey = then.pyramid.finest();
        let red = Grey::new(grey.width, grey.height, &vec![160.0; grey.width * grey.height]);
        then.pyramid.chroma = Some([red.clone(), red]);
        assert!(trust_between(&now, &now).iter().all(|trust| *trust > 0.9));
        assert!(trust_between(&now, &then).iter().all(|trust| *trust < 0.1));
    }

    #[test]
    fn nearer_keyframes_count_more_and_without_masks_there_is_none() {
        let (yes, no) = (trace(30, Some(1.0)), trace(30, Some(0.0)));
        let near = propagated_mask(&trace(30, None), &[(1, &yes), (5, &no)]).unwrap();
        assert!(near.values.iter().all(|value| (0.55..0.7).contains(value)), "{:?}", &near.values[..4]);
        assert!(propagated_mask(&trace(30, None), &[(1, &trace(30, None))]).is_none());
    }
}
