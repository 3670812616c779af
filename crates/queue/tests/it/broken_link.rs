//! A link to PostgreSQL that breaks in a transaction of the queue or at its commit, and a server
//! that knows no TLS.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UnixListener, UnixStream},
};

/// Where the link breaks.
#[derive(Clone, Copy)]
pub(crate) enum Cut {
    /// The first statement after the begin of a transaction does not reach the server.
    InTransaction = 1,
    /// A commit does not reach the server.
    BeforeCommit = 2,
    /// The server commits, and its answer is lost.
    AfterCommit = 3,
}

/// A socket that passes bytes on to a server.
pub(crate) struct BrokenLink {
    folder: tempfile::TempDir,
    next: Arc<AtomicU8>,
}

impl BrokenLink {
    /// A link to the server whose socket is in `server`.
    pub(crate) fn start(server: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let (server, next) = (server.join(".s.PGSQL.5432"), Arc::new(AtomicU8::new(0)));
        tokio::spawn(accept(listener, server, Arc::clone(&next)));
        Self { folder, next }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Breaks the link once.
    pub(crate) fn cut_next(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }

    /// Whether the link has broken where it was to break.
    pub(crate) fn has_cut(&self) -> bool {
        self.next.load(Ordering::SeqCst) == 0
    }
}

async fn accept(listener: UnixListener, server: PathBuf, next: Arc<AtomicU8>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = UnixStream::connect(&server).await.unwrap();
        tokio::spawn(pass_on(client, server, Arc::clone(&next)));
    }
}

/// Passes bytes on in both directions, until one side ends or the link is to be cut.
async fn pass_on(mut client: UnixStream, mut server: UnixStream, next: Arc<AtomicU8>) {
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    // The number of statements in a transaction of the queue, of which the first one reads the time.
    // Those of the relay of signals begin in another way.
    let mut statements = None;
    let take = |cut: Cut| next.compare_exchange(cut as u8, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(len @ 1..) = read else { return };
                let asked = &asked[..len];
                let contains = |text: &[u8]| asked.windows(text.len()).any(|bytes| bytes == text);
                if contains(b"BEGIN ISOLATION") {
                    statements = Some(0);
                } else if contains(b"BEGIN\0") {
                    statements = None;
                } else if asked[0] == b'P' {
                    statements = statements.map(|count| count + 1);
                }
                let is_commit = contains(b"COMMIT\0");
                if (statements == Some(2) && take(Cut::InTransaction)) || (is_commit && take(Cut::BeforeCommit)) {
                    return;
                }
                server.write_all(asked).await.unwrap();
                if is_commit && take(Cut::AfterCommit) {
                    // The answer has arrived, so the server has committed.
                    let _ = server.read(&mut answered).await;
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(len @ 1..) = read else { return };
                if client.write_all(&answered[..len]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Answers every request for TLS as a server of PostgreSQL does that has none. Returns its port.
pub(crate) async fn server_without_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = [0; 8];
            let _ = client.read_exact(&mut request).await;
            let _ = client.write_all(b"N").await;
        }
    });
    port
}
