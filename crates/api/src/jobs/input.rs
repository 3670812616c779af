//! The route that hands the input of a job back to its owner.

use axum::{
    extract::{Path, State},
    http::HeaderMap,
};
use clearcut_job::{Accepted, JobId, UnixMillis};
use clearcut_queue::ClaimedInput;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{KeyErrors, NoSuchJob},
        reply::{ErrorReply, Reply},
    },
    jobs::media_type::media_type,
};

/// The input of a job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobInput {
    /// Link to the clip, the image or the ZIP archive of several images. It expires; ask again for a
    /// fresh link.
    url: String,
    /// Size in bytes.
    size: u64,
    /// Media type, found from the first bytes.
    #[schema(example = "video/mp4")]
    content_type: &'static str,
    /// Time until which the input is kept, in seconds since 1970; null until the job has ended.
    #[schema(required = true)]
    expires_at: Option<i64>,
}

/// Get the input of a job.
///
/// Returns a link to what the job cuts, as long as it is kept: until the job's `expiresAt`. Of a job
/// of several images, it is a ZIP archive of them. An input that was given as a URL is there once it
/// was fetched.
#[utoipa::path(
    get, path = "/api/v1/jobs/{jobId}/input", tag = "jobs", operation_id = "getJobInput", security(("key" = [])),
    params(("jobId" = String, Path, description = "The `jobId` that submit returned.")),
    responses(
        (status = 200, description = "The link.", body = Reply<JobInput>),
        KeyErrors, NoSuchJob,
        (status = 410, description = "The input is past its retention, or was not fetched yet.", body = ErrorReply),
    )
)]
pub(crate) async fn read(
    State(api): State<Api>,
    Caller(owner): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Reply<JobInput>, ApiError> {
    let id: JobId = id.parse().map_err(|_| ApiError::JobNotFound)?;
    let record = api.queue.read(owner, &id).await?.ok_or(ApiError::JobNotFound)?;
    let object = match api.queue.find_input(owner, &id).await?.ok_or(ApiError::JobNotFound)? {
        ClaimedInput::Stored(object) => object,
        ClaimedInput::Address(_) | ClaimedInput::Lost => return Err(ApiError::InputGone),
    };
    let head = api.read_head(&object.name, object.size_bytes.min(Accepted::SNIFF_BYTES as u64)).await?;
    if head.is_empty() {
        return Err(ApiError::InputGone);
    }
    let content_type = media_type(&head);
    let url = api.link_maker(&api.base_url(&headers)).input_link(&record, &object.name, content_type).await;
    let expires_at = record.expires.map(UnixMillis::whole_secs);
    Ok(Reply::new(JobInput { url, size: object.size_bytes, content_type, expires_at }))
}
