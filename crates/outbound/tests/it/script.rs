use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What a scripted host does with one connection.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Writes this and closes.
    Say(String),
    /// Writes this, and then the same bytes for ever.
    SayEndlessly(String),
    /// Writes this, and then waits for ever.
    SayAndWait(String),
}

/// A host on loopback that plays one act a connection, the last one from then on, and notes the heads of the requests.
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(crate) async fn play(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&heads);
        tokio::spawn(async move {
            for turn in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(perform(stream, acts[turn.min(acts.len() - 1)].clone(), Arc::clone(&noted)));
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
        Act::Say(text) => drop(stream.write_all(text.as_bytes()).await),
        Act::SayEndlessly(text) => {
            drop(stream.write_all(text.as_bytes()).await);
            while stream.write_all(&[b'x'; 1000]).await.is_ok() {}
        }
        Act::SayAndWait(text) => {
            drop(stream.write_all(text.as_bytes()).await);
            std::future::pending::<()>().await;
        }
    }
}
