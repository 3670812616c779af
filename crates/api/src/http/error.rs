//! Errors of requests, and their form on the wire.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use clearcut_job::{ErrorCode, Failure, JobId, JobState, NotAccepted, NotImage, NotVideo, RequestError};
use clearcut_outbound::OutboundError;
use clearcut_queue::{MAX_ENDPOINTS, QueueError};
use clearcut_store::{SigningError, StoreError};
use serde_json::{Value, json};

use crate::{
    http::{refused_file, reply::error_reply},
    uploads::upload_headers::VERSIONS,
};

/// An error of a request. Each variant maps to one HTTP status, one stable code and one message.
/// Details that clients must not see are logged when the reply is built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// A field of the request is invalid.
    #[error(transparent)]
    Field(#[from] RequestError),
    /// The request as a whole is invalid. The text is the message.
    #[error("{0}")]
    Request(String),
    /// The URL of the clip is refused.
    #[error("url: {0}")]
    Address(#[from] OutboundError),
    /// The clip is not a video.
    #[error("{}", refused_file::message(NotAccepted::Video(*.0)))]
    NotAVideo(NotVideo),
    /// The file is not an image that is read.
    #[error("{}", refused_file::message(NotAccepted::Image(*.0)))]
    NotAnImage(NotImage),
    /// The new background is refused, for a reason with a code.
    #[error("background: {1}")]
    Background(ErrorCode, String),
    /// There is no flat background, and the request allows or the server has no model.
    #[error("{message}")]
    NoFlatBackground {
        /// What was found.
        message: String,
        /// The field to send instead.
        field: &'static str,
        /// What to send in it.
        allowed: &'static str,
        /// Whether the server has a neural model.
        has_model: bool,
    },
    /// This server cannot encode the format.
    #[error(
        "this server cannot encode {0}; request another format, or run `clearcut doctor` on the server, which says what to install there"
    )]
    FormatUnavailable(String),
    /// The request has no API key.
    #[error("no API key; send Authorization: Bearer hc_...")]
    KeyMissing,
    /// The API key is in another header.
    #[error("the API key is in the header {0}; send it as Authorization: Bearer hc_...")]
    KeyElsewhere(String),
    /// The API key is not preceded by `Bearer`.
    #[error("the word Bearer is missing before the API key; send Authorization: Bearer hc_...")]
    KeyWithoutBearer,
    /// The API key is malformed, unknown or revoked.
    #[error("the API key is malformed, unknown or revoked")]
    KeyInvalid,
    /// The one-time link is unknown, used or expired.
    #[error("the sign-in link was used or has expired; paste an API key instead: `clearcut keys create` makes one")]
    SignInLinkInvalid,
    /// No such job for this API key.
    #[error("there is no such job")]
    JobNotFound,
    /// No such upload for this API key, or it has expired.
    #[error("there is no such upload; it may have expired")]
    UploadNotFound,
    /// A job refers to an incomplete upload.
    #[error("the upload is incomplete; send the remaining bytes first")]
    UploadUnfinished,
    /// Bytes were sent to a complete upload.
    #[error("the upload is already complete; submit jobs with its storageId")]
    UploadFinished,
    /// The offset of the bytes differs from the number of bytes received so far.
    #[error("the upload has {received} bytes; continue at that offset")]
    UploadOffset {
        /// The offset at which to continue.
        received: u64,
    },
    /// Another request holds the upload.
    #[error("another request is using the upload; try again")]
    UploadBusy,
    /// The tus version is missing or unsupported.
    #[error("this server supports tus 1.0.0; send Tus-Resumable: 1.0.0")]
    TusVersion,
    /// The API key is at its storage quota.
    #[error(
        "the API key would exceed its storage quota of {quota_bytes} bytes; delete jobs, or wait until some expire"
    )]
    QuotaExceeded {
        /// The quota in bytes.
        quota_bytes: u64,
    },
    /// No such endpoint for this API key.
    #[error("there is no such webhook")]
    WebhookNotFound,
    /// No such delivery of a job of this API key.
    #[error("there is no such delivery of this job")]
    DeliveryNotFound,
    /// The API key has the maximum number of endpoints.
    #[error("the API key has {MAX_ENDPOINTS} webhooks, which is the maximum; delete one first")]
    TooManyWebhooks,
    /// The endpoint is disabled.
    #[error("the webhook is disabled; enable it first")]
    WebhookDisabled,
    /// No such route.
    #[error("there is no such route; the routes are listed at /docs")]
    RouteNotFound,
    /// The route exists, but not for this method.
    #[error("this route does not support {0}")]
    Method(String),
    /// The signed link is invalid or expired.
    #[error(transparent)]
    InvalidLink(#[from] SigningError),
    /// The link is valid, but its file is past its retention or was deleted.
    #[error("the file is no longer available")]
    FileGone,
    /// The range is outside the file.
    #[error("the range is outside the file of {size_bytes} bytes")]
    Range {
        /// Size of the file.
        size_bytes: u64,
    },
    /// The body is too large.
    #[error("the request is larger than {max_bytes} bytes")]
    TooLarge {
        /// Maximum size in bytes.
        max_bytes: u64,
    },
    /// A part with a file has another name than `file`.
    #[error("the part {name:?} is a file; send the file as a part named \"file\"")]
    MisnamedFile {
        /// Name of the part.
        name: String,
    },
    /// The body has an unsupported media type.
    #[error("the body must be {0}")]
    MediaType(&'static str),
    /// The body arrived too slowly.
    #[error("the request body arrived too slowly")]
    TooSlow,
    /// The body ended early.
    #[error("the request body ended early")]
    BodyIncomplete,
    /// The API key exceeds a rate limit.
    #[error("the API key exceeds its limit of {per_minute} such requests per minute")]
    RateLimited {
        /// The limit.
        per_minute: u32,
        /// Seconds until the next request is allowed.
        retry_after_secs: u64,
    },
    /// The API key has the maximum number of queued jobs.
    #[error("the API key already has {limit} queued jobs; submit more when some have started")]
    TooManyQueuedJobs {
        /// The maximum.
        limit: u32,
    },
    /// The API key has the maximum number of requests that wait for jobs.
    #[error("the API key already has {limit} requests waiting for jobs")]
    TooManyWaits {
        /// The maximum.
        limit: usize,
    },
    /// The API key is sending the maximum number of clips at once.
    #[error("the API key is already sending {limit} clips; send more when some have arrived")]
    TooManyIntakes {
        /// The maximum.
        limit: usize,
    },
    /// The server is at a limit of concurrent connections, incoming clips or open files.
    #[error("the server is busy; try again")]
    Busy,
    /// The API key has the maximum number of concurrent previews or images.
    #[error("the API key already has {limit} {work} in progress")]
    TooMuchWork {
        /// The kind of work.
        work: &'static str,
        /// The maximum.
        limit: usize,
    },
    /// The server is at its limit of concurrent previews.
    #[error("the server is busy with other previews; try again")]
    PreviewsBusy {
        /// Seconds to wait before the next try.
        retry_after_secs: u64,
    },
    /// The server is at its limit of concurrent images.
    #[error("the server is busy with other images; try again")]
    WorkerBusy {
        /// Seconds to wait before the next try.
        retry_after_secs: u64,
    },
    /// The idempotency key was used for a different request.
    #[error("this Idempotency-Key was used for a different request within a day; use a new one for each request")]
    IdempotencyMismatch,
    /// The first request with the idempotency key is still being received.
    #[error("a request with this Idempotency-Key is still being received; send it again to get its reply")]
    IdempotencyInProgress,
    /// A job that has not failed cannot be retried.
    #[error("the job is {state}; only a job that failed or was cancelled can be retried")]
    NotFailed {
        /// The state of the job.
        state: JobState,
    },
    /// The clip of the job is past its retention.
    #[error("the clip of the job is no longer available; submit it again")]
    InputGone,
    /// The disk has no space for uploads.
    #[error("the server's disk is full; try again later")]
    DiskFull,
    /// The disk is read-only.
    #[error("the server's disk is read-only at the moment; try again later")]
    ReadOnly,
    /// The synchronous endpoint timed out.
    #[error("the job runs longer than this request can wait; read it by its jobId")]
    StillRunning {
        /// The job, which continues.
        job: JobId,
    },
    /// The job of the synchronous endpoint failed.
    #[error(transparent)]
    JobFailed(#[from] Failure),
    /// The database failed.
    #[error("the server cannot reach its database; try again later")]
    Queue(#[source] QueueError),
    /// The file store failed.
    #[error("the server cannot reach its files; try again later")]
    Store(#[source] StoreError),
    /// A bug in this program.
    #[error("internal server error; details are in the server's log under the request id")]
    Internal,
}

impl ApiError {
    /// Whether a file was refused for its first bytes.
    pub(crate) const fn is_wrong_kind(&self) -> bool {
        matches!(self, Self::NotAVideo(_) | Self::NotAnImage(_))
    }

    /// The stable code on the wire.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Field(error) => error.code(),
            Self::Request(_)
            | Self::MisnamedFile { .. }
            | Self::MediaType(_)
            | Self::BodyIncomplete
            | Self::Range { .. } => ErrorCode::InvalidRequest,
            Self::Address(_) => ErrorCode::InvalidUrl,
            Self::Background(code, _) => *code,
            Self::NotAVideo(_) => ErrorCode::InvalidVideo,
            Self::NotAnImage(_) => ErrorCode::InvalidImage,
            Self::NoFlatBackground { .. } => ErrorCode::NoFlatBackground,
            Self::FormatUnavailable(_) => ErrorCode::FormatUnavailable,
            Self::KeyMissing | Self::KeyElsewhere(_) => ErrorCode::Unauthorized,
            Self::KeyInvalid | Self::KeyWithoutBearer => ErrorCode::InvalidApiKey,
            Self::SignInLinkInvalid => ErrorCode::SignInLink,
            Self::JobNotFound => ErrorCode::JobNotFound,
            Self::UploadNotFound => ErrorCode::UploadNotFound,
            Self::UploadUnfinished => ErrorCode::UploadUnfinished,
            Self::UploadFinished => ErrorCode::UploadFinished,
            Self::UploadOffset { .. } => ErrorCode::UploadOffset,
            Self::UploadBusy => ErrorCode::UploadBusy,
            Self::TusVersion => ErrorCode::TusVersion,
            Self::WebhookNotFound => ErrorCode::WebhookNotFound,
            Self::DeliveryNotFound => ErrorCode::DeliveryNotFound,
            Self::TooManyWebhooks => ErrorCode::TooManyWebhooks,
            Self::WebhookDisabled => ErrorCode::WebhookDisabled,
            Self::RouteNotFound => ErrorCode::NotFound,
            Self::Method(_) => ErrorCode::MethodNotAllowed,
            Self::InvalidLink(SigningError::Changed) => ErrorCode::InvalidSignature,
            Self::InvalidLink(SigningError::Expired) => ErrorCode::UrlExpired,
            Self::FileGone => ErrorCode::FileGone,
            Self::TooLarge { .. } => ErrorCode::FileTooLarge,
            Self::TooSlow | Self::StillRunning { .. } => ErrorCode::Timeout,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::QuotaExceeded { .. }
            | Self::TooManyQueuedJobs { .. }
            | Self::TooManyWaits { .. }
            | Self::TooManyIntakes { .. }
            | Self::TooMuchWork { .. } => ErrorCode::QuotaExceeded,
            Self::Busy | Self::WorkerBusy { .. } => ErrorCode::ServerBusy,
            Self::PreviewsBusy { .. } => ErrorCode::PreviewsBusy,
            Self::IdempotencyMismatch | Self::IdempotencyInProgress => ErrorCode::IdempotencyConflict,
            Self::NotFailed { .. } => ErrorCode::JobNotFailed,
            Self::InputGone => ErrorCode::InputGone,
            Self::DiskFull => ErrorCode::InsufficientStorage,
            Self::ReadOnly => ErrorCode::ReadOnlyStorage,
            Self::JobFailed(failure) => failure.code.code(),
            Self::Queue(_) | Self::Store(_) => ErrorCode::Unavailable,
            Self::Internal => ErrorCode::InternalError,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let usual = || self.code().statuses().first().and_then(|status| StatusCode::from_u16(*status).ok());
        match self {
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::IdempotencyInProgress => StatusCode::CONFLICT,
            _ => usual().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Field(error) => {
                json!({ "field": error.field(), "value": error.value(), "allowed": error.allowed() })
            }
            Self::TooLarge { max_bytes } => json!({ "field": "file", "maxBytes": max_bytes }),
            Self::MisnamedFile { name } => json!({ "field": name, "allowed": "a part named file" }),
            Self::MediaType(allowed) => json!({ "field": "Content-Type", "allowed": allowed }),
            Self::Address(_) => json!({ "field": "url" }),
            Self::Background(..) => json!({ "field": "background" }),
            Self::UploadOffset { received } => json!({ "uploadOffset": received }),
            Self::QuotaExceeded { quota_bytes } => json!({ "quotaBytes": quota_bytes }),
            Self::Range { size_bytes } => json!({ "sizeBytes": size_bytes }),
            Self::RateLimited { per_minute, .. } => json!({ "limit": per_minute, "windowSecs": 60 }),
            Self::TooManyQueuedJobs { limit } => json!({ "limit": limit }),
            Self::TooManyWaits { limit } | Self::TooManyIntakes { limit } | Self::TooMuchWork { limit, .. } => {
                json!({ "limit": limit })
            }
            Self::IdempotencyMismatch | Self::IdempotencyInProgress => json!({ "field": "Idempotency-Key" }),
            Self::NotFailed { state } => json!({ "status": state.name() }),
            Self::StillRunning { job } => json!({ "jobId": job }),
            Self::NotAVideo(reason) => refused_file::details((*reason).into()),
            Self::NotAnImage(reason) => refused_file::details((*reason).into()),
            Self::NoFlatBackground { field, allowed, has_model, .. } => {
                json!({ "field": field, "allowed": allowed, "hasModel": has_model })
            }
            Self::FormatUnavailable(format) => json!({ "field": "formats", "value": format }),
            _ => Value::Null,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Queue(source) = &self {
            tracing::error!(error = ?source, code = %source.code(), "the queue failed");
        }
        if let Self::Store(source) = &self {
            tracing::error!(error = ?source, code = %source.code(), "the store failed");
        }
        let mut response = error_reply(self.status(), self.code(), self.to_string(), self.details());
        let headers = response.headers_mut();
        match &self {
            Self::KeyMissing | Self::KeyElsewhere(_) | Self::KeyInvalid | Self::KeyWithoutBearer => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::QuotaExceeded { .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("600"));
            }
            Self::TusVersion => {
                headers.insert(VERSIONS, HeaderValue::from_static("1.0.0"));
            }
            Self::RateLimited { retry_after_secs, .. }
            | Self::PreviewsBusy { retry_after_secs }
            | Self::WorkerBusy { retry_after_secs } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_secs));
            }
            Self::UploadBusy
            | Self::IdempotencyInProgress
            | Self::Busy
            | Self::TooManyIntakes { .. }
            | Self::TooMuchWork { .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::DiskFull
            | Self::ReadOnly
            | Self::TooManyQueuedJobs { .. }
            | Self::TooManyWaits { .. }
            | Self::Queue(_)
            | Self::Store(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            }
            Self::Range { size_bytes } => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{size_bytes}")) {
                    headers.insert(header::CONTENT_RANGE, value);
                }
            }
            _ => {}
        }
        response
    }
}
