//! Planes to the layout of a model and answers to probabilities.

use crate::entry::{InputSpec, Layout, Meaning};

/// The dimensions of the tensor that goes in.
pub(crate) const fn dimensions(input: &InputSpec) -> [usize; 4] {
    match input.layout {
        Layout::Nchw => [1, 3, input.height, input.width],
        Layout::Nhwc => [1, input.height, input.width, 3],
    }
}

/// Three planes in the order of the tensor that goes in.
pub(crate) fn arranged(planes: &[f32], layout: Layout) -> Vec<f32> {
    match layout {
        Layout::Nchw => planes.to_vec(),
        Layout::Nhwc => {
            let plane = planes.len() / 3;
            (0..plane).flat_map(|pixel| [0, 1, 2].map(|channel| planes[channel * plane + pixel])).collect()
        }
    }
}

/// Numbers of an answer as probabilities.
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
    fn interleaving_keeps_each_pixels_channels_together() {
        assert_eq!(arranged(&[1.0, 2.0, 10.0, 20.0, 100.0, 200.0], Layout::Nhwc), [1.0, 10.0, 100.0, 2.0, 20.0, 200.0]);
    }

    #[test]
    fn a_logit_of_nothing_is_a_half_and_large_ones_end_at_the_bounds() {
        assert_eq!(probabilities(vec![0.0, 100.0, -100.0], Meaning::Logit)[..2], [0.5, 1.0]);
        assert!(probabilities(vec![-100.0], Meaning::Logit)[0] < 1e-30);
    }
}
