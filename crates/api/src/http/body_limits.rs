use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, Sleep, sleep};

/// How large and how slow the body of a request may be.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Bytes at most, checked while they come. Default 2 GiB.
    pub max_bytes: u64,
    /// The longest pause between two pieces. Default 20 s.
    pub idle: Duration,
    /// Bytes a second on average at least, once [`Self::idle`] has passed. Default 4 KiB/s.
    pub min_bytes_per_sec: u64,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { max_bytes: 2 << 30, idle: Duration::from_secs(20), min_bytes_per_sec: 4096 }
    }
}

/// What came of a body, told to the one who reads it through a library that knows only "failed".
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyFate(Arc<AtomicU8>);

/// Why a body was ended early by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    TooLarge,
    TooSlow,
}

impl BodyFate {
    fn set(&self, verdict: Verdict) {
        self.0.store(verdict as u8 + 1, Ordering::Relaxed);
    }

    /// Why it was ended, if it was ended by us.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(Verdict::TooLarge),
            2 => Some(Verdict::TooSlow),
            _ => None,
        }
    }
}

/// What is read, and for how long, of a body that was refused: a client that is still sending would otherwise have its
/// connection reset before it reads why.
const LINGER_BYTES: u64 = 64 << 20;
const LINGER: Duration = Duration::from_secs(10);

/// A body that fails once it is larger or slower than its limits.
pub(crate) struct PacedBody {
    inner: Option<Body>,
    limits: BodyLimits,
    fate: BodyFate,
    taken: u64,
    /// When the first byte was asked for.
    began: Option<Instant>,
    idle: Pin<Box<Sleep>>,
    /// The client waits for our word before it sends: reading on would give it.
    awaits_continue: bool,
}

impl PacedBody {
    pub(crate) fn new(inner: Body, limits: BodyLimits, awaits_continue: bool) -> (Self, BodyFate) {
        let fate = BodyFate::default();
        let idle = Box::pin(sleep(limits.idle));
        let body =
            Self { inner: Some(inner), limits, fate: fate.clone(), taken: 0, began: None, idle, awaits_continue };
        (body, fate)
    }

    fn fail(&mut self, verdict: Verdict) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.fate.set(verdict);
        Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(format!("{verdict:?}"))))))
    }

    fn is_too_slow(&self, since: Instant) -> bool {
        let elapsed = since.elapsed();
        elapsed > self.limits.idle && self.taken < elapsed.as_secs().saturating_mul(self.limits.min_bytes_per_sec)
    }
}

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        if this.began.is_none() {
            this.began = Some(Instant::now());
            this.idle.as_mut().reset(Instant::now() + this.limits.idle);
        }
        let Poll::Ready(next) = Pin::new(inner).poll_frame(cx) else {
            ready!(this.idle.as_mut().poll(cx));
            return this.fail(Verdict::TooSlow);
        };
        let Some(Ok(frame)) = next else {
            this.inner = None;
            return Poll::Ready(next);
        };
        this.taken += frame.data_ref().map_or(0, |data| data.remaining() as u64);
        if this.taken > this.limits.max_bytes {
            return this.fail(Verdict::TooLarge);
        }
        if this.began.is_some_and(|began| this.is_too_slow(began)) {
            return this.fail(Verdict::TooSlow);
        }
        this.idle.as_mut().reset(Instant::now() + this.limits.idle);
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        let unasked = self.awaits_continue && self.began.is_none();
        let Some(mut inner) = self.inner.take().filter(|inner| !inner.is_end_stream() && !unasked) else { return };
        // The task ends by its own clock; nothing else owns the body any more.
        tokio::spawn(tokio::time::timeout(LINGER, async move {
            let mut read = 0;
            while let Some(Ok(frame)) = inner.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len) as u64;
                if read > LINGER_BYTES {
                    return;
                }
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn limits() -> BodyLimits {
        BodyLimits { max_bytes: 10, idle: Duration::from_secs(20), min_bytes_per_sec: 1 }
    }

    async fn read(body: Body) -> (bool, Option<Verdict>) {
        let (paced, fate) = PacedBody::new(body, limits(), false);
        (Body::new(paced).collect().await.is_ok(), fate.verdict())
    }

    /// `pieces` of one byte each, with a pause before every one.
    fn slow(pieces: usize, pause: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            sleep(pause).await;
            (sent < pieces).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(b"x")), sent + 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_within_its_limits_passes() {
        assert_eq!(read(Body::from("0123456789")).await, (true, None));
        assert_eq!(read(slow(9, Duration::from_millis(900))).await, (true, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_too_many_ends_it() {
        assert_eq!(read(Body::from("0123456789a")).await, (false, Some(Verdict::TooLarge)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_too_long_ends_it() {
        assert_eq!(read(slow(2, Duration::from_secs(21))).await, (false, Some(Verdict::TooSlow)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_it_although_no_pause_is_long() {
        assert_eq!(read(slow(9, Duration::from_secs(5))).await, (false, Some(Verdict::TooSlow)));
    }
}
