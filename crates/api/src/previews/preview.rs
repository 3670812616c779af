//! The route of previews: one frame of a cut, made while the client waits.

use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clearcut_job::{MethodReason, RequestError, UploadId};
use clearcut_queue::KeyId;
use clearcut_store::{ObjectName, Store};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError, NoPreview, PreviewOrder, Previewed,
    http::{
        caller::Caller,
        reply::{ErrorReply, Reply},
    },
    jobs::{
        intake::{Source, Stay, gather},
        shapes::{Color, method_name},
    },
};

/// The longer side of a preview, unless another is asked for.
const DEFAULT_SIDE: &str = "640";

const TIME_ALLOWED: &str = "seconds from the beginning of the clip, such as 0 or 1.25";

/// The fields of a preview.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "read by the document alone; the fields are taken as they come")]
pub(crate) struct PreviewForm {
    /// The clip. Exactly one of `file` and `inputStorageId` is given.
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<Vec<u8>>,
    /// The `storageId` of an upload that is whole. Many previews of one upload send the clip once.
    input_storage_id: Option<String>,
    /// Which frame: the one that is shown at this time, in seconds from the beginning of the clip.
    #[schema(minimum = 0, default = 0, example = 1.25)]
    time: Option<f64>,
    /// How far from the background color is still background.
    #[schema(minimum = 0, maximum = 100, default = 30)]
    tolerance: Option<u8>,
    /// What becomes of shadows on the background: `keep` (translucent black) or `drop` (transparent). A model drops them anyway.
    #[schema(example = "keep", default = "keep")]
    shadow: Option<String>,
    /// What regions of the clip are, whatever they look like, as a JSON array in one text: at most 32 of `{"time","x","y","kind"}`, `kind` being
    /// `keep` (subject) or `remove` (background), `time` in seconds, places in shares of the frame from its left upper corner. A point names
    /// the region of one color around it; with `width` and `height` all that lies in a box. It holds in every frame in which it is found again.
    #[schema(example = "[{\"time\":1.5,\"x\":0.4,\"y\":0.3,\"kind\":\"keep\"}]")]
    hints: Option<String>,
    /// The background color as JSON text or `#RRGGBB`; measured over the whole clip if missing.
    #[schema(example = "{\"r\":0,\"g\":255,\"b\":0}")]
    chroma_key: Option<String>,
    /// `auto`, `chroma` or `ai`, as with a submit.
    #[schema(example = "auto")]
    method: Option<String>,
    /// The longer side of the frame in pixels; a smaller clip is not enlarged.
    #[schema(minimum = 64, maximum = 2048, default = 640)]
    size: Option<u16>,
}

/// One frame of a cut.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    /// A PNG with straight alpha, as a base64 data URL.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo")]
    url: String,
    /// Always `png`.
    #[schema(example = "png")]
    format: &'static str,
    /// Its length in bytes, before base64.
    size: usize,
    /// Width of the frame in pixels.
    width: u32,
    /// Height of the frame in pixels.
    height: u32,
    /// When in the clip the frame is shown, in seconds.
    time: f64,
    /// How long it took, in milliseconds.
    processing_time: u64,
    /// `chromakey` or `ai`.
    processing_method: &'static str,
    /// Why: `asked`, `key-given`, `flat-background`, `no-flat-background` or `transparent`.
    reason: &'static str,
    /// The neural model, where one was used.
    #[schema(required = true)]
    model: Option<String>,
    /// The background color, measured over the whole clip or given; null with `ai`.
    #[schema(required = true)]
    detected_background_color: Option<Color>,
    /// Share of the clip's border that agrees with it, 0–1; null with `ai`.
    #[schema(required = true)]
    confidence: Option<f64>,
    /// In how many frames of the clip each hint holds, in the order given.
    hint_frames: Vec<u64>,
}

/// Look at one frame of a cut.
///
/// Measures the clip as a cut does and cuts one frame, with its neighbors, for trying settings before a job. Nothing is kept of it: it is
/// no job and costs no usage. Other fields of a submit may come along and change nothing. A second look at the same moment with
/// another tolerance or other shadows comes sooner. A request that is closed ends the work.
#[utoipa::path(
    post, path = "/api/v1/video/remove-background/preview", tag = "video", security(("key" = [])),
    request_body(content = PreviewForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The frame", body = Reply<Preview>),
        (status = 400, description = "A field or the clip is wrong, the time lies beyond its end, or it has no flat background", body = ErrorReply),
        (status = 401, description = "No key, or one that opens nothing", body = ErrorReply),
        (status = 404, description = "There is no such upload", body = ErrorReply),
        (status = 408, description = "The request came too slowly", body = ErrorReply),
        (status = 409, description = "The upload is not whole", body = ErrorReply),
        (status = 413, description = "The request or the clip is too large", body = ErrorReply),
        (status = 415, description = "The body is not multipart/form-data", body = ErrorReply),
        (status = 429, description = "Too many requests, or too many previews of this key at once", body = ErrorReply,
            headers(("Retry-After" = String))),
        (status = 500, description = "The frame could not be cut", body = ErrorReply),
        (status = 503, description = "The server makes as many previews as it can, or cannot reach its database or files", body = ErrorReply,
            headers(("Retry-After" = String))),
        (status = 504, description = "It took too long", body = ErrorReply),
        (status = 507, description = "The server's disk is full", body = ErrorReply),
    )
)]
pub(crate) async fn preview(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Reply<Preview>, ApiError> {
    let limit = api.settings.max_previews;
    // Before the body is read, so that no key has more clips on the disk that are not its own to keep.
    let _held = api.traffic.begin_preview(owner, limit).ok_or(ApiError::TooManyPreviews { limit })?;
    let mut gathered = gather(&api, owner, Stay::ForAWhile, request).await?;
    let form = &mut gathered.form;
    let at = form.time.take().map_or(Ok(Duration::ZERO), |text| read_time(&text))?;
    if !form.has_size() {
        form.take("size", DEFAULT_SIDE)?;
    }
    let (request, source) = gathered.finish_for_preview(&api).await?;
    let (input, _spare) = match source {
        Source::Stored(stored) => (stored.name.clone(), Some(Spare { store: api.store.clone(), name: stored.name })),
        Source::Uploaded(id) => (find_upload(&api, owner, &id).await?, None),
        Source::Address(_) => return Err(ApiError::Request(NOTHING_IS_FETCHED.to_owned())),
    };
    let began = Instant::now();
    let previewed = api.previewer.preview(PreviewOrder { input, request, at }).await?;
    Ok(Reply::new(Preview::new(previewed, began.elapsed())))
}

const NOTHING_IS_FETCHED: &str = "url is given; a preview fetches nothing: upload the clip and give its inputStorageId";

fn read_time(text: &str) -> Result<Duration, ApiError> {
    let bad = || RequestError::new("time", text, TIME_ALLOWED);
    let plain = text.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let secs = text.trim().parse::<f64>().ok().filter(|_| plain).ok_or_else(bad)?;
    Duration::try_from_secs_f64(secs).map_err(|_| bad().into())
}

/// The object of a whole upload; one of another key is none.
async fn find_upload(api: &Api, owner: KeyId, id: &UploadId) -> Result<ObjectName, ApiError> {
    let upload = api.queue.read_upload(id).await?.filter(|upload| upload.owner == owner);
    let object = upload.ok_or(ApiError::UploadNotFound)?.object.ok_or(ApiError::UploadUnfinished)?;
    object.key.parse().map_err(|_| ApiError::Internal)
}

/// A clip that came along and that nothing points to: removed when dropped, however the request ends.
struct Spare {
    store: Store,
    name: ObjectName,
}

impl Drop for Spare {
    fn drop(&mut self) {
        let (store, name) = (self.store.clone(), self.name.clone());
        tokio::spawn(async move {
            if let Err(error) = store.delete(&name).await {
                tracing::warn!(?error, %name, "the clip of a preview is left for the sweeper");
            }
        });
    }
}

impl From<NoPreview> for ApiError {
    fn from(reason: NoPreview) -> Self {
        match reason {
            NoPreview::Busy { retry_after_secs } => Self::PreviewsBusy { retry_after_secs },
            NoPreview::Gone => Self::UploadNotFound,
            NoPreview::Failed(failure) => Self::JobFailed(failure),
        }
    }
}

impl Preview {
    fn new(previewed: Previewed, took: Duration) -> Self {
        Self {
            url: format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&previewed.png)),
            format: "png",
            size: previewed.png.len(),
            width: previewed.size.width(),
            height: previewed.size.height(),
            time: previewed.at.as_secs_f64(),
            processing_time: took.as_millis() as u64,
            processing_method: method_name(previewed.method),
            reason: MethodReason::wire(previewed.reason),
            model: previewed.model,
            detected_background_color: previewed.background.map(Color::from),
            confidence: previewed.confidence,
            hint_frames: previewed.hint_frames,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_plain_seconds_and_nothing_else() {
        assert_eq!(read_time("1.25").unwrap(), Duration::from_millis(1250));
        assert_eq!(read_time(" 0 ").unwrap(), Duration::ZERO);
        for text in ["", "-1", "1e3", "inf", "NaN", "1s", "0:01", "+1", "1.2.3", "99999999999999999999999999"] {
            let error = read_time(text).unwrap_err();
            assert_eq!((error.code(), error.status().as_u16()), ("INVALID_REQUEST", 400), "{text}");
            assert!(error.to_string().contains("time"), "{error}");
        }
    }
}
