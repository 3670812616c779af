//! What of a multipart body is no data of a field: the parser keeps it in memory, so it is counted and refused.

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

/// What comes before the first part and between the parts, headers included, and what has come of a field and is not read yet.
/// The documented fields have 1 KiB of headers together.
const OUTSIDE_BYTES: usize = 32 << 10;

/// Bytes that the parser gets at once.
const PIECE_BYTES: usize = 8 << 10;

/// Counts what the parser was given and its reader did not get.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    outside: AtomicUsize,
    /// The parser was told to make do with what it has, and asks again without having given anything of it.
    asked_again: AtomicBool,
    refused: AtomicBool,
}

impl Ledger {
    /// The body as the parser is to see it.
    pub(crate) fn watch(&self, body: Body) -> Body {
        Body::from_stream(Watched { body: body.into_data_stream(), rest: Bytes::new(), ledger: self.clone() })
    }

    /// A part has begun.
    pub(crate) fn note_part(&self) {
        self.0.asked_again.store(false, Ordering::Relaxed);
    }

    /// So many bytes of a field were read.
    pub(crate) fn note_read(&self, bytes: usize) {
        self.0.outside.fetch_sub(bytes.min(self.0.outside.load(Ordering::Relaxed)), Ordering::Relaxed);
        self.note_part();
    }

    /// Whether the body was ended for holding too much outside of its fields.
    pub(crate) fn has_refused(&self) -> bool {
        self.0.refused.load(Ordering::Relaxed)
    }
}

struct Watched {
    body: BodyDataStream,
    rest: Bytes,
    ledger: Ledger,
}

impl Stream for Watched {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let counts = &this.ledger.0;
        if counts.outside.load(Ordering::Relaxed) >= OUTSIDE_BYTES {
            if counts.asked_again.swap(true, Ordering::Relaxed) {
                counts.refused.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(axum::Error::new(io::Error::other("too much outside of the fields")))));
            }
            // It goes on until there is no more to get: now it has to give something first.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.rest.is_empty() {
            match ready!(this.body.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => this.rest = bytes,
                ended => return Poll::Ready(ended),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        counts.outside.fetch_add(piece.len(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(piece)))
    }
}
