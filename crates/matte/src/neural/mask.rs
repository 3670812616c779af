//! What a model says about a frame, and the frame that it is asked about.

use clearcut_frame::Frame;

use super::{grey::Grey, shrink::shrunk};
use crate::model::{ModelError, ModelInput, SegmentationModel, answer};

/// How likely each pixel of a small copy of the frame is subject, 0.0–1.0, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    pub(crate) size: [usize; 2],
    pub(crate) values: Vec<f32>,
}

/// What `model` says about `frame`, as a plane of `size`: finer shapes are found by color.
pub(crate) fn asked(frame: &Frame, model: &mut dyn SegmentationModel, size: [usize; 2]) -> Result<Grey, ModelError> {
    let input = model.input();
    let values = answer(model, &planes(frame, input))?;
    Ok(Grey::new(size[0], size[1], &shrunk(&values, [input.width, input.height], size)))
}

/// `frame` as the model wants to see it, stretched to its size as in training.
///
/// The reference code of U²-Net divides by the brightest level of each frame. Here full range is full range: in a clip
/// the brightest level jumps with every highlight, and the answer with it.
fn planes(frame: &Frame, input: ModelInput) -> Vec<f32> {
    let format = frame.format();
    let size = [format.size.width() as usize, format.size.height() as usize];
    let chroma = <[usize; 2]>::from(format.chroma_size());
    let to = [input.width, input.height];
    let y = shrunk(frame.y(), size, to);
    let [cb, cr] = [frame.cb(), frame.cr()].map(|plane| shrunk(plane, chroma, to));
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
