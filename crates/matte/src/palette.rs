//! How much of the backdrop's hue the subject itself has: what has more must be seen through.

use clearcut_frame::Picture;

use crate::{
    backdrop::Light,
    likeness::{LIMIT, Likeness},
    regions::backdrop_mask,
};

/// Steps of the hue share's histogram, for shares 0.0..=1.0.
const STEPS: usize = 100;

/// Depths in pixels below which the subject's inside is looked for, best first: beyond any blur, beyond most, beyond
/// the reach of half-resolution chroma.
const DEPTHS: [u8; 3] = [24, 12, 5];

/// How many of the samples are looked into, at most.
const LOOKED_INTO: usize = 8;

/// What coding noise and a little bounced light may add to the share of a solid pixel.
const SLACK: f32 = 0.06;

/// A subject with a larger median share than this has the backdrop in most of it.
const MIXED: f32 = 0.25;

/// Shares that only something nearly clear has, such as thin glass or a shadow: solid subject leaves a gap between its own
/// look-alikes and the backdrop itself.
const NEARLY_CLEAR: std::ops::Range<usize> = 80..95;

/// The share of the backdrop's chroma along its own hue that is in a colour: 1.0 the backdrop's, 0.0 none, unclamped.
pub(crate) fn hue_share(colour: [f32; 3], backdrop: [f32; 3]) -> f32 {
    let [blue, red] = [backdrop[1] - 128.0, backdrop[2] - 128.0];
    ((colour[1] - 128.0) * blue + (colour[2] - 128.0) * red) / (blue * blue + red * red).max(1.0)
}

/// What the subject of a clip is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Body {
    /// Solid, with at most this hue share: 1.0 is no bound.
    Solid(f32),
    /// Glass, smoke, thin balloons: the backdrop shines through nearly all of it.
    Glass,
}

/// What the subject in `samples` is made of.
///
/// Solid subject has at most the hue share of the 98th percentile deep inside it. Where a hundredth of the inside is nearly
/// clear, something is seen through: all of it (glass) if at least half of the inside has backdrop in it and the nearly
/// clear is more than shadow, else what lies beyond a gap above the median share. No bound where the backdrop has no hue or nothing
/// is deep.
pub(crate) fn body(samples: &[Picture], light: &Light) -> Body {
    if !light.is_coloured() {
        return Body::Solid(1.0);
    }
    let mut beyond_shadow = 0_u64;
    let mut histograms = [[0_u32; STEPS]; DEPTHS.len()];
    for picture in samples.iter().step_by(samples.len().div_ceil(LOOKED_INTO).max(1)) {
        let likeness = Likeness::measured(picture, light);
        let mask = backdrop_mask(&likeness.off, likeness.width, LIMIT, true);
        let depth = depths(&mask, likeness.width);
        let shift = picture.format().subsampling.shift();
        let chroma_width = picture.format().chroma_size().0;
        for (index, depth) in depth.iter().enumerate().filter(|(_, depth)| **depth > DEPTHS[2]) {
            let (x, y) = (index % likeness.width, index / likeness.width);
            let chroma = (y >> shift) * chroma_width + (x >> shift);
            let colour = [0, picture.cb()[chroma], picture.cr()[chroma]].map(f32::from);
            let backdrop = likeness.backdrop_at(light, x, y);
            let share = hue_share(colour, backdrop);
            let dimming = (f32::from(picture.y()[index]) - 16.0) / (backdrop[0] - 16.0).max(1.0);
            let step = (share.clamp(0.0, 0.99) * STEPS as f32) as usize;
            for (histogram, _) in histograms.iter_mut().zip(DEPTHS).filter(|(_, least)| depth > least) {
                histogram[step] += 1;
            }
            if *depth > DEPTHS[0] && NEARLY_CLEAR.contains(&step) && (dimming - share).abs() > 0.1 {
                beyond_shadow += 1;
            }
        }
    }
    let enough = |histogram: &&[u32; STEPS]| histogram.iter().sum::<u32>() >= 256;
    let Some(histogram) = histograms.iter().find(enough) else { return Body::Solid(1.0) };
    let total = histogram.iter().map(|&count| u64::from(count)).sum::<u64>();
    let nearly_clear = histogram[NEARLY_CLEAR].iter().map(|&count| u64::from(count)).sum::<u64>();
    let middle = quantile(histogram, 50);
    if nearly_clear * 100 >= total {
        if middle <= MIXED {
            return Body::Solid(gap_from(histogram, middle));
        }
        if beyond_shadow * 100 >= total {
            return Body::Glass;
        }
    }
    let deep = quantile(&histogram[..NEARLY_CLEAR.start], 98);
    Body::Solid(deep.max(crowded(&histograms[DEPTHS.len() - 1])) + SLACK)
}

/// The largest share that a twentieth of the subject has alike (within three steps): a material of its own that may be too
/// thin to be deep, such as an outline. Blur spreads over many shares.
fn crowded(histogram: &[u32]) -> f32 {
    let total = histogram.iter().map(|&count| u64::from(count)).sum::<u64>();
    let alike = |window: &[u32]| window.iter().map(|&count| u64::from(count)).sum::<u64>() * 20 >= total.max(1);
    let last = histogram[..NEARLY_CLEAR.start].windows(3).rposition(alike);
    last.map_or(0.0, |step| (step + 2) as f32 / STEPS as f32)
}

/// The first share from `middle` on that hardly any pixel has (less than one in a thousand): where the solid subject ends and
/// the seen-through begins; `middle` itself if there is no such gap.
fn gap_from(histogram: &[u32], middle: f32) -> f32 {
    let total = histogram.iter().map(|&count| u64::from(count)).sum::<u64>();
    let first = (middle * STEPS as f32) as usize;
    let gap = (first..NEARLY_CLEAR.start).find(|&step| u64::from(histogram[step]) * 1000 < total);
    gap.map_or(middle, |step| (step + 1) as f32 / STEPS as f32)
}

/// The share below which `percent` of the histogram lie.
fn quantile(histogram: &[u32], percent: u64) -> f32 {
    let total = histogram.iter().map(|&count| u64::from(count)).sum::<u64>();
    let mut below = 0;
    let step = histogram.iter().position(|&count| {
        below += u64::from(count);
        below * 100 >= total * percent
    });
    (step.unwrap_or(STEPS - 1) + 1) as f32 / STEPS as f32
}

/// City-block distance of every subject pixel to the nearest backdrop pixel, saturating.
fn depths(mask: &[u8], width: usize) -> Vec<u8> {
    let mut depth: Vec<u8> = mask.to_vec();
    let len = depth.len();
    for index in 0..len {
        if index % width > 0 {
            depth[index] = depth[index].min(depth[index - 1].saturating_add(1));
        }
        if index >= width {
            depth[index] = depth[index].min(depth[index - width].saturating_add(1));
        }
    }
    for index in (0..len).rev() {
        if index % width + 1 < width {
            depth[index] = depth[index].min(depth[index + 1].saturating_add(1));
        }
        if index + width < len {
            depth[index] = depth[index].min(depth[index + width].saturating_add(1));
        }
    }
    depth
}
