//! Still images: the background removed by the same matte as a clip's, or scaled and encoded.

mod cut;
mod pixels;
mod set;

use std::{fs::File, path::Path};

use clearcut_ffmpeg::{DecodedImage, ImageReading, MediaLimits, Tools};
use clearcut_frame::Rgb8;
use clearcut_job::{CutRequest, EncodedImage, ImageEncoding, ImageOutcome, ImageTask, MethodChoice, OutputFormat};

pub use self::set::{ImageSet, SetImage};
use crate::{BackgroundFinding, Error, ModelSource, Resources, Stop, stages::survey::background_of};

/// The inputs of the work on one image.
#[derive(Debug)]
pub struct ImageJob<'a> {
    /// The programs that decode and encode in the sandbox.
    pub tools: &'a Tools,
    /// The image.
    pub input: &'a File,
    /// An empty folder for this image alone. It holds nothing afterwards.
    pub scratch: &'a Path,
    /// Limits for the image.
    pub limits: MediaLimits,
    /// Machine resources that may be used: if the memory is not enough for a large image, a smaller
    /// version is matted.
    pub resources: Resources,
    /// Source of the neural model, if one is needed.
    pub models: &'a dyn ModelSource,
}

/// Does the task `task` on one image. Blocks until every child process has ended.
///
/// # Errors
/// [`Error::Tool`] with an [`ImageError`] if the image is at fault; [`Error::NoFlatBackground`];
/// [`Error::Model`]; [`Error::Cancelled`].
///
/// [`ImageError`]: clearcut_ffmpeg::ImageError
pub fn process_image(job: &ImageJob, task: &ImageTask, stop: &Stop) -> Result<ImageOutcome, Error> {
    let stop = &stop.for_cut();
    stop.check()?;
    let conversion = job.tools.convert_image(job.input, job.scratch, &job.limits)?;
    let png = conversion.map(|conversion| stop.converted(conversion)).transpose()?;
    let job = &ImageJob { input: png.as_ref().unwrap_or(job.input), ..*job };
    match task {
        ImageTask::Cut { request, has_soft_edges } => {
            let image = decode(job, stop)?;
            cut::cut(job, request, image, *has_soft_edges, stop).map(Box::new).map(ImageOutcome::Cut)
        }
        ImageTask::MeasureBackground => measure(job, decode(job, stop)?).map(ImageOutcome::Background),
        ImageTask::Encode(encodings) => encode(job, encodings, stop).map(ImageOutcome::Encoded),
    }
}

fn decode(job: &ImageJob, stop: &Stop) -> Result<DecodedImage, Error> {
    let reading = job.tools.decode_image(job.input, &job.limits)?;
    stop.read(reading, ImageReading::pixels)
}

fn encode(job: &ImageJob, encodings: &[ImageEncoding], stop: &Stop) -> Result<Vec<EncodedImage>, Error> {
    let reading = job.tools.encode_image(job.input, &job.limits, encodings)?;
    stop.read(reading, |reading| reading.files(encodings))
}

/// The color of the background.
fn measure(job: &ImageJob, image: DecodedImage) -> Result<Rgb8, Error> {
    let (size, rgba) = pixels::within(image.size, image.rgba, cut::max_matte_pixels(job))?;
    let frame = pixels::frame_of(size, &rgba);
    let request = CutRequest { method: MethodChoice::Chroma, ..CutRequest::new(OutputFormat::Apng) };
    let background = background_of(std::slice::from_ref(&frame), &request)?;
    if background.is_transparent() {
        return Err(Error::NoFlatBackground { finding: BackgroundFinding::Transparent, could_use_model: false });
    }
    Ok(background.color())
}
