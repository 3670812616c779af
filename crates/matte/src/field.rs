//! Field of the background: Y', Cb, Cr on a coarse grid of nodes over the frame, interpolated
//! linearly between them.

use serde::{Deserialize, Serialize};

use crate::{stored::FieldForm, surface::Surface};

/// Node intervals along the longer side: fine enough for the folds of a cloth, coarse enough to
/// average noise out.
const INTERVALS: usize = 24;

/// Difference from the fitted surface at a place of the frame (coordinates −1..=1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Residual {
    pub(crate) u: f64,
    pub(crate) v: f64,
    pub(crate) value: [f64; 3],
}

/// Y', Cb, Cr at (`columns` + 1) × (`rows` + 1) nodes, row by row.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "FieldForm", into = "FieldForm")]
pub(crate) struct Field {
    columns: usize,
    rows: usize,
    nodes: Vec<[f32; 3]>,
}

impl TryFrom<FieldForm> for Field {
    type Error = &'static str;

    fn try_from(FieldForm { columns, rows, nodes }: FieldForm) -> Result<Self, Self::Error> {
        let fits = columns > 0
            && rows > 0
            && columns
                .checked_add(1)
                .zip(rows.checked_add(1))
                .is_some_and(|(across, down)| across.checked_mul(down) == Some(nodes.len()));
        if fits { Ok(Self { columns, rows, nodes }) } else { Err("the nodes of a field do not fill its grid") }
    }
}

impl From<Field> for FieldForm {
    fn from(Field { columns, rows, nodes }: Field) -> Self {
        Self { columns, rows, nodes }
    }
}

impl Field {
    /// Builds the field: the surfaces, corrected by the mean residual around each node.
    ///
    /// Each residual counts for its four surrounding nodes, weighted by distance. The surfaces
    /// themselves weigh as much as four residuals of zero. A node with few residuals of its own
    /// takes its correction from its neighbors.
    pub(crate) fn new(surfaces: &[Surface; 3], residuals: &[Residual], (width, height): (usize, usize)) -> Self {
        let interval = width.max(height).div_ceil(INTERVALS).max(1);
        let (columns, rows) = (width.div_ceil(interval), height.div_ceil(interval));
        let mut sums = vec![([0.0; 3], 0.0); (columns + 1) * (rows + 1)];
        for residual in residuals {
            let (column, right) = locate(f64::midpoint(residual.u, 1.0), columns);
            let (row, down) = locate(f64::midpoint(residual.v, 1.0), rows);
            for (at, weight) in bilinear_weights(column, row, columns, right, down) {
                let (sum, total) = &mut sums[at];
                *sum = [0, 1, 2].map(|k| sum[k] + weight * residual.value[k]);
                *total += weight;
            }
        }
        let corrections = relaxed_corrections(&sums, columns, rows);
        let nodes = (0..sums.len()).map(|at| {
            let u = 2.0 * (at % (columns + 1)) as f64 / columns as f64 - 1.0;
            let v = 2.0 * (at / (columns + 1)) as f64 / rows as f64 - 1.0;
            [0, 1, 2].map(|k| (surfaces[k].at(u, v) + corrections[at][k]) as f32)
        });
        Self { columns, rows, nodes: nodes.collect() }
    }

    /// Field value at a place. Both coordinates are 0.0..=1.0 across the frame.
    pub(crate) fn at(&self, across: f32, down: f32) -> [f32; 3] {
        let (column, right) = locate(f64::from(across), self.columns);
        let (row, below) = locate(f64::from(down), self.rows);
        let (right, below) = (right as f32, below as f32);
        let at = row * (self.columns + 1) + column;
        let [a, b] = [self.nodes[at], self.nodes[at + 1]];
        let [c, d] = [self.nodes[at + self.columns + 1], self.nodes[at + self.columns + 2]];
        [0, 1, 2].map(|k| {
            let (upper, lower) = (a[k] + (b[k] - a[k]) * right, c[k] + (d[k] - c[k]) * right);
            upper + (lower - upper) * below
        })
    }

    /// Component `k` along every line of nodes, interpolated to `width` samples: one vector per
    /// line.
    pub(crate) fn node_lines(&self, k: usize, width: usize) -> Vec<Vec<f32>> {
        let places: Vec<(usize, f64)> =
            (0..width).map(|x| locate((x as f64 + 0.5) / width as f64, self.columns)).collect();
        let line = |nodes: &[[f32; 3]]| {
            places.iter().map(|&(c, t)| nodes[c][k] + (nodes[c + 1][k] - nodes[c][k]) * t as f32).collect()
        };
        self.nodes.chunks_exact(self.columns + 1).map(line).collect()
    }

    /// Index of the first of the two node lines around row `row` of `rows`, and the position
    /// between them (0.0..=1.0).
    pub(crate) fn node_lines_around(&self, row: usize, rows: usize) -> (usize, f32) {
        let (line, below) = locate((row as f64 + 0.5) / rows as f64, self.rows);
        (line, below as f32)
    }
}

/// The interval, of `intervals`, that `place` (0.0..=1.0) falls into, and the position within it.
fn locate(place: f64, intervals: usize) -> (usize, f64) {
    let scaled = place.clamp(0.0, 1.0) * intervals as f64;
    let index = (scaled as usize).min(intervals - 1);
    (index, scaled - index as f64)
}

/// The four nodes around a place, with their bilinear weights.
fn bilinear_weights(column: usize, row: usize, columns: usize, right: f64, down: f64) -> [(usize, f64); 4] {
    let at = row * (columns + 1) + column;
    [
        (at, (1.0 - right) * (1.0 - down)),
        (at + 1, right * (1.0 - down)),
        (at + columns + 1, (1.0 - right) * down),
        (at + columns + 2, right * down),
    ]
}

/// Correction of each node: from its own residuals, and from its neighbors where those are few.
fn relaxed_corrections(sums: &[([f64; 3], f64)], columns: usize, rows: usize) -> Vec<[f64; 3]> {
    let mut corrections: Vec<[f64; 3]> = sums.iter().map(|(sum, total)| sum.map(|s| s / (total + 4.0))).collect();
    for _ in 0..16 {
        let previous = corrections.clone();
        for (at, value) in corrections.iter_mut().enumerate() {
            let (column, row) = (at % (columns + 1), at / (columns + 1));
            let mut neighbor_sum = [0.0; 3];
            let mut count = 0.0;
            let mut add_neighbor = |other: usize| {
                neighbor_sum = [0, 1, 2].map(|k| neighbor_sum[k] + previous[other][k]);
                count += 1.0;
            };
            if column > 0 {
                add_neighbor(at - 1);
            }
            if column < columns {
                add_neighbor(at + 1);
            }
            if row > 0 {
                add_neighbor(at - columns - 1);
            }
            if row < rows {
                add_neighbor(at + columns + 1);
            }
            let (sum, total) = sums[at];
            *value = [0, 1, 2].map(|k| (sum[k] + 3.6 * neighbor_sum[k] / count) / (total + 4.0));
        }
    }
    corrections
}
