//! Errors of a model whose tensors are not those that the registry describes.

use clearcut_matte::ModelError;

/// The model file lacks a tensor that the registry names.
#[derive(Debug, thiserror::Error)]
#[error("the model lacks an input or output that the registry names")]
pub(crate) struct MissingTensor;

/// The output is missing or does not hold 32-bit numbers.
#[derive(Debug, thiserror::Error)]
#[error("the output is not a tensor of 32-bit floats")]
pub(crate) struct InvalidOutput;

/// An error of the runtime, for the caller of the model.
pub(crate) fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ModelError {
    ModelError::Failed(Box::new(error))
}
