//! The routes that remove the background of an image, and that measure its color.

use axum::{
    extract::{Request, State},
    response::Response,
};
use clearcut_frame::Rgb8;
use clearcut_job::{CutImage, ImageOutcome, ImageTask, MethodReason};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{ClipErrors, FormErrors, ImageErrors, KeyErrors},
        field_warning::FieldWarning,
        reply::Reply,
        vocabulary::{Reason, UsedImageMethod},
    },
    images::{
        cut_fields::read_cut,
        cut_report::ImageReport,
        forms::{ImageForm, RemoveImageBackgroundForm},
        received_image::receive_image,
    },
    jobs::{
        color::Color,
        data_url::{DataUrl, InlineReply},
        image_shapes::image_method,
    },
};

/// Names of the fields that name only an image.
const SOURCE_FIELDS: &[&str] = &["url", "inputStorageId"];

/// Names of the fields of a cut.
const CUT_FIELDS: &[&str] =
    &["url", "inputStorageId", "method", "chromaKey", "tolerance", "shadow", "smoothEdges", "edgeSampleSize"];

/// An image without its background.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageCut {
    /// A PNG with straight alpha, as a base64 data URL.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo")]
    url: String,
    /// Always `png`.
    #[schema(example = "png")]
    format: &'static str,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// Size of the PNG in bytes, before base64.
    size: usize,
    /// Processing time in milliseconds.
    processing_time: u64,
    /// Method that found the background.
    #[schema(value_type = UsedImageMethod)]
    method: &'static str,
    /// Why this method was used.
    #[schema(value_type = Reason)]
    reason: &'static str,
    /// The neural model; null if none was used.
    #[schema(required = true)]
    model: Option<String>,
    /// The background color, measured or given; null with `ai`.
    #[schema(required = true)]
    detected_background_color: Option<Color>,
    /// Share of the border that matches the background color, 0–1; null with `ai`.
    #[schema(required = true)]
    confidence: Option<f64>,
    /// Estimated quality of the cut, with warnings of possible defects.
    report: ImageReport,
    /// Fields of the request that had no effect.
    warnings: Vec<FieldWarning>,
}

/// Remove the background of an image.
///
/// Returns a PNG with transparency, of the size of the image. Nothing is stored, and it does not
/// count as usage. Closing the request cancels the work.
#[utoipa::path(
    post, path = "/api/v1/image/remove-background", tag = "images", operation_id = "removeImageBackground",
    security(("key" = [])),
    request_body(content = RemoveImageBackgroundForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The image without its background.", body = Reply<ImageCut>),
        KeyErrors, ClipErrors, FormErrors, ImageErrors,
    )
)]
pub(crate) async fn remove_background(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let (request, image) =
        receive_image(&api, owner, (CUT_FIELDS, request), |fields| read_cut(fields, &api.settings)).await?;
    let ImageOutcome::Cut(cut) = image.process(&api, request.task()).await? else { return Err(ApiError::Internal) };
    let CutImage { png, size, method, reason, model, key_color, report } = *cut;
    let reply = ImageCut {
        url: DataUrl::PLACEHOLDER.to_owned(),
        format: "png",
        width: size.width(),
        height: size.height(),
        size: png.len(),
        processing_time: image.elapsed_ms(),
        method: image_method(method),
        reason: MethodReason::name(reason),
        model,
        detected_background_color: key_color.map(Color::from),
        confidence: report.confidence,
        report: ImageReport::new(method, &report),
        warnings: image.warnings.clone(),
    };
    let png = DataUrl::of_bytes("image/png", png);
    let reply = InlineReply::new(&Reply::new(reply), vec![png])?.into_response(api.store);
    Ok(image.counted_until_sent(reply))
}

/// The color of a background.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DetectedBackground {
    /// The color.
    background_color: Rgb,
    /// Hexadecimal form of the color.
    #[schema(example = "#E92FBC")]
    hex: String,
    /// Fields of the request that had no effect.
    warnings: Vec<FieldWarning>,
}

/// A color by its channels.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rgb {
    r: u8,
    g: u8,
    b: u8,
}

/// Detect the background color of an image.
///
/// Measures the border of the image. An image without a flat background is refused with
/// `NO_FLAT_BACKGROUND`.
#[utoipa::path(
    post, path = "/api/v1/image/detect-background-color", tag = "images", operation_id = "detectImageBackgroundColor",
    security(("key" = [])),
    request_body(content = ImageForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The color.", body = Reply<DetectedBackground>),
        KeyErrors, ClipErrors, FormErrors, ImageErrors,
    )
)]
pub(crate) async fn detect_background_color(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Reply<DetectedBackground>, ApiError> {
    let ((), image) = receive_image(&api, owner, (SOURCE_FIELDS, request), |_| Ok(())).await?;
    let outcome = image.process(&api, ImageTask::MeasureBackground).await?;
    let ImageOutcome::Background(color) = outcome else { return Err(ApiError::Internal) };
    let Rgb8 { r, g, b } = color;
    Ok(Reply::new(DetectedBackground {
        background_color: Rgb { r, g, b },
        hex: color.to_string(),
        warnings: image.warnings,
    }))
}
