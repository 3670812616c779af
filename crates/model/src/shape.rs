//! Conversion between planes and the tensors of a model.

use crate::entry::{InputSpec, Layout, Meaning};

/// Dimensions of the input tensor.
pub(crate) const fn dimensions(input: &InputSpec) -> [usize; 4] {
    match input.layout {
        Layout::Nchw => [1, 3, input.height, input.width],
        Layout::Nhwc => [1, input.height, input.width, 3],
    }
}

/// Three planes in the layout of the input tensor.
pub(crate) fn to_layout(planes: &[f32], layout: Layout) -> Vec<f32> {
    match layout {
        Layout::Nchw => planes.to_vec(),
        Layout::Nhwc => {
            let plane = planes.len() / 3;
            (0..plane).flat_map(|pixel| [0, 1, 2].map(|channel| planes[channel * plane + pixel])).collect()
        }
    }
}

/// Values of the output tensor as probabilities.
pub(crate) fn probabilities(mut values: Vec<f32>, meaning: Meaning) -> Vec<f32> {
    if meaning == Meaning::Logit {
        for value in &mut values {
            *value = 1.0 / (1.0 + (-*value).exp());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleaving_keeps_the_channels_of_a_pixel_together() {
        assert_eq!(
            to_layout(&[1.0, 2.0, 10.0, 20.0, 100.0, 200.0], Layout::Nhwc),
            [1.0, 10.0, 100.0, 2.0, 20.0, 200.0]
        );
    }

    #[test]
    fn logits_map_to_probabilities_from_zero_to_one() {
        assert_eq!(probabilities(vec![0.0, 100.0, -100.0], Meaning::Logit)[..2], [0.5, 1.0]);
        assert!(probabilities(vec![-100.0], Meaning::Logit)[0] < 1e-30);
    }
}
