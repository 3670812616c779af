//! Arguments of the tools but `cut`, with their schemas. The texts are read by language models.

use std::{path::Path, time::Duration};

use clearcut_job::{Crop, CutRequest, DeinterlaceChoice, ErrorCode, LongestSide, OutputFormat, Trim};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    Failure,
    matte_arguments::{MatteArguments, set},
    schema::{Argument, seconds, yes},
};

/// Arguments of `cut_image`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct CutImageArguments {
    /// Path of the image: JPEG, PNG, WebP, AVIF or HEIC. Relative paths start at the server's first
    /// folder.
    pub(crate) input: String,

    /// Path of the output file, a PNG, or a folder; one that ends with a slash is made. Without it the
    /// file lies beside the image, as NAME-cut.png.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(crate) output: Option<String>,

    #[serde(flatten)]
    matte: MatteArguments,

    /// Longer side of the output in pixels; by default as the image.
    #[serde(default)]
    #[schemars(with = "i64", extend("minimum" = 64, "maximum" = 2048))]
    size: Option<Argument<LongestSide>>,

    /// Whether pixels at the edge of the subject are translucent. With false each pixel is either
    /// opaque or transparent.
    #[serde(default = "yes")]
    #[schemars(extend("default" = true))]
    pub(crate) soft_edges: bool,

    /// Whether an output file that exists is replaced. Ask the user first.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub(crate) force: bool,
}

/// Arguments of `preview`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct PreviewArguments {
    /// Path of the clip or image.
    pub(crate) input: String,

    /// Time of the frame in seconds from the start of the clip; by default the start of `trim`, else 0. An
    /// image has none.
    #[serde(default)]
    #[schemars(with = "f64", range(min = 0))]
    at: Option<f64>,

    #[serde(flatten)]
    matte: MatteArguments,

    /// Interlaced frames: auto (made whole where they are found), on or off.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["auto", "on", "off"], "default" = "auto"))]
    deinterlace: Option<Argument<DeinterlaceChoice>>,

    /// Part of the clip that cut will get as `trim`; `at` lies in it. Not of an image.
    #[serde(default)]
    #[schemars(with = "String", extend("examples" = ["1.5,4"]))]
    trim: Option<Argument<Trim>>,

    /// Part of the frame that cut will get as `crop`. Not of an image.
    #[serde(default)]
    #[schemars(with = "String", extend("examples" = ["640,0,640,720", "16:9"]))]
    crop: Option<Argument<Crop>>,

    /// Longer side of the preview in pixels; it is never larger than the clip or image.
    #[serde(default)]
    #[schemars(with = "i64", extend("minimum" = 64, "maximum" = 2048, "default" = 768))]
    size: Option<Argument<LongestSide>>,
}

/// Arguments of a tool that reads a clip or an image.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct MediaArguments {
    /// Path of the clip or image. Relative paths start at the server's first folder.
    pub(crate) input: String,
}

/// Arguments of `job_status`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct JobStatusArguments {
    /// The jobId that cut returned.
    pub(crate) job_id: String,

    /// Seconds to wait for the end of the job before its state is returned.
    #[serde(default)]
    #[schemars(with = "f64", range(min = 0, max = 60), extend("default" = 0))]
    wait_seconds: Option<f64>,
}

/// Arguments of `cancel_job`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct CancelJobArguments {
    /// The jobId that cut returned.
    pub(crate) job_id: String,
}

/// Arguments of a tool without any.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct NoArguments {}

/// Default size of a preview: enough to judge a matte, and small enough for a model's context.
const PREVIEW_SIDE: u16 = 768;

impl CutImageArguments {
    pub(crate) fn request(&self) -> Result<CutRequest, Failure> {
        let mut request = CutRequest::new(OutputFormat::Apng);
        self.matte.apply(&mut request)?;
        if let Some(size) = &self.size {
            request.size = Some(size.get()?);
        }
        Ok(request)
    }

    /// The output, whose extension is that of a PNG if it names a file.
    pub(crate) fn check_output(&self) -> Result<(), Failure> {
        let file = self.output.as_deref().filter(|output| !output.ends_with('/'));
        let extension = file.and_then(|output| Path::new(output).extension());
        match extension {
            Some(extension) if !extension.eq_ignore_ascii_case("png") => {
                let allowed = "a file name that ends with .png, or a folder";
                let message = format!("output is {:?}; allowed: {allowed}", self.output.as_deref().unwrap_or_default());
                Err(Failure::new(ErrorCode::InvalidRequest, message).in_field("output", allowed))
            }
            _ => Ok(()),
        }
    }
}

impl PreviewArguments {
    pub(crate) fn request(&self) -> Result<CutRequest, Failure> {
        let mut request = CutRequest::new(OutputFormat::Webm);
        self.matte.apply(&mut request)?;
        set(&mut request.deinterlace, self.deinterlace.as_ref())?;
        request.trim = self.trim.as_ref().map(Argument::get).transpose()?;
        request.crop = self.crop.as_ref().map(Argument::get).transpose()?;
        request.size = match &self.size {
            Some(size) => Some(size.get()?),
            None => Some(PREVIEW_SIDE.try_into()?),
        };
        Ok(request)
    }

    /// The time of the frame of `request`.
    pub(crate) fn at(&self, request: &CutRequest) -> Result<Duration, Failure> {
        match (self.at, request.trim) {
            (None, Some(trim)) => Ok(trim.start()),
            (at, _) => seconds("at", at, f64::MAX, "seconds from the start of the clip"),
        }
    }
}

impl JobStatusArguments {
    pub(crate) fn wait(&self) -> Result<Duration, Failure> {
        seconds("waitSeconds", self.wait_seconds, 60.0, "a number from 0 to 60")
    }
}
