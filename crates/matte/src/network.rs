//! What a neural network is to this crate: something that takes a small frame and says where the subject is.

/// What a network wants to see: its frame's size, channel order RGB, planar.
///
/// A value is `(level / 255 - mean) / deviation` of its channel, level 0–255 of display-referred R'G'B'.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkInput {
    /// Width of the network's frame in pixels, at least 1.
    pub width: usize,
    /// Height of the network's frame in pixels, at least 1.
    pub height: usize,
    /// Taken off each channel, as a share of full range.
    pub mean: [f32; 3],
    /// What each channel is divided by, as a share of full range; not 0.
    pub deviation: [f32; 3],
}

impl NetworkInput {
    /// Pixels of the network's frame, and values in its answer.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.width * self.height
    }
}

/// A network that tells subject from background in one frame. The same planes always give the same answer, after the same
/// planes since [`Network::forget`] if it has states.
pub trait Network: Send {
    /// What this network wants to see; the same for its whole life.
    fn input(&self) -> NetworkInput;

    /// The probability (0.0 background – 1.0 subject) of every pixel, row by row.
    ///
    /// `planes` are three planes of [`NetworkInput::height`] rows of [`NetworkInput::width`] values each, red first.
    /// Blocks for as long as the network thinks.
    ///
    /// # Errors
    /// If the network could not be run.
    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, NetworkError>;

    /// Whether it carries states from frame to frame, and wants to see every frame in order.
    fn has_states(&self) -> bool {
        false
    }

    /// A shot begins: what was carried from the frames before is dropped.
    fn forget(&mut self) {}
}

/// A network gave no answer, or none that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// What runs the network failed. The source is for the log.
    #[error("the network failed on a frame")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer has another size than the network's frame: not the model that it is taken for.
    #[error("the network answered with {got} values, not {expected}")]
    WrongSize {
        /// Pixels of the network's frame.
        expected: usize,
        /// Values in the answer.
        got: usize,
    },
    /// The answer holds values that are no numbers: a damaged model, or a runtime that computes it wrongly.
    #[error("the network answered with values that are no numbers")]
    NotANumber,
}

/// The answer of `network` about `planes`, checked and kept within 0.0–1.0.
///
/// # Errors
/// If the network gives no answer that can be used.
pub(crate) fn answer(network: &mut dyn Network, planes: &[f32]) -> Result<Vec<f32>, NetworkError> {
    let expected = network.input().pixels();
    let mut found = network.segment(planes)?;
    if found.len() != expected {
        return Err(NetworkError::WrongSize { expected, got: found.len() });
    }
    if !found.iter().all(|value| value.is_finite()) {
        return Err(NetworkError::NotANumber);
    }
    for value in &mut found {
        *value = value.clamp(0.0, 1.0);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Says(Vec<f32>);

    impl Network for Says {
        fn input(&self) -> NetworkInput {
            NetworkInput { width: 2, height: 1, mean: [0.5; 3], deviation: [0.5; 3] }
        }

        fn segment(&mut self, _: &[f32]) -> Result<Vec<f32>, NetworkError> {
            Ok(self.0.clone())
        }
    }

    #[test]
    fn only_an_answer_of_the_right_size_made_of_numbers_is_taken() {
        let asked = |values: &[f32]| answer(&mut Says(values.to_vec()), &[0.0; 6]);
        assert!(matches!(asked(&[0.5]), Err(NetworkError::WrongSize { expected: 2, got: 1 })));
        assert!(matches!(asked(&[0.5, f32::NAN]), Err(NetworkError::NotANumber)));
        assert_eq!(asked(&[-0.25, 1.5]).unwrap(), [0.0, 1.0]);
    }
}
