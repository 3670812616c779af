//! Interface to neural segmentation models: a model takes a small frame and returns the probability
//! of subject per pixel.

/// Input format of a model: size and normalization of its frame. Channel order is RGB, planar.
///
/// A value is `(level / 255 - mean) / deviation` of its channel, with level 0–255 of
/// display-referred R'G'B'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelInput {
    /// Width of the model's frame in pixels, at least 1.
    pub width: usize,
    /// Height of the model's frame in pixels, at least 1.
    pub height: usize,
    /// Mean to subtract from each channel, as a share of full range.
    pub mean: [f32; 3],
    /// Divisor of each channel, as a share of full range; not 0.
    pub deviation: [f32; 3],
}

impl ModelInput {
    /// Number of pixels of the model's frame, and of values in its output.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.width * self.height
    }
}

/// A model that separates subject from background in one frame.
///
/// The same planes always give the same output. For a model with states, this holds for the same
/// sequence of planes since [`SegmentationModel::forget`].
pub trait SegmentationModel: Send {
    /// The input format of this model. It never changes.
    fn input(&self) -> ModelInput;

    /// Returns the probability (0.0 background – 1.0 subject) of every pixel, row by row.
    ///
    /// `planes` holds three planes of [`ModelInput::height`] rows of [`ModelInput::width`] values
    /// each, red first. Blocks while the model runs.
    ///
    /// # Errors
    /// If the model cannot be run.
    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError>;

    /// Whether the model carries states from frame to frame, and so must get every frame in order.
    fn has_states(&self) -> bool {
        false
    }

    /// Drops the states of the preceding frames, since a shot begins.
    fn forget(&mut self) {}
}

/// A model gave no output, or no usable one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The runtime failed on the model. The source is for the log.
    #[error("the model failed on a frame")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The output has another size than the model's frame: this is not the expected model.
    #[error("the model returned {got} values instead of {expected}")]
    WrongSize {
        /// Pixels of the model's frame.
        expected: usize,
        /// Values in the output.
        got: usize,
    },
    /// The output holds non-finite values: the model is damaged, or the runtime computes it
    /// wrongly.
    #[error("the model returned non-finite values")]
    NotANumber,
}

/// The output of `model` for `planes`, checked and clamped to 0.0–1.0.
///
/// # Errors
/// If the model gives no usable output.
pub(crate) fn checked_output(model: &mut dyn SegmentationModel, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
    let expected = model.input().pixels();
    let mut probabilities = model.segment(planes)?;
    if probabilities.len() != expected {
        return Err(ModelError::WrongSize { expected, got: probabilities.len() });
    }
    if !probabilities.iter().all(|value| value.is_finite()) {
        return Err(ModelError::NotANumber);
    }
    for value in &mut probabilities {
        *value = value.clamp(0.0, 1.0);
    }
    Ok(probabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct FixedOutput(Vec<f32>);

    impl SegmentationModel for FixedOutput {
        fn input(&self) -> ModelInput {
            ModelInput { width: 2, height: 1, mean: [0.5; 3], deviation: [0.5; 3] }
        }

        fn segment(&mut self, _: &[f32]) -> Result<Vec<f32>, ModelError> {
            Ok(self.0.clone())
        }
    }

    #[test]
    fn the_output_is_checked_for_size_and_finite_values_and_clamped() {
        let output = |values: &[f32]| checked_output(&mut FixedOutput(values.to_vec()), &[0.0; 6]);
        assert!(matches!(output(&[0.5]), Err(ModelError::WrongSize { expected: 2, got: 1 })));
        assert!(matches!(output(&[0.5, f32::NAN]), Err(ModelError::NotANumber)));
        assert_eq!(output(&[-0.25, 1.5]).unwrap(), [0.0, 1.0]);
    }
}
