//! Votes of the outlines of a clip for the tints of translucent things with a form.
//!
//! On the way inwards from the background, the contrast of such a thing rises to that of its rim and
//! falls again to that of its body, all on one ray from the background. A solid subject keeps its
//! contrast, or changes its hue behind its outline. An outline votes for the direction of its ray; a
//! direction that enough of its outlines vote for is a tint.

use clearcut_frame::Matrix;

use super::{
    Tint,
    cells::{CELL, Cells},
};
use crate::{
    levels::{dot, length},
    outline::{edge_of, place},
    shadow::BLACK,
    soft::{WEAKEST_COLOR, contrast::largest_contrast},
};

/// Of so many edge pixels, one is examined. It bounds the time; the rims of a thing are alike.
const STRIDE: usize = 4;

/// Longest side of a frame, in pixels, whose samples on the way inwards are a cell apart. In larger
/// frames, rims are as much wider.
const SIDE_PER_CELL: usize = 960;

/// Samples on the way inwards among which the rim is looked for, and those that belong to the body,
/// counted from the rim: a rim of up to 8 pixels, and the 8 pixels behind it.
const RIM: std::ops::RangeInclusive<usize> = 0..=3;
const BODY: std::ops::RangeInclusive<usize> = 2..=5;

/// Least contrast of a rim, in levels. Noise turns a fainter one.
const LEAST_CONTRAST: f32 = 20.0;

/// Largest contrast of a body as a share of the rim's, and the least difference of both, in levels
/// and in deviations of noise. Coding alone makes rims a twentieth stronger.
const BODY_SHARE: f32 = 0.9;
const LEAST_DROP: f32 = 3.0;
const LEAST_DROP_OF_NOISE: f32 = 2.0;

/// Largest distance of a body from the ray of its rim: in levels, as deviations of noise, and as a
/// share of the rim's contrast.
const ASIDE_LEVELS: f32 = 1.5;
const ASIDE_OF_NOISE: f32 = 1.5;
const ASIDE_SHARE: f32 = 0.04;

/// Cosine of the largest angle between directions of one tint: 5.7°.
const SAME_TINT: f32 = 0.995;

/// Least number of votes for a tint, and their least share of the rims in its direction.
const LEAST_VOTES: usize = 24;
const LEAST_SHARE: f32 = 0.3;

/// Most tints of a background. It bounds the time.
const MOST_TINTS: usize = 8;

/// Of so many equal parts of the contrasts of a tint's rims, all but one are below the densest: in
/// general, and of lines, whose contrast is that of a solid thing.
const DENSE_PARTS: usize = 20;
const LINE_PARTS: usize = 2;

/// Contrast of a sample beside the strongest of a rim, as a share of it, from which the rim is a line
/// with a flat top. The curved rims of panes and bubbles have less.
const FLAT_SHARE: f32 = 0.95;

/// Contrast of the color of a tint whose rims are lines, as a share of theirs: antialiasing and halved
/// chroma take a tenth of it from most pixels of a thin line, which are solid all the same.
const LINE_SHARE: f32 = 0.9;

/// Largest distance of the strongest color of a shadow's tint from black, in levels.
const NEARLY_BLACK: f32 = 48.0;

/// The rim behind one edge pixel.
#[derive(Debug, Clone, Copy)]
struct Rim {
    /// Direction of its contrast, of length 1, and the contrast in levels.
    direction: [f32; 3],
    contrast: f32,
    background: [f32; 3],
    /// Whether the body behind it is less dense, on the same ray.
    votes: bool,
    /// Whether it is a line with a flat top.
    is_line: bool,
}

/// The rims of the frames examined.
#[derive(Debug, Clone, Default)]
pub(crate) struct Votes {
    rims: Vec<Rim>,
}

impl Votes {
    /// Adds the rims of a frame. `outside` is 0 in the background connected to the border.
    pub(crate) fn add_frame(&mut self, outside: &[u8], cells: Cells, width: usize) {
        let step = width.max(outside.len() / width).div_ceil(SIDE_PER_CELL) * CELL;
        let way = Way { outside, cells, width, step };
        self.rims.extend(edge_of(outside, width).into_iter().step_by(STRIDE).filter_map(|index| way.rim_behind(index)));
    }

    /// Adds the rims of other frames.
    pub(crate) fn join(&mut self, other: Self) {
        self.rims.extend(other.rims);
    }

    /// The tints that the rims vote for, those with the most votes first.
    pub(crate) fn tints(self, matrix: Matrix) -> Vec<Tint> {
        let mut voting: Vec<Rim> = self.rims.iter().filter(|rim| rim.votes).copied().collect();
        let mut tints = Vec::new();
        while voting.len() >= LEAST_VOTES && tints.len() < MOST_TINTS {
            let direction = most_frequent(&voting);
            let is_near = |rim: &Rim| dot(rim.direction, direction) >= SAME_TINT;
            let (near, others): (Vec<Rim>, Vec<Rim>) = voting.into_iter().partition(is_near);
            if near.len() < LEAST_VOTES {
                break;
            }
            voting = others;
            let all = self.rims.iter().filter(|rim| is_near(rim)).count();
            if near.len() as f32 >= LEAST_SHARE * all as f32 {
                tints.extend(tint_of(&near, direction, matrix));
            }
        }
        tints
    }
}

/// The direction that most of `rims` share. `rims` must not be empty.
fn most_frequent(rims: &[Rim]) -> [f32; 3] {
    let near = |direction: [f32; 3]| rims.iter().filter(move |rim| dot(rim.direction, direction) >= SAME_TINT);
    let candidates = rims.iter().step_by(rims.len().div_ceil(128)).map(|rim| rim.direction);
    let best = candidates.max_by_key(|direction| near(*direction).count()).unwrap_or_default();
    let sum = near(best).fold([0.0; 3], |sum, rim| [0, 1, 2].map(|k| sum[k] + rim.direction[k]));
    sum.map(|level| level / length(sum).max(1e-3))
}

/// The tint of rims in one direction; `None` if it is a shadow's. Its color is between the densest
/// rims and the strongest color in the gamut. All between are taken for equally likely, down to
/// [`WEAKEST_COLOR`] of the strongest, as for soft things. Lines with a flat top are solid and have
/// the color itself.
fn tint_of(rims: &[Rim], direction: [f32; 3], matrix: Matrix) -> Option<Tint> {
    let mut contrasts: Vec<f32> = rims.iter().map(|rim| rim.contrast).collect();
    let are_lines = 2 * rims.iter().filter(|rim| rim.is_line).count() > rims.len();
    let at = contrasts.len() - 1 - contrasts.len() / if are_lines { LINE_PARTS } else { DENSE_PARTS };
    let dense = *contrasts.select_nth_unstable_by(at, f32::total_cmp).1;
    let background = [0, 1, 2].map(|k| rims.iter().map(|rim| rim.background[k]).sum::<f32>() / rims.len() as f32);
    let strongest = largest_contrast(background, direction, matrix);
    let color = |contrast: f32| [0, 1, 2].map(|k| background[k] + contrast * direction[k]);
    let from_black = [0, 1, 2].map(|k| color(strongest)[k] - BLACK[k]);
    let likely = if are_lines {
        LINE_SHARE * dense
    } else {
        f32::midpoint(strongest, dense.clamp(WEAKEST_COLOR * strongest, strongest))
    };
    (length(from_black) > NEARLY_BLACK).then(|| Tint { color: color(likely) })
}

/// The ways inwards from the edge of one frame.
struct Way<'a> {
    outside: &'a [u8],
    cells: Cells<'a>,
    width: usize,
    /// Distance between samples, in pixels.
    step: usize,
}

impl Way<'_> {
    /// The rim behind the edge pixel `index`; `None` if it is faint or at the border of the frame.
    fn rim_behind(&self, index: usize) -> Option<Rim> {
        let inwards = self.inwards(index)?;
        let place_at = |at: usize| self.place_at(index, inwards, at);
        let mut rim = (0, (0, 0), [0.0; 3]);
        for at in RIM {
            let (column, row) = place_at(at)?;
            let contrast = self.cells.contrast(column, row);
            if length(contrast) > length(rim.2) {
                rim = (at, (column, row), contrast);
            }
        }
        let (at, (column, row), levels) = rim;
        let contrast = length(levels);
        if contrast < LEAST_CONTRAST {
            return None;
        }
        let direction = levels.map(|level| level / contrast);
        let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(place_at);
        let is_line = beside
            .map(|(column, row)| dot(self.cells.contrast(column, row), direction))
            .any(|along| along >= FLAT_SHARE * contrast);
        let mut votes = true;
        for behind in BODY {
            votes = votes && self.is_body(place_at(at + behind)?, direction, contrast);
        }
        Some(Rim { direction, contrast, background: self.cells.background(column, row), votes, is_line })
    }

    /// Whether a cell belongs to the body behind a rim: visible, less dense, and on the ray.
    fn is_body(&self, (column, row): (usize, usize), direction: [f32; 3], rim: f32) -> bool {
        let [luma, chroma] = self.cells.noise();
        let noise = luma.max(chroma);
        let here = self.cells.contrast(column, row);
        let along = dot(here, direction);
        let aside = length([0, 1, 2].map(|k| here[k] - along * direction[k]));
        let is_visible = here[0].abs() >= 2.0 + 5.0 * luma || here[1].abs().max(here[2].abs()) >= 2.0 + 5.0 * chroma;
        is_visible
            && along <= (BODY_SHARE * rim).min(rim - LEAST_DROP - LEAST_DROP_OF_NOISE * noise)
            && aside <= ASIDE_LEVELS + ASIDE_OF_NOISE * noise + ASIDE_SHARE * rim
            && self.outside[CELL * row * self.width + CELL * column] != 0
    }

    /// The cell `at` samples inwards from a pixel; `None` outside of the frame.
    fn place_at(&self, index: usize, inwards: [f32; 2], at: usize) -> Option<(usize, usize)> {
        let (x, y) = place(index, self.width);
        let [x, y] =
            [(x, inwards[0]), (y, inwards[1])].map(|(from, part)| from as f32 + 0.5 + (at * self.step) as f32 * part);
        let (column, row) = (x as usize / CELL, y as usize / CELL);
        (x >= 0.0 && y >= 0.0 && column < self.cells.columns && row < self.cells.rows).then_some((column, row))
    }

    /// The direction from an edge pixel into the subject, of length 1; `None` if there is none, as at
    /// a thin line.
    fn inwards(&self, index: usize) -> Option<[f32; 2]> {
        let (x, y) = place(index, self.width);
        let height = self.outside.len() / self.width;
        let mut sum = [0.0; 2];
        for [down, right] in (0..25).map(|at| [at / 5 - 2, at % 5 - 2_isize]) {
            let at = |from: usize, steps: isize, end: usize| {
                from.saturating_add_signed(steps * self.step as isize).min(end - 1)
            };
            if self.outside[at(y, down, height) * self.width + at(x, right, self.width)] != 0 {
                sum = [sum[0] + right as f32, sum[1] + down as f32];
            }
        }
        let size = sum[0].hypot(sum[1]);
        (size > 0.5).then(|| sum.map(|part| part / size))
    }
}
