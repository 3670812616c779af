//! The model's mask of a frame, and the model's input made from the frame.

use clearcut_frame::Frame;

use super::{grey::Grey, shrink::resized};
use crate::model::{ModelError, ModelInput, SegmentationModel, checked_output};

/// Probability of subject per pixel of a small copy of the frame, 0.0–1.0, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    pub(crate) size: [usize; 2],
    pub(crate) values: Vec<f32>,
}

/// Runs `model` on `frame` and returns its mask as a plane of `size`. Finer shapes are found by
/// color.
pub(crate) fn predicted_mask(
    frame: &Frame,
    model: &mut dyn SegmentationModel,
    size: [usize; 2],
) -> Result<Grey, ModelError> {
    let input = model.input();
    let values = checked_output(model, &input_planes(frame, input))?;
    Ok(Grey::new(size[0], size[1], &resized(&values, [input.width, input.height], size)))
}

/// `frame` as input planes of the model, stretched to the model's size as in training.
///
/// The reference code of U²-Net divides by the brightest level of each frame. Here the full range
/// is fixed: in a clip the brightest level jumps with every highlight, and the output would jump
/// with it.
fn input_planes(frame: &Frame, input: ModelInput) -> Vec<f32> {
    let format = frame.format();
    let size = [format.size.width() as usize, format.size.height() as usize];
    let chroma = <[usize; 2]>::from(format.chroma_size());
    let to = [input.width, input.height];
    let y = resized(frame.y(), size, to);
    let [cb, cr] = [frame.cb(), frame.cr()].map(|plane| resized(plane, chroma, to));
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
