//! Listening socket of the server, and the limits on its connections.

use std::net::SocketAddr;

use clearcut_api::ConnectionLimits;
use clearcut_job::ErrorCode;
use tokio::net::{TcpListener, TcpSocket};

use super::{open_files::connections, settings::Settings};
use crate::failure::Failure;

/// Length of the kernel's queue of connections that are not accepted yet. With the 128 of
/// [`TcpListener::bind`], a client beyond them retries after a second or more.
const BACKLOG: u32 = 1024;

/// Listens on `address`. Also returns the address in use, whose port the system chooses if that of
/// `address` is 0.
pub(super) fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    let listener = open().map_err(|error| {
        let message = format!("{address} cannot be listened on: {error}");
        Failure::host(ErrorCode::ListenFailed, message, Some("Give another address with --listen."))
    })?;
    let address = listener.local_addr().map_err(|error| Failure::host_error(ErrorCode::ListenFailed, &error))?;
    Ok((listener, address))
}

/// Limits on connections of a process that may have `open_files` files open.
pub(super) fn connection_limits(settings: &Settings, open_files: u64) -> ConnectionLimits {
    let max_connections = connections(open_files, settings);
    if max_connections < settings.max_connections {
        let wanted = settings.max_connections;
        tracing::warn!(
            descriptors = open_files,
            wanted,
            max_connections,
            "fewer connections than set, to leave file descriptors for jobs (ulimit -n)"
        );
    }
    let mut limits = ConnectionLimits::with_connections(max_connections);
    if let Some(max_per_address) = settings.max_connections_per_address {
        limits.max_per_address = max_per_address.max(1);
    }
    limits
}
