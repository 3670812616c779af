//! Planes at another size: the mean of what a pixel covers, so that nothing is skipped and nothing flickers.

/// `plane` (`from` width and height) at size `to`. Each pixel is the mean of the area that it covers; where the plane
/// is too small for that, it is interpolated.
pub(crate) fn shrunk<T: Copy + Into<f32>>(plane: &[T], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let columns = Share::along(from[0], to[0]);
    let rows = Share::along(from[1], to[1]);
    let mut out = Vec::with_capacity(to[0] * to[1]);
    let mut sum = vec![0.0_f32; from[0]];
    for row in &rows {
        sum.fill(0.0);
        for (line, weight) in plane.chunks_exact(from[0]).skip(row.first).zip(&row.weights) {
            for (sum, value) in sum.iter_mut().zip(line) {
                *sum += weight * (*value).into();
            }
        }
        out.extend(columns.iter().map(|column| column.of(&sum)));
    }
    out
}

/// `values` (`from` width and height) at size `to`, interpolated.
pub(crate) fn stretched(values: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let columns = Share::between(from[0], to[0]);
    let rows = Share::between(from[1], to[1]);
    let wide: Vec<f32> =
        values.chunks_exact(from[0]).flat_map(|line| columns.iter().map(|column| column.of(line))).collect();
    let mut out = vec![0.0_f32; to[0] * to[1]];
    for (line, row) in out.chunks_exact_mut(to[0]).zip(&rows) {
        for (source, weight) in wide.chunks_exact(to[0]).skip(row.first).zip(&row.weights) {
            for (value, source) in line.iter_mut().zip(source) {
                *value += weight * source;
            }
        }
    }
    out
}

/// What one new sample is made of: weights, 1 together, of the old samples from `first` on.
struct Share {
    first: usize,
    weights: Vec<f32>,
}

impl Share {
    /// By covered length where samples become fewer, else by [`Self::between`].
    fn along(from: usize, to: usize) -> Vec<Self> {
        if to >= from {
            return Self::between(from, to);
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

    /// By distance to the two nearest samples, centres on centres.
    fn between(from: usize, to: usize) -> Vec<Self> {
        let step = from as f64 / to as f64;
        let near = |at: usize| {
            let place = ((at as f64 + 0.5) * step - 0.5).clamp(0.0, from as f64 - 1.0);
            let first = (place as usize).min(from.saturating_sub(2));
            let right = (place - first as f64) as f32;
            Self { first, weights: if from == 1 { vec![1.0] } else { vec![1.0 - right, right] } }
        };
        (0..to).map(near).collect()
    }

    fn of(&self, line: &[f32]) -> f32 {
        line[self.first..].iter().zip(&self.weights).map(|(value, weight)| value * weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_plane_keeps_its_mean_and_its_mirror_image() {
        let plane: Vec<u8> = (0..7 * 5).map(|at| (at * 37 % 256) as u8).collect();
        let small = shrunk(&plane, [7, 5], [3, 2]);
        let mean = |values: &mut dyn Iterator<Item = f32>, count: f32| values.sum::<f32>() / count;
        let before = mean(&mut plane.iter().map(|&value| f32::from(value)), 35.0);
        assert!((mean(&mut small.iter().copied(), 6.0) - before).abs() < 0.01, "{small:?}");
        let mirrored: Vec<u8> = plane.chunks(7).flat_map(|row| row.iter().rev().copied()).collect();
        let back: Vec<f32> =
            shrunk(&mirrored, [7, 5], [3, 2]).chunks(3).flat_map(|row| row.iter().rev().copied()).collect();
        assert!(small.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-3), "{small:?} {back:?}");
    }

    #[test]
    fn a_larger_plane_has_the_values_of_the_small_one_and_nothing_beyond_them() {
        let out = stretched(&[0.0, 1.0, 0.5, 0.25], [2, 2], [9, 6]);
        assert_eq!(out.len(), 54);
        assert!((out[0] - 0.0).abs() < 1e-6 && (out[8] - 1.0).abs() < 1e-6, "{out:?}");
        assert!(out.iter().all(|value| (0.0..=1.0).contains(value)));
        assert_eq!(stretched(&[0.5], [1, 1], [3, 2]), [0.5; 6]);
    }
}
