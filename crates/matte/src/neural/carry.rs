//! What the network said about the key pictures around, brought to one picture along the flow.

use super::{
    flow::Flow,
    grey::{Grey, Pyramid},
    mask::Mask,
    shrink::stretched,
    trace::Trace,
};

/// Luma and hue may together differ by so much (levels) along the flow before it is believed less: grain, and light that moves over things.
const DIFFERENCE: f32 = 14.0;
/// What is not found in a key picture still counts this much: something has to be said where nothing is found anywhere.
const DISBELIEVED: f32 = 0.01;
/// Pictures over which a key loses influence to a third: as far as the reach, so that the network's moods of single pictures
/// average out over all keys within it.
const FADING: f32 = 8.0;

/// The mask of `current` from `keys`, each with its distance in pictures; all of them have one, and there is at least one.
pub(crate) fn carried(current: &Trace, keys: &[(usize, &Trace)]) -> Option<Mask> {
    let masks: Vec<(usize, &Trace, &Mask)> =
        keys.iter().filter_map(|(distance, key)| Some((*distance, *key, key.mask.as_ref()?))).collect();
    let (_, _, first) = masks.first()?;
    let (width, height) = (first.width, first.height);
    let (mut sums, mut weights) = (vec![0.0; width * height], vec![0.0; width * height]);
    for (distance, key, mask) in masks {
        let influence = (-(distance as f32) / FADING).exp();
        if distance == 0 {
            add(&mut sums, &mut weights, mask.values.iter().map(|value| (*value, influence * (1.0 + DISBELIEVED))));
        } else {
            add(&mut sums, &mut weights, along(current, key, mask).map(|(value, trust)| (value, influence * trust)));
        }
    }
    let values = sums.iter().zip(&weights).map(|(sum, weight)| sum / weight).collect();
    Some(Mask { width, height, values })
}

fn add(sums: &mut [f32], weights: &mut [f32], values: impl Iterator<Item = (f32, f32)>) {
    for ((sum, weight), (value, trust)) in sums.iter_mut().zip(weights).zip(values) {
        *sum += value * trust;
        *weight += trust;
    }
}

/// The mask of `key` as seen from `current`, each value with how far it is believed.
fn along(current: &Trace, key: &Trace, mask: &Mask) -> impl Iterator<Item = (f32, f32)> {
    let flow = Flow::between(&current.pyramid, &key.pyramid);
    let trust = trust(&flow, &current.pyramid, &key.pyramid);
    let (from, to) = ([flow.width, flow.height], [mask.width, mask.height]);
    let scale = [0, 1].map(|side| to[side] as f32 / from[side] as f32);
    let right = stretched(&flow.right, from, to);
    let down = stretched(&flow.down, from, to);
    let trust = stretched(&trust, from, to);
    let (width, count) = (mask.width, mask.values.len());
    (0..count).map(move |at| {
        let (x, y) = ((at % width) as f32, (at / width) as f32);
        (mask.at(x + right[at] * scale[0], y + down[at] * scale[1]), trust[at])
    })
}

/// How far each pixel's flow is believed: by what differs at its end, over the pixels around.
fn trust(flow: &Flow, from: &Pyramid, to: &Pyramid) -> Vec<f32> {
    let hues: Vec<(&Grey, &Grey)> = from.chroma.iter().flatten().zip(to.chroma.iter().flatten()).collect();
    let (from, to) = (from.finest(), to.finest());
    let (width, height) = (flow.width, flow.height);
    let mut differences = Vec::with_capacity(width * height);
    for y in 0..height {
        let own = from.from(0, y as isize);
        for (x, own) in own.iter().enumerate().take(width) {
            let at = y * width + x;
            let (there_x, there_y) = (x as f32 + flow.right[at], y as f32 + flow.down[at]);
            let is_outside =
                there_x < 0.0 || there_y < 0.0 || there_x > width as f32 - 1.0 || there_y > height as f32 - 1.0;
            let hue: f32 = hues
                .iter()
                .map(|(from, to)| (to.at(there_x, there_y) - from.from(x as isize, y as isize)[0]).abs())
                .sum();
            let difference = (to.at(there_x, there_y) - own).abs() + hue;
            differences.push(if is_outside { 255.0 } else { difference });
        }
    }
    let around = Grey::new(width, height, &differences);
    let believed = |(x, y): (usize, usize)| {
        let rows = (-1..=1).map(|row| around.from(x as isize - 1, y as isize + row));
        let mean = rows.map(|row| row[..3].iter().sum::<f32>()).sum::<f32>() / 9.0;
        (-(mean / DIFFERENCE) * (mean / DIFFERENCE)).exp() + DISBELIEVED
    };
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(believed).collect()
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Matrix, Picture, PictureFormat, Size, Subsampling};

    use super::*;

    /// A textured wall with a bright textured square whose left edge is at `x`.
    fn trace(x: usize, mask: Option<f32>) -> Trace {
        let size = Size::new(96, 64).unwrap();
        let mut picture = Picture::new(PictureFormat {
            size,
            subsampling: Subsampling::Half,
            has_alpha: false,
            matrix: Matrix::Bt709,
        });
        for (at, value) in picture.planes_mut()[0].iter_mut().enumerate() {
            let (column, row) = (at % 96, at / 96);
            let in_square = (x..x + 24).contains(&column) && (20..44).contains(&row);
            // Patches of no period, so that nothing is found where it is not.
            let patch = |x: usize, y: usize| {
                let mixed = ((x / 3 * 7919 + y / 3 * 104_729) as u32).wrapping_mul(2_654_435_761);
                (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519) >> 26
            };
            *value = if in_square { 170 + patch(column - x, row) } else { 40 + patch(column + 7, row + 3) } as u8;
        }
        let mut trace = Trace::of(&picture);
        trace.mask = mask.map(|value| Mask { width: 96, height: 64, values: vec![value; 96 * 64] });
        trace
    }

    #[test]
    fn what_a_moving_thing_uncovers_is_not_believed() {
        let (now, then) = (trace(40, None), trace(28, None));
        let flow = Flow::between(&now.pyramid, &then.pyramid);
        let trust = trust(&flow, &now.pyramid, &then.pyramid);
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
        let still = Flow::between(&now.pyramid, &then.pyramid);
        assert!(trust(&still, &now.pyramid, &now.pyramid).iter().all(|trust| *trust > 0.9));
        assert!(trust(&still, &now.pyramid, &then.pyramid).iter().all(|trust| *trust < 0.1));
    }

    #[test]
    fn nearer_keys_count_more_and_none_makes_no_mask() {
        let (yes, no) = (trace(30, Some(1.0)), trace(30, Some(0.0)));
        let near = carried(&trace(30, None), &[(1, &yes), (5, &no)]).unwrap();
        assert!(near.values.iter().all(|value| (0.55..0.7).contains(value)), "{:?}", &near.values[..4]);
        assert!(carried(&trace(30, None), &[(1, &trace(30, None))]).is_none());
    }
}
