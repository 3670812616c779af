//! How much of the backdrop's hue the subject itself has: what has more must be seen through.

use clearcut_frame::Picture;

use crate::{
    light::Light,
    likeness::{LIMIT, Likeness},
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

/// What coding noise and a little bounced light may add to the share of a solid pixel.
const SLACK: f32 = 0.06;

/// A subject with a larger median share than this has much of the backdrop's hue, of its own or shining through.
const MIXED: f32 = 0.2;

/// Shares that only something nearly clear has, such as thin glass or a shadow: solid subject leaves a gap between its own
/// look-alikes and the backdrop itself.
const NEARLY_CLEAR: std::ops::Range<usize> = 80..95;

/// The share of the backdrop's chroma along its own hue that is in a colour: 1.0 the backdrop's, 0.0 none, unclamped.
pub(crate) fn hue_share(colour: [f32; 3], backdrop: [f32; 3]) -> f32 {
    let [blue, red] = [backdrop[1] - 128.0, backdrop[2] - 128.0];
    ((colour[1] - 128.0) * blue + (colour[2] - 128.0) * red) / (blue * blue + red * red).max(1.0)
}

/// From this share on a colour has more of the hue than the backdrop itself, beyond noise: no mixture does.
const BEYOND: f32 = 1.1;

/// Shares that a shadow has.
const DIMMED: std::ops::Range<usize> = 40..95;

/// What the subject of a clip is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Body {
    /// Solid, with at most this hue share: 1.0 is no bound. What has more is mixed at an edge or in a narrow gap.
    Solid(f32),
    /// Solid with at most this hue share, and glass, smoke or shadow beyond it.
    Partly(f32),
    /// Glass, smoke, thin balloons: the backdrop shines through nearly all of it.
    Glass,
}

/// What the subject in `samples` is made of.
///
/// Solid subject has at most the hue share of the 98th percentile deep inside it, or of a material of its own. Shadow on the
/// backdrop is no subject and does not count. Where a hundredth of the inside is nearly clear, of many shades, and half of it
/// has next to none of the hue, the bound is the gap above the median, since what lies beyond is seen through; where a
/// twentieth is nearly clear and most has much of the hue, all of it is glass. No bound where the backdrop is not vivid, where
/// nothing is deep, or where a thousandth of the inside is stronger in hue than the backdrop: then the subject has that hue
/// itself, in whatever strength.
pub(crate) fn body(samples: &[Picture], light: &Light) -> Body {
    if !light.is_vivid() {
        return Body::Solid(1.0);
    }
    let looked_into: Vec<&Picture> = samples.iter().step_by(samples.len().div_ceil(LOOKED_INTO).max(1)).collect();
    let insides = Insides::of_all(&looked_into, light);
    let histograms = insides.without_shadow();
    let total = |histogram: &[u64]| histogram.iter().sum::<u64>();
    let Some(histogram) = histograms.iter().find(|histogram| total(*histogram) >= 256) else { return Body::Solid(1.0) };
    if insides.beyond * 1000 >= total(&histograms[DEPTHS.len() - 1]) {
        return Body::Solid(1.0);
    }
    let nearly_clear = total(&histogram[NEARLY_CLEAR]) as f32 / total(histogram) as f32;
    let middle = quantile(histogram, 50);
    if nearly_clear >= 0.01 && middle <= MIXED && !is_one_shade(&histogram[NEARLY_CLEAR]) {
        return Body::Partly(gap_from(histogram, middle));
    }
    if nearly_clear >= 0.05 && middle > MIXED {
        return Body::Glass;
    }
    let deep = quantile(&histogram[..NEARLY_CLEAR.start], 98);
    let most = (deep.max(own_shade(&histograms[DEPTHS.len() - 1])) + SLACK).min(1.0);
    if insides.has_shadow() { Body::Partly(most) } else { Body::Solid(most) }
}

/// Whether three steps next to each other hold two fifths of these shares: one material, where glass and smoke have many.
fn is_one_shade(shares: &[u64]) -> bool {
    let total = shares.iter().sum::<u64>();
    shares.windows(3).any(|window| window.iter().sum::<u64>() * 5 >= total * 2)
}

/// How many pixels of the subject's inside have which hue share, per least depth.
#[derive(Default)]
struct Insides {
    /// Of pixels that are no shadow.
    plain: [Histogram; DEPTHS.len()],
    /// Of pixels that look like the backdrop in less light: luma and chroma alike have that share of it.
    dimmed: [Histogram; DEPTHS.len()],
    /// Pixels [`BEYOND`] the backdrop's hue.
    beyond: u64,
}

#[derive(Clone, Copy)]
struct Histogram([u64; STEPS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; STEPS])
    }
}

impl Insides {
    /// Of all pictures together, on two threads: everything waits for this.
    fn of_all(pictures: &[&Picture], light: &Light) -> Self {
        let of = |pictures: &[&Picture]| {
            let mut insides = Self::default();
            for picture in pictures {
                insides.look_into(picture, light);
            }
            insides
        };
        let (first, second) = pictures.split_at(pictures.len() / 2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| of(first));
            let mut insides = of(second);
            insides.add(&other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            insides
        })
    }

    fn add(&mut self, other: &Self) {
        self.beyond += other.beyond;
        let pairs = self.plain.iter_mut().zip(&other.plain).chain(self.dimmed.iter_mut().zip(&other.dimmed));
        for (Histogram(counts), Histogram(more)) in pairs {
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
    }

    fn look_into(&mut self, picture: &Picture, light: &Light) {
        let likeness = Likeness::measured(picture, light);
        let mask = Regions::of(&likeness.off, likeness.width, LIMIT, true).mask();
        let depth = depths(&mask, likeness.width);
        let scene = Scene::new(picture, &likeness, light);
        for (index, depth) in depth.iter().enumerate().filter(|(_, depth)| **depth > DEPTHS[2]) {
            let (colour, backdrop) = (scene.seen(index), scene.backdrop(index));
            let share = hue_share(colour, backdrop);
            let dimming = (colour[0] - 16.0) / (backdrop[0] - 16.0).max(1.0);
            self.beyond += u64::from(share > BEYOND);
            let step = (share.clamp(0.0, 0.99) * STEPS as f32) as usize;
            let is_dimmed = DIMMED.contains(&step) && (dimming - share).abs() < 0.08;
            let histograms = if is_dimmed { &mut self.dimmed } else { &mut self.plain };
            for (Histogram(counts), _) in histograms.iter_mut().zip(DEPTHS).filter(|(_, least)| depth > least) {
                counts[step] += 1;
            }
        }
    }

    /// Whether what is dimmed is shadow: shadow is soft, so a fiftieth of everything is its rim, nearly as bright as the
    /// backdrop. A subject of a darker shade of the backdrop's own hue has no such rim.
    fn has_shadow(&self) -> bool {
        let Histogram(dimmed) = self.dimmed[DEPTHS.len() - 1];
        let Histogram(plain) = self.plain[DEPTHS.len() - 1];
        let total = dimmed.iter().chain(&plain).sum::<u64>();
        dimmed[NEARLY_CLEAR].iter().sum::<u64>() * 50 >= total.max(1)
    }

    /// The histograms without what is dimmed, if that is shadow.
    fn without_shadow(&self) -> [[u64; STEPS]; DEPTHS.len()] {
        let has_shadow = self.has_shadow();
        std::array::from_fn(|depth| {
            let (Histogram(plain), Histogram(dimmed)) = (self.plain[depth], self.dimmed[depth]);
            std::array::from_fn(|step| plain[step] + if has_shadow { 0 } else { dimmed[step] })
        })
    }
}

/// The largest share that a material of the subject has: three steps next to each other that hold a five-hundredth of it, and
/// several times as much as those around. Blur, hair and glass spread over many shares.
fn own_shade(histogram: &[u64]) -> f32 {
    let total = histogram.iter().sum::<u64>();
    let mass = |steps: std::ops::Range<usize>| histogram[steps].iter().sum::<u64>();
    let stands_out = |first: usize| {
        let own = mass(first..first + 3);
        let around = [first.saturating_sub(9)..first.saturating_sub(3), first + 6..(first + 12).min(STEPS)];
        own * 500 >= total.max(1) && around.into_iter().all(|side| own * 6 >= 4 * 3 * mass(side))
    };
    let last = (0..NEARLY_CLEAR.end - 2).rev().find(|&first| stands_out(first));
    last.map_or(0.0, |first| (first + 2) as f32 / STEPS as f32)
}

/// The first share from `middle` on that hardly any pixel has (less than one in a thousand): where the solid subject ends and
/// the seen-through begins; `middle` itself if there is no such gap.
fn gap_from(histogram: &[u64], middle: f32) -> f32 {
    let total = histogram.iter().sum::<u64>();
    let first = (middle * STEPS as f32) as usize;
    let gap = (first..NEARLY_CLEAR.start).find(|&step| histogram[step] * 1000 < total);
    gap.map_or(middle, |step| (step + 1) as f32 / STEPS as f32)
}

/// The share below which `percent` of the histogram lie.
fn quantile(histogram: &[u64], percent: u64) -> f32 {
    let total = histogram.iter().sum::<u64>();
    let mut below = 0;
    let step = histogram.iter().position(|&count| {
        below += count;
        below * 100 >= total * percent
    });
    (step.unwrap_or(STEPS - 1) + 1) as f32 / STEPS as f32
}

/// City-block distance of every subject pixel to the nearest backdrop pixel, saturating.
fn depths(mask: &[u8], width: usize) -> Vec<u8> {
    let mut depth = mask.to_vec();
    let mut nearest = vec![u8::MAX; width];
    for row in depth.chunks_exact_mut(width) {
        deepen(row.iter_mut().zip(&mut nearest));
    }
    nearest.fill(u8::MAX);
    for row in depth.chunks_exact_mut(width).rev() {
        deepen(row.iter_mut().zip(&mut nearest).rev());
    }
    depth
}

/// One more than the least of the pixel before in the row and of the pixel in the row before, where that is less.
fn deepen<'a>(row: impl Iterator<Item = (&'a mut u8, &'a mut u8)>) {
    let mut before = u8::MAX;
    for (depth, nearest) in row {
        before = (*depth).min(before.saturating_add(1)).min(nearest.saturating_add(1));
        (*depth, *nearest) = (before, before);
    }
}
