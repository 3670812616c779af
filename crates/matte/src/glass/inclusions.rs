//! What glass encloses and is itself translucent: highlights, and overlaps of two tints. They are
//! mixtures of the background with two colors.

use super::{FIRST_TINT, FREE, Glass, OUTSIDE, allowed_aside};
use crate::{
    levels::{dot, length},
    outline::place,
};

/// Reference white: the color of a highlight.
const WHITE: [f32; 3] = [235.0, 128.0, 128.0];

/// Least share of the contour of an inclusion that borders on glass, and least share of its cells
/// that are mixtures. A solid thing in glass has cells that are none.
const SHARE_ENCLOSED: f32 = 0.85;
const SHARE_MIXED: f32 = 0.85;

/// Largest inclusion that is noise, in cells.
const NOISE_CELLS: usize = 3;

/// Factor on the allowed distance from the mixtures: coding errs more at a small, bright highlight.
const ASIDE_FACTOR: f32 = 1.5;

/// How far a share may be below 0 or above 1.
const SHARE_SLACK: f32 = 0.1;

/// A tint, as the owner of cells, and the second color of a mixture with it.
type Pair = (u8, [f32; 3]);

/// Gives the inclusions of glass to it. Returns the second color of each cell that has one.
pub(super) fn claim(glass: &mut Glass) -> Vec<Option<[f32; 3]>> {
    let mut seconds = vec![None; glass.owners.len()];
    let mut is_visited = vec![false; glass.owners.len()];
    for start in 0..glass.owners.len() {
        let is_beside_glass = || glass.beside(start).any(|other| glass.owners[other] >= FIRST_TINT);
        if glass.owners[start] != FREE || is_visited[start] || !is_beside_glass() {
            continue;
        }
        let part = Part::around(start, glass, &mut is_visited);
        if (part.with_glass as f32) < SHARE_ENCLOSED * (part.with_glass + part.with_outside) as f32 {
            continue;
        }
        if part.cells.len() <= NOISE_CELLS {
            part.cells.iter().for_each(|&cell| glass.owners[cell] = part.tints[0]);
            continue;
        }
        let pairs = pairs_of(&part.tints, glass);
        let mixtures: Vec<(usize, Pair)> =
            part.cells.iter().filter_map(|&cell| Some((cell, best_pair(glass, cell, &pairs)?))).collect();
        if mixtures.len() as f32 >= SHARE_MIXED * part.cells.len() as f32 {
            for (cell, (owner, second)) in mixtures {
                glass.owners[cell] = owner;
                seconds[cell] = Some(second);
            }
        }
    }
    seconds
}

/// Connected free cells.
#[derive(Default)]
struct Part {
    cells: Vec<usize>,
    /// Sides of its cells that border on glass and on the outer background.
    with_glass: usize,
    with_outside: usize,
    /// The tints that it borders on.
    tints: Vec<u8>,
}

impl Part {
    fn around(start: usize, glass: &Glass, is_visited: &mut [bool]) -> Self {
        let mut part = Self::default();
        is_visited[start] = true;
        let mut open = vec![start];
        while let Some(cell) = open.pop() {
            part.cells.push(cell);
            for other in glass.beside(cell) {
                match glass.owners[other] {
                    OUTSIDE => part.with_outside += 1,
                    FREE if !std::mem::replace(&mut is_visited[other], true) => open.push(other),
                    FREE => {}
                    tint => {
                        part.with_glass += 1;
                        if !part.tints.contains(&tint) {
                            part.tints.push(tint);
                        }
                    }
                }
            }
        }
        part
    }
}

/// The pairs of colors that a part beside `tints` may be mixed of: one of them, and white or another
/// tint.
fn pairs_of(tints: &[u8], glass: &Glass) -> Vec<Pair> {
    let others = |tint: u8| (FIRST_TINT..).zip(&glass.tints).filter(move |(other, _)| *other != tint);
    let with = |tint: u8| others(tint).map(move |(_, color)| (tint, *color));
    tints.iter().flat_map(|&tint| std::iter::once((tint, WHITE)).chain(with(tint))).collect()
}

/// The pair of colors that explains a cell best as a mixture with the background, if one does.
fn best_pair(glass: &Glass, cell: usize, pairs: &[Pair]) -> Option<Pair> {
    let (column, row) = place(cell, glass.cells.columns);
    let (contrast, background) = (glass.cells.contrast(column, row), glass.cells.background(column, row));
    let aside = |&(owner, second): &Pair| {
        let [first, second] = [glass.tint_of(owner), second].map(|color| [0, 1, 2].map(|k| color[k] - background[k]));
        let [share, other] = shares(contrast, first, second);
        let is_mixture = share.min(other) >= -SHARE_SLACK && share + other <= 1.0 + SHARE_SLACK;
        is_mixture.then(|| length([0, 1, 2].map(|k| contrast[k] - share * first[k] - other * second[k])))
    };
    let found = pairs.iter().filter_map(|pair| Some((aside(pair)?, *pair)));
    let (least, pair) = found.min_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (least <= ASIDE_FACTOR * allowed_aside(contrast, glass.cells.noise())).then_some(pair)
}

/// The shares of two contrasts in a third one, by least squares. The second is 0 if both have nearly
/// one direction.
pub(super) fn shares(contrast: [f32; 3], first: [f32; 3], second: [f32; 3]) -> [f32; 2] {
    let (square, product, other_square) = (dot(first, first), dot(first, second), dot(second, second));
    let (with_first, with_second) = (dot(first, contrast), dot(second, contrast));
    let determinant = square * other_square - product * product;
    if determinant <= 0.01 * square * other_square {
        return [with_first / square.max(1.0), 0.0];
    }
    [
        (with_first * other_square - with_second * product) / determinant,
        (with_second * square - with_first * product) / determinant,
    ]
}
