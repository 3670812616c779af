//! Translucent things with a form: soap bubbles, tinted panes, glass.
//!
//! Such a thing has one color, its tint T, and covers the background B with a density that varies:
//! `C = B + a (T − B)`. Its body, its rim and all between lie on one ray from B. The rim is denser
//! than the body, because there the eye looks along the wall of the thing. A solid subject with an
//! outline hardly ever has both colors on one ray.
//!
//! The tints are found once for a clip, by votes of its outlines ([`Votes`]). In a frame, the regions
//! on the ray of a tint that have a denser rim are glass. Without tints, nothing is looked for.

pub(crate) mod cells;
mod inclusions;
mod votes;

use cells::{CELL, Cells};
use serde::{Deserialize, Serialize};
pub(crate) use votes::Votes;

use crate::{
    levels::{dot, length, median},
    outline::{around, beside, depths, place},
    scene::Scene,
    unmix::{BandPixel, Unmixed},
};

/// Owner of a cell: nothing yet, the outer background, or the tint of this number plus
/// [`FIRST_TINT`].
const FREE: u8 = 0;
const OUTSIDE: u8 = 1;
const FIRST_TINT: u8 = 2;

/// Deviation of noise above which glass is not looked for, in levels: the directions of faint
/// contrasts are lost in it.
const MOST_NOISE: f32 = 3.0;

/// Depth up to which a cell belongs to the rim, in pixels.
const RIM_DEPTH: u8 = 8;

/// Largest contrast of the inside, its median, as a share of the rim's, of which the densest tenth
/// counts. A solid thing in the color of glass has no denser rim.
const INSIDE_SHARE: f32 = 0.93;

/// Least number of cells behind the rim.
const LEAST_INSIDE: usize = 8;

/// Largest share of a region's contour that may border on other subject. More is a part of that.
const SHARE_ATTACHED: f32 = 0.6;

/// Largest alpha that a pixel of glass may have by its color: noise, and a tint that is estimated
/// too weak. What is denser is another thing.
const MOST_ALPHA: f32 = 1.25;

/// Allowed distance of a contrast from a ray or a plane of mixtures: in levels, for rounding, as
/// deviations of noise, and as a share of the contrast, for the uneven light on a tint.
const ASIDE_LEVELS: f32 = 2.5;
const ASIDE_OF_NOISE: f32 = 2.5;
const ASIDE_SHARE: f32 = 0.08;

/// Least alpha of a visible pixel: four levels of 255.
const LEAST_ALPHA: f32 = 1.0 / 64.0;

/// The color of a translucent thing, Y', Cb, Cr in the usual light.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Tint {
    color: [f32; 3],
}

/// The pixels of the translucent things in a frame. `outside` is 0 in the background connected to
/// the border of the frame.
pub(crate) fn glass_pixels(outside: &[u8], scene: &Scene) -> Vec<BandPixel> {
    let noise = scene.plate.noise();
    if scene.plate.tints.is_empty() || noise[0].max(noise[1]) > MOST_NOISE {
        return Vec::new();
    }
    let mut glass = Glass::new(outside, scene);
    for number in 0..glass.tints.len() {
        glass.claim_regions(number);
    }
    glass.claim_fringe();
    let seconds = inclusions::claim(&mut glass);
    let mut pixels = Vec::new();
    for (cell, &owner) in glass.owners.iter().enumerate().filter(|(_, owner)| **owner >= FIRST_TINT) {
        let in_cell = pixels_of(cell, glass.cells.columns, scene.width);
        let mixture = in_cell.map(|index| (index, mixture(index, glass.tint_of(owner), seconds[cell], scene)));
        // A faint pixel outside is background.
        let least = ASIDE_LEVELS + ASIDE_OF_NOISE * noise[0].max(noise[1]);
        pixels.extend(
            mixture
                .filter(|(index, (_, contrast))| outside[*index] != 0 || *contrast >= least)
                .map(|(index, (unmixed, _))| BandPixel { index: index as u32, unmixed }),
        );
    }
    pixels
}

/// A pixel as a mixture of the background, a tint and a second color in front of or behind it, and
/// its contrast in levels. The share of both colors together is alpha, whichever is in front:
/// `s + (1 − s) a` of white `s` over glass `a`.
fn mixture(index: usize, tint: [f32; 3], second: Option<[f32; 3]>, scene: &Scene) -> (Unmixed, f32) {
    let (seen, background) = (scene.seen(index), scene.background(index));
    let from_background = |color: [f32; 3]| [0, 1, 2].map(|k| color[k] - background[k]);
    let (contrast, full) = (from_background(seen), from_background(tint));
    let alpha = match second {
        Some(second) => inclusions::shares(contrast, full, from_background(second)).iter().sum(),
        None => dot(contrast, full) / dot(full, full).max(1.0),
    };
    let foreground = [0, 1, 2].map(|k| (background[k] + contrast[k] / alpha.max(LEAST_ALPHA)).clamp(1.0, 254.0));
    let alpha = if alpha < LEAST_ALPHA { 0.0 } else { alpha.min(1.0) };
    (Unmixed { alpha, foreground }, length(contrast))
}

/// The allowed distance of a contrast from a ray or a plane of mixtures, in levels.
fn allowed_aside(contrast: [f32; 3], noise: [f32; 2]) -> f32 {
    ASIDE_LEVELS + ASIDE_OF_NOISE * noise[0].max(noise[1]) + ASIDE_SHARE * length(contrast)
}

/// The cells of one frame, and what they belong to.
struct Glass<'a> {
    cells: Cells<'a>,
    /// Owner of each cell.
    owners: Vec<u8>,
    /// Distance to the outer background, per pixel.
    depth: Vec<u8>,
    /// The colors of the tints in the light of the frame.
    tints: Vec<[f32; 3]>,
    width: usize,
}

impl<'a> Glass<'a> {
    fn new(outside: &[u8], scene: &Scene<'a>) -> Self {
        let (cells, width) = (scene.cells(), scene.width);
        let is_outside = |cell: usize| pixels_of(cell, cells.columns, width).all(|index| outside[index] == 0);
        let owners = (0..cells.columns * cells.rows).map(|cell| if is_outside(cell) { OUTSIDE } else { FREE });
        Self {
            cells,
            owners: owners.collect(),
            depth: depths(outside, width),
            tints: scene.plate.tints.iter().map(|tint| scene.in_this_light(tint.color)).collect(),
            width,
        }
    }

    /// The color of the tint that is the owner.
    fn tint_of(&self, owner: u8) -> [f32; 3] {
        self.tints[usize::from(owner - FIRST_TINT)]
    }

    /// The cells that share a side with a cell.
    fn beside(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        beside(cell, self.cells.columns, self.owners.len())
    }

    /// Gives the glass of one tint to it: regions on its ray that begin at the outer background.
    fn claim_regions(&mut self, number: usize) {
        let mut is_visited = vec![false; self.owners.len()];
        for start in 0..self.owners.len() {
            let mut near = around(start, self.cells.columns, self.owners.len(), 2);
            if self.owners[start] != FREE || is_visited[start] || !near.any(|other| self.owners[other] == OUTSIDE) {
                continue;
            }
            let region = self.region(start, number, &mut is_visited);
            if self.is_glass(&region) {
                for (cell, _) in region.cells {
                    self.owners[cell] = FIRST_TINT + number as u8;
                }
            }
        }
    }

    /// The connected free cells on the ray of a tint around `start`.
    fn region(&self, start: usize, number: usize, is_visited: &mut [bool]) -> Region {
        let mut region = Region::default();
        let mut open = vec![start];
        while let Some(cell) = open.pop() {
            if self.owners[cell] != FREE {
                region.contacts += 1;
            } else if is_visited[cell] {
            } else if let Some(along) = self.along(cell, number) {
                is_visited[cell] = true;
                region.cells.push((cell, along));
                open.extend(self.beside(cell));
            } else {
                region.contacts += 1;
                // Chroma reaches a cell farther than luma, where it is off the ray.
                let is_fringe = self.beside(cell).any(|other| self.owners[other] == OUTSIDE);
                region.contacts_with_subject += usize::from(!is_fringe);
            }
        }
        region
    }

    /// The contrast of a cell along the ray of a tint, in levels; `None` if it is off the ray.
    fn along(&self, cell: usize, number: usize) -> Option<f32> {
        let (column, row) = place(cell, self.cells.columns);
        let (contrast, background) = (self.cells.contrast(column, row), self.cells.background(column, row));
        let full = [0, 1, 2].map(|k| self.tints[number][k] - background[k]);
        let most = length(full).max(1.0);
        let along = dot(contrast, full) / most;
        let aside = length([0, 1, 2].map(|k| contrast[k] - along * full[k] / most));
        let allowed = allowed_aside(contrast, self.cells.noise());
        (aside <= allowed && (-allowed..=MOST_ALPHA * most).contains(&along)).then_some(along)
    }

    /// Whether a region is denser at its rim than inside, and no part of other subject.
    fn is_glass(&self, region: &Region) -> bool {
        let is_rim = |cell: usize| {
            let (column, row) = place(cell, self.cells.columns);
            self.depth[CELL * row * self.width + CELL * column] <= RIM_DEPTH
        };
        let (rim, inside): (Vec<_>, Vec<_>) = region.cells.iter().partition(|(cell, _)| is_rim(*cell));
        let mut rim: Vec<f32> = rim.into_iter().map(|(_, along)| along).collect();
        if rim.is_empty() || inside.len() < LEAST_INSIDE {
            return false;
        }
        let at = rim.len() * 9 / 10;
        let dense = *rim.select_nth_unstable_by(at, f32::total_cmp).1;
        median(inside.into_iter().map(|(_, along)| along)) <= INSIDE_SHARE * dense
            && region.contacts_with_subject as f32 <= SHARE_ATTACHED * region.contacts as f32
    }

    /// Gives the free cells between glass and the outer background to the glass. They hold nothing
    /// else.
    fn claim_fringe(&mut self) {
        let before = self.owners.clone();
        for cell in (0..before.len()).filter(|&cell| before[cell] == FREE) {
            let owners = || self.beside(cell).map(|other| before[other]);
            let tint = owners().find(|owner| *owner >= FIRST_TINT);
            if let Some(tint) = tint.filter(|_| owners().any(|owner| owner == OUTSIDE)) {
                self.owners[cell] = tint;
            }
        }
    }
}

/// A connected region on the ray of one tint.
#[derive(Default)]
struct Region {
    /// Cells, and their contrast along the ray in levels.
    cells: Vec<(usize, f32)>,
    /// Sides of its cells that border on others, and those of them that border on other subject.
    contacts: usize,
    contacts_with_subject: usize,
}

/// The pixels of a cell.
fn pixels_of(cell: usize, columns: usize, width: usize) -> impl Iterator<Item = usize> {
    let (column, row) = place(cell, columns);
    let at = CELL * row * width + CELL * column;
    [at, at + 1, at + width, at + width + 1].into_iter()
}
