//! Why a request is refused or failed, and how that reads on the wire.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use clearcut_job::{Failure, FailureCode, Fault, JobId, JobState, RequestError};
use clearcut_outbound::OutboundError;
use clearcut_queue::{MAX_ENDPOINTS, QueueError};
use clearcut_store::{SigningError, StoreError};
use serde_json::{Value, json};

use crate::http::reply::error_reply;

/// Why a request is refused or failed. Each becomes one status, one code and one sentence; what a client must not see goes
/// to the log when it is turned into a reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// A field of the request.
    #[error(transparent)]
    Field(#[from] RequestError),
    /// The request as a whole, in words.
    #[error("{0}")]
    Request(String),
    /// The address of the clip.
    #[error("url: {0}")]
    Address(#[from] OutboundError),
    /// The upload is not a video.
    #[error("{0}")]
    NotAVideo(&'static str),
    /// This server cannot write the format.
    #[error("this server cannot write {0}; ask for one of the others, or see the server's doctor")]
    FormatUnavailable(String),
    /// No key.
    #[error("no API key; send Authorization: Bearer hc_...")]
    KeyMissing,
    /// A key that opens nothing.
    #[error("the API key is malformed, unknown or revoked")]
    KeyInvalid,
    /// A one-time link that opens nothing.
    #[error("the sign-in link was used or has expired; paste a key instead: `clearcut keys create` makes one")]
    SignInLink,
    /// No such job for this key.
    #[error("there is no such job")]
    JobNotFound,
    /// No such upload for this key, or no longer.
    #[error("there is no such upload; it may have expired")]
    UploadNotFound,
    /// A job wants an upload that is not whole.
    #[error("the upload is not whole; send the rest of it first")]
    UploadUnfinished,
    /// Bytes for an upload that is whole.
    #[error("the upload is whole already; submit jobs with its storageId")]
    UploadFinished,
    /// Bytes that begin elsewhere than where the last ones ended.
    #[error("the upload has {received} bytes; send those that follow")]
    UploadOffset {
        /// Where to go on.
        received: u64,
    },
    /// Another request works on the upload.
    #[error("another request works on the upload; try again")]
    UploadBusy,
    /// A version of tus other than ours.
    #[error("this server speaks tus 1.0.0; say so in Tus-Resumable")]
    TusVersion,
    /// The key keeps as much as it may.
    #[error("the key would keep more than its {quota_bytes} bytes; delete jobs, or wait until some expire")]
    QuotaExceeded {
        /// What it may keep.
        quota_bytes: u64,
    },
    /// No such endpoint for this key.
    #[error("there is no such webhook")]
    WebhookNotFound,
    /// No such delivery of a job of this key.
    #[error("there is no such delivery of this job")]
    DeliveryNotFound,
    /// The key has as many endpoints as it may.
    #[error("the key has {MAX_ENDPOINTS} webhooks, and no more are allowed; delete one")]
    TooManyWebhooks,
    /// Nothing is sent to the endpoint.
    #[error("the webhook is disabled; enable it first")]
    WebhookDisabled,
    /// No such route.
    #[error("there is nothing at this address; the routes are listed at /docs")]
    RouteNotFound,
    /// The route is there, for other methods.
    #[error("this address does not take {0}")]
    Method(String),
    /// A link that does not open.
    #[error(transparent)]
    Link(#[from] SigningError),
    /// The object of a good link is past its retention.
    #[error("the file is no longer kept")]
    FileGone,
    /// A range beyond the end of a file.
    #[error("the range lies outside the file of {size_bytes} bytes")]
    Range {
        /// The length of the file.
        size_bytes: u64,
    },
    /// A body larger than is taken.
    #[error("the request is larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// A body in another form than is taken.
    #[error("the body must be {0}")]
    MediaType(&'static str),
    /// A body that came too slowly.
    #[error("the request came too slowly")]
    TooSlow,
    /// A body that ended early.
    #[error("the request ended early")]
    CutOff,
    /// More requests a minute than the key may make.
    #[error("the key makes more than {per_minute} of these requests a minute")]
    RateLimited {
        /// How many it may make.
        per_minute: u32,
        /// When the next may come.
        retry_after_secs: u64,
    },
    /// More jobs in line than the key may have.
    #[error("{limit} jobs of this key wait already; submit more when some have started")]
    LineFull {
        /// How many it may have.
        limit: u32,
    },
    /// More requests that wait than the key may have.
    #[error("{limit} requests of this key wait for jobs already")]
    TooManyWaits {
        /// How many it may have.
        limit: usize,
    },
    /// More clips on their way at once than the key may send.
    #[error("{limit} clips of this key are on their way already; send more when some have come")]
    TooManyIntakes {
        /// How many it may send.
        limit: usize,
    },
    /// More at once than this server takes in.
    #[error("the server has as much to do at once as it can; try again")]
    Busy,
    /// More previews at once than the key may have.
    #[error("{limit} previews of this key are being made already")]
    TooManyPreviews {
        /// How many it may have.
        limit: usize,
    },
    /// More previews at once than the server makes.
    #[error("the server makes as many previews as it can at once; try again")]
    PreviewsBusy {
        /// When to come back.
        retry_after_secs: u64,
    },
    /// An idempotency key that stands for another body.
    #[error("this Idempotency-Key was used within a day for a request with other contents; draw a new key for each")]
    OtherBody,
    /// An idempotency key whose first request is not done.
    #[error("a request with this Idempotency-Key is still being taken in; send it again to get its answer")]
    StillTakenIn,
    /// Only what failed is tried again.
    #[error("the job is {state}; only a job that failed or was cancelled can be tried again")]
    NotFailed {
        /// What it is.
        state: JobState,
    },
    /// The clip of the job is past its retention.
    #[error("the clip of the job is no longer kept; submit it again")]
    InputGone,
    /// No room for uploads.
    #[error("the server's disk is full; try again later")]
    NoRoom,
    /// The disk can be read and not written.
    #[error("the server's disk is read-only at the moment; try again later")]
    ReadOnly,
    /// The synchronous endpoint waited long enough.
    #[error("the job runs longer than this request can wait; read it with its jobId")]
    StillRunning {
        /// The job, which goes on.
        job: JobId,
    },
    /// The job of the synchronous endpoint failed.
    #[error(transparent)]
    JobFailed(#[from] Failure),
    /// The database.
    #[error("the server cannot reach its database; try again later")]
    Queue(#[source] QueueError),
    /// The store.
    #[error("the server cannot reach its files; try again later")]
    Store(#[source] StoreError),
    /// A fault of this program.
    #[error("the server made a mistake; it is logged under the request id")]
    Internal,
}

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::DiskFull => Self::NoRoom,
            QueueError::ReadOnly => Self::ReadOnly,
            QueueError::NoSuchUpload => Self::UploadNotFound,
            QueueError::UploadUnfinished => Self::UploadUnfinished,
            QueueError::QuotaExceeded { quota_bytes } => Self::QuotaExceeded { quota_bytes },
            QueueError::TooManyEndpoints => Self::TooManyWebhooks,
            QueueError::EndpointDisabled => Self::WebhookDisabled,
            QueueError::LineFull { limit } => Self::LineFull { limit },
            QueueError::OtherBody => Self::OtherBody,
            error => Self::Queue(error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::NoRoom,
            StoreError::ReadOnly => Self::ReadOnly,
            StoreError::Short => Self::Busy,
            StoreError::Missing => Self::FileGone,
            error => Self::Store(error),
        }
    }
}

impl ApiError {
    /// The stable word on the wire.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Field(error) => error.code(),
            Self::Request(_) | Self::MediaType(_) | Self::CutOff | Self::Range { .. } => "INVALID_REQUEST",
            Self::Address(_) => "INVALID_URL",
            Self::NotAVideo(_) => "INVALID_VIDEO",
            Self::FormatUnavailable(_) => "FORMAT_UNAVAILABLE",
            Self::KeyMissing => "UNAUTHORIZED",
            Self::KeyInvalid => "INVALID_API_KEY",
            Self::SignInLink => "SIGN_IN_LINK",
            Self::JobNotFound => "JOB_NOT_FOUND",
            Self::UploadNotFound => "UPLOAD_NOT_FOUND",
            Self::UploadUnfinished => "UPLOAD_UNFINISHED",
            Self::UploadFinished => "UPLOAD_FINISHED",
            Self::UploadOffset { .. } => "UPLOAD_OFFSET",
            Self::UploadBusy => "UPLOAD_BUSY",
            Self::TusVersion => "TUS_VERSION",
            Self::WebhookNotFound => "WEBHOOK_NOT_FOUND",
            Self::DeliveryNotFound => "DELIVERY_NOT_FOUND",
            Self::TooManyWebhooks => "TOO_MANY_WEBHOOKS",
            Self::WebhookDisabled => "WEBHOOK_DISABLED",
            Self::RouteNotFound => "NOT_FOUND",
            Self::Method(_) => "METHOD_NOT_ALLOWED",
            Self::Link(SigningError::Changed) => "INVALID_SIGNATURE",
            Self::Link(SigningError::Expired) => "URL_EXPIRED",
            Self::FileGone => "FILE_GONE",
            Self::TooLarge { .. } => "FILE_TOO_LARGE",
            Self::TooSlow | Self::StillRunning { .. } => "TIMEOUT",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::QuotaExceeded { .. }
            | Self::LineFull { .. }
            | Self::TooManyWaits { .. }
            | Self::TooManyIntakes { .. }
            | Self::TooManyPreviews { .. } => "QUOTA_EXCEEDED",
            Self::Busy => "SERVER_BUSY",
            Self::PreviewsBusy { .. } => "PREVIEWS_BUSY",
            Self::OtherBody | Self::StillTakenIn => "IDEMPOTENCY_CONFLICT",
            Self::NotFailed { .. } => "JOB_NOT_FAILED",
            Self::InputGone => "INPUT_GONE",
            Self::NoRoom => "INSUFFICIENT_STORAGE",
            Self::ReadOnly => "READ_ONLY_STORAGE",
            Self::JobFailed(failure) => failure.code.wire(),
            Self::Queue(_) | Self::Store(_) => "UNAVAILABLE",
            Self::Internal => "INTERNAL_ERROR",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Field(_)
            | Self::Request(_)
            | Self::Address(_)
            | Self::NotAVideo(_)
            | Self::FormatUnavailable(_)
            | Self::CutOff => StatusCode::BAD_REQUEST,
            Self::KeyMissing | Self::KeyInvalid => StatusCode::UNAUTHORIZED,
            Self::Link(_) | Self::SignInLink => StatusCode::FORBIDDEN,
            Self::JobNotFound
            | Self::UploadNotFound
            | Self::WebhookNotFound
            | Self::DeliveryNotFound
            | Self::RouteNotFound
            | Self::FileGone => StatusCode::NOT_FOUND,
            Self::UploadBusy => StatusCode::LOCKED,
            Self::TusVersion => StatusCode::PRECONDITION_FAILED,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::QuotaExceeded { .. }
            | Self::RateLimited { .. }
            | Self::LineFull { .. }
            | Self::TooManyWaits { .. }
            | Self::TooManyIntakes { .. }
            | Self::TooManyPreviews { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::OtherBody => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UploadUnfinished
            | Self::UploadFinished
            | Self::UploadOffset { .. }
            | Self::StillTakenIn
            | Self::NotFailed { .. }
            | Self::TooManyWebhooks
            | Self::WebhookDisabled => StatusCode::CONFLICT,
            Self::InputGone => StatusCode::GONE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::StillRunning { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
            Self::Queue(_) | Self::Store(_) | Self::ReadOnly | Self::Busy | Self::PreviewsBusy { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::JobFailed(failure) => match (failure.code, failure.code.fault()) {
                (FailureCode::Timeout, _) => StatusCode::GATEWAY_TIMEOUT,
                (FailureCode::ShortOfResources | FailureCode::OutOfMemory | FailureCode::StorageUnavailable, _) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                (FailureCode::QuotaExceeded, _) => StatusCode::TOO_MANY_REQUESTS,
                (FailureCode::UrlUnavailable, _) => StatusCode::BAD_GATEWAY,
                (FailureCode::FileTooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
                (FailureCode::InsufficientStorage, _) => StatusCode::INSUFFICIENT_STORAGE,
                (_, Fault::Input) => StatusCode::BAD_REQUEST,
                (_, Fault::Host | Fault::Upstream) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Field(error) => {
                json!({ "field": error.field(), "value": error.value(), "allowed": error.allowed() })
            }
            Self::TooLarge { max_bytes } => json!({ "field": "file", "maxBytes": max_bytes }),
            Self::Address(_) => json!({ "field": "url" }),
            Self::UploadOffset { received } => json!({ "uploadOffset": received }),
            Self::QuotaExceeded { quota_bytes } => json!({ "quotaBytes": quota_bytes }),
            Self::Range { size_bytes } => json!({ "sizeBytes": size_bytes }),
            Self::RateLimited { per_minute, .. } => json!({ "limit": per_minute, "windowSecs": 60 }),
            Self::LineFull { limit } => json!({ "limit": limit }),
            Self::TooManyWaits { limit } | Self::TooManyIntakes { limit } | Self::TooManyPreviews { limit } => {
                json!({ "limit": limit })
            }
            Self::OtherBody | Self::StillTakenIn => json!({ "field": "Idempotency-Key" }),
            Self::NotFailed { state } => json!({ "status": state.name() }),
            Self::StillRunning { job } => json!({ "jobId": job }),
            Self::NotAVideo(_) => json!({ "field": "file" }),
            Self::FormatUnavailable(format) => json!({ "field": "formats", "value": format }),
            _ => Value::Null,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Queue(source) = &self {
            tracing::error!(error = ?source, code = source.code(), "the queue failed");
        }
        if let Self::Store(source) = &self {
            tracing::error!(error = ?source, code = source.code(), "the store failed");
        }
        let mut response = error_reply(self.status(), self.code(), self.to_string(), self.details());
        let headers = response.headers_mut();
        match &self {
            Self::KeyMissing | Self::KeyInvalid => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::QuotaExceeded { .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("600"));
            }
            Self::TusVersion => {
                headers.insert(crate::uploads::tus::VERSIONS, HeaderValue::from_static("1.0.0"));
            }
            Self::RateLimited { retry_after_secs, .. } | Self::PreviewsBusy { retry_after_secs } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_secs));
            }
            Self::UploadBusy
            | Self::StillTakenIn
            | Self::Busy
            | Self::TooManyIntakes { .. }
            | Self::TooManyPreviews { .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::NoRoom
            | Self::ReadOnly
            | Self::LineFull { .. }
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
