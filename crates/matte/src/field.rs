//! The background as a field: its Y', Cb, Cr on a coarse grid of nodes over the frame, straight lines between them.

use crate::surface::Surface;

/// Node intervals along the longer side: fine enough for the folds of a cloth, coarse enough to average noise away.
const INTERVALS: usize = 24;

/// A difference from the fitted surface, measured at a place of the frame (coordinates −1..=1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Residue {
    pub(crate) u: f64,
    pub(crate) v: f64,
    pub(crate) value: [f64; 3],
}

/// Y', Cb, Cr at (`columns` + 1) × (`rows` + 1) nodes, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    columns: usize,
    rows: usize,
    nodes: Vec<[f32; 3]>,
}

impl Field {
    /// The surfaces, corrected by what the residues around each node have in common.
    ///
    /// Every residue speaks for its four nodes by nearness; the surfaces themselves count as much as four residues that
    /// say nothing, and each node listens to its neighbors as far as it has heard little itself.
    pub(crate) fn new(surfaces: &[Surface; 3], residues: &[Residue], (width, height): (usize, usize)) -> Self {
        let interval = width.max(height).div_ceil(INTERVALS).max(1);
        let (columns, rows) = (width.div_ceil(interval), height.div_ceil(interval));
        let mut sums = vec![([0.0; 3], 0.0); (columns + 1) * (rows + 1)];
        for residue in residues {
            let (column, right) = split(f64::midpoint(residue.u, 1.0), columns);
            let (row, down) = split(f64::midpoint(residue.v, 1.0), rows);
            for (at, weight) in around(column, row, columns, right, down) {
                let (sum, total) = &mut sums[at];
                *sum = [0, 1, 2].map(|k| sum[k] + weight * residue.value[k]);
                *total += weight;
            }
        }
        let corrections = relaxed(&sums, columns, rows);
        let nodes = (0..sums.len()).map(|at| {
            let u = 2.0 * (at % (columns + 1)) as f64 / columns as f64 - 1.0;
            let v = 2.0 * (at / (columns + 1)) as f64 / rows as f64 - 1.0;
            [0, 1, 2].map(|k| (surfaces[k].at(u, v) + corrections[at][k]) as f32)
        });
        Self { columns, rows, nodes: nodes.collect() }
    }

    /// The field at a place, both coordinates 0.0..=1.0 across the frame.
    pub(crate) fn at(&self, across: f32, down: f32) -> [f32; 3] {
        let (column, right) = split(f64::from(across), self.columns);
        let (row, below) = split(f64::from(down), self.rows);
        let (right, below) = (right as f32, below as f32);
        let at = row * (self.columns + 1) + column;
        let [a, b] = [self.nodes[at], self.nodes[at + 1]];
        let [c, d] = [self.nodes[at + self.columns + 1], self.nodes[at + self.columns + 2]];
        [0, 1, 2].map(|k| {
            let (upper, lower) = (a[k] + (b[k] - a[k]) * right, c[k] + (d[k] - c[k]) * right);
            upper + (lower - upper) * below
        })
    }

    /// Component `k` along every line of nodes, drawn out to `width` samples: one vector per line.
    pub(crate) fn lines(&self, k: usize, width: usize) -> Vec<Vec<f32>> {
        let places: Vec<(usize, f64)> =
            (0..width).map(|x| split((x as f64 + 0.5) / width as f64, self.columns)).collect();
        let line = |nodes: &[[f32; 3]]| {
            places.iter().map(|&(c, t)| nodes[c][k] + (nodes[c + 1][k] - nodes[c][k]) * t as f32).collect()
        };
        self.nodes.chunks_exact(self.columns + 1).map(line).collect()
    }

    /// Which two node lines row `row` of `rows` lies between, and how far towards the second (0.0..=1.0).
    pub(crate) fn lines_around(&self, row: usize, rows: usize) -> (usize, f32) {
        let (line, below) = split((row as f64 + 0.5) / rows as f64, self.rows);
        (line, below as f32)
    }
}

/// The interval that `place` (0.0..=1.0) falls into, of `intervals`, and how far along it.
fn split(place: f64, intervals: usize) -> (usize, f64) {
    let scaled = place.clamp(0.0, 1.0) * intervals as f64;
    let index = (scaled as usize).min(intervals - 1);
    (index, scaled - index as f64)
}

/// The four nodes around a place, with bilinear weights.
fn around(column: usize, row: usize, columns: usize, right: f64, down: f64) -> [(usize, f64); 4] {
    let at = row * (columns + 1) + column;
    [
        (at, (1.0 - right) * (1.0 - down)),
        (at + 1, right * (1.0 - down)),
        (at + columns + 1, (1.0 - right) * down),
        (at + columns + 2, right * down),
    ]
}

/// Each node's correction from its own residues and, as far as those are few, from its neighbors'.
fn relaxed(sums: &[([f64; 3], f64)], columns: usize, rows: usize) -> Vec<[f64; 3]> {
    let mut now: Vec<[f64; 3]> = sums.iter().map(|(sum, total)| sum.map(|s| s / (total + 4.0))).collect();
    for _ in 0..16 {
        let before = now.clone();
        for (at, value) in now.iter_mut().enumerate() {
            let (column, row) = (at % (columns + 1), at / (columns + 1));
            let mut near = [0.0; 3];
            let mut count = 0.0;
            let mut listen = |other: usize| {
                near = [0, 1, 2].map(|k| near[k] + before[other][k]);
                count += 1.0;
            };
            if column > 0 {
                listen(at - 1);
            }
            if column < columns {
                listen(at + 1);
            }
            if row > 0 {
                listen(at - columns - 1);
            }
            if row < rows {
                listen(at + columns + 1);
            }
            let (sum, total) = sums[at];
            *value = [0, 1, 2].map(|k| (sum[k] + 3.6 * near[k] / count) / (total + 4.0));
        }
    }
    now
}
