//! The accept loop: admission of connections, their timeouts, and graceful shutdown.

use std::{net::IpAddr, sync::Mutex, time::Duration};

use axum::{Router, body::Body, http::Request, response::IntoResponse as _};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceExt as _, service_fn};

use crate::{
    ApiError,
    http::{admission::Admission, write_timeout::WriteTimeout},
};

/// Limits on connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Maximum number of connections. A few more wait in a queue; they get `SERVER_BUSY` if no slot
    /// becomes free, or if their address has its maximum. Default 2048.
    pub max_connections: usize,
    /// Maximum number of connections per address. Default: three quarters of `max_connections`. Set
    /// it to `max_connections` behind a proxy, whose connections all come from one address.
    pub max_per_address: usize,
    /// Timeout for the head of a request, and for an idle connection. Default 15 s.
    pub header_timeout: Duration,
    /// Timeout for a client that reads little or nothing of a reply. Default 60 s: a paused player
    /// stops reading and later continues with a range request.
    pub write_timeout: Duration,
    /// Grace period for running requests when the server stops. Default 5 s.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self::with_connections(2048)
    }
}

impl ConnectionLimits {
    /// The default limits for another number of connections.
    #[must_use]
    pub fn with_connections(max_connections: usize) -> Self {
        Self {
            max_connections,
            max_per_address: (max_connections / 4 * 3).max(1),
            header_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_mins(1),
            grace: Duration::from_secs(5),
        }
    }
}

/// Pause after a failed accept, for example when the system is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Timeout of a waiting connection: for sending the head of its request, and then for a free slot.
const WAITING_TIMEOUT: Duration = Duration::from_secs(2);

/// Size of the buffers of one connection, for bytes read ahead and for bytes waiting to be sent.
const BUFFERED_BYTES: usize = 64 << 10;

/// Unsent bytes that the kernel buffers per connection (`TCP_NOTSENT_LOWAT`). Its default would
/// buffer megabytes of a reply that the client does not read. Bytes in flight are not limited by
/// this.
const UNSENT_BYTES: u32 = 128 << 10;

/// Accepts and serves connections until `stop` completes, then lets running requests end within the
/// grace period.
///
/// A connection over the limit waits in a small queue. There, health checks are answered at once,
/// and other requests are served if a slot becomes free soon, unless their address has its maximum.
pub async fn serve(listener: TcpListener, routes: Router, limits: ConnectionLimits, stop: impl Future<Output = ()>) {
    let (admission, graceful) = (Admission::new(limits), GracefulShutdown::new());
    tokio::pin!(stop);
    loop {
        // Reserved before accepting, so that further connections stay in the kernel's backlog.
        let accepted = async { (admission.reserve_waiting().await, listener.accept().await) };
        let (waiting_permit, accepted) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let (socket, address) = match accepted {
            Ok((socket, address)) => (socket, address.ip()),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Replies are written whole, so Nagle's algorithm would only delay them.
        let _ = socket.set_nodelay(true);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES);
        if let Some(slot) = admission.try_admit(address) {
            let service = TowerToHyperService::new(routes.clone());
            let served = http1_builder(limits.header_timeout, true)
                .serve_connection(with_write_timeout(socket, limits), service);
            spawn_connection(graceful.watch(served), slot);
        } else if let Some(waiting_slot) =
            waiting_permit.and_then(|waiting_permit| admission.admit_waiting(waiting_permit, address))
        {
            let service = TowerToHyperService::new(waiting_service(routes.clone(), admission.clone(), address));
            let header_timeout = limits.header_timeout.min(WAITING_TIMEOUT);
            let served =
                http1_builder(header_timeout, false).serve_connection(with_write_timeout(socket, limits), service);
            spawn_connection(graceful.watch(served), waiting_slot);
        } else {
            reject(&socket);
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running at the end of the grace period");
    }
}

/// Rejects a connection with `SERVER_BUSY`, as far as the kernel accepts the reply without
/// blocking.
fn reject(socket: &TcpStream) {
    let body = format!(
        r#"{{"success":false,"error":{{"code":"{}","message":"{}","details":{{}}}}}}"#,
        ApiError::Busy.code(),
        ApiError::Busy
    );
    let head =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close";
    let _ = socket.try_write(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
}

fn http1_builder(header_timeout: Duration, keep_alive: bool) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(header_timeout).keep_alive(keep_alive).half_close(false);
    builder.max_buf_size(BUFFERED_BYTES);
    builder
}

fn with_write_timeout(socket: TcpStream, limits: ConnectionLimits) -> TokioIo<WriteTimeout<TcpStream>> {
    TokioIo::new(WriteTimeout::new(socket, limits.write_timeout))
}

/// Serves one connection on its own task, which ends by the timeouts above. Holds `slot` until
/// then.
fn spawn_connection(connection: impl Future<Output = hyper::Result<()>> + Send + 'static, slot: impl Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(slot);
    });
}

/// The service of a waiting connection, for one request.
fn waiting_service(
    routes: Router,
    admission: Admission,
    address: IpAddr,
) -> impl tower::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future = impl Future<Output = Result<axum::response::Response, std::convert::Infallible>> + Send,
> + Clone {
    // Holds the slot until the connection ends.
    let held_slot = std::sync::Arc::new(Mutex::new(None));
    service_fn(move |request: Request<Incoming>| {
        let (routes, admission, held_slot) = (routes.clone(), admission.clone(), held_slot.clone());
        async move {
            if !matches!(request.uri().path(), "/livez" | "/readyz") {
                let Some(slot) = admission.admit_within(address, WAITING_TIMEOUT).await else {
                    return Ok(ApiError::Busy.into_response());
                };
                *held_slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(slot);
            }
            routes.oneshot(request.map(Body::new)).await
        }
    })
}
