//! The preview route: renders one frame of a cut while the client waits.

use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clearcut_job::{Accepted, InteractiveFailure, MethodReason, PreviewFrame, PreviewRequest, RequestError, Trim};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{ClipErrors, FormErrors, KeyErrors},
        field_warning::FieldWarning,
        reply::{ErrorReply, Reply},
        vocabulary::{Deinterlace, Method, Reason, Shadow, UsedMethod},
    },
    interactive::held_input::HeldInput,
    jobs::{
        color::Color,
        fields::Fields as _,
        form::Form,
        intake::{Source, receive_form},
        received_files::FileRules,
    },
};

/// Default for the longer side of a preview, in pixels.
const DEFAULT_SIDE: &str = "640";

const TIME_ALLOWED: &str = "seconds from the start of the clip, such as 0 or 1.25";

/// The fields of a preview request.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only used for the OpenAPI document; the fields are parsed one by one")]
pub(crate) struct PreviewForm {
    /// The clip. Send exactly one of `file` and `inputStorageId`.
    #[schema(value_type = Option<String>, format = Binary, nullable = false)]
    file: Option<Vec<u8>>,
    /// The `storageId` of a complete upload. Use it to send the clip only once for many previews.
    #[schema(nullable = false)]
    input_storage_id: Option<String>,
    /// Time of the frame, in seconds from the start of the clip: the frame that is shown then.
    /// Default: 0, or the start of `trim`.
    #[schema(minimum = 0, nullable = false)]
    time: Option<f64>,
    /// How far a color may differ from the background color and still count as background. Default:
    /// 30.
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    tolerance: Option<u8>,
    /// Shadows on the background: `keep` makes them translucent black, `drop` makes them
    /// transparent. A neural model always drops them. Default: `keep`.
    #[schema(value_type = Option<Shadow>, nullable = false)]
    shadow: Option<String>,
    /// Regions to keep or remove regardless of their color, as the text of a JSON array of at most
    /// 32 objects `{"time","x","y","kind"}`. `kind` is `keep` (subject) or `remove` (background),
    /// `time` is in seconds, and `x` and `y` are fractions of the frame from its top left corner. A
    /// point selects the region of one color around it; with `width` and `height`, the hint selects
    /// a box. A hint applies to every frame in which its region is found again.
    #[schema(nullable = false)]
    hints: Option<String>,
    /// Interlaced frames: `auto` de-interlaces a clip that is measured or flagged as interlaced,
    /// `on` every clip, `off` none. Default: `auto`.
    #[schema(value_type = Option<Deinterlace>, nullable = false)]
    deinterlace: Option<String>,
    /// The part of the clip that a job with the same `trim` cuts: the background is measured in it,
    /// and `time` must lie in it. Default: all of the clip.
    #[schema(nullable = false)]
    trim: Option<String>,
    /// The part of the frame that is cut: `X,Y,WIDTH,HEIGHT` in pixels of the clip, all even, or a
    /// shape such as `16:9`, the largest around the middle. With `auto`, the preview shows the whole
    /// frame. `hints` are shares of the whole frame. Default: all of the frame.
    #[schema(nullable = false)]
    crop: Option<String>,
    /// The background color, as JSON text such as `{"r":0,"g":255,"b":0}` or as `#RRGGBB`. Default:
    /// measured over the whole clip.
    #[schema(nullable = false)]
    chroma_key: Option<String>,
    /// `auto`, `chroma` or `ai`, as in a submit. Default: `auto`.
    #[schema(value_type = Option<Method>, nullable = false)]
    method: Option<String>,
    /// Longer side of the frame in pixels. Smaller clips are not enlarged. Default: 640.
    #[schema(minimum = 64, maximum = 2048, nullable = false)]
    size: Option<u16>,
}

/// A preview: one frame of the cut.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    /// A PNG with straight alpha, as a base64 data URL.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo")]
    url: String,
    /// Always `png`.
    #[schema(example = "png")]
    format: &'static str,
    /// Size of the PNG in bytes, before base64.
    size: usize,
    /// Width of the frame in pixels.
    width: u32,
    /// Height of the frame in pixels.
    height: u32,
    /// Time at which the clip shows the frame, in seconds.
    time: f64,
    /// Processing time in milliseconds.
    processing_time: u64,
    /// Method that found the background.
    #[schema(value_type = UsedMethod)]
    processing_method: &'static str,
    /// Why this method was used.
    #[schema(value_type = Reason)]
    reason: &'static str,
    /// The neural model; null if none was used.
    #[schema(required = true)]
    model: Option<String>,
    /// The background color, measured over the whole clip or given; null with `ai`.
    #[schema(required = true)]
    detected_background_color: Option<Color>,
    /// Share of the clip's border that matches the background color, 0–1; null with `ai`.
    #[schema(required = true)]
    confidence: Option<f64>,
    /// For each hint, in order: the number of frames of the clip to which it applies.
    hint_frames: Vec<u64>,
    /// Fields of the request that had no effect.
    warnings: Vec<FieldWarning>,
}

/// Preview one frame of a cut.
///
/// Measures the clip as a job does and processes one frame with its neighbors, to try settings
/// before a job. Nothing is stored, and it does not count as usage. Other fields of a submit are
/// accepted and named in `warnings`. A second preview of the same frame with another `tolerance` or `shadow` is
/// faster. Closing the request cancels the work.
#[utoipa::path(
    post, path = "/api/v1/video/remove-background/preview", tag = "video", operation_id = "previewFrame", security(("key" = [])),
    request_body(content = PreviewForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The frame.", body = Reply<Preview>),
        KeyErrors, ClipErrors, FormErrors,
        (status = 400, description = "Invalid field or clip, a time past the end of the clip or outside of `trim`, or no flat background.", body = ErrorReply),
        (status = 409, description = "The upload is incomplete.", body = ErrorReply),
        (status = 429, description = "Rate limit exceeded, or too many concurrent previews for this API key.", body = ErrorReply,
            headers(("Retry-After" = String))),
        (status = 500, description = "The frame could not be processed.", body = ErrorReply),
        (status = 503, description = "The server is busy, or the database or the file store is unavailable.", body = ErrorReply,
            headers(("Retry-After" = String))),
        (status = 504, description = "The preview took too long.", body = ErrorReply),
    )
)]
pub(crate) async fn preview(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Reply<Preview>, ApiError> {
    let limit = api.settings.max_previews;
    // Counted before the body is read, to limit the temporary clips of an API key on the disk.
    let _preview_guard = api.traffic.begin_preview(owner, limit)?;
    let mut received = receive_form(&api, owner, FileRules::clip_of_request(&api), Form::default(), request).await?;
    let form = &mut received.form;
    let at = form.time.take().map(|text| read_time(&text)).transpose()?;
    if !form.has_size() {
        form.take("size", DEFAULT_SIDE)?;
    }
    let build = |form: Form, unknown| {
        let warnings = [unknown, form.without_effect_on_preview()].concat();
        Ok((form.finish_for_preview(&api.settings)?, warnings))
    };
    let ((request, warnings), source) = received.finish(&api, build).await?;
    if matches!(source, Source::Address(_)) {
        return Err(ApiError::Request(URL_UNSUPPORTED.to_owned()));
    }
    let is_upload = matches!(source, Source::Uploaded(_));
    let input = HeldInput::of(&api, owner, source).await?;
    if is_upload {
        // An upload may be an image.
        Accepted::Videos.check(&api.read_head(&input.name, Accepted::SNIFF_BYTES as u64).await?)?;
    }
    let at = at.unwrap_or_else(|| request.trim.map_or(Duration::ZERO, Trim::start));
    let started = Instant::now();
    let previewed = api.interactive.preview(owner, PreviewRequest { input: input.name.clone(), request, at }).await;
    let previewed = previewed.map_err(|reason| match reason {
        InteractiveFailure::Busy { retry_after_secs } => ApiError::PreviewsBusy { retry_after_secs },
        reason => ApiError::from(reason).with_way_out(true, api.settings.has_model),
    })?;
    Ok(Reply::new(Preview::new(previewed, started.elapsed(), warnings)))
}

const URL_UNSUPPORTED: &str = "url is not supported for previews; upload the clip and send its inputStorageId";

fn read_time(text: &str) -> Result<Duration, ApiError> {
    let invalid = || RequestError::new("time", text, TIME_ALLOWED);
    let is_plain = text.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let secs = text.trim().parse::<f64>().ok().filter(|_| is_plain).ok_or_else(invalid)?;
    Duration::try_from_secs_f64(secs).map_err(|_| invalid().into())
}

impl Preview {
    fn new(previewed: PreviewFrame, elapsed: Duration, warnings: Vec<FieldWarning>) -> Self {
        Self {
            url: format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&previewed.png)),
            format: "png",
            size: previewed.png.len(),
            width: previewed.size.width(),
            height: previewed.size.height(),
            time: previewed.at.as_secs_f64(),
            processing_time: elapsed.as_millis() as u64,
            processing_method: previewed.method.name(),
            reason: MethodReason::name(previewed.reason),
            model: previewed.model,
            detected_background_color: previewed.key_color.map(Color::from),
            confidence: previewed.confidence,
            hint_frames: previewed.hint_frames,
            warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_plain_number_of_seconds() {
        assert_eq!(read_time("1.25").unwrap(), Duration::from_millis(1250));
        assert_eq!(read_time(" 0 ").unwrap(), Duration::ZERO);
        for text in ["", "-1", "1e3", "inf", "NaN", "1s", "0:01", "+1", "1.2.3", "99999999999999999999999999"] {
            let error = read_time(text).unwrap_err();
            assert_eq!((error.code().name(), error.status().as_u16()), ("INVALID_REQUEST", 400), "{text}");
            assert!(error.to_string().contains("time"), "{error}");
        }
    }
}
