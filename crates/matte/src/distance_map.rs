//! Distance of every pixel of a frame from the background, one byte per pixel.

use clearcut_frame::Frame;

use crate::{
    outline::place,
    pixels::{Pixels, spread},
    plate::{Part, Tones},
    sample::sample_grid,
    shift::Shift,
    siting::Siting,
    tone::Tone,
};

/// Distance from which a pixel is no longer plain background at balanced tolerance, in the units of
/// [`DistanceMap::distance`]. A byte holds up to eight times that.
pub(crate) const LIMIT: u8 = 32;

/// Number of rows that share their expected levels: light changes by a fraction of a level over
/// them.
const ROWS_PER_UPDATE: usize = 4;

/// Distances of the pixels of one frame from the background, and the light that the background has
/// in that frame.
#[derive(Debug, Clone)]
pub(crate) struct DistanceMap {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Distance from the background per luma pixel, the larger of luma's and chroma's, in
    /// 1/[`LIMIT`] of what the background's noise explains. Saturates at 255.
    pub(crate) distance: Vec<u8>,
    /// Contrast with the background per pixel, in levels: luma's, or half of chroma's if that is
    /// more. 0 in blocks that are background all over. Empty until [`crate::ringing`] measures it,
    /// which it does where pockets are open.
    pub(crate) contrast: Vec<u8>,
    /// Whether look-alikes that the subject encloses are background: subjects seldom have the
    /// background's color, or enclose nothing because they are lines.
    pub(crate) has_open_pockets: bool,
    shift: Shift,
    /// Shift of the light of the second part in this frame.
    second_part: Option<Shift>,
}

impl DistanceMap {
    /// Compares `frame` with both parts of a background, whose light differs in this frame by
    /// `shift`.
    pub(crate) fn measured(frame: &Frame, tones: &Tones, siting: Siting, shift: Shift) -> Self {
        let mut map = Self::to_tone(frame, &tones.first, shift);
        if let Some(part) = &tones.second {
            let size = (map.width, map.height);
            let shift = part.shift_in(&sample_grid(frame), size);
            let other = Self::to_tone(frame, &part.tone, shift);
            map.second_part = Some(shift);
            map.join_second_part(&other, Pixels::new(frame, siting), tones, part);
        }
        map
    }

    /// Replaces distances by those from the second part where that is visible, and by those from
    /// the blend of both parts at their seam.
    fn join_second_part(&mut self, other: &Self, pixels: Pixels, tones: &Tones, part: &Part) {
        let mut blends = Vec::new();
        for (index, ((distance, other), share)) in
            self.distance.iter_mut().zip(&other.distance).zip(&part.share).enumerate()
        {
            match share {
                [0, 0] => {}
                [255, 255] => *distance = *other,
                _ => blends.push(index),
            }
        }
        let [luma_scale, chroma_scale] = tones.first.noise.map(|noise| f32::from(distance_scale(noise)) / 8.0);
        let levels: Vec<u8> = blends
            .iter()
            .map(|&index| {
                let (x, y) = place(index, self.width);
                let (seen, expected) = (pixels.at(index), self.background_at(tones, x, y));
                let difference = |k: usize| (seen[k] - expected[k]).abs();
                // The blend at a seam is known only to half of what noise allows.
                (0.5 * (difference(0) * luma_scale).max(difference(1).max(difference(2)) * chroma_scale)).min(255.0)
                    as u8
            })
            .collect();
        for (index, level) in blends.into_iter().zip(levels) {
            self.distance[index] = level;
        }
    }

    /// Contrast of the frame against the usual one, 0.0..=1.0: less in a fade.
    pub(crate) fn contrast_gain(&self) -> f32 {
        self.shift.gain.clamp(0.0, 1.0) as f32
    }

    /// A color of the usual light in the light of this frame.
    pub(crate) fn in_this_light(&self, color: [f32; 3]) -> [f32; 3] {
        self.shift.lit(color.map(f64::from)).map(|level| level as f32)
    }

    /// Compares `frame` with one tone alone.
    pub(crate) fn to_tone(frame: &Frame, tone: &Tone, shift: Shift) -> Self {
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        let halving = frame.format().subsampling.shift();
        let (chroma_width, chroma_height) = frame.format().chroma_size();
        let [luma_scale, chroma_scale] = tone.noise.map(distance_scale);
        let mut distance = vec![0; width * height];
        let chroma_format = (chroma_width, chroma_height);
        let mut luma = ExpectedRows::new(0, tone, &shift, (width, height));
        let mut chroma = [1, 2].map(|k| ExpectedRows::new(k, tone, &shift, chroma_format));
        let mut chroma_distance = vec![0_u8; chroma_width];
        for (y, row) in distance.chunks_exact_mut(width).enumerate() {
            if y & ((1 << halving) - 1) == 0 {
                let at = (y >> halving) * chroma_width..((y >> halving) + 1) * chroma_width;
                chroma_distance.fill(0);
                raise_distances(
                    &mut chroma_distance,
                    &frame.cb()[at.clone()],
                    chroma[0].row(y >> halving),
                    chroma_scale,
                );
                raise_distances(&mut chroma_distance, &frame.cr()[at], chroma[1].row(y >> halving), chroma_scale);
            }
            spread(&chroma_distance, halving, row);
            raise_distances(row, &frame.y()[y * width..(y + 1) * width], luma.row(y), luma_scale);
        }
        Self { width, height, distance, contrast: Vec::new(), has_open_pockets: false, shift, second_part: None }
    }

    /// Expected Y', Cb, Cr of the background at a pixel of this frame.
    pub(crate) fn background_at(&self, tones: &Tones, x: usize, y: usize) -> [f32; 3] {
        let (across, down) = ((x as f32 + 0.5) / self.width as f32, (y as f32 + 0.5) / self.height as f32);
        let expected = |tone: &Tone, shift: &Shift| tone.expected(shift, across, down).map(|level| level as f32);
        let first = expected(&tones.first, &self.shift);
        let (Some(part), Some(shift)) = (&tones.second, &self.second_part) else { return first };
        let share = part.share[y * self.width + x];
        if share == [0, 0] {
            return first;
        }
        let second = expected(&part.tone, shift);
        let [luma, chroma] = share.map(|share| f32::from(share) / 255.0);
        let shares = [luma, chroma, chroma];
        [0, 1, 2].map(|k| first[k] + shares[k] * (second[k] - first[k]))
    }
}

/// Scale from levels to distance, in eighths of the distance per level: five standard deviations
/// and two levels of rounding equal [`LIMIT`].
fn distance_scale(sigma: f32) -> i16 {
    (8.0 * f32::from(LIMIT) / (2.0 + 5.0 * sigma)).round().clamp(1.0, 128.0) as i16
}

/// Expected rows of one plane, in order.
struct ExpectedRows<'a> {
    tone: &'a Tone,
    /// Expected level where the usual one is 0, and the expected increase per usual level.
    base: f32,
    gain: f32,
    rows: usize,
    /// Node lines of the field, interpolated to the width of the plane.
    lines: Vec<Vec<f32>>,
    levels: Vec<u8>,
}

impl<'a> ExpectedRows<'a> {
    fn new(k: usize, tone: &'a Tone, shift: &Shift, (width, rows): (usize, usize)) -> Self {
        let (base, gain) = ((shift.level[k] - shift.gain * shift.centre[k]) as f32, shift.gain as f32);
        Self { tone, base, gain, rows, lines: tone.field.node_lines(k, width), levels: vec![0; width] }
    }

    /// Levels of `row`. Rows must be requested in order: the levels are computed anew every
    /// [`ROWS_PER_UPDATE`] rows.
    fn row(&mut self, row: usize) -> &[u8] {
        if row.is_multiple_of(ROWS_PER_UPDATE) {
            let (line, below) =
                self.tone.field.node_lines_around((row + ROWS_PER_UPDATE / 2).min(self.rows - 1), self.rows);
            let (base, gain) = (self.base, self.gain);
            for ((level, upper), lower) in self.levels.iter_mut().zip(&self.lines[line]).zip(&self.lines[line + 1]) {
                let usual = upper + (lower - upper) * below;
                *level = (base + usual * gain + 0.5) as u8;
            }
        }
        &self.levels
    }
}

/// Raises each byte of `distances` to the scaled difference between `values` and `expected`.
fn raise_distances(distances: &mut [u8], values: &[u8], expected: &[u8], scale: i16) {
    for ((distance, value), expected) in distances.iter_mut().zip(values).zip(expected) {
        let scaled = (i16::from(value.abs_diff(*expected)) * scale) >> 3;
        *distance = (*distance).max(scaled.min(255) as u8);
    }
}
