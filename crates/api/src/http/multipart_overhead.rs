//! Limit on the overhead of a multipart body: the bytes that belong to no field. The parser buffers
//! them in memory, so this module counts them and refuses a body with too many.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

/// Maximum number of bytes that the parser may hold unread: everything before and between the
/// parts, and headers and field data that are not read yet.
const MAX_OVERHEAD_BYTES: usize = 32 << 10;

/// Maximum number of bytes that the parser gets per poll.
const PIECE_BYTES: usize = 8 << 10;

/// Counts the bytes that the parser received and that were not read from it as field data.
#[derive(Debug, Clone, Default)]
pub(crate) struct OverheadMeter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    unread: AtomicUsize,
    /// The parser got no bytes at the last poll. If it polls again before it yields any field data,
    /// the limit is exceeded.
    polled_again: AtomicBool,
    exceeded: AtomicBool,
}

impl OverheadMeter {
    /// Wraps a body so that the bytes passed to the parser are counted.
    pub(crate) fn wrap(&self, body: Body) -> Body {
        Body::from_stream(MeteredBody { body: body.into_data_stream(), remaining: Bytes::new(), meter: self.clone() })
    }

    /// Records the start of a part, of which the parser has consumed `bytes` of boundary and headers.
    pub(crate) fn begin_part(&self, bytes: usize) {
        self.record_read(bytes);
    }

    /// Records that `bytes` were read.
    pub(crate) fn record_read(&self, bytes: usize) {
        self.0.unread.fetch_sub(bytes.min(self.0.unread.load(Ordering::Relaxed)), Ordering::Relaxed);
        self.0.polled_again.store(false, Ordering::Relaxed);
    }

    /// Whether the body was ended because its overhead exceeded the limit.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.0.exceeded.load(Ordering::Relaxed)
    }
}

/// The body as the parser sees it.
struct MeteredBody {
    body: BodyDataStream,
    remaining: Bytes,
    meter: OverheadMeter,
}

impl Stream for MeteredBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let counts = &this.meter.0;
        if counts.unread.load(Ordering::Relaxed) >= MAX_OVERHEAD_BYTES {
            if counts.polled_again.swap(true, Ordering::Relaxed) {
                counts.exceeded.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(axum::Error::new(io::Error::other("too much multipart overhead")))));
            }
            // The parser reads ahead until the body is pending. Now it must yield data first.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.remaining.is_empty() {
            match ready!(this.body.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => this.remaining = bytes,
                end => return Poll::Ready(end),
            }
        }
        let piece = this.remaining.split_to(this.remaining.len().min(PIECE_BYTES));
        counts.unread.fetch_add(piece.len(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(piece)))
    }
}
