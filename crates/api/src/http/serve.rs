//! The accept loop: who is let in, and how long a connection may take for what.

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
    http::{admission::Doors, write_timeout::Outflow},
};

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// How many at once; a few more wait, and are told to come again if no place comes free. Default 2048.
    pub max_connections: usize,
    /// How many of one address at once. Default 1536. Behind a proxy, which is one address, as many as there are.
    pub max_per_address: usize,
    /// How long the head of a request may take, and how long a kept connection may idle. Default 15 s.
    pub header_timeout: Duration,
    /// How long a client may take nothing, or next to nothing, of what it is sent. Default 60 s: a player that is paused stops taking, and
    /// comes back with a range.
    pub write_patience: Duration,
    /// How long requests under way may take to end when the server stops. Default 5 s.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 2048,
            max_per_address: 1536,
            header_timeout: Duration::from_secs(15),
            write_patience: Duration::from_mins(1),
            grace: Duration::from_secs(5),
        }
    }
}

/// How long to pause when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long who waits outside may take to say what it wants, and then waits for a place.
const OUTSIDE_PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of requests that are read ahead, and of replies that wait to be sent, on one connection.
const BUFFERED_BYTES: usize = 64 << 10;

/// Bytes that the system takes from us for one connection before they can be sent. It would take megabytes of a reply that nobody reads; what
/// is on its way to a client is not limited by this.
const UNSENT_BYTES: u32 = 128 << 10;

/// Accepts connections and answers them until `stop` is done, then lets requests under way end within their grace.
///
/// Who finds no place waits outside, where health is told at once and all else is done if a place comes free soon.
pub async fn serve(listener: TcpListener, routes: Router, limits: ConnectionLimits, stop: impl Future<Output = ()>) {
    let (doors, graceful) = (Doors::new(limits), GracefulShutdown::new());
    tokio::pin!(stop);
    loop {
        // Taken before the connection, so that all others wait in the system's queue.
        let accepted = async { (doors.open().await, listener.accept().await) };
        let (opened, accepted) = tokio::select! {
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
        // Replies are small and written whole; waiting to fill a packet only delays them.
        let _ = socket.set_nodelay(true);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES);
        if let Some(place) = doors.try_enter(address) {
            let service = TowerToHyperService::new(routes.clone());
            let served = http(limits.header_timeout, true).serve_connection(outflow(socket, limits), service);
            run(graceful.watch(served), place);
        } else if let Some(outside) = opened.and_then(|opened| doors.wait(opened, address)) {
            let service = TowerToHyperService::new(outside_service(routes.clone(), doors.clone(), address));
            let patience = limits.header_timeout.min(OUTSIDE_PATIENCE);
            let served = http(patience, false).serve_connection(outflow(socket, limits), service);
            run(graceful.watch(served), outside);
        } else {
            turn_away(&socket);
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the grace ended");
    }
}

/// Says why, as far as it fits into what the system sends without waiting, and nothing more.
fn turn_away(socket: &TcpStream) {
    let body = format!(
        r#"{{"success":false,"error":{{"code":"{}","message":"{}","details":{{}}}}}}"#,
        ApiError::Busy.code(),
        ApiError::Busy
    );
    let head =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close";
    let _ = socket.try_write(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
}

fn http(header_timeout: Duration, keep_alive: bool) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout).keep_alive(keep_alive).half_close(false);
    http.max_buf_size(BUFFERED_BYTES);
    http
}

fn outflow(socket: TcpStream, limits: ConnectionLimits) -> TokioIo<Outflow<TcpStream>> {
    TokioIo::new(Outflow::new(socket, limits.write_patience))
}

/// Serves one connection on a task of its own, which ends by the limits above.
fn run(connection: impl Future<Output = hyper::Result<()>> + Send + 'static, held: impl Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(held);
    });
}

/// Answers who waits outside: one request.
fn outside_service(
    routes: Router,
    doors: Doors,
    address: IpAddr,
) -> impl tower::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future = impl Future<Output = Result<axum::response::Response, std::convert::Infallible>> + Send,
> + Clone {
    // The place that was found is held until the connection ends.
    let found = std::sync::Arc::new(Mutex::new(None));
    service_fn(move |request: Request<Incoming>| {
        let (routes, doors, found) = (routes.clone(), doors.clone(), found.clone());
        async move {
            if !matches!(request.uri().path(), "/livez" | "/readyz") {
                let Some(place) = doors.enter_within(address, OUTSIDE_PATIENCE).await else {
                    return Ok(ApiError::Busy.into_response());
                };
                *found.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(place);
            }
            routes.oneshot(request.map(Body::new)).await
        }
    })
}
