//! A connection whose client has to take what it is sent.

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

/// What a client has to take within each span of patience, while there is something for it: 1 KiB/s for the default of a minute.
const TAKEN_BYTES: u64 = 64 << 10;

/// Reads and writes `inner`; writing fails once the client has taken too little for too long.
pub(crate) struct Outflow<S> {
    inner: S,
    patience: Duration,
    stalled: Option<Stall>,
}

/// Since when the system has had no room for what is to be sent, and what it took since.
struct Stall {
    taken: u64,
    over: Pin<Box<Sleep>>,
}

impl<S> Outflow<S> {
    pub(crate) const fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, stalled: None }
    }

    fn note(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(stall) = &mut self.stalled {
                    stall.taken += bytes as u64;
                    if stall.taken >= TAKEN_BYTES {
                        self.stalled = None;
                    }
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let patience = self.patience;
                let stall = self.stalled.get_or_insert_with(|| Stall { taken: 0, over: Box::pin(sleep(patience)) });
                if stall.over.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                stall.over.as_mut().reset(Instant::now() + patience);
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take what it asked for")))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Outflow<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Outflow<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.note(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Asked for when all was handed over: the system has room again.
        self.stalled = None;
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

    const PATIENCE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_ends_the_connection_in_time() {
        let (ours, _theirs) = duplex(1000);
        let mut outflow = Outflow::new(ours, PATIENCE);
        let began = Instant::now();
        let sent = outflow.write_all(&[0; 10_000]).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!((PATIENCE..PATIENCE * 2).contains(&began.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_byte_at_a_time_ends_it_too() {
        let (ours, mut theirs) = duplex(1000);
        tokio::spawn(async move {
            while theirs.read_u8().await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let sent = Outflow::new(ours, PATIENCE).write_all(&vec![0; 100_000]).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_gets_all_and_a_pause_between_replies_counts_for_nothing() {
        let (ours, mut theirs) = duplex(1000);
        let reading = tokio::spawn(async move {
            let (mut all, mut piece) = (0, [0; 1000]);
            while let Ok(read @ 1..) = theirs.read(&mut piece).await {
                all += read;
                sleep(Duration::from_millis(500)).await;
            }
            all
        });
        let mut outflow = Outflow::new(ours, PATIENCE);
        for _ in 0..3 {
            outflow.write_all(&vec![0; 200_000]).await.unwrap();
            outflow.flush().await.unwrap();
            sleep(PATIENCE * 3).await;
        }
        drop(outflow);
        assert_eq!(reading.await.unwrap(), 600_000);
    }
}
