//! How far every pixel of a frame is from the background, in one byte.

use clearcut_frame::Frame;

use crate::{
    light::{Light, sampled},
    parts::Part,
    scene::Scene,
    shift::Shift,
    specks,
};

/// A distance at which a pixel stops being plain background, in the bytes of [`Likeness::off`], at balanced tolerance.
pub(crate) const LIMIT: u8 = 32;

/// For how many rows the expected levels are held: light changes by a fraction of a level over them.
const HELD_ROWS: usize = 4;

/// How unlike the background each pixel of one frame is, and the background itself as it was expected there.
#[derive(Debug)]
pub(crate) struct Likeness {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Distance from the background per luma pixel, the larger of luma's and chroma's, in 1/[`LIMIT`] of what the
    /// background's noise explains; 255 and more saturate.
    pub(crate) off: Vec<u8>,
    /// Difference from the background per pixel, in levels: luma's, or half of chroma's where that is more. 0 in blocks that are background
    /// all over; empty until [`crate::ringing`] has measured it, for colored backgrounds.
    pub(crate) contrast: Vec<u8>,
    shift: Shift,
    /// How the light of the background's second part differs.
    second: Option<Shift>,
}

impl Likeness {
    /// Compares `frame` with both parts of `light`, which differs in this frame by `shift`.
    pub(crate) fn measured(frame: &Frame, light: &Light, shift: Shift) -> Self {
        let mut found = Self::of_one(frame, light, shift);
        if let Some(part) = &light.second {
            let size = (found.width, found.height);
            let shift = part.shift_in(&sampled(frame), size);
            let other = Self::of_one(frame, &part.light, shift);
            found.second = Some(shift);
            found.join(&other, frame, light, part);
        }
        found
    }

    /// Takes the distance from the second part where that is seen, and from the blend of both at their seam.
    fn join(&mut self, other: &Self, frame: &Frame, light: &Light, part: &Part) {
        let mut blends = Vec::new();
        for (index, ((off, other), share)) in self.off.iter_mut().zip(&other.off).zip(&part.share).enumerate() {
            match share {
                [0, 0] => {}
                [255, 255] => *off = *other,
                _ => blends.push(index),
            }
        }
        let [luma_scale, chroma_scale] = light.noise.map(|noise| f32::from(scale_of(noise)) / 8.0);
        let scene = Scene::new(frame, self, light);
        let levels: Vec<u8> = blends
            .iter()
            .map(|&index| {
                let (seen, expected) = (scene.seen(index), scene.background(index));
                let apart = |k: usize| (seen[k] - expected[k]).abs();
                // A seam is no better known than to half of what noise allows.
                (0.5 * (apart(0) * luma_scale).max(apart(1).max(apart(2)) * chroma_scale)).min(255.0) as u8
            })
            .collect();
        for (index, level) in blends.into_iter().zip(levels) {
            self.off[index] = level;
        }
    }

    /// How much contrast the frame has against the usual, 0.0..=1.0: less in a fade.
    pub(crate) fn contrast_left(&self) -> f32 {
        self.shift.gain.clamp(0.0, 1.0) as f32
    }

    /// Compares `frame` with `light` alone, without its second part.
    pub(crate) fn of_one(frame: &Frame, light: &Light, shift: Shift) -> Self {
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        let halving = frame.format().subsampling.shift();
        let (chroma_width, chroma_height) = frame.format().chroma_size();
        let [luma_scale, chroma_scale] = light.noise.map(scale_of);
        let mut off = vec![0; width * height];
        let chroma_format = (chroma_width, chroma_height);
        let mut luma = Expected::new(0, light, &shift, (width, height));
        let mut chroma = [1, 2].map(|k| Expected::new(k, light, &shift, chroma_format));
        let mut chroma_off = vec![0_u8; chroma_width];
        for (y, row) in off.chunks_exact_mut(width).enumerate() {
            if y & ((1 << halving) - 1) == 0 {
                let at = (y >> halving) * chroma_width..((y >> halving) + 1) * chroma_width;
                chroma_off.fill(0);
                raise(&mut chroma_off, &frame.cb()[at.clone()], chroma[0].row(y >> halving), chroma_scale);
                raise(&mut chroma_off, &frame.cr()[at], chroma[1].row(y >> halving), chroma_scale);
            }
            spread(&chroma_off, halving, row);
            raise(row, &frame.y()[y * width..(y + 1) * width], luma.row(y), luma_scale);
        }
        Self { width, height, off, contrast: Vec::new(), shift, second: None }
    }

    /// The same with coding's specks taken for background.
    pub(crate) fn without_specks(mut self) -> Self {
        specks::take_for_background(&mut self.off, self.width);
        self
    }

    /// The background's Y', Cb, Cr expected at a pixel of this frame.
    pub(crate) fn background_at(&self, light: &Light, x: usize, y: usize) -> [f32; 3] {
        let (across, down) = ((x as f32 + 0.5) / self.width as f32, (y as f32 + 0.5) / self.height as f32);
        let in_light = |light: &Light, shift: &Shift| {
            shift.expected(light.field.at(across, down).map(f64::from)).map(|level| level as f32)
        };
        let first = in_light(light, &self.shift);
        let (Some(part), Some(shift)) = (&light.second, &self.second) else { return first };
        let share = part.share[y * self.width + x];
        if share == [0, 0] {
            return first;
        }
        let second = in_light(&part.light, shift);
        let [luma, chroma] = share.map(|share| f32::from(share) / 255.0);
        let shares = [luma, chroma, chroma];
        [0, 1, 2].map(|k| first[k] + shares[k] * (second[k] - first[k]))
    }
}

/// Eighths of [`LIMIT`] per level of difference: five deviations and two levels of rounding make one limit.
fn scale_of(sigma: f32) -> i16 {
    (8.0 * f32::from(LIMIT) / (2.0 + 5.0 * sigma)).round().clamp(1.0, 128.0) as i16
}

/// The expected rows of one plane, one after the other.
struct Expected<'a> {
    light: &'a Light,
    /// The expected level where the usual one is 0, and how it grows with that.
    base: f32,
    gain: f32,
    rows: usize,
    /// The field's node lines, drawn out to the plane's width.
    lines: Vec<Vec<f32>>,
    levels: Vec<u8>,
}

impl<'a> Expected<'a> {
    fn new(k: usize, light: &'a Light, shift: &Shift, (width, rows): (usize, usize)) -> Self {
        let (base, gain) = ((shift.level[k] - shift.gain * shift.centre[k]) as f32, shift.gain as f32);
        Self { light, base, gain, rows, lines: light.field.lines(k, width), levels: vec![0; width] }
    }

    /// The levels of `row`, to be asked for row by row: they are made anew every [`HELD_ROWS`] rows.
    fn row(&mut self, row: usize) -> &[u8] {
        if row.is_multiple_of(HELD_ROWS) {
            let (line, below) = self.light.field.lines_around((row + HELD_ROWS / 2).min(self.rows - 1), self.rows);
            let (base, gain) = (self.base, self.gain);
            for ((level, upper), lower) in self.levels.iter_mut().zip(&self.lines[line]).zip(&self.lines[line + 1]) {
                let usual = upper + (lower - upper) * below;
                *level = (base + usual * gain + 0.5) as u8;
            }
        }
        &self.levels
    }
}

/// Raises each byte of `off` to the scaled distance between `values` and `expected`.
fn raise(off: &mut [u8], values: &[u8], expected: &[u8], scale: i16) {
    for ((off, value), expected) in off.iter_mut().zip(values).zip(expected) {
        let distance = (i16::from(value.abs_diff(*expected)) * scale) >> 3;
        *off = (*off).max(distance.min(255) as u8);
    }
}

/// Copies one row at chroma's resolution to luma's.
pub(crate) fn spread(chroma: &[u8], shift: u32, row: &mut [u8]) {
    if shift == 0 {
        row.copy_from_slice(chroma);
    } else {
        let (pairs, rest) = row.as_chunks_mut::<2>();
        for (pair, value) in pairs.iter_mut().zip(chroma) {
            *pair = [*value; 2];
        }
        if let (Some(last), Some(value)) = (rest.first_mut(), chroma.last()) {
            *last = *value;
        }
    }
}
