//! Smooth surfaces over the frame, for the change of one component of a lit background from place
//! to place.

/// Terms of a cubic in two variables.
const TERMS: usize = 10;

/// A cubic polynomial over the frame, in coordinates −1..=1 along each side.
///
/// Light falls off smoothly (inverse square, cosine, lens vignette): products of a linear and a
/// quadratic factor. Degree three represents them, and is stiff enough not to follow a subject.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Surface {
    coefficients: [f64; TERMS],
}

/// One measured value at a place; both coordinates are −1..=1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) u: f64,
    pub(crate) v: f64,
    pub(crate) value: f64,
}

fn terms(u: f64, v: f64) -> [f64; TERMS] {
    [1.0, u, v, u * u, u * v, v * v, u * u * u, u * u * v, u * v * v, v * v * v]
}

impl Surface {
    /// A surface with the same value everywhere.
    pub(crate) fn constant(value: f64) -> Self {
        let mut coefficients = [0.0; TERMS];
        coefficients[0] = value;
        Self { coefficients }
    }

    /// The least-squares surface of `degree` 0..=3 through `readings`, pulled slightly towards flat
    /// where there are no readings (Tikhonov regularization with a thousandth of the readings'
    /// weight). `None` if there are fewer readings than coefficients.
    pub(crate) fn fitted(readings: impl Iterator<Item = Reading>, degree: u32) -> Option<Self> {
        let used = [1, 3, 6, TERMS][degree.min(3) as usize];
        let mut normal = [[0.0; TERMS + 1]; TERMS];
        let mut count = 0.0;
        for reading in readings {
            let t = terms(reading.u, reading.v);
            for i in 0..used {
                for j in i..used {
                    normal[i][j] += t[i] * t[j];
                }
                normal[i][TERMS] += t[i] * reading.value;
            }
            count += 1.0;
        }
        if count < used as f64 {
            return None;
        }
        for i in 1..used {
            let (above, row) = normal.split_at_mut(i);
            for (j, upper) in above.iter().enumerate() {
                row[0][j] = upper[i];
            }
            row[0][i] += 1e-3 * count;
        }
        Some(Self { coefficients: solve(&mut normal, used) })
    }

    /// The value at a place.
    pub(crate) fn at(&self, u: f64, v: f64) -> f64 {
        terms(u, v).iter().zip(self.coefficients).map(|(t, c)| t * c).sum()
    }
}

/// Solves the symmetric positive system `normal` (right-hand side in its last column) by
/// elimination.
fn solve(normal: &mut [[f64; TERMS + 1]; TERMS], used: usize) -> [f64; TERMS] {
    for i in 0..used {
        let pivot = if normal[i][i].abs() < 1e-12 { 1e-12 } else { normal[i][i] };
        let row = normal[i];
        for below in normal.iter_mut().take(used).skip(i + 1) {
            let factor = below[i] / pivot;
            for (cell, above) in below.iter_mut().zip(row) {
                *cell -= factor * above;
            }
        }
    }
    let mut solution = [0.0; TERMS];
    for i in (0..used).rev() {
        let substituted: f64 = (i + 1..used).map(|j| normal[i][j] * solution[j]).sum();
        let pivot = if normal[i][i].abs() < 1e-12 { 1e-12 } else { normal[i][i] };
        solution[i] = (normal[i][TERMS] - substituted) / pivot;
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = (f64, f64)> {
        (-5..=5).flat_map(|i| (-5..=5).map(move |j| (f64::from(i) / 5.0, f64::from(j) / 5.0)))
    }

    #[test]
    fn a_cubic_fits_a_vignette_to_a_fraction_of_a_level() {
        let truth = |u: f64, v: f64| 150.0 * (1.0 - 0.1 * u) * (1.0 - 0.15 * (u * u + v * v));
        let fit = Surface::fitted(grid().map(|(u, v)| Reading { u, v, value: truth(u, v) }), 3).unwrap();
        for (u, v) in grid() {
            assert!((fit.at(u, v) - truth(u, v)).abs() < 0.7, "at {u},{v}: {} for {}", fit.at(u, v), truth(u, v));
        }
    }

    #[test]
    fn too_few_readings_give_no_surface() {
        assert_eq!(Surface::fitted(std::iter::empty(), 0), None);
    }
}
