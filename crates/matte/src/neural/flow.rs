//! Dense optical flow: the displacement of every pixel of one frame to its place in another.
//!
//! Patches are searched by inverse gradient descent from coarse to fine, and blended by how well
//! they fit (dense inverse search, Kroeger et al. 2016). Each patch starts from the best match of
//! its neighbors.

use super::grey::{Grey, MARGIN, Pyramid};

/// Side of a patch in pixels, as in dense inverse search (Kroeger et al. 2016). Patches overlap by
/// half of it.
const PATCH: usize = 8;
/// Number of pixels of a patch.
const AREA: f32 = (PATCH * PATCH) as f32;
/// Distance from one patch to the next, in pixels.
const STEP: usize = PATCH / 2;
/// Largest number of steps of a descent; most settle within half of them.
const MAX_STEPS: usize = 12;
/// Step, in pixels, below which a descent has settled. A mask is not known more exactly.
const SETTLED_STEP: f32 = 0.02;
/// Contribution of grain to the squared gradient of each pixel, in levels. A patch with less
/// structure stays where it started.
const GRAIN: f32 = 1.0;
/// Difference, in levels, below which all fits count the same: it is grain.
const BEST_FIT: f32 = 1.0;

/// Per pixel of one frame, the offset (right, down) in pixels to the same content in another.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) right: Vec<f32>,
    pub(crate) down: Vec<f32>,
}

/// The patches of one frame at every level of its pyramid, coarsest first. They are searched in
/// several other frames.
pub(crate) struct PatchPyramid {
    levels: Vec<Level>,
}

struct Level {
    columns: usize,
    patches: Vec<Patch>,
}

impl PatchPyramid {
    pub(crate) fn new(pyramid: &Pyramid) -> Self {
        let level = |grey: &Grey| {
            let [columns, rows] = [starts(grey.width), starts(grey.height)];
            let places = rows.iter().flat_map(|&y| columns.iter().map(move |&x| (x, y)));
            Level { columns: columns.len(), patches: places.map(|(x, y)| Patch::new(grey, x, y)).collect() }
        };
        Self { levels: pyramid.levels.iter().rev().map(level).collect() }
    }

    /// The flow from every pixel of `from`, the frame of these patches, to its place in `to`, at
    /// the size of their finest level.
    pub(crate) fn flow_to(&self, from: &Pyramid, to: &Pyramid) -> Flow {
        let levels = self.levels.iter().zip(from.levels.iter().zip(&to.levels).rev());
        let mut found: Option<Flow> = None;
        for (level, (from, to)) in levels {
            let start = match found {
                Some(flow) => flow.upscaled(from.width, from.height),
                None => Flow::zero(from),
            };
            let matches = search(level, &start, to);
            found = Some(blend(&level.patches, &matches, from, to));
        }
        found.unwrap_or_else(|| Flow::zero(from.finest()))
    }
}

impl Flow {
    fn zero(grey: &Grey) -> Self {
        let none = vec![0.0; grey.width * grey.height];
        Self { width: grey.width, height: grey.height, right: none.clone(), down: none }
    }

    /// This flow, scaled as a start for the next finer level.
    fn upscaled(&self, width: usize, height: usize) -> Self {
        let (mut right, mut down) = (Vec::with_capacity(width * height), Vec::with_capacity(width * height));
        for y in 0..height {
            let row = (y / 2).min(self.height - 1) * self.width;
            for x in 0..width {
                let at = row + (x / 2).min(self.width - 1);
                right.push(2.0 * self.right[at]);
                down.push(2.0 * self.down[at]);
            }
        }
        Self { width, height, right, down }
    }

    /// The offset (right, down) at (`x`, `y`), interpolated; beyond the sides, that of the nearest
    /// pixel.
    fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let x = x.clamp(0.0, self.width as f32 - 1.0);
        let y = y.clamp(0.0, self.height as f32 - 1.0);
        let (column, row) = ((x as usize).min(self.width.max(2) - 2), (y as usize).min(self.height.max(2) - 2));
        let (right, down) = (x - column as f32, y - row as f32);
        let start = row * self.width + column;
        let beside = start + usize::from(self.width > 1);
        let below = if self.height > 1 { self.width } else { 0 };
        [&self.right, &self.down].map(|plane| {
            let above = plane[start] + (plane[beside] - plane[start]) * right;
            let under = plane[start + below] + (plane[beside + below] - plane[start + below]) * right;
            above + (under - above) * down
        })
    }
}

/// Start positions of the patches along a side. They cover every pixel.
fn starts(side: usize) -> Vec<usize> {
    let last = side.saturating_sub(PATCH);
    let mut starts: Vec<usize> = (0..last).step_by(STEP).collect();
    starts.push(last);
    starts
}

/// A patch of one frame that is searched in another.
struct Patch {
    x: usize,
    y: usize,
    values: [[f32; PATCH]; PATCH],
    /// Gradients to the right and downwards, with their means removed.
    slopes: [[[f32; PATCH]; PATCH]; 2],
    /// Inverse of the second moments of the slopes: xx, xy, yy.
    inverse: [f32; 3],
}

/// The best offset found so far for a patch, and its misfit (sum of squares).
#[derive(Clone, Copy)]
struct Match {
    offset: [f32; 2],
    misfit: f32,
}

impl Patch {
    fn new(from: &Grey, x: usize, y: usize) -> Self {
        let (mut values, mut slopes) = ([[0.0; PATCH]; PATCH], [[[0.0; PATCH]; PATCH]; 2]);
        for row in 0..PATCH {
            let line = |down: isize| from.values_from(x as isize - 1, (y + row) as isize + down);
            let (above, here, below) = (line(-1), line(0), line(1));
            for column in 0..PATCH {
                values[row][column] = here[column + 1];
                slopes[0][row][column] = (here[column + 2] - here[column]) / 2.0;
                slopes[1][row][column] = (below[column + 1] - above[column + 1]) / 2.0;
            }
        }
        for slope in &mut slopes {
            let mean = slope.iter().flatten().sum::<f32>() / AREA;
            slope.iter_mut().flatten().for_each(|value| *value -= mean);
        }
        let moment = |a: usize, b: usize| {
            slopes[a].iter().flatten().zip(slopes[b].iter().flatten()).map(|(a, b)| a * b).sum::<f32>()
        };
        let (xx, xy, yy) = (moment(0, 0) + AREA * GRAIN, moment(0, 1), moment(1, 1) + AREA * GRAIN);
        let scale = 1.0 / (xx * yy - xy * xy);
        let inverse = [yy * scale, -xy * scale, xx * scale];
        Self { x, y, values, slopes, inverse }
    }

    /// The difference between the patch and `to` at `offset`, with the mean removed: brightness may
    /// have changed.
    fn difference(&self, to: &Grey, offset: [f32; 2]) -> [[f32; PATCH]; PATCH] {
        let far = |start: usize, offset: f32, side: usize| {
            let margin = MARGIN as f32;
            (start as f32 + offset).clamp(-margin, side as f32 + margin - PATCH as f32 - 1.001)
        };
        let (x, y) = (far(self.x, offset[0], to.width), far(self.y, offset[1], to.height));
        let (right, down) = (x - x.floor(), y - y.floor());
        let weights = [(1.0 - right) * (1.0 - down), right * (1.0 - down), (1.0 - right) * down, right * down];
        let start = to.values_from(x.floor() as isize, y.floor() as isize);
        let mut out = [[0.0; PATCH]; PATCH];
        let mut sum = 0.0;
        for (row, (out, patch_row)) in out.iter_mut().zip(&self.values).enumerate() {
            let above = &start[row * to.stride()..][..=PATCH];
            let below = &start[(row + 1) * to.stride()..][..=PATCH];
            for column in 0..PATCH {
                out[column] = weights[0] * above[column]
                    + weights[1] * above[column + 1]
                    + weights[2] * below[column]
                    + weights[3] * below[column + 1]
                    - patch_row[column];
            }
            sum += out.iter().sum::<f32>();
        }
        out.iter_mut().flatten().for_each(|value| *value -= sum / AREA);
        out
    }

    fn misfit_at(&self, to: &Grey, offset: [f32; 2]) -> f32 {
        self.difference(to, offset).iter().flatten().map(|value| value * value).sum()
    }

    /// The better of `best` and `offset`.
    fn better_of(&self, to: &Grey, best: Match, offset: [f32; 2]) -> Match {
        let misfit = self.misfit_at(to, offset);
        if misfit < best.misfit { Match { offset, misfit } } else { best }
    }

    /// Gradient descent from the best offset so far. It stops when it leaves the patch's own
    /// surroundings.
    fn descend(&self, to: &Grey, mut best: Match) -> Match {
        let (mut offset, from) = (best.offset, best.offset);
        for _ in 0..MAX_STEPS {
            let difference = self.difference(to, offset);
            let misfit = difference.iter().flatten().map(|value| value * value).sum::<f32>();
            if misfit < best.misfit {
                best = Match { offset, misfit };
            } else if misfit > best.misfit {
                break;
            }
            let along = |slope: &[[f32; PATCH]; PATCH]| {
                let mut sums = [0.0; PATCH];
                for (slope, difference) in slope.iter().zip(&difference) {
                    for (sum, (slope, difference)) in sums.iter_mut().zip(slope.iter().zip(difference)) {
                        *sum += slope * difference;
                    }
                }
                sums.iter().sum::<f32>()
            };
            let (x, y) = (along(&self.slopes[0]), along(&self.slopes[1]));
            let [xx, xy, yy] = self.inverse;
            let step = [xx * x + xy * y, xy * x + yy * y];
            offset = [offset[0] - step[0], offset[1] - step[1]];
            let distance = (offset[0] - from[0]).hypot(offset[1] - from[1]);
            if step[0].hypot(step[1]) < SETTLED_STEP || distance > PATCH as f32 {
                break;
            }
        }
        best
    }
}

/// Searches all patches, starting from `start`: forwards with the matches of the left and upper
/// neighbors as candidates, then backwards with those of the right and lower ones.
fn search(Level { columns, patches }: &Level, start: &Flow, to: &Grey) -> Vec<Match> {
    let mut matches: Vec<Match> = Vec::with_capacity(patches.len());
    for (at, patch) in patches.iter().enumerate() {
        let initial = start.at((patch.x + STEP) as f32 - 0.5, (patch.y + STEP) as f32 - 0.5);
        let left = (at % columns > 0).then(|| matches[at - 1].offset);
        let above = at.checked_sub(*columns).map(|above| matches[above].offset);
        let none = Match { offset: initial, misfit: f32::INFINITY };
        let candidates = std::iter::once(initial).chain(left).chain(above);
        matches.push(patch.descend(to, candidates.fold(none, |best, offset| patch.better_of(to, best, offset))));
    }
    for (at, patch) in patches.iter().enumerate().rev() {
        let right = (at % columns + 1 < *columns).then(|| matches[at + 1].offset);
        let below = matches.get(at + columns).map(|below| below.offset);
        let best = right.into_iter().chain(below).fold(matches[at], |best, offset| patch.better_of(to, best, offset));
        if best.misfit < matches[at].misfit {
            matches[at] = patch.descend(to, best);
        }
    }
    matches
}

/// The flow of every pixel: the mean of the offsets of the patches over it, weighted by their fit
/// there.
fn blend(patches: &[Patch], matches: &[Match], from: &Grey, to: &Grey) -> Flow {
    let (width, height) = (from.width, from.height);
    let [mut right, mut down, mut weights] = [(); 3].map(|()| vec![0.0_f32; width * height]);
    for (patch, Match { offset, .. }) in patches.iter().zip(matches) {
        let difference = patch.difference(to, *offset);
        for (row, difference) in difference.iter().enumerate().take(height - patch.y) {
            let start = (patch.y + row) * width + patch.x;
            let span = start..start + PATCH.min(width - patch.x);
            for ((at, difference), _) in span.zip(difference).zip(0..PATCH) {
                let weight = 1.0 / difference.abs().max(BEST_FIT);
                right[at] += weight * offset[0];
                down[at] += weight * offset[1];
                weights[at] += weight;
            }
        }
    }
    for ((right, down), weight) in right.iter_mut().zip(&mut down).zip(&weights) {
        *right /= weight;
        *down /= weight;
    }
    Flow { width, height, right, down }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A texture without a period, shifted by `right` and `down`.
    fn texture(right: f32, down: f32) -> Pyramid {
        let wave = |x: f32, y: f32| {
            (0.21 * x).sin()
                + (0.17 * y).cos()
                + (0.11 * x * 0.9 + 0.13 * y).sin()
                + (0.5 * x - 0.45 * y).sin()
                + (0.4 * x + 0.53 * y).cos()
        };
        let values: Vec<f32> =
            (0..96 * 72).map(|at| 128.0 + 25.0 * wave((at % 96) as f32 + right, (at / 96) as f32 + down)).collect();
        Pyramid::from_finest(Grey::new(96, 72, &values))
    }

    fn between(from: &Pyramid, to: &Pyramid) -> Flow {
        PatchPyramid::new(from).flow_to(from, to)
    }

    /// Mean distance of the flow from (`right`, `down`), at least 12 pixels from the sides.
    fn error(flow: &Flow, right: f32, down: f32) -> f32 {
        let inner = (12..60).flat_map(|y| (12..84).map(move |x| y * 96 + x));
        let errors: Vec<f32> = inner.map(|at| (flow.right[at] - right).hypot(flow.down[at] - down)).collect();
        errors.iter().sum::<f32>() / errors.len() as f32
    }

    #[test]
    fn a_shift_is_found_to_a_fraction_of_a_pixel() {
        for (right, down) in [(0.0, 0.0), (0.5, -0.25), (3.0, 2.0), (-9.5, 6.0)] {
            let flow = between(&texture(right, down), &texture(0.0, 0.0));
            let error = error(&flow, right, down);
            assert!(error < 0.1, "({right}, {down}) is off by {error}");
        }
    }

    #[test]
    fn a_brightness_change_causes_no_motion() {
        let dark = texture(0.0, 0.0);
        let values: Vec<f32> = (0..72)
            .flat_map(|y| dark.finest().values_from(0, y)[..96].iter().map(|v| v + 20.0).collect::<Vec<f32>>())
            .collect();
        let flow = between(&dark, &Pyramid::from_finest(Grey::new(96, 72, &values)));
        assert!(error(&flow, 0.0, 0.0) < 0.05, "{}", error(&flow, 0.0, 0.0));
    }

    #[test]
    fn a_surface_without_texture_gets_zero_flow() {
        let flat = Pyramid::from_finest(Grey::new(96, 72, &vec![90.0; 96 * 72]));
        assert!(error(&between(&flat, &flat), 0.0, 0.0) < 1e-6);
    }
}
