//! Grid of samples over a frame, on which backgrounds are measured.

use clearcut_frame::Frame;

/// Black luma and neutral chroma: the point around which a change of light scales.
pub(crate) const NEUTRAL: [f64; 3] = [16.0, 128.0, 128.0];

/// Number of samples along the longer side of a frame. It sets the time of a fit, and how exactly
/// the sides of a surround are known: to half a step, under 1 % of the frame.
pub(crate) const SAMPLES_ALONG_SIDE: usize = 56;

/// One pixel of the sample grid of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Column and row as a share of width and height: −1..=1.
    pub(crate) u: f64,
    pub(crate) v: f64,
    /// Y', Cb, Cr.
    pub(crate) ycc: [f64; 3],
    /// The sample lies at the border of the frame.
    pub(crate) at_border: bool,
}

/// A side of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

impl Side {
    pub(crate) const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];
}

impl Sample {
    /// The side of the frame that the sample is nearest to.
    pub(crate) fn side(&self) -> Side {
        match (self.u.abs() > self.v.abs(), self.u < 0.0, self.v < 0.0) {
            (true, true, _) => Side::Left,
            (true, false, _) => Side::Right,
            (false, _, true) => Side::Top,
            (false, _, false) => Side::Bottom,
        }
    }

    /// Column as a share of the width.
    pub(crate) fn across(&self) -> f32 {
        f32::midpoint(self.u as f32, 1.0)
    }

    /// Row as a share of the height.
    pub(crate) fn down(&self) -> f32 {
        f32::midpoint(self.v as f32, 1.0)
    }
}

/// Samples a grid of opaque pixels of `frame`, including the border.
pub(crate) fn sample_grid(frame: &Frame) -> Vec<Sample> {
    let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
    let step = width.max(height).div_ceil(SAMPLES_ALONG_SIDE).max(1);
    let shift = frame.format().subsampling.shift();
    let chroma_width = frame.format().chroma_size().0;
    let coordinates = |length: usize| (0..length).step_by(step).chain((length > 1).then_some(length - 1));
    let place = |at: usize, length: usize| 2.0 * (at as f64 + 0.5) / length as f64 - 1.0;
    let margin = step.min(width.min(height).div_ceil(16));
    let mut samples = Vec::new();
    for y in coordinates(height) {
        for x in coordinates(width) {
            if frame.alpha().is_some_and(|alpha| alpha[y * width + x] < 255) {
                continue;
            }
            let chroma = (y >> shift) * chroma_width + (x >> shift);
            let ycc = [frame.y()[y * width + x], frame.cb()[chroma], frame.cr()[chroma]].map(f64::from);
            let at_border = x < margin || y < margin || x + margin >= width || y + margin >= height;
            samples.push(Sample { u: place(x, width), v: place(y, height), ycc, at_border });
        }
    }
    samples
}

/// Each frame's samples as a slice.
pub(crate) fn as_slices(per_frame: &[Vec<Sample>]) -> Vec<&[Sample]> {
    per_frame.iter().map(Vec::as_slice).collect()
}
