use axum::{
    extract::{Request, State},
    response::Response,
};
use clearcut_job::{JobId, JobState, OutputPointer};
use clearcut_queue::{JobRecord, KeyId};
use clearcut_store::ObjectName;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        reply::{ErrorReply, Reply},
    },
    jobs::{
        data_url::{DataUrl, InlineReply},
        shapes::{Color, Cut, Output, SubmitForm, method_name},
        submit::accept,
    },
};

/// Remove a background and wait for it.
///
/// The same job as with submit, run and waited for. Past the wait limit the answer is 504 with the `jobId`, and the job
/// goes on.
#[utoipa::path(
    post, path = "/api/v1/video/remove-background", tag = "video", security(("key" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A word for this submit, drawn by the client: 1-255 visible characters"),
    ),
    request_body(content = SubmitForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The outputs as data URLs", body = Reply<Cut>),
        (status = 400, description = "A field or the file is wrong", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 404, description = "There is no such upload, or the job was removed meanwhile", body = ErrorReply),
        (status = 409, description = "A request with this Idempotency-Key is still being taken in, or the upload is not whole", body = ErrorReply),
        (status = 413, description = "The request or the clip is too large", body = ErrorReply),
        (status = 415, description = "The body is not multipart/form-data", body = ErrorReply),
        (status = 422, description = "This Idempotency-Key was used for another request", body = ErrorReply),
        (status = 429, description = "Too many requests, or too many jobs in line", body = ErrorReply),
        (status = 500, description = "The clip could not be cut", body = ErrorReply),
        (status = 429, description = "The key would keep too many bytes", body = ErrorReply),
        (status = 502, description = "The clip could not be fetched from its address", body = ErrorReply),
        (status = 503, description = "The server cannot reach its database or files", body = ErrorReply),
        (status = 504, description = "The job goes on; read it by its jobId", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn cut_now(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let id = accept(&api, owner, request).await?.id;
    let record = wait_for_end(&api, owner, &id).await?;
    if let Some(failure) = record.failure {
        return Err(failure.into());
    }
    let (cut, data_urls) = shape(&record)?;
    Ok(InlineReply::new(&Reply::new(cut), data_urls)?.into_response(api.store))
}

async fn wait_for_end(api: &Api, owner: KeyId, id: &JobId) -> Result<JobRecord, ApiError> {
    let record = api.read_patiently(owner, id, api.settings.sync_wait).await?.ok_or(ApiError::JobNotFound)?;
    if record.state.is_final() { Ok(record) } else { Err(ApiError::StillRunning { job: id.clone() }) }
}

/// The reply, with a placeholder for each data URL, and what the placeholders stand for.
fn shape(record: &JobRecord) -> Result<(Cut, Vec<DataUrl>), ApiError> {
    let outcome = record.outcome.as_ref().filter(|_| record.state == JobState::Completed).ok_or(ApiError::Internal)?;
    let mut data_urls = Vec::new();
    let mut place = |pointer: &OutputPointer| -> Result<String, ApiError> {
        let name: ObjectName = pointer.key.parse().map_err(|_| ApiError::Internal)?;
        data_urls.push(DataUrl { name, mime: pointer.format.mime(), size_bytes: pointer.size_bytes });
        Ok(DataUrl::PLACEHOLDER.to_owned())
    };
    let first = outcome.outputs.first().ok_or(ApiError::Internal)?;
    let url = place(first)?;
    let mut outputs = None;
    if outcome.outputs.len() > 1 {
        let output = |pointer: &OutputPointer| {
            Ok(Output { format: pointer.format.name(), url: place(pointer)?, size: pointer.size_bytes })
        };
        outputs = Some(outcome.outputs.iter().map(output).collect::<Result<_, ApiError>>()?);
    }
    let measured = &outcome.measured;
    let cut = Cut {
        url,
        format: first.format.name(),
        size: first.size_bytes,
        width: measured.width,
        height: measured.height,
        duration: measured.duration_secs,
        frame_count: measured.frames,
        fps: measured.fps,
        processing_time: outcome.processing_ms,
        processing_method: method_name(measured.method),
        detected_background_color: measured.background.map(Color::from),
        outputs,
    };
    Ok((cut, data_urls))
}
