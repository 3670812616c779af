//! The error codes that a job can end with, and the failure that it ends with.

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, Fault};

macro_rules! failure_codes {
    ($($name:ident,)*) => {
        /// The reason why a job ended without outputs: the [`ErrorCode`]s that a job can end with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(into = "ErrorCode", try_from = "String")]
        pub enum FailureCode {
            $(#[doc = concat!("See [`ErrorCode::", stringify!($name), "`].")] $name,)*
        }

        impl FailureCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The row of the table of error codes.
            #[must_use]
            pub const fn code(self) -> ErrorCode {
                match self { $(Self::$name => ErrorCode::$name,)* }
            }

            /// The failure code for `code`; `None` where no job ends with it.
            #[must_use]
            pub const fn from_code(code: ErrorCode) -> Option<Self> {
                match code { $(ErrorCode::$name => Some(Self::$name),)* _ => None }
            }
        }
    };
}

failure_codes! {
    InvalidVideo,
    InvalidImage,
    InvalidBackground,
    LimitNotMet,
    UnfitLength,
    NoFlatBackground,
    InvalidRequest,
    FileTooLarge,
    InvalidUrl,
    QuotaExceeded,
    Cancelled,
    Expired,
    FormatUnavailable,
    ModelMissing,
    InsufficientStorage,
    Timeout,
    WorkerLost,
    OutputCheckFailed,
    ProcessingFailed,
    StorageUnavailable,
    ShortOfResources,
    OutOfMemory,
    UrlUnavailable,
}

impl FailureCode {
    /// The code on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.code().name()
    }

    /// The party that has to act, which decides between rejection, retry and alert.
    #[must_use]
    pub const fn fault(self) -> Fault {
        self.code().fault()
    }
}

impl From<FailureCode> for ErrorCode {
    fn from(code: FailureCode) -> Self {
        code.code()
    }
}

impl TryFrom<String> for FailureCode {
    type Error = ParseFailureCodeError;

    fn try_from(wire: String) -> Result<Self, Self::Error> {
        Self::ALL.iter().copied().find(|code| code.name() == wire).ok_or(ParseFailureCodeError(wire))
    }
}

/// Error: a text is not the wire name of a failure code.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a failure code")]
pub struct ParseFailureCodeError(String);

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
            let wire = serde_json::to_value(code).unwrap();
            assert_eq!(wire, code.name());
            assert_eq!(serde_json::from_value::<FailureCode>(wire).unwrap(), *code);
        }
    }

    #[test]
    fn an_unknown_code_is_refused() {
        assert!(serde_json::from_str::<FailureCode>(r#""SOLAR_FLARE""#).is_err());
    }
}
