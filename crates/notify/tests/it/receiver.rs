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

/// How a receiver answers one request.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// These bytes, and the end of the connection.
    Says(String),
    /// Never.
    Stalls,
    /// By ending the connection.
    Closes,
    /// With 200 and as much of a gigabyte as is taken.
    Floods,
}

/// A request as it came.
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

/// A real receiver on loopback: answers in the manners it was given, one after the other, and in the last one from then on.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    /// Bytes of bodies that were taken off its hands.
    pub(crate) sent: Arc<AtomicUsize>,
    came: Arc<Notify>,
}

pub(crate) fn status(line: &str) -> Manner {
    Manner::Says(format!("HTTP/1.1 {line}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"))
}

impl Receiver {
    pub(crate) async fn with(manners: Vec<Manner>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            connections: Arc::default(),
            sent: Arc::default(),
            came: Arc::default(),
        };
        let answering = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let turn = answering.connections.fetch_add(1, Ordering::SeqCst).min(manners.len() - 1);
                tokio::spawn(answering.clone().answer(stream, manners[turn].clone()));
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

    /// Waits until `count` requests have come.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        let all = async {
            loop {
                let came = self.came.notified();
                if self.received().len() >= count {
                    return self.received();
                }
                came.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all)
            .await
            .unwrap_or_else(|_| panic!("{count} requests did not come"))
    }

    async fn answer(self, mut stream: TcpStream, manner: Manner) {
        let Some(request) = read_request(&mut stream).await else { return };
        self.received.lock().unwrap().push(request);
        self.came.notify_waiters();
        match manner {
            Manner::Says(answer) => drop(stream.write_all(answer.as_bytes()).await),
            Manner::Stalls => std::future::pending().await,
            Manner::Closes => {}
            Manner::Floods => {
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
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
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
