//! Scripted loopback host for tests, which plays one prepared response per connection.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The behavior of the scripted host on one connection.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Writes the text and closes the connection.
    Respond(String),
    /// Writes the text, then bytes without end.
    RespondEndlessly(String),
    /// Writes the text, then waits forever.
    RespondAndWait(String),
}

/// A loopback host that plays one act per connection, repeats the last one, and records the request
/// headers.
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(crate) async fn play(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&heads);
        tokio::spawn(async move {
            for turn in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(perform(stream, acts[turn.min(acts.len() - 1)].clone(), Arc::clone(&recorded)));
            }
        });
        Self { address, heads }
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn perform(mut stream: TcpStream, act: Act, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = vec![0; 4096];
    let read = stream.read(&mut head).await.unwrap_or(0);
    heads.lock().unwrap().push(String::from_utf8_lossy(&head[..read]).to_lowercase());
    match act {
        Act::Respond(text) => drop(stream.write_all(text.as_bytes()).await),
        Act::RespondEndlessly(text) => {
            drop(stream.write_all(text.as_bytes()).await);
            while stream.write_all(&[b'x'; 1000]).await.is_ok() {}
        }
        Act::RespondAndWait(text) => {
            drop(stream.write_all(text.as_bytes()).await);
            std::future::pending::<()>().await;
        }
    }
}
