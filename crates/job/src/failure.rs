//! Failure codes of jobs, with wire name and fault, and the failure that a job ends with.

use serde::{Deserialize, Serialize};

use crate::Fault;

macro_rules! failure_codes {
    ($($(#[$docs:meta])* $name:ident = $wire:literal, $fault:ident;)*) => {
        /// The reason why a job ended without outputs. The code is stable: API, command line and
        /// documentation use it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum FailureCode {
            $($(#[$docs])* #[serde(rename = $wire)] $name,)*
        }

        impl FailureCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code on the wire and in the database.
            #[must_use]
            pub const fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The party that has to act, which decides between rejection, retry and alert.
            #[must_use]
            pub const fn fault(self) -> Fault {
                match self { $(Self::$name => Fault::$fault,)* }
            }
        }
    };
}

failure_codes! {
    /// The file is not a video, is damaged, or has content that cannot be processed.
    InvalidVideo = "INVALID_VIDEO", Input;
    /// No color dominates the border of the clip, so no background can be found.
    NoFlatBackground = "NO_FLAT_BACKGROUND", Input;
    /// The request is not applicable to this clip.
    InvalidRequest = "INVALID_REQUEST", Input;
    /// The clip exceeds a limit in bytes, pixels, frames or seconds.
    FileTooLarge = "FILE_TOO_LARGE", Input;
    /// The clip cannot be fetched from its URL, permanently: refused, missing or forbidden.
    InvalidUrl = "INVALID_URL", Input;
    /// The API key has reached its storage quota.
    QuotaExceeded = "QUOTA_EXCEEDED", Input;
    /// The owner cancelled the job.
    Cancelled = "JOB_CANCELLED", Input;
    /// The job waited in the queue longer than the retention time.
    Expired = "JOB_EXPIRED", Host;
    /// This server's ffmpeg cannot write the format.
    FormatUnavailable = "FORMAT_UNAVAILABLE", Host;
    /// A neural model is required but not installed.
    ModelMissing = "MODEL_MISSING", Host;
    /// The disk is full.
    InsufficientStorage = "INSUFFICIENT_STORAGE", Host;
    /// The job exceeded its deadline or made no progress.
    Timeout = "TIMEOUT", Host;
    /// Workers were lost while they held the job: two while the server kept running, or three
    /// together with the server.
    WorkerLost = "WORKER_LOST", Host;
    /// An output was written but does not have the intended content.
    OutputCheckFailed = "OUTPUT_CHECK_FAILED", Host;
    /// Processing failed for a reason that is not the clip's fault.
    ProcessingFailed = "PROCESSING_FAILED", Host;
    /// The store or another machine did not respond; the job is retried.
    StorageUnavailable = "STORAGE_UNAVAILABLE", Upstream;
    /// The machine had no free file descriptor, process or memory when the job started; the job
    /// returns to the queue.
    ShortOfResources = "SHORT_OF_RESOURCES", Upstream;
    /// The system killed a process of the job, as happens when memory runs out; the job is retried.
    OutOfMemory = "OUT_OF_MEMORY", Upstream;
    /// The host of the clip's URL failed, was unreachable or too slow; the job is retried.
    UrlUnavailable = "URL_UNAVAILABLE", Upstream;
}

impl FailureCode {
    /// Parses the wire name of a code. An unknown name counts as [`Self::ProcessingFailed`].
    #[must_use]
    pub fn from_wire(wire: &str) -> Self {
        Self::ALL.iter().copied().find(|code| code.wire() == wire).unwrap_or(Self::ProcessingFailed)
    }
}

/// The failure that a job ended with: a code, and a message for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The stable code.
    pub code: FailureCode,
    /// Message for people. Contains no path, no tool output and no SQL.
    pub message: String,
}

impl Failure {
    /// Creates a failure with `code` and an explanatory `message`.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_round_trips_through_its_wire_name() {
        for code in FailureCode::ALL {
            assert_eq!(FailureCode::from_wire(code.wire()), *code);
            assert_eq!(serde_json::to_value(code).unwrap(), code.wire());
        }
    }

    #[test]
    fn an_unknown_code_reads_as_processing_failed() {
        assert_eq!(FailureCode::from_wire("SOLAR_FLARE"), FailureCode::ProcessingFailed);
    }
}
