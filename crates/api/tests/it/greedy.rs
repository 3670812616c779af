//! Clients that use more than their share: multipart overhead, replies that nobody reads, and idle
//! connections.

use std::time::Duration;

use clearcut_api::{ConnectionLimits, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::fixture::{CLIP, KEY, Part, Server, form, submit_request};

#[tokio::test]
async fn multipart_overhead_over_the_limit_is_refused() {
    let server = Server::new().await;
    let good = form(&[Part::file(CLIP)]);
    let preamble = [vec![b'x'; 300_000], b"\r\n".to_vec(), good.clone()].concat();
    let header = format!("--X\r\nX-Long: {}\r\n", "y".repeat(300_000));
    let header = [header.into_bytes(), good[3..].to_vec()].concat();
    let many: Vec<u8> = (0..2000).flat_map(|number| format!("X-{number}: a\r\n").repeat(10).into_bytes()).collect();
    let many = [b"--X\r\n".to_vec(), many, good[5..].to_vec()].concat();
    for (case, body) in [("a preamble", preamble), ("one header", header), ("many headers", many)] {
        let answer = server.ask(submit_request(body)).await;
        assert_eq!(answer.error(), (400, "INVALID_REQUEST".to_owned()), "{case}: {answer:?}");
        assert!(
            answer.json()["error"]["message"].as_str().unwrap().contains("between its parts"),
            "{case}: {answer:?}"
        );
        server.assert_empty(case).await;
    }
}

#[tokio::test]
async fn field_data_does_not_count_as_multipart_overhead() {
    let server = Server::new().await;
    let clip = [CLIP, &vec![7; 500_000]].concat();
    let long = "z".repeat(8000);
    let unknown: Vec<String> = (0..50).map(|number| format!("unknown{number}")).collect();
    let mut parts: Vec<Part> = unknown.iter().map(|name| Part::text(name, &long)).collect();
    parts.push(Part::file(&clip));
    let answer = server.submit(&parts).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

#[tokio::test]
async fn an_undecodable_path_is_refused_in_the_envelope() {
    let server = Server::new().await;
    for path in ["/api/v1/jobs/%ff", "/api/v1/uploads/%c3%28", "/files/%ff", "/page/%80", "/docs/%ff"] {
        assert_eq!(server.get(path, KEY).await.error(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
    assert_eq!(server.get("/api/v1/jobs/%c3%a4", KEY).await.error(), (404, "JOB_NOT_FOUND".to_owned()));
}

/// Runs the accept loop on a real socket.
async fn listen(limits: ConnectionLimits) -> (Server, std::net::SocketAddr, oneshot::Sender<()>) {
    let server = Server::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(serve(listener, server.routes.clone(), limits, async move { drop(stopped.await) }));
    (server, address, stop)
}

async fn exchange(address: std::net::SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn health_checks_are_answered_while_all_connections_are_in_use() {
    // Far longer than the test, so that only the waiting queue can answer.
    let hour = Duration::from_hours(1);
    for max_per_address in [4, 2] {
        let limits =
            ConnectionLimits { max_connections: 4, max_per_address, header_timeout: hour, ..Default::default() };
        let (_server, address, _stop) = listen(limits).await;
        let mut held = Vec::new();
        for _ in 0..4 {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            assert!(socket.read_u8().await.is_ok());
            held.push(socket);
        }
        for path in ["/livez", "/readyz"] {
            assert!(exchange(address, path).await.starts_with("HTTP/1.1 200"), "{path}");
        }
        let other = exchange(address, "/docs.json").await;
        assert!(other.starts_with("HTTP/1.1 503") && other.contains("SERVER_BUSY"), "{other}");
    }
}

#[tokio::test]
async fn a_connection_whose_replies_are_not_read_is_closed() {
    let write_timeout = Duration::from_millis(200);
    let limits = ConnectionLimits { max_connections: 1, write_timeout, ..Default::default() };
    let (_server, address, _stop) = listen(limits).await;
    let mut greedy = TcpStream::connect(address).await.unwrap();
    greedy.write_all("GET /docs.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(400).as_bytes()).await.unwrap();
    // It is served once the only slot is free.
    let honest = exchange(address, "/docs.json").await;
    assert!(honest.starts_with("HTTP/1.1 200"), "{}", &honest[..honest.len().min(300)]);
    drop(greedy);
}
