//! Resampling of planes. A smaller pixel is the mean of the area that it covers, so that nothing is
//! skipped and nothing flickers.

use super::tiles::Rect;

/// `plane` (`from` width and height) at size `to`. Each pixel is the mean of the area that it
/// covers, or interpolated along a side that does not become smaller.
pub(crate) fn resized<T: Copy + Into<f32>>(plane: &[T], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let columns = Coverage::along(from[0], to[0]);
    let rows = Coverage::along(from[1], to[1]);
    let mut out = Vec::with_capacity(to[0] * to[1]);
    let mut sum = vec![0.0_f32; from[0]];
    for row in &rows {
        sum.fill(0.0);
        for (line, weight) in plane.chunks_exact(from[0]).skip(row.first).zip(&row.weights) {
            for (sum, value) in sum.iter_mut().zip(line) {
                *sum += weight * (*value).into();
            }
        }
        out.extend(columns.iter().map(|column| column.weighted_sum(&sum)));
    }
    out
}

/// `values` (`from` width and height) at size `to`, interpolated.
pub(crate) fn interpolated(values: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    Zoom::between(from, to).within(values, &Rect { columns: 0..to[0], rows: 0..to[1] })
}

/// Interpolation from planes of one size to planes of another.
pub(crate) struct Zoom {
    width: usize,
    columns: Vec<Neighbors>,
    rows: Vec<Neighbors>,
}

/// The two source samples around a new sample, and the fraction of the way from the first to the
/// second.
struct Neighbors {
    first: usize,
    next: usize,
    fraction: f32,
}

impl Zoom {
    pub(crate) fn between(from: [usize; 2], to: [usize; 2]) -> Self {
        Self { width: from[0], columns: Neighbors::along(from[0], to[0]), rows: Neighbors::along(from[1], to[1]) }
    }

    /// The part of the scaled `values` that lies in `rect` of the new size.
    pub(crate) fn within(&self, values: &[f32], rect: &Rect) -> Vec<f32> {
        let columns = &self.columns[rect.columns.clone()];
        let (Some(left), Some(right)) = (columns.first(), columns.last()) else { return Vec::new() };
        let span = left.first..right.next + 1;
        let mut out = Vec::with_capacity(columns.len() * rect.rows.len());
        let mut line = vec![0.0; span.len()];
        for row in &self.rows[rect.rows.clone()] {
            let [above, below] = [row.first, row.next].map(|row| &values[row * self.width..][span.clone()]);
            for (line, (above, below)) in line.iter_mut().zip(above.iter().zip(below)) {
                *line = above + (below - above) * row.fraction;
            }
            out.extend(columns.iter().map(|column| {
                let (first, next) = (line[column.first - span.start], line[column.next - span.start]);
                first + (next - first) * column.fraction
            }));
        }
        out
    }
}

impl Neighbors {
    /// Maps the centre of each new sample to its position among the centres of the source samples.
    fn along(from: usize, to: usize) -> Vec<Self> {
        let step = from as f64 / to as f64;
        let near = |at: usize| {
            let place = ((at as f64 + 0.5) * step - 0.5).clamp(0.0, from as f64 - 1.0);
            let first = (place as usize).min(from.saturating_sub(2));
            Self { first, next: (first + 1).min(from - 1), fraction: (place - first as f64) as f32 }
        };
        (0..to).map(near).collect()
    }
}

/// Composition of one new sample: weights, with the sum 1, of the source samples from `first` on.
struct Coverage {
    first: usize,
    weights: Vec<f32>,
}

impl Coverage {
    /// By covered length if there are fewer new samples, else by distance to the two nearest.
    fn along(from: usize, to: usize) -> Vec<Self> {
        if to >= from {
            let between = |Neighbors { first, next, fraction }| {
                let weights = if next == first { vec![1.0] } else { vec![1.0 - fraction, fraction] };
                Self { first, weights }
            };
            return Neighbors::along(from, to).into_iter().map(between).collect();
        }
        let step = from as f64 / to as f64;
        let cover = |at: usize| {
            let (start, end) = (at as f64 * step, ((at + 1) as f64 * step).min(from as f64));
            let first = start as usize;
            let last = (end.ceil() as usize).min(from);
            let weight = |index: usize| {
                let covered = end.min(index as f64 + 1.0) - start.max(index as f64);
                (covered.max(0.0) / (end - start)) as f32
            };
            Self { first, weights: (first..last).map(weight).collect() }
        };
        (0..to).map(cover).collect()
    }

    fn weighted_sum(&self, line: &[f32]) -> f32 {
        line[self.first..].iter().zip(&self.weights).map(|(value, weight)| value * weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downscaling_keeps_the_mean_and_commutes_with_mirroring() {
        let plane: Vec<u8> = (0..7 * 5).map(|at| (at * 37 % 256) as u8).collect();
        let small = resized(&plane, [7, 5], [3, 2]);
        let mean = |values: &mut dyn Iterator<Item = f32>, count: f32| values.sum::<f32>() / count;
        let before = mean(&mut plane.iter().map(|&value| f32::from(value)), 35.0);
        assert!((mean(&mut small.iter().copied(), 6.0) - before).abs() < 0.01, "{small:?}");
        let mirrored: Vec<u8> = plane.chunks(7).flat_map(|row| row.iter().rev().copied()).collect();
        let back: Vec<f32> =
            resized(&mirrored, [7, 5], [3, 2]).chunks(3).flat_map(|row| row.iter().rev().copied()).collect();
        assert!(small.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-3), "{small:?} {back:?}");
    }

    #[test]
    fn upscaling_stays_within_the_values_of_the_small_plane() {
        let out = interpolated(&[0.0, 1.0, 0.5, 0.25], [2, 2], [9, 6]);
        assert_eq!(out.len(), 54);
        assert!((out[0] - 0.0).abs() < 1e-6 && (out[8] - 1.0).abs() < 1e-6, "{out:?}");
        assert!(out.iter().all(|value| (0.0..=1.0).contains(value)));
        assert_eq!(interpolated(&[0.5], [1, 1], [3, 2]), [0.5; 6]);
    }
}
