//! The palette of a GIF: chosen from a sample of the colors of all frames.

use quantette::{
    PaletteBuf, PaletteSize,
    color_space::{oklab_to_srgb8, srgb8_to_oklab},
    deps::palette::{Srgb, cast::ComponentsInto},
    kmeans::{Kmeans, KmeansOptions},
    wu::{BinnerU8x3, WuU8x3},
};

/// Largest number of colors. One more index is clear.
const MAX_COLORS: u8 = 255;
/// Largest number of sampled colors of one frame.
pub(super) const MAX_PER_FRAME: usize = 1 << 13;
/// Largest number of sampled colors of a clip.
const MAX_SAMPLE: usize = 1 << 18;

/// Colors sampled from frames, evenly over the clip.
#[derive(Debug)]
pub(super) struct Sample {
    colors: Vec<[u8; 3]>,
    /// Every how many-th color of a frame is taken.
    step: usize,
}

impl Default for Sample {
    fn default() -> Self {
        Self { colors: Vec::new(), step: 1 }
    }
}

impl Sample {
    /// Adds colors of a frame.
    pub(super) fn add(&mut self, colors: &[[u8; 3]]) {
        self.colors.extend(colors.iter().step_by(self.step));
        if self.colors.len() > MAX_SAMPLE {
            let mut is_kept = false;
            self.colors.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.step *= 2;
        }
    }

    /// The palette that fits the colors best: by k-means in Oklab, from what Wu's method finds.
    pub(super) fn palette(self, quality: u8) -> Palette {
        let colors: Vec<Srgb<u8>> = self.colors.into_flattened().components_into();
        // 64 levels of each channel: with fewer, grays have too few colors.
        let start = WuU8x3::run_slice(&colors, BinnerU8x3::<64, 64, 64>::new());
        let start = start.map(|found| found.palette(PaletteSize::from_u8_clamped(MAX_COLORS)));
        let oklab = srgb8_to_oklab(&colors);
        let found = start.and_then(|start| {
            let centroids = PaletteBuf::from_mapping(&start, srgb8_to_oklab);
            Kmeans::run_slice(&oklab, centroids, KmeansOptions::new())
        });
        let colors = found.map(|found| oklab_to_srgb8(&found.into_palette())).unwrap_or_default();
        Palette::new(colors.into_iter().map(|Srgb { red, green, blue, .. }| [red, green, blue]).collect(), quality)
    }
}

/// The colors of a GIF.
#[derive(Debug)]
pub(super) struct Palette {
    colors: Vec<[u8; 3]>,
    /// The same, by channel.
    channels: [Vec<i32>; 3],
    /// By how many levels of a channel a color may differ from one that it stands for.
    tolerance: u8,
    /// For each pair of indices, whether the second may stand for the first.
    alike: Vec<bool>,
}

/// Number of indices of a GIF.
const INDICES: usize = 256;

impl Palette {
    pub(super) fn new(mut colors: Vec<[u8; 3]>, quality: u8) -> Self {
        colors.sort_unstable();
        colors.dedup();
        if colors.is_empty() {
            colors.push([0; 3]);
        }
        // At quality 60 five levels.
        let tolerance = 100_u8.saturating_sub(quality) / 8;
        let mut alike = vec![false; INDICES * INDICES];
        for (index, &color) in colors.iter().enumerate() {
            for (other, &other_color) in colors.iter().enumerate() {
                alike[index * INDICES + other] = index == other || largest_difference(color, other_color) <= tolerance;
            }
        }
        alike[colors.len() * (INDICES + 1)] = true;
        let channels = [0, 1, 2].map(|channel| colors.iter().map(|color| i32::from(color[channel])).collect());
        Self { colors, channels, tolerance, alike }
    }

    pub(super) const fn may_differ_by(&self) -> u8 {
        self.tolerance
    }

    /// The colors in a row.
    pub(super) fn bytes(&self) -> &[u8] {
        self.colors.as_flattened()
    }

    pub(super) fn color(&self, index: u8) -> [u8; 3] {
        self.colors[usize::from(index)]
    }

    /// The index that is clear, the one after the last color.
    pub(super) const fn clear(&self) -> u8 {
        self.colors.len() as u8
    }

    /// Whether `other` may be drawn instead of `index`.
    pub(super) fn may_stand_for(&self, index: u8, other: u8) -> bool {
        self.alike[usize::from(index) * INDICES + usize::from(other)]
    }

    /// The index of the nearest color.
    pub(super) fn nearest(&self, color: [u8; 3]) -> u8 {
        // Of each color its distance above its index: one pass without branches, which the compiler
        // turns into wide instructions.
        let [r, g, b] = color.map(i32::from);
        let [reds, greens, blues] = &self.channels;
        let keys = reds.iter().zip(greens).zip(blues).zip(0..).map(|(((red, green), blue), index)| {
            let (r, g, b) = (red - r, green - g, blue - b);
            ((2 * r * r + 4 * g * g + 3 * b * b) << 8) | index
        });
        keys.min().map_or(0, |key| key as u8)
    }
}

/// The largest difference of two colors in a channel.
pub(super) fn largest_difference(a: [u8; 3], b: [u8; 3]) -> u8 {
    let [r, g, b] = [0, 1, 2].map(|channel| a[channel].abs_diff(b[channel]));
    r.max(g).max(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colors_are_kept_as_they_are() {
        let mut sample = Sample::default();
        let colors = [[255, 255, 255], [200, 30, 40], [3, 3, 3]];
        for _ in 0..100 {
            sample.add(&colors);
        }
        let palette = sample.palette(60);
        for color in colors {
            assert_eq!(palette.color(palette.nearest(color)), color);
        }
        assert_eq!(palette.clear(), 3);
    }

    #[test]
    fn a_sample_is_bounded_and_a_clip_without_colors_has_a_palette() {
        let mut sample = Sample::default();
        for level in (0..=255).cycle().take(2000) {
            sample.add(&[[level; 3]; 1000]);
        }
        assert!(sample.colors.len() <= MAX_SAMPLE);
        assert!(sample.palette(60).clear() >= 60, "gray has a color for every four levels");
        assert_eq!(Sample::default().palette(60).bytes(), [0; 3]);
    }
}
