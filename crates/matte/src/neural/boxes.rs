//! Means over small squares.

/// The mean of the square of `2 × reach + 1` pixels a side around every pixel, of what of it lies inside.
///
/// Sums are taken afresh for every pixel: running ones drift, and with squares this small they are not quicker.
pub(crate) fn boxed(values: &[f32], width: usize, reach: usize) -> Vec<f32> {
    let height = values.len() / width;
    let mut wide = vec![0.0; values.len()];
    let mut padded = vec![0.0; width + 2 * reach];
    for (line, out) in values.chunks_exact(width).zip(wide.chunks_exact_mut(width)) {
        padded[reach..reach + width].copy_from_slice(line);
        for shift in 0..=2 * reach {
            for (out, value) in out.iter_mut().zip(&padded[shift..]) {
                *out += value;
            }
        }
    }
    let shares: Vec<f32> = (0..width).map(|x| 1.0 / inside(x, reach, width)).collect();
    let mut out = vec![0.0; values.len()];
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        for line in wide.chunks_exact(width).take(y + reach + 1).skip(y.saturating_sub(reach)) {
            for (out, value) in out.iter_mut().zip(line) {
                *out += value;
            }
        }
        let share = 1.0 / inside(y, reach, height);
        for (out, column) in out.iter_mut().zip(&shares) {
            *out *= column * share;
        }
    }
    out
}

/// How many of the pixels up to `reach` away from `at` lie on a side.
fn inside(at: usize, reach: usize, side: usize) -> f32 {
    ((at + reach + 1).min(side) - at.saturating_sub(reach)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_that_of_the_pixels_inside() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(boxed(&values, 3, 1), [3.0, 3.5, 4.0, 3.0, 3.5, 4.0]);
        assert!(boxed(&[7.0; 30], 6, 4).iter().all(|mean| (mean - 7.0).abs() < 1e-5));
    }
}
