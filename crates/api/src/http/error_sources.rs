//! Errors of the queue, the store and the checks of files, as errors of requests.

use clearcut_job::{Failure, FailureCode, NotAccepted, NotImage, NotVideo};
use clearcut_queue::QueueError;
use clearcut_store::{ClipError, StoreError};

use crate::ApiError;

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::DiskFull => Self::DiskFull,
            QueueError::ReadOnly => Self::ReadOnly,
            QueueError::NoSuchUpload => Self::UploadNotFound,
            QueueError::UploadUnfinished => Self::UploadUnfinished,
            QueueError::QuotaExceeded { quota_bytes } => Self::QuotaExceeded { quota_bytes },
            QueueError::TooManyEndpoints { .. } => Self::TooManyWebhooks,
            QueueError::EndpointDisabled => Self::WebhookDisabled,
            QueueError::TooManyQueuedJobs { limit } => Self::TooManyQueuedJobs { limit },
            QueueError::IdempotencyMismatch => Self::IdempotencyMismatch,
            error => Self::Queue(error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull,
            StoreError::ReadOnly => Self::ReadOnly,
            StoreError::Short => Self::Busy,
            StoreError::Missing => Self::FileGone,
            // Only the pieces of an upload have names that two servers write at once.
            StoreError::Exists => Self::UploadBusy,
            error => Self::Store(error),
        }
    }
}

impl ApiError {
    /// This error; if it is that no background is flat, with what to send instead. `is_cut` tells a
    /// cut, which takes a method and a color, from a measurement.
    pub(crate) fn with_way_out(self, is_cut: bool, has_model: bool) -> Self {
        let Self::JobFailed(Failure { code: FailureCode::NoFlatBackground, message }) = self else { return self };
        let (field, allowed) = match (is_cut, has_model) {
            (false, _) => ("file", "an image with a flat background"),
            (true, true) => ("method", "ai, by the model of this server; or the background color as chromaKey"),
            (true, false) => (
                "chromaKey",
                "the background color, such as #00FF00; this server has no model that cuts any background",
            ),
        };
        Self::NoFlatBackground { message, field, allowed, has_model }
    }
}

impl From<NotVideo> for ApiError {
    fn from(reason: NotVideo) -> Self {
        Self::NotAVideo(reason)
    }
}

impl From<NotImage> for ApiError {
    fn from(reason: NotImage) -> Self {
        Self::NotAnImage(reason)
    }
}

impl From<NotAccepted> for ApiError {
    fn from(reason: NotAccepted) -> Self {
        match reason {
            NotAccepted::Video(reason) => reason.into(),
            NotAccepted::Image(reason) => reason.into(),
        }
    }
}

impl From<ClipError<Self>> for ApiError {
    fn from(error: ClipError<Self>) -> Self {
        match error {
            ClipError::NotAccepted(reason) => reason.into(),
            ClipError::Quota(error) => error,
            ClipError::NoSpace(error) | ClipError::Store(error) => error.into(),
        }
    }
}
