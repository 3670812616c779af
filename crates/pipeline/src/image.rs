//! Still images: the background removed by the same matte as a clip's, or scaled and encoded.

mod cut;
mod pixels;
mod set;

use std::{fs::File, path::Path};

use clearcut_ffmpeg::{DecodedImage, ImageError, ImageReading, MediaLimits, Tools};
use clearcut_frame::{Rgb8, Size};
use clearcut_job::{CutRequest, EncodedImage, ImageEncoding, ImageOutcome, ImageTask, MethodChoice, OutputFormat};

pub(crate) use self::pixels::{frame_in, scaled};
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
    let png = converted(job, stop)?;
    let job = &ImageJob { input: png.as_ref().unwrap_or(job.input), ..*job };
    process(job, task, stop)
}

/// As [`process_image`], with memory of a shared budget: `reserve` is called with the estimated
/// bytes that the work takes in this process and its children, before any pixel is decoded. What it
/// returns is dropped after the work; if it returns `None`, there is no work.
///
/// # Errors
/// As [`process_image`]; [`Error::Cancelled`] if `reserve` returns `None`.
pub fn process_image_in_budget<G>(
    job: &ImageJob,
    task: &ImageTask,
    stop: &Stop,
    reserve: impl FnOnce(u64) -> Option<G>,
) -> Result<ImageOutcome, Error> {
    let stop = &stop.for_cut();
    let png = converted(job, stop)?;
    let job = &ImageJob { input: png.as_ref().unwrap_or(job.input), ..*job };
    let size = stop.read(job.tools.size_image(job.input, &job.limits)?, ImageReading::size)?;
    let _reserved = reserve(memory_bytes(job, task, size.pixels())).ok_or(Error::Cancelled)?;
    process(job, task, stop)
}

/// Estimated bytes that a task on an image of `pixels` takes, as measured.
fn memory_bytes(job: &ImageJob, task: &ImageTask, pixels: u64) -> u64 {
    let matted = pixels.min(cut::max_matte_pixels(job));
    match task {
        ImageTask::Cut { .. } => cut::BYTES_PER_PIXEL * matted + 4 * (pixels - matted),
        ImageTask::MeasureBackground | ImageTask::Encode(_) => 8 * pixels,
    }
}

/// The image as a PNG, if it is in a format that ffmpeg alone reads.
fn converted(job: &ImageJob, stop: &Stop) -> Result<Option<File>, Error> {
    stop.check()?;
    let conversion = job.tools.convert_image(job.input, job.scratch, &job.limits)?;
    conversion.map(|conversion| stop.converted(conversion)).transpose()
}

fn process(job: &ImageJob, task: &ImageTask, stop: &Stop) -> Result<ImageOutcome, Error> {
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

/// The size of the image as it is shown. Blocks until its headers were read.
///
/// # Errors
/// As [`process_image`].
pub(crate) fn size_of(job: &ImageJob, stop: &Stop) -> Result<Size, Error> {
    let png = converted(job, stop)?;
    let reading = job.tools.inspect_image(png.as_ref().unwrap_or(job.input), &job.limits)?;
    let info = stop.read(reading, ImageReading::info)?;
    info.size().ok_or_else(|| clearcut_ffmpeg::Error::from(ImageError::Damaged).into())
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
