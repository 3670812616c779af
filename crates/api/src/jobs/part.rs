//! One part of a multipart body, read piece by piece, and the errors of reading it.

use axum::extract::multipart::{Field, MultipartError};
use bytes::{Bytes, BytesMut};
use clearcut_job::error_line;

use crate::{
    ApiError,
    http::{body_limits::BodyOutcome, multipart_overhead::OverheadMeter},
};

/// Maximum size of a text field in bytes. The longest documented one, a URL, is well below.
const MAX_TEXT_BYTES: usize = 8192;

const OVERHEAD_TOO_LARGE: &str = "the multipart/form-data body holds too much before and between its parts";

/// The body that the parts come from, as far as it explains their errors.
pub(crate) struct PartsBody {
    pub(crate) outcome: BodyOutcome,
    pub(crate) meter: OverheadMeter,
    pub(crate) max_bytes: u64,
}

/// A part of a body.
pub(crate) struct Part<'a> {
    pub(crate) field: Field<'a>,
    pub(crate) body: &'a PartsBody,
}

impl PartsBody {
    /// The error of a body that could not be read.
    pub(crate) fn error(&self, error: &MultipartError) -> ApiError {
        match self.outcome.error(self.max_bytes) {
            Some(refused) => refused,
            None if self.meter.is_exceeded() => ApiError::Request(OVERHEAD_TOO_LARGE.to_owned()),
            None => multipart_error(error),
        }
    }
}

impl Part<'_> {
    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        while let Some(piece) = self.field.chunk().await.map_err(|error| self.body.error(&error))? {
            self.body.meter.record_read(piece.len());
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// The first bytes: at least `bytes`, or all if the part is shorter.
    pub(crate) async fn read_head(&mut self, bytes: usize) -> Result<Bytes, ApiError> {
        let mut head = BytesMut::new();
        while head.len() < bytes
            && let Some(piece) = self.next().await?
        {
            head.extend_from_slice(&piece);
        }
        Ok(head.freeze())
    }

    /// The whole part as text. `name` is for messages.
    pub(crate) async fn read_text(mut self, name: &str) -> Result<String, ApiError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next().await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MAX_TEXT_BYTES {
                let name = shortened(name);
                return Err(ApiError::Request(format!("{name:?} is longer than {MAX_TEXT_BYTES} bytes")));
            }
        }
        String::from_utf8(bytes).map_err(|_| ApiError::Request(format!("{:?} is not UTF-8 text", shortened(name))))
    }
}

/// The name of a part, as long as messages show it.
pub(crate) fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

/// Maps an error of the multipart parser. Its own text is only logged; clients get a message of the
/// API.
fn multipart_error(error: &MultipartError) -> ApiError {
    tracing::debug!(error = error_line(error), "a multipart body could not be read");
    if error.body_text().contains("incomplete") || error.status().is_server_error() {
        return ApiError::BodyIncomplete;
    }
    ApiError::Request("the multipart/form-data body is malformed".to_owned())
}
