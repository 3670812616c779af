use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// How many at once; more wait to be accepted. Default 4096.
    pub max_connections: usize,
    /// How long the head of a request may take, and how long a kept connection may idle. Default 15 s.
    pub header_timeout: Duration,
    /// How long requests under way may take to end when the server stops. Default 5 s.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { max_connections: 4096, header_timeout: Duration::from_secs(15), grace: Duration::from_secs(5) }
    }
}

/// How long to pause when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections and answers them until `stop` is done, then lets requests under way end within their grace.
pub async fn serve(listener: TcpListener, routes: Router, limits: ConnectionLimits, stop: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).keep_alive(true).half_close(false);
    let free = Arc::new(Semaphore::new(limits.max_connections));
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = async {
            // Taken before the connection, so that the ones beyond the cap wait in the system's queue.
            let permit = free.clone().acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|(socket, _)| (socket, permit))
        };
        let (socket, permit) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        // Replies are small and written whole; waiting to fill a packet only delays them.
        let _ = socket.set_nodelay(true);
        let service = TowerToHyperService::new(routes.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(socket), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the grace ended");
    }
}
