//! Arithmetic on colors and on contrasts, in levels of Y', Cb, Cr.

/// The sum of the products of the components.
pub(crate) fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// How large a contrast is.
pub(crate) fn length(of: [f32; 3]) -> f32 {
    dot(of, of).sqrt()
}

/// The median; 0.0 of nothing.
pub(crate) fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
}
