//! What a network says about a picture, and the picture that it is asked about.

use clearcut_frame::Picture;

use super::shrink::shrunk;
use crate::network::{Network, NetworkError, NetworkInput, answer};

/// A side of a mask has at most so many pixels, whatever the network's picture has: finer shapes are found by colour, and what
/// is carried over time stays small.
const MOST_SIDE: usize = 320;

/// How likely each pixel of a small copy of the picture is subject, 0.0–1.0, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
}

impl Mask {
    /// What `network` says about `picture`.
    pub(crate) fn asked(picture: &Picture, network: &mut dyn Network) -> Result<Self, NetworkError> {
        let input = network.input();
        let values = answer(network, &planes(picture, input))?;
        let [width, height] = [input.width, input.height].map(|side| side.min(MOST_SIDE));
        let values = shrunk(&values, [input.width, input.height], [width, height]);
        Ok(Self { width, height, values })
    }

    /// Value at (`x`, `y`), interpolated, that of the nearest pixel beyond the sides.
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, self.width as f32 - 1.0);
        let y = y.clamp(0.0, self.height as f32 - 1.0);
        let (column, row) = (x as usize, y as usize);
        let (right, down) = (x - column as f32, y - row as f32);
        let start = row * self.width;
        let below = (row + 1).min(self.height - 1) * self.width;
        let beside = (column + 1).min(self.width - 1);
        let (a, b) = (self.values[start + column], self.values[start + beside]);
        let (c, d) = (self.values[below + column], self.values[below + beside]);
        let (above, under) = (a + (b - a) * right, c + (d - c) * right);
        above + (under - above) * down
    }
}

/// `picture` as the network wants to see it, stretched to its size as in training.
///
/// The reference code of U²-Net divides by the brightest level of each picture. Here full range is full range: in a clip
/// the brightest level jumps with every highlight, and the answer with it.
fn planes(picture: &Picture, input: NetworkInput) -> Vec<f32> {
    let format = picture.format();
    let size = [format.size.width() as usize, format.size.height() as usize];
    let chroma = <[usize; 2]>::from(format.chroma_size());
    let to = [input.width, input.height];
    let y = shrunk(picture.y(), size, to);
    let [cb, cr] = [picture.cb(), picture.cr()].map(|plane| shrunk(plane, chroma, to));
    let count = input.pixels();
    let mut planes = vec![0.0; 3 * count];
    for (at, ((&y, &cb), &cr)) in y.iter().zip(&cb).zip(&cr).enumerate() {
        let rgb = format.matrix.rgb_from_ycc([y, cb, cr]);
        for (channel, value) in rgb.into_iter().enumerate() {
            let share = value.clamp(0.0, 255.0) / 255.0;
            planes[channel * count + at] = (share - input.mean[channel]) / input.deviation[channel];
        }
    }
    planes
}
