use std::error::Error;

use clearcut_job::Fault;

/// Why an address was not reached. Messages hold neither the address nor what its host said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The text is no absolute address.
    #[error("the address is not an absolute URL")]
    Malformed,
    /// Neither http nor https.
    #[error("the address is not http or https")]
    Scheme,
    /// A user or a password stands in it.
    #[error("the address holds a user name or a password")]
    Credentials,
    /// It leads to a machine that must not be reached.
    #[error("the address leads to a network that this server does not reach")]
    Refused,
    /// It was redirected too often, or to nowhere.
    #[error("the address redirects too often or to no address")]
    Redirects,
    /// Its host has an answer, and that is no.
    #[error("the host of the address answered with status {0}")]
    Denied(u16),
    /// More bytes than are wanted.
    #[error("the file is larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// Its host has trouble of its own, now.
    #[error("the host of the address failed with status {0}")]
    Failing(u16),
    /// The bytes come too slowly.
    #[error("the host of the address sends too slowly")]
    TooSlow,
    /// Its name has no address, now.
    #[error("the host of the address has no known address")]
    Unresolved,
    /// No connection could be made.
    #[error("the host of the address could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The connection or the answer did not come in time.
    #[error("the host of the address did not answer in time")]
    TimedOut,
    /// The conversation broke off.
    #[error("the transfer broke off")]
    Broken(#[source] reqwest::Error),
    /// The client could not be made.
    #[error("the client for outbound requests could not be made")]
    Client(#[source] reqwest::Error),
    /// This machine's TLS settings are unusable.
    #[error("the TLS settings are unusable")]
    Tls(#[source] rustls::Error),
}

impl OutboundError {
    /// The stable word for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed | Self::Scheme | Self::Credentials | Self::Refused | Self::Redirects | Self::Denied(_) => {
                "INVALID_URL"
            }
            Self::TooLarge { .. } => "FILE_TOO_LARGE",
            Self::Failing(_)
            | Self::TooSlow
            | Self::Unresolved
            | Self::Unreachable(_)
            | Self::TimedOut
            | Self::Broken(_) => "URL_UNAVAILABLE",
            Self::Client(_) | Self::Tls(_) => "OUTBOUND_CLIENT",
        }
    }

    /// Who has to act. A name without an address may have one a minute later.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Malformed
            | Self::Scheme
            | Self::Credentials
            | Self::Refused
            | Self::Redirects
            | Self::Denied(_)
            | Self::TooLarge { .. } => Fault::Input,
            Self::Failing(_)
            | Self::TooSlow
            | Self::Unresolved
            | Self::Unreachable(_)
            | Self::TimedOut
            | Self::Broken(_) => Fault::Upstream,
            Self::Client(_) | Self::Tls(_) => Fault::Host,
        }
    }
}

/// What a resolver says when all addresses of a name are refused, or there are none; found again under the client's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("all addresses of the name are refused")]
    Refused,
    #[error("the name has no address")]
    Unresolved,
}

impl From<reqwest::Error> for OutboundError {
    /// Drops the address from the error: its query may hold a secret.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        match cause::<NameError>(&error) {
            Some(NameError::Refused) => Self::Refused,
            Some(NameError::Unresolved) => Self::Unresolved,
            None if error.is_timeout() => Self::TimedOut,
            None if error.is_builder() => Self::Malformed,
            None if error.is_connect() => Self::Unreachable(error),
            None => Self::Broken(error),
        }
    }
}

fn cause<T: Error + Copy + 'static>(error: &reqwest::Error) -> Option<T> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(*found);
        }
        source = error.source();
    }
    None
}
