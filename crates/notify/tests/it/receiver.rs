//! Webhook receiver on loopback with scripted behavior, for tests.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// Behavior of a receiver on one request.
#[derive(Debug, Clone)]
pub(crate) enum Behavior {
    /// Sends these bytes and closes the connection.
    Respond(String),
    /// Never answers.
    Stall,
    /// Closes the connection.
    Close,
    /// Sends 200 and up to a gigabyte of body, as far as the client reads it.
    Flood,
}

/// Received request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        let line =
            self.head.lines().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)));
        line.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Receiver on loopback. It uses one behavior per connection, in order, and repeats the last one.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    /// Number of body bytes written to the sockets.
    pub(crate) sent: Arc<AtomicUsize>,
    arrived: Arc<Notify>,
}

/// Behavior that answers with this status line and the body `ok`.
pub(crate) fn status(line: &str) -> Behavior {
    Behavior::Respond(format!("HTTP/1.1 {line}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"))
}

impl Receiver {
    pub(crate) async fn with(behaviors: Vec<Behavior>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            connections: Arc::default(),
            sent: Arc::default(),
            arrived: Arc::default(),
        };
        let answering = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let index = answering.connections.fetch_add(1, Ordering::SeqCst).min(behaviors.len() - 1);
                tokio::spawn(answering.clone().answer(stream, behaviors[index].clone()));
            }
        });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until `count` requests have arrived.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        let all = async {
            loop {
                let arrived = self.arrived.notified();
                if self.received().len() >= count {
                    return self.received();
                }
                arrived.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all)
            .await
            .unwrap_or_else(|_| panic!("{count} requests did not arrive"))
    }

    async fn answer(self, mut stream: TcpStream, behavior: Behavior) {
        let Some(request) = read_request(&mut stream).await else { return };
        self.received.lock().unwrap().push(request);
        self.arrived.notify_waiters();
        match behavior {
            Behavior::Respond(answer) => drop(stream.write_all(answer.as_bytes()).await),
            Behavior::Stall => std::future::pending().await,
            Behavior::Close => {}
            Behavior::Flood => {
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
                let piece = vec![b'x'; 64 << 10];
                let mut next = stream.write(head.as_bytes()).await;
                while let Ok(written) = next
                    && written > 0
                {
                    self.sent.fetch_add(written, Ordering::SeqCst);
                    next = stream.write(&piece).await;
                }
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut request = Received { head, body: bytes.split_off(end + 4) };
    let length: usize = request.header("content-length").parse().ok()?;
    let missing = length.saturating_sub(request.body.len());
    let mut rest = vec![0; missing];
    stream.read_exact(&mut rest).await.ok()?;
    request.body.extend_from_slice(&rest);
    Some(request)
}
