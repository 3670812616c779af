//! The fields of the image requests, for the OpenAPI document.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

use crate::http::vocabulary::{ImageFit, ImageFormat, Method, Shadow, ThumbnailSize};

/// The fields of a request to remove the background of an image.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only used for the OpenAPI document; the fields are parsed one by one")]
pub(crate) struct RemoveImageBackgroundForm {
    /// The image: JPEG, PNG, WebP, GIF, AVIF or HEIC, detected from its bytes. Of an animation, the
    /// first frame is used. Send exactly one of `file`, `url` and `inputStorageId`.
    #[schema(value_type = Option<String>, format = Binary, nullable = false)]
    file: Option<Vec<u8>>,
    /// URL of the image (http or https), which the server fetches.
    #[schema(nullable = false)]
    url: Option<String>,
    /// The `storageId` of a complete upload.
    #[schema(nullable = false)]
    input_storage_id: Option<String>,
    /// `ai` (a neural model), `chroma` (by color) or `auto` (by color if the background is flat,
    /// otherwise by a neural model). Default: `ai`; on a server without a model, `auto`.
    #[schema(value_type = Option<Method>, nullable = false)]
    method: Option<String>,
    /// How far a color may differ from the background color and still count as background. Default:
    /// 20.
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    tolerance: Option<u8>,
    /// The background color, as JSON text such as `{"r":0,"g":255,"b":0}` or as `#RRGGBB`. Implies
    /// `chroma`. Default: measured.
    #[schema(nullable = false)]
    chroma_key: Option<String>,
    /// Whether pixels at the edge of the subject are translucent. If not, each pixel is either opaque
    /// or transparent. Default: true.
    #[schema(nullable = false)]
    smooth_edges: Option<bool>,
    /// Shadows on the background: `keep` makes them translucent black, `drop` makes them
    /// transparent. A neural model always drops them. Default: `keep`.
    #[schema(value_type = Option<Shadow>, nullable = false)]
    shadow: Option<String>,
    /// Accepted for clients of the original API, without effect: the whole border is measured.
    #[schema(minimum = 1, nullable = false)]
    edge_sample_size: Option<u32>,
}

/// A file in a form.
pub(crate) enum FormFile {}

impl PartialSchema for FormFile {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build().into()
    }
}

impl ToSchema for FormFile {}

/// The fields of a submit of images.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only used for the OpenAPI document; the fields are parsed one by one")]
pub(crate) struct SubmitImagesForm {
    /// The images: JPEG, PNG, WebP, GIF, AVIF or HEIC, detected from their bytes. Of an animation, the
    /// first frame is used. Up to 500 parts of this name, or one that is a ZIP archive of up to 500
    /// files. Send exactly one of `file`, `url` and `inputStorageId`.
    #[schema(inline, value_type = Option<Vec<FormFile>>, min_items = 1, max_items = 500, nullable = false)]
    file: Option<Vec<Vec<u8>>>,
    /// URL of one image or ZIP archive (http or https), which the server fetches.
    #[schema(nullable = false)]
    url: Option<String>,
    /// The `storageId` of a complete upload of one image or ZIP archive.
    #[schema(nullable = false)]
    input_storage_id: Option<String>,
    /// `ai` (a neural model), `chroma` (by color) or `auto` (by color if the background is flat,
    /// otherwise by a neural model). Default: `ai`; on a server without a model, `auto`.
    #[schema(value_type = Option<Method>, nullable = false)]
    method: Option<String>,
    /// How far a color may differ from the background color and still count as background. Default:
    /// 20.
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    tolerance: Option<u8>,
    /// The background color of all images, as JSON text such as `{"r":0,"g":255,"b":0}` or as
    /// `#RRGGBB`. Implies `chroma`. Default: measured, for each image.
    #[schema(nullable = false)]
    chroma_key: Option<String>,
    /// Whether pixels at the edge of the subject are translucent. If not, each pixel is either opaque
    /// or transparent. Default: true.
    #[schema(nullable = false)]
    smooth_edges: Option<bool>,
    /// Shadows on the background: `keep` makes them translucent black, `drop` makes them
    /// transparent. A neural model always drops them. Default: `keep`.
    #[schema(value_type = Option<Shadow>, nullable = false)]
    shadow: Option<String>,
    /// Accepted for clients of the original API, without effect: the whole border is measured.
    #[schema(minimum = 1, nullable = false)]
    edge_sample_size: Option<u32>,
    /// Name of the job's input, such as `photos.zip`; the download is then named after it. Default:
    /// the name of the file, if there is only one. Folders and invisible characters are dropped.
    #[schema(nullable = false)]
    clip_name: Option<String>,
    /// URL that receives an event when the job starts, completes or fails, in addition to the
    /// endpoints of the API key: http or https, without user name, and no private or local address.
    /// Verify events with the secret from `/api/v1/webhooks/secret`.
    #[schema(nullable = false)]
    webhook_url: Option<String>,
}

/// The fields of a request that names only an image.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only used for the OpenAPI document; the fields are parsed one by one")]
pub(crate) struct ImageForm {
    /// The image: JPEG, PNG, WebP, GIF, AVIF or HEIC, detected from its bytes. Of an animation, the
    /// first frame is used. Send exactly one of `file`, `url` and `inputStorageId`.
    #[schema(value_type = Option<String>, format = Binary, nullable = false)]
    file: Option<Vec<u8>>,
    /// URL of the image (http or https), which the server fetches.
    #[schema(nullable = false)]
    url: Option<String>,
    /// The `storageId` of a complete upload.
    #[schema(nullable = false)]
    input_storage_id: Option<String>,
}

/// The fields of a request to resize an image.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only used for the OpenAPI document; the fields are parsed one by one")]
pub(crate) struct ResizeForm {
    /// The image: JPEG, PNG, WebP, GIF, AVIF or HEIC, detected from its bytes. Of an animation, the
    /// first frame is used. Send exactly one of `file`, `url` and `inputStorageId`.
    #[schema(value_type = Option<String>, format = Binary, nullable = false)]
    file: Option<Vec<u8>>,
    /// URL of the image (http or https), which the server fetches.
    #[schema(nullable = false)]
    url: Option<String>,
    /// The `storageId` of a complete upload.
    #[schema(nullable = false)]
    input_storage_id: Option<String>,
    /// Width in pixels. Without it, it follows from the height; without both, the image keeps its
    /// size.
    #[schema(minimum = 1, maximum = 16384, nullable = false)]
    width: Option<u32>,
    /// Height in pixels. Without it, it follows from the width.
    #[schema(minimum = 1, maximum = 16384, nullable = false)]
    height: Option<u32>,
    /// How the image fits into width and height, if both are given: `cover` (cropped), `contain`
    /// (padded), `fill` (stretched), `inside` or `outside` (its shape is kept, and the result is
    /// smaller or larger). Default: `cover`.
    #[schema(value_type = Option<ImageFit>, nullable = false)]
    fit: Option<String>,
    /// Quality of JPEG and WebP. PNG is lossless. Default: 80.
    #[schema(minimum = 1, maximum = 100, nullable = false)]
    quality: Option<u8>,
    /// Format of the file. JPEG has no transparency: what was transparent is white. Default: `jpeg`.
    #[schema(value_type = Option<ImageFormat>, nullable = false)]
    format: Option<String>,
}

/// The fields of a request for a thumbnail.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only used for the OpenAPI document; the fields are parsed one by one")]
pub(crate) struct ThumbnailForm {
    /// The image: JPEG, PNG, WebP, GIF, AVIF or HEIC, detected from its bytes. Of an animation, the
    /// first frame is used. Send exactly one of `file`, `url` and `inputStorageId`.
    #[schema(value_type = Option<String>, format = Binary, nullable = false)]
    file: Option<Vec<u8>>,
    /// URL of the image (http or https), which the server fetches.
    #[schema(nullable = false)]
    url: Option<String>,
    /// The `storageId` of a complete upload.
    #[schema(nullable = false)]
    input_storage_id: Option<String>,
    /// `small` (150 pixels), `medium` (300) or `large` (600): the side of a square that the image
    /// covers. `width` and `height` override it. Default: `medium`.
    #[schema(value_type = Option<ThumbnailSize>, nullable = false)]
    size: Option<String>,
    /// Width in pixels. Without it, it follows from the height.
    #[schema(minimum = 1, maximum = 16384, nullable = false)]
    width: Option<u32>,
    /// Height in pixels. Without it, it follows from the width.
    #[schema(minimum = 1, maximum = 16384, nullable = false)]
    height: Option<u32>,
    /// Quality of JPEG and WebP. PNG is lossless. Default: 60.
    #[schema(minimum = 1, maximum = 100, nullable = false)]
    quality: Option<u8>,
}

/// The fields of a request for an emoticon pack.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only used for the OpenAPI document; the fields are parsed one by one")]
pub(crate) struct EmoticonForm {
    /// The image: JPEG, PNG, WebP, GIF, AVIF or HEIC, detected from its bytes. Of an animation, the
    /// first frame is used. Best a square; another shape is padded with transparency. Send exactly
    /// one of `file`, `url` and `inputStorageId`.
    #[schema(value_type = Option<String>, format = Binary, nullable = false)]
    file: Option<Vec<u8>>,
    /// URL of the image (http or https), which the server fetches.
    #[schema(nullable = false)]
    url: Option<String>,
    /// The `storageId` of a complete upload.
    #[schema(nullable = false)]
    input_storage_id: Option<String>,
    /// Sides in pixels, as the text of a JSON array of 1 to 16 different whole numbers from 1 to
    /// 1024. Default: `[16,24,32,48,64,96,128,256]`.
    #[schema(nullable = false)]
    sizes: Option<String>,
}
