//! The way from an edge of the subject inwards: where its mixing with the background ends, and on which color.

use crate::{
    levels::dot,
    outline::{around, place},
    scene::Scene,
};

/// How far inwards alpha may still be partial, in pixels: the widest blur that is unmixed.
pub(crate) const REACH: u8 = 24;

/// A contrast that grows less than this over two pixels has arrived: a blur of [`REACH`] pixels still grows by 1/12.
const ARRIVED: f32 = 1.0 / 12.0;

/// Growth below this share of the steepest so far has left the edge: what still grows is the subject's own shading.
const SLACKENED: f32 = 0.5;

/// How many pixels of subject behind the edge make it more than a strand: what half-resolution chroma needs to show its
/// own color.
const BACKING: usize = 4;

/// Behind a strand less than this share of its contrast is left.
const BEHIND: f32 = 0.3;

/// What has at least this share of the largest contrast on the way through something thin is inside it.
const INNER: f32 = 0.85;

/// How many pixels behind the edge of a line there is none of it any more.
const LINE: usize = 2;

/// Foregrounds that differ by less in every component are the same material, in levels.
const LIKE: f32 = 24.0;

/// Contrasts whose directions have at least this cosine are on one line from the background, and so of one material.
const SAME_LINE: f32 = 0.96;

/// What one edge pixel sees when it looks into the subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Profile {
    /// Pixels until the color has arrived.
    pub(crate) width: u8,
    /// Y', Cb, Cr of the subject there.
    pub(crate) foreground: [f32; 3],
    /// How much luma and chroma vary there, in levels.
    pub(crate) texture: [f32; 2],
    /// The subject goes on behind: this is no strand.
    pub(crate) is_backed: bool,
    /// So thin that no pixel may be covered by it alone.
    pub(crate) is_line: bool,
}

impl Profile {
    /// The profile from the edge pixel `index` along the normal of `mask` (0 background, else subject).
    pub(crate) fn inwards(index: usize, mask: &[u8], scene: &Scene) -> Self {
        let mut path = Path::new(index, mask, scene);
        let end = path.arrival(scene.light.noise);
        path.read_at(end)
    }

    /// The profile of the same edge pixel if its mixing ends after `width` pixels, read there anew; as it is where the subject
    /// ends before that or has become another material.
    pub(crate) fn with_width(self, width: u8, index: usize, mask: &[u8], scene: &Scene) -> Self {
        let mut path = Path::new(index, mask, scene);
        if width == self.width || path.contrast(usize::from(width)).is_none() {
            return Self { width, ..self };
        }
        let other = path.read_at(usize::from(width));
        let [ours, theirs] = [self.foreground, other.foreground].map(|f| [0, 1, 2].map(|k| f[k] - path.background[k]));
        let cosine = dot(ours, theirs) / (dot(ours, ours) * dot(theirs, theirs)).sqrt().max(1e-3);
        if cosine > SAME_LINE { other } else { self }
    }

    /// This profile of a line with the foreground of that one of `near`, lines of the same color, which is farthest from `background`: a line of
    /// a pixel reaches its own color only here and there.
    pub(crate) fn inked(&self, near: &[Self], background: [f32; 3]) -> Self {
        let contrast = |profile: &Self| [0, 1, 2].map(|k| profile.foreground[k] - background[k]);
        let own = contrast(self);
        let is_same = |other: &[f32; 3]| {
            let dot = own[0] * other[0] + 0.25 * (own[1] * other[1] + own[2] * other[2]);
            dot >= SAME_LINE * size(&own) * size(other)
        };
        let inks = near.iter().filter(|other| other.is_line).map(contrast).filter(is_same);
        let most = inks.max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(own);
        Self { foreground: [0, 1, 2].map(|k| background[k] + most[k]), ..*self }
    }

    /// This profile with the mean foreground of those of `near` that are like it.
    pub(crate) fn agreed_with(&self, near: &[Self]) -> Self {
        let like = |other: &&Self| (0..3).all(|k| (other.foreground[k] - self.foreground[k]).abs() < LIKE);
        let count = near.iter().filter(like).count().max(1) as f32;
        let foreground = [0, 1, 2].map(|k| near.iter().filter(like).map(|o| o.foreground[k]).sum::<f32>() / count);
        let texture = [0, 1].map(|k| near.iter().filter(like).map(|o| o.texture[k]).sum::<f32>() / count);
        Self { foreground, texture, ..*self }
    }
}

/// The pixels from an edge inwards, looked at only as far as needed.
struct Path<'a> {
    mask: &'a [u8],
    scene: &'a Scene<'a>,
    start: [f32; 2],
    normal: [f32; 2],
    background: [f32; 3],
    contrasts: [[f32; 3]; REACH as usize + 3],
    /// How many of `contrasts` are known.
    known: usize,
    /// The path has left the subject or the frame.
    is_over: bool,
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
            known: 0,
            is_over: false,
        }
    }

    /// The profile that arrives at step `end`.
    fn read_at(&mut self, end: usize) -> Profile {
        let plateau: Vec<[f32; 3]> = (end..end + 3).filter_map(|at| self.contrast(at)).collect();
        let count = plateau.len().max(1) as f32;
        let mean = [0, 1, 2].map(|k| plateau.iter().map(|contrast| contrast[k]).sum::<f32>() / count);
        let around = |k: usize| (plateau.iter().map(|c| (c[k] - mean[k]).powi(2)).sum::<f32>() / count).sqrt();
        let foreground = [0, 1, 2].map(|k| self.background[k] + mean[k]);
        if !self.is_backed(end, BACKING) {
            return self.of_thin(end);
        }
        Profile {
            width: end as u8,
            foreground,
            texture: [around(0), around(1).max(around(2))],
            is_backed: true,
            is_line: false,
        }
    }

    /// Whether the subject goes on `steps` behind step `end`: behind a strand there is the background, or what chroma has smeared over it.
    fn is_backed(&mut self, end: usize, steps: usize) -> bool {
        let here = (end..end + 2).filter_map(|at| self.contrast(at)).map(|c| size(&c)).fold(0.0, f32::max);
        self.contrast(end + steps).is_some_and(|behind| size(&behind) >= BEHIND * here)
    }

    /// The profile of what has no inside, which ends at step `end`: its color is the mean of what is farthest from the background.
    fn of_thin(&mut self, end: usize) -> Profile {
        let is_line = !self.is_backed(end, LINE);
        let known = &self.contrasts[..self.known.min(end + 3)];
        let most = known.iter().map(size).fold(0.0, f32::max);
        let inner = || known.iter().filter(|contrast| size(contrast) >= INNER * most);
        let count = inner().count().max(1) as f32;
        let foreground = [0, 1, 2].map(|k| self.background[k] + inner().map(|c| c[k]).sum::<f32>() / count);
        Profile { width: end as u8, foreground, texture: [0.0; 2], is_backed: false, is_line }
    }

    /// What is seen less the background, `at` steps from the edge; `None` beyond the subject.
    fn contrast(&mut self, at: usize) -> Option<[f32; 3]> {
        while self.known <= at && !self.is_over && self.known < self.contrasts.len() {
            let place = [0, 1].map(|k| self.start[k] + self.normal[k] * self.known as f32 + 0.5);
            let (x, y) = (place[0] as usize, place[1] as usize);
            let index = y * self.scene.width + x;
            let is_inside = place[0] >= 0.0 && place[1] >= 0.0 && x < self.scene.width && index < self.mask.len();
            if !is_inside || self.mask[index] == 0 {
                self.is_over = true;
                break;
            }
            let seen = self.scene.seen(index);
            self.contrasts[self.known] = [0, 1, 2].map(|k| seen[k] - self.background[k]);
            self.known += 1;
        }
        (at < self.known).then(|| self.contrasts[at])
    }

    /// The step at which the contrast has stopped growing along its own direction.
    fn arrival(&mut self, noise: [f32; 2]) -> usize {
        let level = 1.0 + 3.0 * noise[0].max(noise[1]);
        let mut steepest = 0.0_f32;
        for at in 0..usize::from(REACH) {
            let Some(here) = self.contrast(at) else { return at.saturating_sub(1) };
            let Some(ahead) = self.contrast(at + 2).or_else(|| self.contrast(at + 1)) else { return at };
            let [now, then] = [here, ahead].map(|c| (c[0] * c[0] + c[1] * c[1] + c[2] * c[2]).sqrt());
            if then <= now * (1.0 + ARRIVED) + level || then - now < SLACKENED * steepest {
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

/// The length of a contrast, chroma counting half: it is smeared.
fn size([luma, blue, red]: &[f32; 3]) -> f32 {
    (luma * luma + 0.25 * (blue * blue + red * red)).sqrt()
}

/// The unit vector from the background into the subject at an edge pixel, from the 5×5 pixels around it.
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
