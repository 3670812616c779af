//! Vector arithmetic on colors and contrasts, in levels of Y', Cb, Cr, for the modules of the
//! keyer.

/// Dot product.
pub(crate) fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Euclidean length of a contrast.
pub(crate) fn length(contrast: [f32; 3]) -> f32 {
    dot(contrast, contrast).sqrt()
}

/// Median; 0.0 if there are no values.
pub(crate) fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
}

/// A color Y', Cb, Cr as seen from black: a darker shade of a color is a multiple of it.
pub(crate) fn from_black([luma, blue, red]: [f32; 3]) -> [f32; 3] {
    [luma - 16.0, blue - 128.0, red - 128.0]
}
