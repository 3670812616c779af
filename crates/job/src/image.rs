//! Images: what is asked of one still image, and what comes out.

use clearcut_frame::{Rgb8, Size};

use crate::{
    CutMethod, CutRequest, KeyColorChoice, MatteReport, MethodChoice, MethodReason, ObjectName, OutputFormat, Quality,
    ShadowChoice, Tolerance, request::keyword_enum,
};

/// A request to process one stored image while a client waits.
#[derive(Debug, Clone)]
pub struct ImageRequest {
    /// The image. The same name always means the same bytes.
    pub input: ObjectName,
    /// What is done with it.
    pub task: ImageTask,
}

/// What is done with one image.
#[derive(Debug, Clone)]
pub enum ImageTask {
    /// The background is removed.
    Cut {
        /// The options of the cut. Formats, frame rate, sound, speed and de-interlacing are ignored.
        request: CutRequest,
        /// Whether pixels at the edge of the subject are translucent. If not, each pixel is either
        /// opaque or transparent.
        has_soft_edges: bool,
    },
    /// The color of the background is measured.
    MeasureBackground,
    /// The image is scaled and encoded: once for each entry, in order.
    Encode(Vec<ImageEncoding>),
}

/// A request to remove the background of one or more images.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageCutRequest {
    /// The method of separating subject and background.
    pub method: MethodChoice,
    /// The key color, which is the background color.
    pub key_color: KeyColorChoice,
    /// Maximum distance of the background from the key color.
    pub tolerance: Tolerance,
    /// Treatment of shadows.
    pub shadow: ShadowChoice,
    /// Whether pixels at the edge of the subject are translucent.
    pub has_soft_edges: bool,
}

impl ImageCutRequest {
    /// Most images of one job.
    pub const MAX_IMAGES: usize = 500;

    /// Comment of the archive in which a server keeps the images of a request.
    pub const BUNDLE_COMMENT: &[u8] = b"clearcut";

    /// Maximum size of an image in bytes: that of 100 million pixels as a large PNG.
    pub const MAX_IMAGE_BYTES: u64 = 256 << 20;

    /// The task for one image.
    #[must_use]
    pub fn task(&self) -> ImageTask {
        let request = CutRequest {
            method: self.method,
            key_color: self.key_color,
            tolerance: self.tolerance,
            shadow: self.shadow,
            ..CutRequest::new(OutputFormat::Apng)
        };
        ImageTask::Cut { request, has_soft_edges: self.has_soft_edges }
    }
}

/// One way to scale and encode an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageEncoding {
    /// Width in pixels; `None`: follows from the height and the shape of the image.
    pub width: Option<u32>,
    /// Height in pixels; `None`: follows from the width and the shape of the image. Without both,
    /// the image keeps its size.
    pub height: Option<u32>,
    /// How the image fits into width and height, if both are given.
    pub fit: ImageFit,
    /// Format of the file.
    pub format: ImageFormat,
    /// Quality of JPEG and WebP. PNG is lossless.
    pub quality: Quality,
}

/// How an image of one shape fits into a width and height of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageFit {
    /// Covers the whole area; what lies outside of it is cropped on both sides alike.
    #[default]
    Cover,
    /// Lies inside of the area; the rest is transparent, or black in JPEG.
    Contain,
    /// Stretched to the area.
    Fill,
    /// As large as fits into the area, with its shape kept: the result may be smaller than asked.
    Inside,
    /// As small as covers the area, with its shape kept: the result may be larger than asked.
    Outside,
}

keyword_enum!(ImageFit, "fit", "cover, contain, fill, inside or outside",
    "cover" => Cover, "contain" => Contain, "fill" => Fill, "inside" => Inside, "outside" => Outside);

/// A file format of still images that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// JPEG. Transparent pixels are laid over white.
    Jpeg,
    /// PNG with straight alpha.
    Png,
    /// WebP with straight alpha.
    Webp,
}

keyword_enum!(ImageFormat, "format", "jpeg, png or webp", "jpeg" => Jpeg, "png" => Png, "webp" => Webp);

impl ImageFormat {
    /// The MIME type, without parameters.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// What came out of an [`ImageTask`].
#[derive(Debug)]
pub enum ImageOutcome {
    /// Of [`ImageTask::Cut`].
    Cut(Box<CutImage>),
    /// Of [`ImageTask::MeasureBackground`]: the color of the background.
    Background(Rgb8),
    /// Of [`ImageTask::Encode`], in the order of its entries.
    Encoded(Vec<EncodedImage>),
}

/// An image without its background.
#[derive(Debug)]
pub struct CutImage {
    /// The image as a PNG: sRGB and straight alpha, 8 bits each.
    pub png: Vec<u8>,
    /// Size in pixels, after the orientation that the file states was applied.
    pub size: Size,
    /// Method that separated subject and background.
    pub method: CutMethod,
    /// Reason for the method.
    pub reason: MethodReason,
    /// Id of the neural model, if one was used.
    pub model: Option<String>,
    /// Color of the background, measured or given; `None` if a model was used.
    pub key_color: Option<Rgb8>,
    /// Quality estimate of the matte.
    pub report: MatteReport,
}

/// A scaled image as a file.
#[derive(Debug)]
pub struct EncodedImage {
    /// The file.
    pub bytes: Vec<u8>,
    /// Format of the file.
    pub format: ImageFormat,
    /// Size in pixels.
    pub size: Size,
}
