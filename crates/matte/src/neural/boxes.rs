//! Box filter: means over small squares of a plane.

/// Per pixel, the mean of the square of `SIDE` (odd) pixels a side around it, limited to the plane.
///
/// Every sum is computed from scratch: running sums drift, and are not faster for squares this
/// small.
pub(crate) fn box_mean<const SIDE: usize>(values: &[f32], width: usize) -> Vec<f32> {
    let (height, reach) = (values.len() / width, SIDE / 2);
    let shares: Vec<f32> = (0..width).map(|x| 1.0 / inside(x, reach, width)).collect();
    let mut wide = vec![0.0; values.len()];
    let mut padded = vec![0.0; width + SIDE - 1];
    for (line, out) in values.chunks_exact(width).zip(wide.chunks_exact_mut(width)) {
        padded[reach..reach + width].copy_from_slice(line);
        for (out, around) in out.iter_mut().zip(padded.windows(SIDE)) {
            *out = around.first_chunk::<SIDE>().map_or(0.0, |around| around.iter().sum());
        }
    }
    let nothing = vec![0.0; width];
    let mut out = Vec::with_capacity(values.len());
    for y in 0..height {
        let row = |at: usize| (y + at).checked_sub(reach).filter(|row| *row < height);
        let rows: [&[f32]; SIDE] =
            std::array::from_fn(|at| row(at).map_or(&nothing[..], |row| &wide[row * width..][..width]));
        let share = 1.0 / inside(y, reach, height);
        out.extend((0..width).map(|x| rows.iter().map(|row| row[x]).sum::<f32>() * shares[x] * share));
    }
    out
}

/// The number of pixels within `reach` of `at` along a side.
fn inside(at: usize, reach: usize, side: usize) -> f32 {
    ((at + reach + 1).min(side) - at.saturating_sub(reach)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_counts_only_pixels_inside_the_plane() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(box_mean::<3>(&values, 3), [3.0, 3.5, 4.0, 3.0, 3.5, 4.0]);
        assert!(box_mean::<9>(&[7.0; 30], 6).iter().all(|mean| (mean - 7.0).abs() < 1e-5));
    }
}
