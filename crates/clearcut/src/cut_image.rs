//! `clearcut cut` of a still image: the cut is a PNG.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clearcut_ffmpeg::MediaLimits;
use clearcut_job::{
    CutImage, CutRequest, DeinterlaceChoice, ErrorCode, FpsChoice, ImageOutcome, ImageTask, Quality, Speed, Tempo,
};
use clearcut_pipeline::{ImageJob, Stop, process_image};
use tempfile::TempDir;

use crate::{
    cut_context::CutContext,
    cut_options::CutOptions,
    failure::Failure,
    input::is_animation,
    outputs::{IMAGE_EXTENSION, Outputs},
    reporter::{FinishedImage, Reporter},
    stream,
    table::Row,
};

/// An image that was cut, and whose file has no name yet.
pub(crate) struct UnnamedCut {
    image: CutImage,
    outputs: Outputs,
    /// In the folder of the output.
    scratch: TempDir,
    took: Duration,
}

impl UnnamedCut {
    /// Moves the PNG to its final name.
    pub(crate) fn publish(self) -> Result<(CutImage, PathBuf), Failure> {
        let path = self.outputs.publish_image(&self.image.png, self.scratch.path())?;
        Ok((self.image, path))
    }

    /// Moves the PNG to its final name, and reports it.
    pub(crate) fn finish(self, reporter: &Reporter) -> Result<Vec<Row>, Failure> {
        let took = self.took;
        let (image, path) = self.publish()?;
        Ok(reporter.finished_image(&FinishedImage { image: &image, path: &path, took }))
    }
}

/// Cuts an image of a command.
pub(crate) fn cut_image(
    context: &CutContext,
    options: &CutOptions,
    request: &CutRequest,
    (input, file): (&Path, &File),
    stop: &Stop,
) -> Result<UnnamedCut, Failure> {
    refuse_options_of_clips(options, file).map_err(|failure| failure.for_clip(input))?;
    let outputs = Outputs::of_image(input, options.output.as_deref(), options.force)
        .map_err(|failure| failure.for_clip(input))?;
    let task = ImageTask::Cut { request: request.clone(), has_soft_edges: true };
    cut_image_to(outputs, context, &task, (input, file), stop)
}

/// Does a task that cuts an image.
pub(crate) fn cut_image_to(
    outputs: Outputs,
    context: &CutContext,
    task: &ImageTask,
    (input, file): (&Path, &File),
    stop: &Stop,
) -> Result<UnnamedCut, Failure> {
    let began = Instant::now();
    let in_way = |failure: Failure| failure.for_clip(input);
    outputs.check_image_free(input).map_err(in_way)?;
    let scratch = outputs.scratch().map_err(in_way)?;
    let job = ImageJob {
        tools: context.tools,
        input: file,
        scratch: scratch.path(),
        limits: MediaLimits::default(),
        resources: context.resources_of_image,
        models: context.models,
    };
    match process_image(&job, task, stop).map_err(|error| Failure::from(error).for_clip(input))? {
        ImageOutcome::Cut(image) => Ok(UnnamedCut { image: *image, outputs, scratch, took: began.elapsed() }),
        ImageOutcome::Background(_) | ImageOutcome::Encoded(_) => Err(not_cut()),
    }
}

/// The failure of a cut that gave something else, which never happens.
pub(crate) fn not_cut() -> Failure {
    Failure::host(ErrorCode::InternalError, "the image was not cut".to_owned(), None)
}

/// Refuses options that have no meaning for an image.
fn refuse_options_of_clips(options: &CutOptions, file: &File) -> Result<(), Failure> {
    let bounds = options.bounds.given().or(options.limit.given());
    let given = [
        (bounds.unwrap_or_default(), bounds.is_some()),
        ("--formats", options.formats.is_some()),
        ("--fps", options.fps != FpsChoice::Source),
        ("--quality", options.quality != Quality::default()),
        ("--speed", options.speed != Speed::default()),
        ("--trim", options.trim.is_some()),
        ("--tempo", options.tempo != Tempo::default()),
        ("--loop", options.looped.is_some()),
        ("--crop", options.crop.is_some()),
        ("--background", options.background.is_some()),
        ("--edge-color", options.edge_color.is_some()),
        ("--deinterlace", options.deinterlace != DeinterlaceChoice::default()),
        ("--no-audio", options.no_audio),
    ];
    if let Some((name, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        if is_animation(file)? {
            let message = format!("{name} has no meaning for the first frame of an animation, which a .png gets");
            return Err(Failure::usage(
                message,
                "To cut the animation, give -o a name that ends with .apng, or add -f apng.",
            ));
        }
        let message = format!("{name} has no meaning for a still image, whose cut is a PNG");
        return Err(Failure::usage(message, "Leave it out, or cut images and clips by commands of their own."));
    }
    let named = options.output.as_deref().filter(|path| !path.is_dir() && !stream::is_stream(path));
    let extension = named.and_then(Path::extension);
    match extension {
        Some(extension) if !extension.eq_ignore_ascii_case(IMAGE_EXTENSION) => {
            let message = format!("the cut of a still image is a PNG, not {}", extension.display());
            Err(Failure::usage(message, "Give -o a name that ends with .png, or a folder."))
        }
        _ => Ok(()),
    }
}
