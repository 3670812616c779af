//! Share of the background's hue in the subject itself. A pixel with more of it is mixed with the
//! background, at an edge or in a narrow gap.

use clearcut_frame::Frame;

use crate::{
    distance_map::{DistanceMap, LIMIT},
    glass::{Votes, cells::Cells},
    outline::{depths, place},
    pixels::Pixels,
    plate::Tones,
    regions::Regions,
    sample::sample_grid,
    siting::Siting,
};

/// Number of steps of the hue share histogram, for shares 0.0..=1.0.
const STEPS: usize = 100;

/// Depths in pixels from which on the inside of the subject begins, best first: beyond any blur,
/// beyond most, beyond the reach of half-resolution chroma.
const DEPTHS: [u8; 3] = [24, 12, 5];

/// Maximum number of sample frames examined. It bounds the time; the inside of a subject changes
/// little over a clip.
const MAX_FRAMES: usize = 8;

/// Minimum number of inside pixels for a measurement: enough for the hundredth that may exceed the
/// bound to be more than one pixel.
const MIN_PIXELS: u64 = 256;

/// Slack on the hue share of a solid pixel for coding noise and a little bounced light. More leaves
/// spill, less makes solid edges translucent.
const SLACK: f32 = 0.06;

/// Share of the inside that may exceed the bound, in thousandths: gaps that look like inside.
const EXCEEDING_PER_MILLE: u64 = 10;

/// Share of a subject without an inside that counts as its purest pixels, in hundredths: the middle
/// of its lines.
const PUREST_PERCENT: u64 = 10;

/// Hue share from which a material cannot be told from nearly clear pixels, in hundredths: within
/// [`SLACK`] of the background.
const NEARLY_CLEAR_PERCENT: usize = 95;

/// Share of the background's chroma in a color, along the background's hue: 1.0 equals the
/// background, 0.0 has none. Unclamped.
pub(crate) fn hue_share(color: [f32; 3], background: [f32; 3]) -> f32 {
    let [blue, red] = [background[1] - 128.0, background[2] - 128.0];
    ((color[1] - 128.0) * blue + (color[2] - 128.0) * red) / (blue * blue + red * red).max(1.0)
}

/// Measures the maximum hue share of solid subject: the inside of the subject in `samples` stays
/// below it, except for a hundredth.
///
/// 1.0, no bound, if the background is not vivid or the inside of the subject has its full hue. For
/// a subject without an inside, of lines alone, the purest pixels count.
pub(crate) fn max_hue_share(samples: &[&Frame], tones: &Tones, siting: Siting) -> (f32, Votes) {
    if !tones.first.is_vivid() {
        return (1.0, Votes::default());
    }
    let examined: Vec<&Frame> = samples.iter().step_by(samples.len().div_ceil(MAX_FRAMES).max(1)).copied().collect();
    let (histograms, votes) = collect(&examined, tones, siting);
    (share_of(&histograms), votes)
}

/// The maximum hue share that the histograms show.
fn share_of(histograms: &Histograms) -> f32 {
    let total = |histogram: &Histogram| histogram.iter().sum::<u64>();
    let [.., all] = histograms;
    if total(all) < MIN_PIXELS {
        return 1.0;
    }
    let deep = histograms[..DEPTHS.len()]
        .iter()
        .find(|histogram| 20 * total(histogram) >= total(all) && total(histogram) >= MIN_PIXELS);
    let share = deep.map_or_else(
        || quantile(all, PUREST_PERCENT, 100),
        |histogram| quantile(histogram, 1000 - EXCEEDING_PER_MILLE, 1000),
    );
    let material = histograms[..DEPTHS.len()].last().map_or(0.0, material_share);
    (share.max(material) + SLACK).min(1.0)
}

/// Number of pixels per step of the hue share.
type Histogram = [u64; STEPS];

/// Histograms of the pixels deeper than each of [`DEPTHS`], and of the whole subject.
type Histograms = [Histogram; DEPTHS.len() + 1];

/// Collects the histograms and the votes for tints of all frames on two threads: all further steps
/// wait for them.
fn collect(frames: &[&Frame], tones: &Tones, siting: Siting) -> (Histograms, Votes) {
    let count = |frames: &[&Frame]| {
        let (mut histograms, mut votes) = ([[0; STEPS]; DEPTHS.len() + 1], Votes::default());
        for frame in frames {
            add_frame(frame, tones, siting, &mut histograms, &mut votes);
        }
        (histograms, votes)
    };
    let (first, second) = frames.split_at(frames.len() / 2);
    std::thread::scope(|scope| {
        // Runs on this thread if the system cannot start another.
        let other = std::thread::Builder::new().spawn_scoped(scope, || count(first));
        let (mut histograms, mut votes) = count(second);
        let (other, other_votes) = other.map_or_else(
            |_| count(first),
            |thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        );
        for (counts, more) in histograms.iter_mut().flatten().zip(other.iter().flatten()) {
            *counts += more;
        }
        votes.join(other_votes);
        (histograms, votes)
    })
}

/// Adds the subject pixels of one frame to the histograms, and its rims to the votes.
fn add_frame(frame: &Frame, tones: &Tones, siting: Siting, histograms: &mut Histograms, votes: &mut Votes) {
    let (shift, _) = tones.first.shift_in(&sample_grid(frame));
    let map = DistanceMap::measured(frame, tones, siting, shift);
    let regions = Regions::find(&map.distance, map.width, LIMIT, true);
    let depth = depths(&regions.mask(), map.width);
    let pixels = Pixels::new(frame, siting);
    votes.add_frame(&regions.outer_mask(), Cells::new(pixels, &map, tones, siting), map.width);
    for (index, depth) in depth.iter().enumerate().filter(|(_, depth)| **depth > 0) {
        let (x, y) = place(index, map.width);
        let share = hue_share(pixels.at(index), map.background_at(tones, x, y));
        let step = (share.clamp(0.0, 0.99) * STEPS as f32) as usize;
        for (counts, _) in
            histograms.iter_mut().zip(DEPTHS.into_iter().chain([0])).filter(|(_, min_depth)| depth > min_depth)
        {
            counts[step] += 1;
        }
    }
}

/// The largest hue share that a material of the subject has: three adjacent steps that hold a
/// five-hundredth of the subject, and several times as much as the steps around them. Blur, hair
/// and glass spread over many shares.
fn material_share(histogram: &Histogram) -> f32 {
    let total = histogram.iter().sum::<u64>();
    let mass = |steps: std::ops::Range<usize>| histogram[steps].iter().sum::<u64>();
    let stands_out = |first: usize| {
        let inside = mass(first..first + 3);
        let around = [first.saturating_sub(9)..first.saturating_sub(3), first + 6..(first + 12).min(STEPS)];
        inside * 500 >= total.max(1) && around.into_iter().all(|side| inside * 6 >= 4 * 3 * mass(side))
    };
    let last = (0..NEARLY_CLEAR_PERCENT - 2).rev().find(|&first| stands_out(first));
    last.map_or(0.0, |first| (first + 2) as f32 / STEPS as f32)
}

/// The hue share below which `part` of `whole` equal parts of the histogram lie.
fn quantile(histogram: &Histogram, part: u64, whole: u64) -> f32 {
    let total = histogram.iter().sum::<u64>();
    let mut below = 0;
    let step = histogram.iter().position(|&count| {
        below += count;
        below * whole >= total * part
    });
    (step.unwrap_or(STEPS - 1) + 1) as f32 / STEPS as f32
}
