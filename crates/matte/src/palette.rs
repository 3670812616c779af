//! How much of the background's hue the subject itself has: what has more is mixed with the background, at an edge or in a narrow gap.

use clearcut_frame::Frame;

use crate::{
    light::Light,
    likeness::{LIMIT, Likeness},
    outline::depths,
    regions::Regions,
    scene::Scene,
};

/// Steps of the hue share's histogram, for shares 0.0..=1.0.
const STEPS: usize = 100;

/// Depths in pixels below which the subject's inside is looked for, best first: beyond any blur, beyond most, beyond
/// the reach of half-resolution chroma.
const DEPTHS: [u8; 3] = [24, 12, 5];

/// How many of the samples are looked into, at most.
const LOOKED_INTO: usize = 8;

/// Pixels of the inside that tell something.
const ENOUGH: u64 = 256;

/// What coding noise and a little bounced light may add to the share of a solid pixel.
const SLACK: f32 = 0.06;

/// Of the inside, in thousandths, what may have more than the bound: gaps that look like inside.
const BEYOND_BOUND: u64 = 10;

/// Of a subject that has no inside, in hundredths, what is as pure as its color gets: the middle of its lines.
const PUREST: u64 = 10;

/// From this share on a material cannot be told from what is nearly clear, in hundredths.
const NEARLY_CLEAR: usize = 95;

/// The share of the background's chroma along its own hue that is in a color: 1.0 the background's, 0.0 none, unclamped.
pub(crate) fn hue_share(color: [f32; 3], background: [f32; 3]) -> f32 {
    let [blue, red] = [background[1] - 128.0, background[2] - 128.0];
    ((color[1] - 128.0) * blue + (color[2] - 128.0) * red) / (blue * blue + red * red).max(1.0)
}

/// The most of the background's hue that solid subject has: what the inside of the subject in `samples` stays below but for a hundredth of it.
///
/// 1.0, no bound, where the background is not vivid or the subject's inside has its hue all the way. A subject without an inside, of lines
/// alone, has the hue of its purest pixels.
pub(crate) fn most_hue(samples: &[&Frame], light: &Light) -> f32 {
    if !light.is_vivid() {
        return 1.0;
    }
    let looked_into: Vec<&Frame> =
        samples.iter().step_by(samples.len().div_ceil(LOOKED_INTO).max(1)).copied().collect();
    let insides = insides_of_all(&looked_into, light);
    let total = |histogram: &Histogram| histogram.iter().sum::<u64>();
    let [.., all] = &insides;
    if total(all) < ENOUGH {
        return 1.0;
    }
    let deep = insides[..DEPTHS.len()]
        .iter()
        .find(|histogram| 20 * total(histogram) >= total(all) && total(histogram) >= ENOUGH);
    let share =
        deep.map_or_else(|| quantile(all, PUREST, 100), |histogram| quantile(histogram, 1000 - BEYOND_BOUND, 1000));
    let own = insides[..DEPTHS.len()].last().map_or(0.0, own_shade);
    (share.max(own) + SLACK).min(1.0)
}

/// How many pixels have which hue share.
type Histogram = [u64; STEPS];

/// The histograms of the pixels deeper than each of [`DEPTHS`], and of all of the subject.
type Insides = [Histogram; DEPTHS.len() + 1];

/// Of all frames together, on two threads: everything waits for this.
fn insides_of_all(frames: &[&Frame], light: &Light) -> Insides {
    let of = |frames: &[&Frame]| {
        let mut insides = [[0; STEPS]; DEPTHS.len() + 1];
        for frame in frames {
            look_into(frame, light, &mut insides);
        }
        insides
    };
    let (first, second) = frames.split_at(frames.len() / 2);
    std::thread::scope(|scope| {
        // On this thread, too, where the system has no other to give.
        let other = std::thread::Builder::new().spawn_scoped(scope, || of(first));
        let mut insides = of(second);
        let other = other.map_or_else(
            |_| of(first),
            |thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        );
        for (counts, more) in insides.iter_mut().flatten().zip(other.iter().flatten()) {
            *counts += more;
        }
        insides
    })
}

fn look_into(frame: &Frame, light: &Light, insides: &mut Insides) {
    let (shift, _) = light.shift_in(&crate::light::sampled(frame));
    let likeness = Likeness::measured(frame, light, shift);
    let mask = Regions::of(&likeness.off, likeness.width, LIMIT, true).mask();
    let depth = depths(&mask, likeness.width);
    let scene = Scene::new(frame, &likeness, light);
    for (index, depth) in depth.iter().enumerate().filter(|(_, depth)| **depth > 0) {
        let share = hue_share(scene.seen(index), scene.background(index));
        let step = (share.clamp(0.0, 0.99) * STEPS as f32) as usize;
        for (counts, _) in insides.iter_mut().zip(DEPTHS.into_iter().chain([0])).filter(|(_, least)| depth > least) {
            counts[step] += 1;
        }
    }
}

/// The largest share that a material of the subject has: three steps next to each other that hold a five-hundredth of it, and
/// several times as much as those around. Blur, hair and glass spread over many shares.
fn own_shade(histogram: &Histogram) -> f32 {
    let total = histogram.iter().sum::<u64>();
    let mass = |steps: std::ops::Range<usize>| histogram[steps].iter().sum::<u64>();
    let stands_out = |first: usize| {
        let own = mass(first..first + 3);
        let around = [first.saturating_sub(9)..first.saturating_sub(3), first + 6..(first + 12).min(STEPS)];
        own * 500 >= total.max(1) && around.into_iter().all(|side| own * 6 >= 4 * 3 * mass(side))
    };
    let last = (0..NEARLY_CLEAR - 2).rev().find(|&first| stands_out(first));
    last.map_or(0.0, |first| (first + 2) as f32 / STEPS as f32)
}

/// The share below which `part` of `whole` equal parts of the histogram lie.
fn quantile(histogram: &Histogram, part: u64, whole: u64) -> f32 {
    let total = histogram.iter().sum::<u64>();
    let mut below = 0;
    let step = histogram.iter().position(|&count| {
        below += count;
        below * whole >= total * part
    });
    (step.unwrap_or(STEPS - 1) + 1) as f32 / STEPS as f32
}
