//! The route that submits a job of images.

use axum::{
    extract::{Request, State},
    response::Response,
};

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{ClipErrors, FormErrors, KeyErrors, SubmitErrors},
        reply::Reply,
    },
    images::{cut_fields::read_cut, forms::SubmitImagesForm, image_fields::ImageFields},
    jobs::{
        intake::{JobForm, receive_job},
        received_files::FileRules,
        shapes::{AwaitedJob, Submitted},
        submit::submit_and_reply,
    },
};

/// Names of the fields, beside the files.
const FIELDS: &[&str] = &[
    "url",
    "inputStorageId",
    "method",
    "chromaKey",
    "tolerance",
    "shadow",
    "smoothEdges",
    "edgeSampleSize",
    "clipName",
    "webhookUrl",
];

/// Submit images.
///
/// Removes the backgrounds of up to 500 images in one job. Send them as several parts named `file`,
/// or as one ZIP archive, in which folders are kept. The output of one image is a PNG, that of several
/// a ZIP archive of PNGs; `images` in the result lists what became of each. An image that cannot be
/// read is listed as failed; the job fails only if no image could be cut. Otherwise like a submit of
/// a clip.
#[utoipa::path(
    post, path = "/api/v1/jobs/image/remove-background", tag = "jobs", operation_id = "submitImageJob", security(("key" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "A key that the client generates for this submit: 1-255 visible ASCII characters."),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: reply when the job has ended, or after N seconds (at most 60)."),
    ),
    request_body(content = SubmitImagesForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The job ended within the preferred wait.", body = Reply<AwaitedJob>,
            headers(("Location" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "The job was accepted. With `Prefer: wait`, `data` is the full job, as with status 200.", body = Reply<Submitted>,
            headers(("Location" = String), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        KeyErrors, ClipErrors, FormErrors, SubmitErrors,
    )
)]
pub(crate) async fn submit(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    let read = |mut fields: ImageFields| {
        let request = read_cut(&mut fields, &api.settings)?.into();
        let (clip_name, webhook_url) = (fields.take_all("clipName").pop(), fields.take_all("webhookUrl").pop());
        Ok(JobForm { request, clip_name, webhook_url, warnings: fields.into_warnings() })
    };
    let form = (ImageFields::named(FIELDS), FileRules::images_of_job(&api));
    let received = Box::pin(receive_job(&api, owner, form, request, read));
    submit_and_reply(&api, owner, &headers, received).await
}
