//! The server over standard input and output, until the client closes it or the program is to end.

use rmcp::{
    ServiceExt,
    service::{QuitReason, ServerInitializeError},
    transport::stdio_pipes,
};
use tokio_util::sync::CancellationToken;

use crate::{Cutter, Roots, jobs::Work, tools::Tools};

/// Reason why the server ended before its client closed it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client does not speak the protocol.
    #[error("the client does not speak the Model Context Protocol")]
    Handshake(#[source] Box<ServerInitializeError>),
    /// The task that serves panicked.
    #[error("the server ended unexpectedly")]
    Panicked(#[source] tokio::task::JoinError),
}

/// Serves the tools over standard input and output until the client closes standard input or
/// `ending` is cancelled. Then all work is stopped; on return no process and no temporary file is
/// left. Calls that are being answered when the client closes have five seconds to end.
///
/// # Errors
/// See [`Error`].
pub async fn serve(cutter: impl Cutter, roots: Roots, ending: CancellationToken) -> Result<(), Error> {
    let work = Work::new(ending.clone());
    let served = converse(Tools::new(cutter, roots, work.clone()), ending).await;
    work.end().await;
    served
}

async fn converse(tools: Tools<impl Cutter>, ending: CancellationToken) -> Result<(), Error> {
    let service = match tools.serve_with_ct(stdio_pipes(), ending).await {
        Ok(service) => service,
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => return Ok(()),
        Err(error) => return Err(Error::Handshake(Box::new(error))),
    };
    match service.waiting().await {
        Ok(QuitReason::Closed | QuitReason::Cancelled) => Ok(()),
        Ok(QuitReason::JoinError(error)) | Err(error) => Err(Error::Panicked(error)),
        Ok(other) => {
            tracing::warn!(?other, "the connection ended");
            Ok(())
        }
    }
}
