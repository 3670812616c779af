//! Limits on request bodies: total size, pauses, and average speed.

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
use bytes::{Buf, Bytes};
use clearcut_outbound::DownloadLimits;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, Sleep, sleep};

use crate::{ApiError, http::metrics};

/// Limits on the size and speed of a request body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Maximum size in bytes, checked while the body arrives. Default: that of a clip fetched from
    /// an address.
    pub max_bytes: u64,
    /// Maximum pause between two pieces of the body. Default 20 s.
    pub idle_timeout: Duration,
    /// Minimum average rate in bytes per second, once [`Self::idle_timeout`] has passed. Default
    /// 4 KiB/s.
    pub min_bytes_per_sec: u64,
}

impl Default for BodyLimits {
    fn default() -> Self {
        let max_bytes = DownloadLimits::default().max_bytes;
        Self { max_bytes, idle_timeout: Duration::from_secs(20), min_bytes_per_sec: 4096 }
    }
}

/// The reason why a body was refused, shared with its reader. Libraries between the two report only
/// that the body failed.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyOutcome(Arc<AtomicU8>);

/// Reason why the server ended a body early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyRefusal {
    TooLarge,
    TooSlow,
}

impl BodyOutcome {
    fn set(&self, refusal: BodyRefusal) {
        self.0.store(refusal as u8 + 1, Ordering::Relaxed);
    }

    /// The error of a body that the server ended, whose limit was `max_bytes`.
    pub(crate) fn error(&self, max_bytes: u64) -> Option<ApiError> {
        self.refusal().map(|refusal| match refusal {
            BodyRefusal::TooLarge => ApiError::TooLarge { max_bytes },
            BodyRefusal::TooSlow => ApiError::TooSlow,
        })
    }

    /// The reason, if the server ended the body.
    pub(crate) fn refusal(&self) -> Option<BodyRefusal> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(BodyRefusal::TooLarge),
            2 => Some(BodyRefusal::TooSlow),
            _ => None,
        }
    }
}

/// Bytes read of a refused body. Without them, the connection of a client that is still sending
/// would be reset before the client reads the error.
const LINGER_BYTES: u64 = 64 << 20;
/// How long a refused body is read.
const LINGER: Duration = Duration::from_secs(10);

/// A body that fails once it exceeds its limits.
pub(crate) struct LimitedBody {
    inner: Option<Body>,
    limits: BodyLimits,
    outcome: BodyOutcome,
    received: u64,
    /// When the body was first polled.
    started: Option<Instant>,
    idle_timeout: Pin<Box<Sleep>>,
    /// The client sent `Expect: 100-continue` and waits. Polling the body would tell it to send.
    awaits_continue: bool,
}

impl LimitedBody {
    pub(crate) fn new(inner: Body, limits: BodyLimits, awaits_continue: bool) -> (Self, BodyOutcome) {
        let outcome = BodyOutcome::default();
        let idle_timeout = Box::pin(sleep(limits.idle_timeout));
        let body = Self {
            inner: Some(inner),
            limits,
            outcome: outcome.clone(),
            received: 0,
            started: None,
            idle_timeout,
            awaits_continue,
        };
        (body, outcome)
    }

    fn fail(&mut self, refusal: BodyRefusal) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.outcome.set(refusal);
        Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(format!("{refusal:?}"))))))
    }

    fn is_too_slow(&self, since: Instant) -> bool {
        let elapsed = since.elapsed();
        elapsed > self.limits.idle_timeout
            && self.received < elapsed.as_secs().saturating_mul(self.limits.min_bytes_per_sec)
    }
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        if this.started.is_none() {
            this.started = Some(Instant::now());
            this.idle_timeout.as_mut().reset(Instant::now() + this.limits.idle_timeout);
        }
        let Poll::Ready(next) = Pin::new(inner).poll_frame(cx) else {
            ready!(this.idle_timeout.as_mut().poll(cx));
            return this.fail(BodyRefusal::TooSlow);
        };
        let Some(Ok(frame)) = next else {
            this.inner = None;
            return Poll::Ready(next);
        };
        let length = frame.data_ref().map_or(0, Buf::remaining) as u64;
        metrics::received(length);
        this.received += length;
        if this.received > this.limits.max_bytes {
            return this.fail(BodyRefusal::TooLarge);
        }
        if this.started.is_some_and(|started| this.is_too_slow(started)) {
            return this.fail(BodyRefusal::TooSlow);
        }
        this.idle_timeout.as_mut().reset(Instant::now() + this.limits.idle_timeout);
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for LimitedBody {
    fn drop(&mut self) {
        let unrequested = self.awaits_continue && self.started.is_none();
        let Some(mut inner) = self.inner.take().filter(|inner| !inner.is_end_stream() && !unrequested) else { return };
        // The task owns the body and ends at its timeout.
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
        BodyLimits { max_bytes: 10, idle_timeout: Duration::from_secs(20), min_bytes_per_sec: 1 }
    }

    async fn read(body: Body) -> (bool, Option<BodyRefusal>) {
        let (limited, outcome) = LimitedBody::new(body, limits(), false);
        (Body::new(limited).collect().await.is_ok(), outcome.refusal())
    }

    /// A body of `pieces` single bytes, with a pause before each.
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
    async fn one_byte_over_the_limit_fails_the_body() {
        assert_eq!(read(Body::from("0123456789a")).await, (false, Some(BodyRefusal::TooLarge)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_over_the_idle_timeout_fails_the_body() {
        assert_eq!(read(slow(2, Duration::from_secs(21))).await, (false, Some(BodyRefusal::TooSlow)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_below_the_minimum_rate_fails_without_a_long_pause() {
        assert_eq!(read(slow(9, Duration::from_secs(5))).await, (false, Some(BodyRefusal::TooSlow)));
    }
}
