//! The routes that make an emoticon pack: one image in several sizes, as JSON or as a ZIP file.

use std::io::{Cursor, Write as _};

use axum::{
    extract::{Request, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use clearcut_job::{
    EncodedImage, ImageEncoding, ImageFit, ImageFormat, ImageOutcome, ImageTask, Quality, RequestError,
};
use clearcut_queue::KeyId;
use serde::Serialize;
use utoipa::ToSchema;
use zip::{CompressionMethod, ZipWriter, result::ZipError, write::SimpleFileOptions};

use crate::{
    Api, ApiError,
    http::{
        caller::Caller,
        error_responses::{ClipErrors, FormErrors, ImageErrors, KeyErrors},
        field_warning::{FieldWarning, WARNINGS},
        reply::Reply,
    },
    images::{
        forms::EmoticonForm,
        image_fields::{ImageFields, whole_number},
        received_image::{ReceivedImage, receive_image},
    },
    jobs::data_url::{DataUrl, InlineReply},
};

const FIELDS: &[&str] = &["url", "inputStorageId", "sizes"];

const DEFAULT_SIZES: [u32; 8] = [16, 24, 32, 48, 64, 96, 128, 256];
const MAX_SIZES: usize = 16;
const MAX_SIDE: u32 = 1024;
const SIZES_ALLOWED: &str = "a JSON array of 1 to 16 different whole numbers from 1 to 1024";

/// Quality of the WebP files.
const QUALITY: u16 = 90;

/// Reads `sizes`: one JSON array, or repeated fields.
fn read_sizes(fields: &mut ImageFields) -> Result<Vec<u32>, ApiError> {
    let texts = fields.take_all("sizes");
    if texts.is_empty() {
        return Ok(DEFAULT_SIZES.into());
    }
    let invalid = |text: &str| RequestError::new("sizes", text, SIZES_ALLOWED);
    let mut sizes = Vec::new();
    for text in &texts {
        if text.trim_start().starts_with('[') {
            sizes.extend(serde_json::from_str::<Vec<u32>>(text).map_err(|_| invalid(text))?);
        } else {
            sizes.push(whole_number("sizes", text, 1..=MAX_SIDE, SIZES_ALLOWED)?);
        }
    }
    let is_allowed = |(index, size): (usize, &u32)| (1..=MAX_SIDE).contains(size) && !sizes[..index].contains(size);
    if sizes.is_empty() || sizes.len() > MAX_SIZES || !sizes.iter().enumerate().all(is_allowed) {
        return Err(invalid(&texts.join(",")).into());
    }
    Ok(sizes)
}

/// An emoticon pack.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EmoticonPack {
    /// The emoticons, in the order of the requested sizes.
    sizes: Vec<Emoticon>,
    /// Size of all PNG files together in bytes.
    total_png_size: usize,
    /// Size of all WebP files together in bytes.
    total_webp_size: usize,
    /// Processing time in milliseconds.
    processing_time: u64,
    /// Fields of the request that had no effect.
    warnings: Vec<FieldWarning>,
}

/// An emoticon in one size.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Emoticon {
    /// Side in pixels.
    size: u32,
    /// As PNG.
    png: EmoticonFile,
    /// As WebP.
    webp: EmoticonFile,
}

/// A file of an emoticon pack.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EmoticonFile {
    /// The file as a base64 data URL.
    data_url: String,
    /// Size of the file in bytes, before base64.
    size: usize,
}

/// Make an emoticon pack.
///
/// The image in several sizes, each as a square PNG and WebP. An image of another shape is padded
/// with transparency. Nothing is stored, and it does not count as usage.
#[utoipa::path(
    post, path = "/api/v1/image/emoticon", tag = "images", operation_id = "createEmoticons", security(("key" = [])),
    request_body(content = EmoticonForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The emoticons.", body = Reply<EmoticonPack>),
        KeyErrors, ClipErrors, FormErrors, ImageErrors,
    )
)]
pub(crate) async fn pack(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let (files, image) = make_files(&api, owner, request).await?;
    let total = |format| files.iter().filter(|file| file.format == format).map(|file| file.bytes.len()).sum();
    let file = |file: &EncodedImage| EmoticonFile { data_url: DataUrl::PLACEHOLDER.to_owned(), size: file.bytes.len() };
    let emoticon = |pair: &[EncodedImage]| match pair {
        [png, webp] => Ok(Emoticon { size: png.size.width(), png: file(png), webp: file(webp) }),
        _ => Err(ApiError::Internal),
    };
    let reply = EmoticonPack {
        sizes: files.chunks(2).map(emoticon).collect::<Result<_, _>>()?,
        total_png_size: total(ImageFormat::Png),
        total_webp_size: total(ImageFormat::Webp),
        processing_time: image.elapsed_ms(),
        warnings: image.warnings.clone(),
    };
    let data_urls = files.into_iter().map(|file| DataUrl::of_bytes(file.format.mime(), file.bytes)).collect();
    let reply = InlineReply::new(&Reply::new(reply), data_urls)?.into_response(api.store);
    Ok(image.counted_until_sent(reply))
}

/// Make an emoticon pack as a ZIP file.
///
/// The same files as of an emoticon pack, named `png/emoticon-16px.png`, `webp/emoticon-16px.webp`
/// and so on. Fields that had no effect are named in the header `Clearcut-Warnings`.
#[utoipa::path(
    post, path = "/api/v1/image/emoticon/zip", tag = "images", operation_id = "createEmoticonZip",
    security(("key" = [])),
    request_body(content = EmoticonForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The ZIP file.", body = Vec<u8>, content_type = "application/zip",
            headers(("Clearcut-Warnings" = String, description = "Fields of the request that had no effect: a JSON array as in `warnings` of other replies, of at most 16; missing if there are none."))),
        KeyErrors, ClipErrors, FormErrors, ImageErrors,
    )
)]
pub(crate) async fn zipped_pack(
    State(api): State<Api>,
    Caller(owner): Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let (files, image) = make_files(&api, owner, request).await?;
    let archive = zip(&files).map_err(|error| {
        tracing::error!(%error, "a ZIP file could not be written");
        ApiError::Internal
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"emoticons.zip\""),
    ];
    let mut reply = (headers, archive).into_response();
    if let Some(warnings) = FieldWarning::header(&image.warnings) {
        reply.headers_mut().insert(WARNINGS, warnings);
    }
    Ok(image.counted_until_sent(reply))
}

/// Receives an image and makes its files: PNG and WebP in each size, in this order.
async fn make_files(api: &Api, owner: KeyId, request: Request) -> Result<(Vec<EncodedImage>, ReceivedImage), ApiError> {
    let (sizes, image) = receive_image(api, owner, (FIELDS, request), read_sizes).await?;
    let quality = Quality::try_from(QUALITY)?;
    let encoding =
        |side, format| ImageEncoding { width: Some(side), height: Some(side), fit: ImageFit::Contain, format, quality };
    let both = |side| [ImageFormat::Png, ImageFormat::Webp].map(|format| encoding(side, format));
    let task = ImageTask::Encode(sizes.into_iter().flat_map(both).collect());
    match image.process(api, task).await? {
        ImageOutcome::Encoded(files) => Ok((files, image)),
        ImageOutcome::Cut(_) | ImageOutcome::Background(_) => Err(ApiError::Internal),
    }
}

/// Packs the files under the names that the official command line gives them. They are compressed
/// already, so they are only stored.
fn zip(files: &[EncodedImage]) -> Result<Vec<u8>, ZipError> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for EncodedImage { bytes, format, size } in files {
        let format = format.name();
        archive.start_file(format!("{format}/emoticon-{}px.{format}", size.width()), options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::fields::Fields as _;

    fn sizes(texts: &[&str]) -> Result<Vec<u32>, ApiError> {
        let mut fields = ImageFields::named(FIELDS);
        for text in texts {
            fields.take("sizes", text).unwrap();
        }
        read_sizes(&mut fields)
    }

    #[test]
    fn sizes_are_one_json_array_or_repeated_fields() {
        assert_eq!(sizes(&[]).unwrap(), DEFAULT_SIZES);
        assert_eq!(sizes(&["[32, 64]"]).unwrap(), [32, 64]);
        assert_eq!(sizes(&["32", "64"]).unwrap(), [32, 64]);
        let many: Vec<u32> = (1..=17).collect();
        let many = serde_json::to_string(&many).unwrap();
        for texts in [&["[]"][..], &["[0]"], &["[1025]"], &["[16,16]"], &["16", "16"], &["[16.5]"], &["big"], &[&many]]
        {
            let error = sizes(texts).unwrap_err();
            assert_eq!((error.code().name(), error.status().as_u16()), ("INVALID_SIZE", 400), "{texts:?}");
            assert!(error.to_string().contains("sizes"), "{error}");
        }
    }
}
