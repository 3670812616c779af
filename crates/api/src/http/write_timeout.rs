//! Write timeout of connections: a connection fails if its client does not read what it is sent.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// Minimum number of bytes that a client must accept per timeout while data is waiting for it:
/// about 1 KiB/s at the default timeout of one minute.
const MIN_ACCEPTED_BYTES: u64 = 64 << 10;

/// Wraps a connection. Writes fail once the client has accepted too little within the timeout.
pub(crate) struct WriteTimeout<S> {
    inner: S,
    timeout: Duration,
    stall: Option<Stall>,
}

/// A period in which the send buffer has been full: its deadline, and the bytes accepted since.
struct Stall {
    accepted_bytes: u64,
    deadline: Pin<Box<Sleep>>,
}

impl<S> WriteTimeout<S> {
    pub(crate) const fn new(inner: S, timeout: Duration) -> Self {
        Self { inner, timeout, stall: None }
    }

    fn record(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(stall) = &mut self.stall {
                    stall.accepted_bytes += bytes as u64;
                    if stall.accepted_bytes >= MIN_ACCEPTED_BYTES {
                        self.stall = None;
                    }
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let timeout = self.timeout;
                let stall =
                    self.stall.get_or_insert_with(|| Stall { accepted_bytes: 0, deadline: Box::pin(sleep(timeout)) });
                if stall.deadline.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                stall.deadline.as_mut().reset(Instant::now() + timeout);
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read the reply")))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.record(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.record(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A flush follows when everything was written, so the send buffer has space again.
        self.stall = None;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const TIMEOUT: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_connection_times_out_if_the_client_reads_nothing() {
        let (server, _client) = duplex(1000);
        let mut connection = WriteTimeout::new(server, TIMEOUT);
        let began = Instant::now();
        let result = connection.write_all(&[0; 10_000]).await;
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!((TIMEOUT..TIMEOUT * 2).contains(&began.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_times_out_if_the_client_reads_single_bytes() {
        let (server, mut client) = duplex(1000);
        tokio::spawn(async move {
            while client.read_u8().await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let result = WriteTimeout::new(server, TIMEOUT).write_all(&vec![0; 100_000]).await;
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_receives_everything_and_idle_time_between_replies_does_not_count() {
        let (server, mut client) = duplex(1000);
        let reader = tokio::spawn(async move {
            let (mut total, mut piece) = (0, [0; 1000]);
            while let Ok(read @ 1..) = client.read(&mut piece).await {
                total += read;
                sleep(Duration::from_millis(500)).await;
            }
            total
        });
        let mut connection = WriteTimeout::new(server, TIMEOUT);
        for _ in 0..3 {
            connection.write_all(&vec![0; 200_000]).await.unwrap();
            connection.flush().await.unwrap();
            sleep(TIMEOUT * 3).await;
        }
        drop(connection);
        assert_eq!(reader.await.unwrap(), 600_000);
    }
}
