//! Errors of outbound requests, with stable codes and faults.

use clearcut_job::{ErrorCode, Fault, error_chain};

/// A failed outbound request. Messages contain neither the URL nor text from its host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The text is not an absolute URL.
    #[error("this is no complete URL: it begins with https:// or http://")]
    Malformed,
    /// The scheme is neither http nor https.
    #[error("the URL must begin with https:// or http://")]
    Scheme,
    /// The URL contains a user name or a password.
    #[error("the URL contains a user name or a password; remove them")]
    Credentials,
    /// The URL leads to an address that the policy does not admit.
    #[error("this server may not fetch from that network: use a public URL")]
    Refused,
    /// Too many redirects, or a redirect without a valid location.
    #[error("the URL redirects too often, or to an invalid URL")]
    Redirects,
    /// The host refused the request.
    #[error("the host of the URL refused the file, with status {0}")]
    Denied(u16),
    /// The file exceeds the size limit.
    #[error("the file is larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// The host failed temporarily.
    #[error("the host of the URL failed, with status {0}")]
    Failing(u16),
    /// The host sends too slowly.
    #[error("the host of the URL sends too slowly")]
    TooSlow,
    /// The host name has no address at the moment.
    #[error("can't find that host. Check the URL")]
    Unresolved,
    /// The connection failed.
    #[error("can't reach the host of the URL")]
    Unreachable(#[source] reqwest::Error),
    /// The connection or the response timed out.
    #[error("the host of the URL did not answer in time")]
    TimedOut,
    /// The connection broke during the transfer.
    #[error("the transfer broke off")]
    Broken(#[source] reqwest::Error),
    /// The client could not be created.
    #[error("the client for outbound requests could not be created")]
    Client(#[source] reqwest::Error),
    /// The TLS configuration of this machine is unusable.
    #[error("the TLS settings are unusable")]
    Tls(#[source] rustls::Error),
}

impl OutboundError {
    /// Stable error code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed | Self::Scheme | Self::Credentials | Self::Refused | Self::Redirects | Self::Denied(_) => {
                ErrorCode::InvalidUrl
            }
            Self::TooLarge { .. } => ErrorCode::FileTooLarge,
            Self::Failing(_)
            | Self::TooSlow
            | Self::Unresolved
            | Self::Unreachable(_)
            | Self::TimedOut
            | Self::Broken(_) => ErrorCode::UrlUnavailable,
            Self::Client(_) | Self::Tls(_) => ErrorCode::OutboundClient,
        }
    }

    /// The party that has to act. An unresolved name is temporary: it may resolve a minute later.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.code().fault()
    }
}

/// Error of the resolver when all addresses of a name are refused, or there are none. It is
/// recovered from the source chain of the client's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("all addresses of the name are refused")]
    Refused,
    #[error("the name has no address")]
    Unresolved,
}

impl From<reqwest::Error> for OutboundError {
    /// Removes the URL from the error, because its query may contain a secret.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let name_error = error_chain(&error).find_map(|cause| cause.downcast_ref::<NameError>()).copied();
        match name_error {
            Some(NameError::Refused) => Self::Refused,
            Some(NameError::Unresolved) => Self::Unresolved,
            None if error.is_timeout() => Self::TimedOut,
            None if error.is_builder() => Self::Malformed,
            None if error.is_connect() => Self::Unreachable(error),
            None => Self::Broken(error),
        }
    }
}
