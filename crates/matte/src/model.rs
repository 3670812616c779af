//! What a neural model is to this crate: something that takes a small frame and says where the subject is.

/// What a model wants to see: its frame's size, channel order RGB, planar.
///
/// A value is `(level / 255 - mean) / deviation` of its channel, level 0–255 of display-referred R'G'B'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelInput {
    /// Width of the model's frame in pixels, at least 1.
    pub width: usize,
    /// Height of the model's frame in pixels, at least 1.
    pub height: usize,
    /// Taken off each channel, as a share of full range.
    pub mean: [f32; 3],
    /// What each channel is divided by, as a share of full range; not 0.
    pub deviation: [f32; 3],
}

impl ModelInput {
    /// Pixels of the model's frame, and values in its answer.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.width * self.height
    }
}

/// A model that tells subject from background in one frame. The same planes always give the same answer, after the same
/// planes since [`SegmentationModel::forget`] if it has states.
pub trait SegmentationModel: Send {
    /// What this model wants to see; the same for its whole life.
    fn input(&self) -> ModelInput;

    /// The probability (0.0 background – 1.0 subject) of every pixel, row by row.
    ///
    /// `planes` are three planes of [`ModelInput::height`] rows of [`ModelInput::width`] values each, red first.
    /// Blocks for as long as the model thinks.
    ///
    /// # Errors
    /// If the model could not be run.
    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError>;

    /// Whether it carries states from frame to frame, and wants to see every frame in order.
    fn has_states(&self) -> bool {
        false
    }

    /// A shot begins: what was carried from the frames before is dropped.
    fn forget(&mut self) {}
}

/// A model gave no answer, or none that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// What runs the model failed. The source is for the log.
    #[error("the model failed on a frame")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer has another size than the model's frame: not the model that it is taken for.
    #[error("the model answered with {got} values, not {expected}")]
    WrongSize {
        /// Pixels of the model's frame.
        expected: usize,
        /// Values in the answer.
        got: usize,
    },
    /// The answer holds values that are no numbers: a damaged model, or a runtime that computes it wrongly.
    #[error("the model answered with values that are no numbers")]
    NotANumber,
}

/// The answer of `model` about `planes`, checked and kept within 0.0–1.0.
///
/// # Errors
/// If the model gives no answer that can be used.
pub(crate) fn answer(model: &mut dyn SegmentationModel, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
    let expected = model.input().pixels();
    let mut found = model.segment(planes)?;
    if found.len() != expected {
        return Err(ModelError::WrongSize { expected, got: found.len() });
    }
    if !found.iter().all(|value| value.is_finite()) {
        return Err(ModelError::NotANumber);
    }
    for value in &mut found {
        *value = value.clamp(0.0, 1.0);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Answers(Vec<f32>);

    impl SegmentationModel for Answers {
        fn input(&self) -> ModelInput {
            ModelInput { width: 2, height: 1, mean: [0.5; 3], deviation: [0.5; 3] }
        }

        fn segment(&mut self, _: &[f32]) -> Result<Vec<f32>, ModelError> {
            Ok(self.0.clone())
        }
    }

    #[test]
    fn only_an_answer_of_the_right_size_made_of_numbers_is_taken() {
        let asked = |values: &[f32]| answer(&mut Answers(values.to_vec()), &[0.0; 6]);
        assert!(matches!(asked(&[0.5]), Err(ModelError::WrongSize { expected: 2, got: 1 })));
        assert!(matches!(asked(&[0.5, f32::NAN]), Err(ModelError::NotANumber)));
        assert_eq!(asked(&[-0.25, 1.5]).unwrap(), [0.0, 1.0]);
    }
}
