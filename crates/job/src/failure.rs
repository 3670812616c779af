use serde::{Deserialize, Serialize};

use crate::Fault;

macro_rules! failure_codes {
    ($($(#[$docs:meta])* $name:ident = $wire:literal, $fault:ident;)*) => {
        /// Why a job ended without outputs. The word is stable: the API, the command line and the docs say it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum FailureCode {
            $($(#[$docs])* #[serde(rename = $wire)] $name,)*
        }

        impl FailureCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word on the wire and in the database.
            #[must_use]
            pub const fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// Who has to act: decides between refusal, retry and alert.
            #[must_use]
            pub const fn fault(self) -> Fault {
                match self { $(Self::$name => Fault::$fault,)* }
            }
        }
    };
}

failure_codes! {
    /// The file is no video, is damaged, or holds something that is not cut.
    InvalidVideo = "INVALID_VIDEO", Input;
    /// No color dominates the border of the clip, so there is no background to tell.
    NoFlatBackground = "NO_FLAT_BACKGROUND", Input;
    /// The request cannot be carried out on this clip.
    InvalidRequest = "INVALID_REQUEST", Input;
    /// The clip is beyond a limit in bytes, pixels, frames or seconds.
    FileTooLarge = "FILE_TOO_LARGE", Input;
    /// The address of the clip cannot be fetched from, and will not be: refused, not there, forbidden.
    InvalidUrl = "INVALID_URL", Input;
    /// The key keeps as many bytes as it may.
    QuotaExceeded = "QUOTA_EXCEEDED", Input;
    /// The owner ended the job.
    Cancelled = "JOB_CANCELLED", Input;
    /// The job waited longer than jobs are kept.
    Expired = "JOB_EXPIRED", Host;
    /// This server's ffmpeg cannot write the format.
    FormatUnavailable = "FORMAT_UNAVAILABLE", Host;
    /// A neural model was asked for, and none is installed.
    ModelMissing = "MODEL_MISSING", Host;
    /// The disk is full.
    InsufficientStorage = "INSUFFICIENT_STORAGE", Host;
    /// The job ran past its deadline or stopped moving.
    Timeout = "TIMEOUT", Host;
    /// Workers vanished while they had it, two while the server lived or three with it.
    WorkerLost = "WORKER_LOST", Host;
    /// An output was written but does not hold what was meant to be in it.
    OutputCheckFailed = "OUTPUT_CHECK_FAILED", Host;
    /// The tools failed on this clip for a reason that is ours.
    ProcessingFailed = "PROCESSING_FAILED", Host;
    /// The store or another machine did not answer; worth another attempt.
    StorageUnavailable = "STORAGE_UNAVAILABLE", Upstream;
    /// The machine had no file, process or memory to give when the job began; it goes back in line.
    ShortOfResources = "SHORT_OF_RESOURCES", Upstream;
    /// The system ended a process of the job, as it does when memory runs out; worth another attempt.
    OutOfMemory = "OUT_OF_MEMORY", Upstream;
    /// The host of the clip's address failed, could not be reached or was too slow; worth another attempt.
    UrlUnavailable = "URL_UNAVAILABLE", Upstream;
}

impl FailureCode {
    /// The code with the word `wire`; a word that is not known here counts as [`Self::ProcessingFailed`].
    #[must_use]
    pub fn from_wire(wire: &str) -> Self {
        Self::ALL.iter().copied().find(|code| code.wire() == wire).unwrap_or(Self::ProcessingFailed)
    }
}

/// How a job ended that has no outputs: a code, and a sentence for the one who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The stable word.
    pub code: FailureCode,
    /// For people. Holds no path, no tool output and no SQL.
    pub message: String,
}

impl Failure {
    /// A failure with `code` that `message` explains.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_one_code() {
        for code in FailureCode::ALL {
            assert_eq!(FailureCode::from_wire(code.wire()), *code);
            assert_eq!(serde_json::to_value(code).unwrap(), code.wire());
        }
    }

    #[test]
    fn a_word_of_another_version_still_reads() {
        assert_eq!(FailureCode::from_wire("SOLAR_FLARE"), FailureCode::ProcessingFailed);
    }
}
