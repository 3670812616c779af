//! The routes that scale an image: to any size, and to a thumbnail.

use axum::{
    extract::{Request, State},
    response::Response,
};
use clearcut_job::{
    EncodedImage, ImageEncoding, ImageFit, ImageFormat, ImageOutcome, ImageTask, Quality, RequestError, StillFormat,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{ClipErrors, FormErrors, ImageErrors, KeyErrors},
        field_warning::FieldWarning,
        reply::Reply,
        vocabulary,
    },
    images::{
        forms::{ResizeForm, ThumbnailForm},
        image_fields::{ImageFields, whole_number},
        received_image::{ReceivedImage, receive_image},
    },
    jobs::data_url::{DataUrl, InlineReply},
};

const RESIZE_FIELDS: &[&str] = &["url", "inputStorageId", "width", "height", "fit", "quality", "format"];
const THUMBNAIL_FIELDS: &[&str] = &["url", "inputStorageId", "size", "width", "height", "quality"];

const SIDE_ALLOWED: &str = "a whole number from 1 to 16384";
const QUALITY_ALLOWED: &str = "a whole number from 1 to 100";
const SIZE_ALLOWED: &str = "small, medium or large";

/// A scaled image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScaledImage {
    /// The image as a base64 data URL.
    #[schema(example = "data:image/jpeg;base64,/9j/4AAQ")]
    url: String,
    /// Format of the file.
    #[schema(value_type = vocabulary::ImageFormat, example = "jpeg")]
    format: &'static str,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// Size of the file in bytes, before base64.
    size: usize,
    /// Processing time in milliseconds.
    processing_time: u64,
    /// Fields of the request that had no effect.
    warnings: Vec<FieldWarning>,
}

/// Reads `width` and `height`.
fn read_sides(fields: &mut ImageFields) -> Result<[Option<u32>; 2], ApiError> {
    let read = |fields: &mut ImageFields, name: &'static str| {
        fields.read(name, |text| whole_number(name, text, 1..=ImageEncoding::MAX_SIDE, SIDE_ALLOWED))
    };
    Ok([read(fields, "width")?, read(fields, "height")?])
}

/// Reads `quality`; `None` if it is absent.
fn read_quality(fields: &mut ImageFields) -> Result<Option<Quality>, ApiError> {
    let given = fields.read("quality", |text| whole_number("quality", text, 1..=100, QUALITY_ALLOWED))?;
    Ok(given.map(|quality| Quality::try_from(quality as u16)).transpose()?)
}

/// Why `quality` has no effect.
const PNG_IS_LOSSLESS: &str = "it has no effect: a PNG is lossless";

/// Reads the fields of a resize.
fn read_resize(fields: &mut ImageFields) -> Result<ImageEncoding, ApiError> {
    let [width, height] = read_sides(fields)?;
    let fit = fields.read("fit", str::parse)?;
    if fit.is_some() && (width.is_none() || height.is_none()) {
        fields.warn("fit", "it has no effect without both width and height");
    }
    let format = fields.read("format", str::parse)?.unwrap_or(ImageFormat::Jpeg);
    let quality = read_quality(fields)?;
    if quality.is_some() && format == ImageFormat::Png {
        fields.warn("quality", PNG_IS_LOSSLESS);
    }
    let quality = quality.map_or_else(|| Quality::try_from(80), Ok)?;
    Ok(ImageEncoding { width, height, fit: fit.unwrap_or_default(), format, quality })
}

/// Reads the fields of a thumbnail, and whether they have a quality. Its format is that of the
/// image, if it is one that is written.
fn read_thumbnail(
    fields: &mut ImageFields,
) -> Result<(impl FnOnce(StillFormat) -> ImageEncoding + use<>, bool), ApiError> {
    let [width, height] = read_sides(fields)?;
    let size = fields.read("size", |text| match text.trim() {
        "small" => Ok(150),
        "medium" => Ok(300),
        "large" => Ok(600),
        _ => Err(RequestError::new("size", text, SIZE_ALLOWED)),
    })?;
    if size.is_some() && (width.is_some() || height.is_some()) {
        fields.warn("size", "it has no effect beside width and height");
    }
    let quality = read_quality(fields)?;
    let has_quality = quality.is_some();
    let quality = quality.map_or_else(|| Quality::try_from(60), Ok)?;
    let [width, height] = match (width, height) {
        (None, None) => [Some(size.unwrap_or(300)); 2],
        given => given.into(),
    };
    let encoding_of = move |source| {
        let format = match source {
            StillFormat::Png | StillFormat::Gif => ImageFormat::Png,
            StillFormat::Webp => ImageFormat::Webp,
            StillFormat::Jpeg | StillFormat::Avif | StillFormat::Heic => ImageFormat::Jpeg,
        };
        ImageEncoding { width, height, fit: ImageFit::Cover, format, quality }
    };
    Ok((encoding_of, has_quality))
}

/// Resize an image.
///
/// Scales the image and encodes it as JPEG, PNG or WebP, upright and in sRGB. Nothing is stored, and
/// it does not count as usage.
#[utoipa::path(
    post, path = "/api/v1/image/resize", tag = "images", operation_id = "resizeImage", security(("key" = [])),
    request_body(content = ResizeForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The scaled image.", body = Reply<ScaledImage>),
        KeyErrors, ClipErrors, FormErrors, ImageErrors,
    )
)]
pub(crate) async fn resize(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let (encoding, image) = receive_image(&api, owner, (RESIZE_FIELDS, request), read_resize).await?;
    scale(api, image, encoding).await
}

/// Make a thumbnail of an image.
///
/// A JPEG, PNG or WebP keeps its format; a GIF becomes a PNG, AVIF and HEIC become JPEG. Nothing is
/// stored, and it does not count as usage.
#[utoipa::path(
    post, path = "/api/v1/image/thumbnail", tag = "images", operation_id = "createImageThumbnail",
    security(("key" = [])),
    request_body(content = ThumbnailForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The thumbnail.", body = Reply<ScaledImage>),
        KeyErrors, ClipErrors, FormErrors, ImageErrors,
    )
)]
pub(crate) async fn thumbnail(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let ((encoding_of, has_quality), mut image) =
        receive_image(&api, owner, (THUMBNAIL_FIELDS, request), read_thumbnail).await?;
    let encoding = encoding_of(image.format);
    if has_quality && encoding.format == ImageFormat::Png {
        image.warnings.push(FieldWarning::without_effect("quality", PNG_IS_LOSSLESS));
    }
    scale(api, image, encoding).await
}

async fn scale(api: Api, image: ReceivedImage, encoding: ImageEncoding) -> Result<Response, ApiError> {
    let outcome = image.process(&api, ImageTask::Encode(vec![encoding])).await?;
    let ImageOutcome::Encoded(mut encoded) = outcome else { return Err(ApiError::Internal) };
    let EncodedImage { bytes, format, size } = encoded.pop().ok_or(ApiError::Internal)?;
    let reply = ScaledImage {
        url: DataUrl::PLACEHOLDER.to_owned(),
        format: format.name(),
        width: size.width(),
        height: size.height(),
        size: bytes.len(),
        processing_time: image.elapsed_ms(),
        warnings: image.warnings.clone(),
    };
    let url = DataUrl::of_bytes(format.mime(), bytes);
    let reply = InlineReply::new(&Reply::new(reply), vec![url])?.into_response(api.store);
    Ok(image.counted_until_sent(reply))
}
