//! What the model said about the keyframes around, brought to one frame along the flow.

use super::{
    boxes::boxed,
    flow::{Flow, Patchwork},
    grey::Grey,
    mask::Mask,
    trace::Trace,
};

/// Luma and hue may together differ by so much (levels) along the flow before it is believed less: grain, and light that moves over things.
const DIFFERENCE: f32 = 14.0;
/// What is not found in a keyframe still counts this much: something has to be said where nothing is found anywhere.
const DISBELIEVED: f32 = 0.01;
/// Frames over which a key loses influence to a third: as far as the reach, so that the model's moods of single frames
/// average out over all keys within it.
const FADING: f32 = 8.0;

/// The mask of `current` from `keys`, each with its distance in frames; all of them have one, and there is at least one.
pub(crate) fn carried(current: &Trace, keys: &[(usize, &Trace)]) -> Option<Mask> {
    let masks: Vec<(usize, &Trace, &Grey)> =
        keys.iter().filter_map(|(distance, key)| Some((*distance, *key, key.mask.as_ref()?))).collect();
    let (_, _, first) = masks.first()?;
    let size = [first.width, first.height];
    let (mut sums, mut weights) = (vec![0.0; size[0] * size[1]], vec![0.0; size[0] * size[1]]);
    let patchwork = Patchwork::of(&current.pyramid);
    for (distance, key, mask) in masks {
        let influence = (-(distance as f32) / FADING).exp();
        if distance == 0 {
            let own = mask.rows().flatten().map(|value| (*value, influence * (1.0 + DISBELIEVED)));
            add(&mut sums, &mut weights, own);
        } else {
            let flow = patchwork.flow_to(&current.pyramid, &key.pyramid);
            let seen = along(&flow, current, key, mask);
            let trusted = seen.0.into_iter().zip(trust(&seen.1, size[0]));
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

/// The mask of `key` as seen from `current` along `flow`, and how much luma and hue differ there.
fn along(flow: &Flow, current: &Trace, key: &Trace, mask: &Grey) -> (Vec<f32>, Vec<f32>) {
    let planes = |trace| -> Vec<&Grey> {
        let Trace { pyramid, .. }: &Trace = trace;
        std::iter::once(pyramid.finest()).chain(pyramid.chroma.iter().flatten()).collect()
    };
    let pairs: Vec<(&Grey, &Grey)> = planes(current).into_iter().zip(planes(key)).collect();
    let (width, height) = (flow.width, flow.height);
    let (mut seen, mut differences) = (Vec::with_capacity(width * height), Vec::with_capacity(width * height));
    let (right_end, bottom_end) = (width as f32 - 1.0, height as f32 - 1.0);
    for y in 0..height {
        let own: Vec<(&[f32], &Grey)> = pairs.iter().map(|(from, to)| (from.from(0, y as isize), *to)).collect();
        let ways = flow.right[y * width..].iter().zip(&flow.down[y * width..]).take(width);
        for (x, (right, down)) in ways.enumerate() {
            let (there_x, there_y) = (x as f32 + right, y as f32 + down);
            let spot = mask.spot(there_x, there_y);
            seen.push(mask.at(&spot));
            let is_outside = there_x < 0.0 || there_y < 0.0 || there_x > right_end || there_y > bottom_end;
            let difference: f32 = own.iter().map(|(own, to)| (to.at(&spot) - own[x]).abs()).sum();
            differences.push(if is_outside { 255.0 } else { difference });
        }
    }
    (seen, differences)
}

/// How far each pixel's flow is believed: by what differs at its end, over the pixels around.
fn trust(differences: &[f32], width: usize) -> Vec<f32> {
    let believed = |mean: f32| (-(mean / DIFFERENCE) * (mean / DIFFERENCE)).exp() + DISBELIEVED;
    boxed::<3>(differences, width).into_iter().map(believed).collect()
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
            // Patches of no period, so that nothing is found where it is not.
            let patch = |x: usize, y: usize| {
                let mixed = ((x / 3 * 7919 + y / 3 * 104_729) as u32).wrapping_mul(2_654_435_761);
                (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519) >> 26
            };
            *value = if in_square { 170 + patch(column - x, row) } else { 40 + patch(column + 7, row + 3) } as u8;
        }
        let mut trace = Trace::of(&frame);
        trace.mask = mask.map(|value| Grey::new(96, 64, &vec![value; 96 * 64]));
        trace
    }

    /// How far the way from `now` to `then` is believed.
    fn trusted(now: &Trace, then: &Trace) -> Vec<f32> {
        let flow = Patchwork::of(&now.pyramid).flow_to(&now.pyramid, &then.pyramid);
        trust(&along(&flow, now, then, now.pyramid.finest()).1, flow.width)
    }

    #[test]
    fn what_a_moving_thing_uncovers_is_not_believed() {
        let (now, then) = (trace(40, None), trace(28, None));
        let trust = trusted(&now, &then);
        let mean = |columns: std::ops::Range<usize>| {
            let values: Vec<f32> =
                columns.flat_map(|x| (26..38).map(move |y| y * 96 + x)).map(|at| trust[at]).collect();
            values.iter().sum::<f32>() / values.len() as f32
        };
        let (uncovered, square, wall) = (mean(30..36), mean(46..58), mean(76..88));
        assert!(uncovered < 0.5 && square > 0.8 && wall > 0.8, "{uncovered} {square} {wall}");
    }

    #[test]
    fn what_differs_in_hue_alone_is_not_believed() {
        let (now, mut then) = (trace(40, None), trace(40, None));
        let grey = then.pyramid.finest();
        let red = Grey::new(grey.width, grey.height, &vec![160.0; grey.width * grey.height]);
        then.pyramid.chroma = Some([red.clone(), red]);
        assert!(trusted(&now, &now).iter().all(|trust| *trust > 0.9));
        assert!(trusted(&now, &then).iter().all(|trust| *trust < 0.1));
    }

    #[test]
    fn nearer_keys_count_more_and_none_makes_no_mask() {
        let (yes, no) = (trace(30, Some(1.0)), trace(30, Some(0.0)));
        let near = carried(&trace(30, None), &[(1, &yes), (5, &no)]).unwrap();
        assert!(near.values.iter().all(|value| (0.55..0.7).contains(value)), "{:?}", &near.values[..4]);
        assert!(carried(&trace(30, None), &[(1, &trace(30, None))]).is_none());
    }
}
