//! The synchronous route: submits a job, waits for it, and returns the outputs as data URLs.

use axum::{
    extract::{Request, State},
    response::Response,
};
use clearcut_job::{JobId, JobState, Measured, OutputPointer};
use clearcut_queue::{JobRecord, KeyId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{ClipErrors, FormErrors, KeyErrors, SubmitErrors},
        field_warning::FieldWarning,
        reply::{ErrorReply, Reply},
        vocabulary::{OutputFormat, UsedMethod},
    },
    jobs::{
        color::Color,
        data_url::{DataUrl, InlineReply},
        intake::receive_clip,
        shapes::{Output, SubmitForm},
        submit::{AcceptedJob, accept},
    },
};

/// The result of the synchronous endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cut {
    /// The first output as a base64 data URL.
    url: String,
    /// Format of the first output.
    #[schema(value_type = OutputFormat)]
    format: &'static str,
    /// Size of the first output in bytes, before base64.
    size: u64,
    /// Width of the frame in pixels.
    width: u32,
    /// Height of the frame in pixels.
    height: u32,
    /// Duration in seconds.
    duration: f64,
    /// Number of frames in each output.
    frame_count: u64,
    /// Frames per second.
    fps: f64,
    /// Processing time in milliseconds.
    processing_time: u64,
    /// Method that found the background.
    #[schema(value_type = UsedMethod)]
    processing_method: &'static str,
    /// The background color; null if none was found or given.
    #[schema(required = true)]
    detected_background_color: Option<Color>,
    /// All outputs. Only present if several formats were requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<Vec<Output>>,
    /// Fields of the request that had no effect.
    warnings: Vec<FieldWarning>,
}

/// Remove a background in one request.
///
/// Runs the same job as submit and waits for it. If the job takes longer than the wait limit, the
/// reply is 504 with the `jobId`, and the job continues.
#[utoipa::path(
    post, path = "/api/v1/video/remove-background", tag = "video", operation_id = "cutVideo", security(("key" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A key that the client generates for this submit: 1-255 visible ASCII characters."),
    ),
    request_body(content = SubmitForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The outputs as data URLs.", body = Reply<Cut>),
        KeyErrors, ClipErrors, FormErrors, SubmitErrors,
        (status = 404, description = "No such upload, or the job was deleted meanwhile.", body = ErrorReply),
        (status = 500, description = "The clip could not be processed.", body = ErrorReply),
        (status = 502, description = "The clip could not be fetched from its URL.", body = ErrorReply),
        (status = 504, description = "The job is still running; read it by its `jobId`.", body = ErrorReply),
    )
)]
pub(crate) async fn cut_now(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    let received = Box::pin(receive_clip(&api, owner, request));
    let AcceptedJob { id, warnings, .. } = accept(&api, owner, &headers, received).await?;
    let record = wait_for_result(&api, owner, &id).await?;
    if let Some(failure) = record.failure {
        return Err(failure.into());
    }
    let (cut, data_urls) = build_reply(&record, warnings)?;
    Ok(InlineReply::new(&Reply::new(cut), data_urls)?.into_response(api.store))
}

async fn wait_for_result(api: &Api, owner: KeyId, id: &JobId) -> Result<JobRecord, ApiError> {
    let record = api.read_after_wait(owner, id, api.settings.sync_wait).await?.ok_or(ApiError::JobNotFound)?;
    if record.state.is_final() { Ok(record) } else { Err(ApiError::StillRunning { job: id.clone() }) }
}

/// Builds the reply with a placeholder for each data URL, and the data URLs in order.
fn build_reply(record: &JobRecord, warnings: Vec<FieldWarning>) -> Result<(Cut, Vec<DataUrl>), ApiError> {
    let outcome = record.outcome.as_ref().filter(|_| record.state == JobState::Completed).ok_or(ApiError::Internal)?;
    let mut data_urls = Vec::new();
    let mut placeholder = |pointer: &OutputPointer| {
        let name = pointer.object_name.clone();
        data_urls.push(DataUrl::of_object(pointer.format.mime(), name, pointer.size_bytes));
        DataUrl::PLACEHOLDER.to_owned()
    };
    let first = outcome.outputs.first().ok_or(ApiError::Internal)?;
    let url = placeholder(first);
    let mut outputs = None;
    if outcome.outputs.len() > 1 {
        let output = |pointer: &OutputPointer| Output {
            format: pointer.format.name(),
            url: placeholder(pointer),
            size: pointer.size_bytes,
        };
        outputs = Some(outcome.outputs.iter().map(output).collect());
    }
    let Measured::Clip(measured) = &outcome.measured else { return Err(ApiError::Internal) };
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
        processing_method: measured.method.name(),
        detected_background_color: measured.background.map(Color::from),
        outputs,
        warnings,
    };
    Ok((cut, data_urls))
}
