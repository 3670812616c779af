//! Slow, vanishing and idle clients on a real socket.

use std::time::Duration;

use clearcut_api::{BodyLimits, ConnectionLimits, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::fixture::{KEY, SUBMIT, Server};

/// The accept loop on a real socket.
struct Listening {
    server: Server,
    address: std::net::SocketAddr,
    _stop: oneshot::Sender<()>,
}

async fn listen() -> Listening {
    let server = Server::with(|settings| {
        settings.body =
            BodyLimits { max_bytes: 1 << 20, idle_timeout: Duration::from_millis(300), min_bytes_per_sec: 1000 };
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits =
        ConnectionLimits { max_connections: 4, header_timeout: Duration::from_millis(300), ..Default::default() };
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(serve(listener, server.routes.clone(), limits, async move { drop(stopped.await) }));
    Listening { server, address, _stop: stop }
}

/// Sends `text` and reads until the server closes the connection.
async fn exchange(listening: &Listening, text: &str) -> String {
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn submit_head(length: usize) -> String {
    format!(
        "POST {SUBMIT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=X\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_request_head_that_does_not_end_times_out() {
    let listening = listen().await;
    exchange(&listening, "GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
}

#[tokio::test]
async fn a_stalled_body_is_refused_with_408_and_leaves_nothing() {
    let listening = listen().await;
    let start = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\0\0\0\x20ftypisom";
    let answer = exchange(&listening, &format!("{}{start}", submit_head(100_000))).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"TIMEOUT\""), "{answer}");
    listening.server.assert_empty("a slow body").await;
}

#[tokio::test]
async fn a_client_that_disconnects_during_an_upload_leaves_nothing() {
    let listening = listen().await;
    let start = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\0\0\0\x20ftypisom";
    let mut socket = TcpStream::connect(listening.address).await.unwrap();
    socket.write_all(format!("{}{start}", submit_head(100_000)).as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    drop(socket);
    listening.server.assert_empty("a client that disconnected").await;
    assert!(
        exchange(&listening, "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.contains("alive")
    );
}

#[tokio::test]
async fn idle_connections_over_the_limit_do_not_block_other_clients() {
    let listening = listen().await;
    let mut idle_sockets = Vec::new();
    for _ in 0..8 {
        idle_sockets.push(TcpStream::connect(listening.address).await.unwrap());
    }
    let answer = exchange(&listening, "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("alive"), "{answer}");
}

#[tokio::test]
async fn a_client_still_sending_can_read_its_refusal() {
    let listening = listen().await;
    let large = "x".repeat(20_000_000);
    let head = submit_head(large.len()).replace(KEY, "hc_00000000000000000000000000000000");
    let answer = exchange(&listening, &format!("{head}{large}")).await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("INVALID_API_KEY"), "{answer}");
}
