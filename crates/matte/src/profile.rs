//! Profiles of the subject's edge: how wide the mixing with the background is inwards from each
//! edge pixel, and the color where it ends.

use crate::{
    full_chroma,
    levels::{dot, from_black, median},
    mixing_line::{MixingLine, OFF_LINE},
    outline::{around, place},
    scene::Scene,
};

/// Maximum distance inwards over which alpha may be partial, in pixels: the widest blur that is
/// unmixed. Wider blurs are rare, and the path inwards would reach other things.
pub(crate) const REACH: u8 = 24;

/// Growth of the contrast over two pixels below which it has reached its plateau: a blur of
/// [`REACH`] pixels still grows by 1/12.
const PLATEAU_GROWTH: f32 = 1.0 / 12.0;

/// Share of the steepest growth so far below which the path has left the edge: the remaining growth
/// is the subject's own shading.
const SLOWED_SHARE: f32 = 0.5;

/// Number of subject pixels behind the edge that make it more than a strand: as many as
/// half-resolution chroma needs to show its own color.
const BACKING_PIXELS: usize = 4;

/// Minimum contrast behind an edge that is backed by subject, as a share of the contrast at its
/// plateau. Behind a strand less is left.
const MIN_BACKING_SHARE: f32 = 0.3;

/// Minimum share of the largest contrast on the way through a thin thing at which a pixel is inside
/// it. Less takes in mixtures with the background, more leaves the color to a single noisy pixel.
const INNER_SHARE: f32 = 0.85;

/// Number of pixels behind its edge at which a line has ended: lines of up to two pixels may cover
/// no pixel entirely.
const LINE_PIXELS: usize = 2;

/// Widest edge in which an outline is looked for, in pixels: an outline and the smear on both sides.
/// In a wider blur, colors of the inside differ.
const WIDEST_OUTLINED: u8 = 8;

/// An edge pixel has an outline if at least one in so many of those nearby have one: noise hides it
/// here and there.
const OUTLINED_PART: usize = 3;

/// Difference in every component below which two foregrounds are the same material, in levels:
/// shading and texture. More mixes the colors of neighbors, less averages no noise out.
const SAME_MATERIAL: f32 = 24.0;

/// Minimum cosine between contrasts on one line from the background, and so of one material: 16
/// degrees, by which noise turns a contrast of a few levels.
const MIN_COSINE: f32 = 0.96;

/// Least shading of a subject with an inside, as a share of its brightness. Hardly anything is
/// evenly bright up to its edge.
const MIN_SHADING: f32 = 0.08;

/// Largest shading that is read behind an edge. What differs more is another material.
const MAX_SHADING: f32 = 0.3;

/// Number of pixels behind an edge over which shading is read.
const SHADED_PIXELS: usize = 7;

/// Apparent shading inside an edge that smeared chroma explains, because luma is sharper.
const SMEAR_SHADING: f32 = 0.15;

/// Least squared sine between two colors, seen from black, whose shares in a mixture can be told:
/// 18 degrees.
const MIN_SQUARED_SINE: f32 = 0.1;

/// The subject's color inwards from one edge pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Profile {
    /// Pixels until the color has reached its plateau.
    pub(crate) width: u8,
    /// Y', Cb, Cr of the subject there.
    pub(crate) foreground: [f32; 3],
    /// Variation of luma and of chroma there, in levels.
    pub(crate) texture: [f32; 2],
    /// How much brightness varies there, as a share of the foreground's: shading, or an outline.
    pub(crate) shading: f32,
    /// The subject continues behind: this is no strand.
    pub(crate) is_backed: bool,
    /// So thin that it may cover no pixel entirely.
    pub(crate) is_line: bool,
    /// The foreground is that of an outline in front of another color.
    pub(crate) is_outline: bool,
    /// See [`full_chroma::cell_sum`]; 0.0 if this is no thin thing.
    pub(crate) cell_sum: [f32; 3],
    /// The foreground of a thin thing with all of its chroma, if luma tells how much it lacks.
    pub(crate) full_color: Option<[f32; 3]>,
}

impl Profile {
    /// Measures the profile from the edge pixel `index` along the normal of `mask` (0 background,
    /// else subject), and that of an outline if the edge may have one.
    pub(crate) fn inwards(index: usize, mask: &[u8], scene: &Scene) -> (Self, Option<Self>) {
        let mut path = Path::new(index, mask, scene);
        let end = path.plateau_start(scene.plate.noise());
        let profile = path.profile_at(end);
        (profile, path.outline(&profile))
    }

    /// The profile of the same edge pixel with its mixing ending after `width` pixels, measured
    /// there again. Only the width changes if the subject ends before that, and nothing if the
    /// color has become another material.
    pub(crate) fn with_width(self, width: u8, index: usize, mask: &[u8], scene: &Scene) -> Self {
        let mut path = Path::new(index, mask, scene);
        if width == self.width || path.contrast(usize::from(width)).is_none() {
            return Self { width, ..self };
        }
        let measured = path.profile_at(usize::from(width));
        let [ours, theirs] =
            [self.foreground, measured.foreground].map(|f| [0, 1, 2].map(|k| f[k] - path.background[k]));
        let cosine = dot(ours, theirs) / (dot(ours, ours) * dot(theirs, theirs)).sqrt().max(1e-3);
        if cosine > MIN_COSINE { measured } else { self }
    }

    /// This profile of a line with the strongest foreground among `near`: that of the line of the
    /// same color that is farthest from `background`. A line one pixel wide shows its own color
    /// only here and there.
    pub(crate) fn with_line_color(&self, near: &[Self], background: [f32; 3]) -> Self {
        let contrast = |profile: &Self| [0, 1, 2].map(|k| profile.foreground[k] - background[k]);
        let own = contrast(self);
        let is_same_color = |other: &[f32; 3]| {
            let dot = own[0] * other[0] + 0.25 * (own[1] * other[1] + own[2] * other[2]);
            dot >= MIN_COSINE * weighted_length(&own) * weighted_length(other)
        };
        let same_color = near.iter().filter(|other| other.is_line).map(contrast).filter(is_same_color);
        let strongest = same_color.max_by(|a, b| weighted_length(a).total_cmp(&weighted_length(b))).unwrap_or(own);
        Self { foreground: [0, 1, 2].map(|k| background[k] + strongest[k]), ..*self }
    }

    /// This profile with [`Profile::full_color`], read from those in `near` that have its hue.
    pub(crate) fn with_full_color(self, near: &[Self], background: [f32; 3]) -> Self {
        let contrast = [0, 1, 2].map(|k| self.foreground[k] - background[k]);
        let gain = full_chroma::gain(contrast, near.iter().map(|other| other.cell_sum));
        let full = [contrast[0], gain * contrast[1], gain * contrast[2]];
        let full_color = || [0, 1, 2].map(|k| (background[k] + full[k]).clamp(1.0, 254.0));
        Self { full_color: (gain > 1.0 && !self.is_backed).then(full_color), ..self }
    }

    /// This profile with the mean outline of `near` if it has none and a part of them have one.
    pub(crate) fn with_outline_of(&self, near: &[Self]) -> Self {
        let outlines = || near.iter().filter(|other| other.is_outline);
        let count = outlines().count();
        if self.is_outline || !self.is_backed || OUTLINED_PART * count < near.len() {
            return *self;
        }
        let foreground = [0, 1, 2].map(|k| outlines().map(|o| o.foreground[k]).sum::<f32>() / count as f32);
        Self { foreground, texture: [0.0; 2], shading: 0.0, is_outline: true, ..*self }
    }

    /// This profile with the mean foreground of the profiles in `near` that have a similar one.
    pub(crate) fn averaged_with(&self, near: &[Self]) -> Self {
        let is_similar =
            |other: &&Self| (0..3).all(|k| (other.foreground[k] - self.foreground[k]).abs() < SAME_MATERIAL);
        let count = near.iter().filter(is_similar).count().max(1) as f32;
        let foreground =
            [0, 1, 2].map(|k| near.iter().filter(is_similar).map(|o| o.foreground[k]).sum::<f32>() / count);
        let texture = [0, 1].map(|k| near.iter().filter(is_similar).map(|o| o.texture[k]).sum::<f32>() / count);
        let shading = median(near.iter().map(|other| other.shading));
        Self { foreground, texture, shading, ..*self }
    }
}

/// The pixels from an edge inwards, read only as far as needed.
struct Path<'a> {
    mask: &'a [u8],
    scene: &'a Scene<'a>,
    start: [f32; 2],
    normal: [f32; 2],
    background: [f32; 3],
    contrasts: [[f32; 3]; REACH as usize + 3],
    /// Number of `contrasts` read so far.
    read_count: usize,
    /// The path has left the subject or the frame.
    has_ended: bool,
}

impl<'a> Path<'a> {
    fn new(index: usize, mask: &'a [u8], scene: &'a Scene<'a>) -> Self {
        let (x, y) = place(index, scene.width);
        Self {
            mask,
            scene,
            start: [x as f32, y as f32],
            normal: normal(index, mask, scene.width),
            background: scene.background(index),
            contrasts: [[0.0; 3]; REACH as usize + 3],
            read_count: 0,
            has_ended: false,
        }
    }

    /// The profile whose plateau starts at step `end`.
    fn profile_at(&mut self, end: usize) -> Profile {
        let plateau: Vec<[f32; 3]> = (end..end + 3).filter_map(|at| self.contrast(at)).collect();
        let count = plateau.len().max(1) as f32;
        let mean = [0, 1, 2].map(|k| plateau.iter().map(|contrast| contrast[k]).sum::<f32>() / count);
        let deviation = |k: usize| (plateau.iter().map(|c| (c[k] - mean[k]).powi(2)).sum::<f32>() / count).sqrt();
        let foreground = [0, 1, 2].map(|k| self.background[k] + mean[k]);
        if !self.is_backed(end, BACKING_PIXELS) {
            return self.thin_profile(end);
        }
        Profile {
            width: end as u8,
            foreground,
            texture: [deviation(0), deviation(1).max(deviation(2))],
            shading: self.shading(end, foreground),
            is_backed: true,
            is_line: false,
            is_outline: false,
            cell_sum: [0.0; 3],
            full_color: None,
        }
    }

    /// The profile of an outline at the edge with the profile `inside`: the color that is farthest
    /// from the mixtures of the background with the color behind the edge. `None` if all colors on
    /// the way are near enough to be mixtures.
    fn outline(&mut self, inside: &Profile) -> Option<Profile> {
        if !inside.is_backed || inside.width > WIDEST_OUTLINED {
            return None;
        }
        let behind = inside.width + BACKING_PIXELS as u8;
        let line = MixingLine::new(self.contrast(usize::from(behind))?, self.scene.plate.noise());
        let edge = (0..behind).filter_map(|at| self.contrast(usize::from(at)).map(|here| (at, here)));
        let off_line = edge.map(|(at, here)| (at, here, line.deviations(here))).filter(|(.., off)| *off > OFF_LINE);
        off_line.max_by(|a, b| a.2.total_cmp(&b.2)).map(|(width, contrast, _)| Profile {
            width,
            foreground: [0, 1, 2].map(|k| self.background[k] + contrast[k]),
            texture: [0.0; 2],
            shading: 0.0,
            is_outline: true,
            ..*inside
        })
    }

    /// How much the brightness of the subject varies at its edge, which ends with `foreground` at
    /// step `end`, as a share of the foreground's. 0.0 where the subject has no inside, or a color
    /// that differs from the background's in brightness alone.
    fn shading(&mut self, end: usize, foreground: [f32; 3]) -> f32 {
        let [subject, behind] = [foreground, self.background].map(from_black);
        let [power, power_behind, overlap] = [dot(subject, subject), dot(behind, behind), dot(subject, behind)];
        let determinant = power * power_behind - overlap * overlap;
        if determinant <= MIN_SQUARED_SINE * power * power_behind || !self.is_backed(end, SHADED_PIXELS) {
            return 0.0;
        }
        let (mut inside, mut in_edge) = (0.0_f32, 0.0_f32);
        for at in 0..end + SHADED_PIXELS {
            let Some(contrast) = self.contrast(at) else { break };
            let color = [0, 1, 2].map(|k| behind[k] + contrast[k]);
            let [along, along_behind] = [subject, behind].map(|other| dot(color, other));
            // The shares of both colors add up to one, unless the subject is darker or brighter.
            let sum = (along * (power_behind - overlap) + along_behind * (power - overlap)) / determinant;
            let most = if at < end { &mut in_edge } else { &mut inside };
            *most = most.max((sum - 1.0).abs());
        }
        inside.clamp(MIN_SHADING, MAX_SHADING).max(in_edge.min(1.0 + SMEAR_SHADING) - SMEAR_SHADING)
    }

    /// Returns true if the subject continues `steps` behind step `end`. Behind a strand there is
    /// background, or chroma smeared over it.
    fn is_backed(&mut self, end: usize, steps: usize) -> bool {
        let here = (end..end + 2).filter_map(|at| self.contrast(at)).map(|c| weighted_length(&c)).fold(0.0, f32::max);
        self.contrast(end + steps).is_some_and(|behind| weighted_length(&behind) >= MIN_BACKING_SHARE * here)
    }

    /// The profile of a thing without an inside that ends at step `end`. Its color is the mean of
    /// those farthest from the background.
    fn thin_profile(&mut self, end: usize) -> Profile {
        let is_line = !self.is_backed(end, LINE_PIXELS);
        let contrasts = &self.contrasts[..self.read_count.min(end + 3)];
        let most = contrasts.iter().map(weighted_length).fold(0.0, f32::max);
        let inner = || contrasts.iter().filter(|contrast| weighted_length(contrast) >= INNER_SHARE * most);
        let count = inner().count().max(1) as f32;
        let middle = (0..contrasts.len()).max_by(|a, b| contrasts[*a][0].abs().total_cmp(&contrasts[*b][0].abs()));
        let cell_sum = full_chroma::cell_sum(self.place(middle.unwrap_or(0)), self.scene);
        let foreground = [0, 1, 2].map(|k| self.background[k] + inner().map(|c| c[k]).sum::<f32>() / count);
        Profile {
            width: end as u8,
            foreground,
            texture: [0.0; 2],
            shading: 0.0,
            is_backed: false,
            is_line,
            is_outline: false,
            cell_sum,
            full_color: None,
        }
    }

    /// Column and row of step `at`, half a pixel further so that the integer part is the pixel.
    fn place(&self, at: usize) -> [f32; 2] {
        [0, 1].map(|k| self.start[k] + self.normal[k] * at as f32 + 0.5)
    }

    /// Contrast with the background `at` steps from the edge. `None` beyond the subject.
    fn contrast(&mut self, at: usize) -> Option<[f32; 3]> {
        while self.read_count <= at && !self.has_ended && self.read_count < self.contrasts.len() {
            let place = self.place(self.read_count);
            let (x, y) = (place[0] as usize, place[1] as usize);
            let index = y * self.scene.width + x;
            let is_inside = place[0] >= 0.0 && place[1] >= 0.0 && x < self.scene.width && index < self.mask.len();
            if !is_inside || self.mask[index] == 0 {
                self.has_ended = true;
                break;
            }
            let seen = self.scene.seen(index);
            self.contrasts[self.read_count] = [0, 1, 2].map(|k| seen[k] - self.background[k]);
            self.read_count += 1;
        }
        (at < self.read_count).then(|| self.contrasts[at])
    }

    /// The step at which the contrast has stopped growing along its own direction.
    fn plateau_start(&mut self, noise: [f32; 2]) -> usize {
        let level = 1.0 + 3.0 * noise[0].max(noise[1]);
        let mut steepest = 0.0_f32;
        for at in 0..usize::from(REACH) {
            let Some(here) = self.contrast(at) else { return at.saturating_sub(1) };
            let Some(ahead) = self.contrast(at + 2).or_else(|| self.contrast(at + 1)) else { return at };
            let [now, then] = [here, ahead].map(|c| (c[0] * c[0] + c[1] * c[1] + c[2] * c[2]).sqrt());
            if then <= now * (1.0 + PLATEAU_GROWTH) + level || then - now < SLOWED_SHARE * steepest {
                return at;
            }
            steepest = steepest.max(then - now);
            let along = (0..3).map(|k| here[k] * ahead[k]).sum::<f32>() / then.max(1e-3);
            let aside = (now * now - along * along).max(0.0).sqrt();
            if at >= 2 && aside > 0.2 * then + level {
                return at;
            }
        }
        usize::from(REACH)
    }
}

/// Length of a contrast. Chroma counts half, because it is smeared.
fn weighted_length([luma, blue, red]: &[f32; 3]) -> f32 {
    (luma * luma + 0.25 * (blue * blue + red * red)).sqrt()
}

/// Unit vector from the background into the subject at an edge pixel, from the 5×5 pixels around
/// it.
fn normal(index: usize, mask: &[u8], width: usize) -> [f32; 2] {
    let (mut dx, mut dy) = (0.0, 0.0);
    let (x, y) = place(index, width);
    for other in around(index, width, mask.len(), 2) {
        let side = if mask[other] != 0 { 1.0 } else { -1.0 };
        let (column, row) = place(other, width);
        dx += side * (column as f32 - x as f32);
        dy += side * (row as f32 - y as f32);
    }
    let length = dx.hypot(dy);
    if length > 0.0 { [dx / length, dy / length] } else { [0.0, 0.0] }
}
