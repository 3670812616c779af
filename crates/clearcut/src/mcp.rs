//! `clearcut mcp`: serves AI assistants on local files, with the same cuts as `clearcut cut`.

use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, Instant},
};

use clearcut_ffmpeg::{MediaLimits, Tools};
use clearcut_frame::Rgb8;
use clearcut_job::{
    CutImage, CutRequest, CutStep, DeinterlaceChoice, ErrorCode, ImageOutcome, ImageTask, MethodReason, OutputFormat,
    PreviewFrame,
};
use clearcut_mcp::{
    CutOrder, Cutter, FinishedCut, FinishedImage, ImageOrder, MeasuredBackground, Probed, ProbedImage, Roots,
};
use clearcut_parallel::MemoryBudget;
use clearcut_pipeline::{
    BackgroundFinding, CutJob, Error, ImageJob, ModelFailure, ModelSource, Moment, OpenModel, Resources, Stop,
    process_image,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::{
    arguments::McpOptions,
    background::open_background,
    cut::cut_to,
    cut_context::CutContext,
    cut_image::{cut_image_to, not_cut},
    failure::Failure,
    input::{is_image, open_input},
    installed_models::{InstalledModels, ModelOptions},
    outputs::Outputs,
    probe::{probe_clip, probe_image},
    server::{async_runtime, mark_own_children},
};

/// Runs `clearcut mcp` until the client closes standard input, or a signal arrives.
pub(crate) fn run(tools: Tools, models: &ModelOptions, options: &McpOptions) -> Result<(), Failure> {
    let filter = EnvFilter::builder().parse_lossy(&options.log);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
    let roots = roots(options)?;
    let children = mark_own_children().map_err(|error| Failure::host_error(ErrorCode::RuntimeFailed, &error))?;
    let tools = tools.marked(&children.mark);
    let models = models.installed(MemoryBudget::new(u32::MAX))?;
    let runtime = async_runtime()?;
    let served = runtime.block_on(async {
        let ending = CancellationToken::new();
        let signals = tokio::spawn(end_on_signal(ending.clone()));
        let served = clearcut_mcp::serve(LocalCutter { tools, models }, roots, ending).await;
        signals.abort();
        served
    });
    // A read of standard input that is not a pipe cannot be stopped.
    runtime.shutdown_background();
    served.map_err(|error| Failure::host_error(ErrorCode::InvalidRequest, &error))
}

/// The allowed folders. An assistant that starts programs in / did not choose a folder, so / must be
/// named.
fn roots(options: &McpOptions) -> Result<Roots, Failure> {
    if let Some((first, more)) = options.roots.split_first() {
        return Ok(Roots::new(first, more)?);
    }
    match std::env::current_dir() {
        Ok(folder) if folder.parent().is_some() => Ok(Roots::new(&folder, &[])?),
        _ => Err(Failure::usage(
            "the current folder is /, so it is not clear which files the assistant may use".to_owned(),
            "Name the folders with --root.",
        )),
    }
}

async fn end_on_signal(ending: CancellationToken) {
    let listen = || Ok::<_, io::Error>((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?));
    match listen() {
        Ok((mut interrupt, mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            ending.cancel();
        }
        Err(error) => tracing::warn!(%error, "signals are not handled"),
    }
}

/// Cuts local files with the pipeline.
struct LocalCutter {
    tools: Tools,
    models: InstalledModels,
}

impl LocalCutter {
    /// One frame of a clip, for previews and measurements, by the models of `models`.
    fn moment(
        &self,
        clip: &Path,
        request: &CutRequest,
        at: Duration,
        models: &dyn ModelSource,
        stop: &Stop,
    ) -> Result<Moment, Looked> {
        let file = open_input(clip).map_err(Looked::Unopened)?;
        let scratch = scratch().map_err(Looked::Unopened)?;
        let job = CutJob {
            tools: &self.tools,
            input: &file,
            background: None,
            request,
            scratch: scratch.path(),
            limits: MediaLimits::default(),
            resources: Resources::default(),
            models,
        };
        Moment::find(&job, at, stop).map_err(Looked::Failed)
    }

    fn measure_clip(&self, clip: &Path, stop: &Stop) -> Result<Measured, Looked> {
        let request = CutRequest::new(OutputFormat::Webm);
        let moment = self.moment(clip, &request, Duration::ZERO, &NoModel, stop)?;
        let frame = moment.cut(&request).map_err(Looked::Failed)?;
        Ok((frame.reason, frame.key_color, frame.confidence))
    }

    /// The cut of an image, for previews and measurements, by the models of `models`.
    fn cut_still(
        &self,
        file: &File,
        request: &CutRequest,
        models: &dyn ModelSource,
        stop: &Stop,
    ) -> Result<CutImage, Looked> {
        let scratch = scratch().map_err(Looked::Unopened)?;
        let job = ImageJob {
            tools: &self.tools,
            input: file,
            scratch: scratch.path(),
            limits: MediaLimits::default(),
            resources: Resources::default(),
            models,
        };
        let task = ImageTask::Cut { request: request.clone(), has_soft_edges: true };
        match process_image(&job, &task, stop).map_err(Looked::Failed)? {
            ImageOutcome::Cut(image) => Ok(*image),
            ImageOutcome::Background(_) | ImageOutcome::Encoded(_) => Err(Looked::Unopened(not_cut())),
        }
    }

    fn measure_image(&self, file: &File, stop: &Stop) -> Result<Measured, Looked> {
        let image = self.cut_still(file, &CutRequest::new(OutputFormat::Apng), &NoModel, stop)?;
        Ok((image.reason, image.key_color, image.report.confidence))
    }

    fn preview_image(
        &self,
        file: &File,
        request: &CutRequest,
        at: Duration,
        stop: &Stop,
    ) -> Result<PreviewFrame, clearcut_mcp::Failure> {
        let of_clips = [
            ("trim", request.trim.is_some()),
            ("crop", request.crop.is_some()),
            ("at", !at.is_zero()),
            ("deinterlace", request.deinterlace != DeinterlaceChoice::default()),
        ];
        if let Some((field, _)) = of_clips.into_iter().find(|(_, is_given)| *is_given) {
            let message = format!("{field} has no meaning for a still image");
            let failure = clearcut_mcp::Failure::new(ErrorCode::InvalidRequest, message);
            return Err(failure.in_field(field, "nothing, for an image"));
        }
        let image = self.cut_still(file, request, &self.models, stop)?;
        Ok(PreviewFrame {
            png: image.png,
            size: image.size,
            at,
            method: image.method,
            reason: image.reason,
            model: image.model,
            key_color: image.key_color,
            confidence: image.report.confidence,
            hint_frames: image.report.hint_frames,
        })
    }
}

/// Refuses a still image as a clip, and says what cuts it.
fn refuse_image(file: &File) -> Result<(), clearcut_mcp::Failure> {
    if is_image(file)? {
        let failure = clearcut_mcp::Failure::new(ErrorCode::InvalidVideo, "the file is a still image");
        return Err(failure.in_field("input", "a video or an animation").with_hint("Cut it with cut_image."));
    }
    Ok(())
}

/// Reason for the method, background color and confidence of a cut that no model may make.
type Measured = (MethodReason, Option<Rgb8>, Option<f64>);

/// Why a clip or image could not be looked at.
enum Looked {
    Unopened(Failure),
    Failed(Error),
}

impl From<Looked> for clearcut_mcp::Failure {
    fn from(looked: Looked) -> Self {
        match looked {
            Looked::Unopened(failure) => failure.into(),
            Looked::Failed(error) => Failure::from(error).into(),
        }
    }
}

impl Cutter for LocalCutter {
    fn check(&self, order: &CutOrder) -> Result<(), clearcut_mcp::Failure> {
        refuse_image(&open_input(&order.clip)?)?;
        order.background.as_deref().map(open_background).transpose()?;
        let outputs = Outputs::of_clip(&order.clip, order.output.as_deref(), &order.request.formats, order.overwrites)?
            .only_files()?;
        Ok(outputs.check_free(&order.request.formats, &order.clip)?)
    }

    fn cut(
        &self,
        order: &CutOrder,
        stop: &Stop,
        progress: &mut dyn FnMut(CutStep),
    ) -> Result<FinishedCut, clearcut_mcp::Failure> {
        let began = Instant::now();
        let background = order.background.as_deref().map(open_background).transpose()?;
        let context = CutContext { background: background.as_ref(), ..CutContext::of_one(&self.tools, &self.models) };
        let outputs = Outputs::of_clip(&order.clip, order.output.as_deref(), &order.request.formats, order.overwrites)?
            .only_files()?;
        let file = open_input(&order.clip)?;
        let (report, paths) = cut_to(&outputs, &context, &order.request, (&order.clip, &file), stop, progress)?;
        Ok(FinishedCut { report, paths, took: began.elapsed() })
    }

    fn cut_image(&self, order: &ImageOrder, stop: &Stop) -> Result<FinishedImage, clearcut_mcp::Failure> {
        let began = Instant::now();
        let context = CutContext::of_one(&self.tools, &self.models);
        let file = open_input(&order.image)?;
        let outputs = Outputs::of_image(&order.image, order.output.as_deref(), order.overwrites)?.only_files()?;
        let task = ImageTask::Cut { request: order.request.clone(), has_soft_edges: order.has_soft_edges };
        let (image, path) = cut_image_to(outputs, &context, &task, (&order.image, &file), stop)?.publish()?;
        Ok(FinishedImage { image, path, took: began.elapsed() })
    }

    fn preview(
        &self,
        input: &Path,
        request: &CutRequest,
        at: Duration,
        stop: &Stop,
    ) -> Result<PreviewFrame, clearcut_mcp::Failure> {
        let file = open_input(input)?;
        if is_image(&file)? {
            return self.preview_image(&file, request, at, stop);
        }
        let moment = self.moment(input, request, at, &self.models, stop)?;
        moment.cut(request).map_err(|error| Failure::from(error).into())
    }

    fn measure_background(&self, input: &Path, stop: &Stop) -> Result<MeasuredBackground, clearcut_mcp::Failure> {
        let file = open_input(input)?;
        let measured = if is_image(&file)? { self.measure_image(&file, stop) } else { self.measure_clip(input, stop) };
        match measured {
            Ok((MethodReason::Transparent, ..)) => Ok(MeasuredBackground::Transparent),
            Ok((_, Some(color), Some(confidence))) => Ok(MeasuredBackground::Flat { color, confidence }),
            Ok(_) => Ok(MeasuredBackground::None { finding: "no color was measured".to_owned(), candidate: None }),
            Err(Looked::Failed(Error::NoFlatBackground { finding, .. })) => {
                let candidate = match finding {
                    BackgroundFinding::Unsure { color, share } => Some((color, f64::from(share))),
                    _ => None,
                };
                Ok(MeasuredBackground::None { finding: finding.to_string(), candidate })
            }
            Err(looked) => Err(looked.into()),
        }
    }

    fn probe(&self, input: &Path, stop: &Stop) -> Result<Probed, clearcut_mcp::Failure> {
        let file = open_input(input)?;
        if is_image(&file)? {
            let info = probe_image(&self.tools, &file)?;
            let background = self.measure_background(input, stop)?;
            return Ok(Probed::Image(Box::new(ProbedImage { info, background })));
        }
        let info = probe_clip(&self.tools, &file).map_err(Failure::from)?;
        Ok(Probed::Clip(Box::new(info)))
    }
}

/// Scratch folder of a look at a clip. Dropping it removes it.
fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::Builder::new().prefix("clearcut-").tempdir().map_err(|error| {
        let message = format!("a temporary folder cannot be made: {}", crate::failure::os_message(&error));
        Failure::host(ErrorCode::ProcessingFailed, message, None)
    })
}

/// Only the background's color counts when it is measured.
#[derive(Debug)]
struct NoModel;

impl ModelSource for NoModel {
    fn open(&self, _: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
        Err(ModelFailure { code: ErrorCode::ModelMissing, message: "no model".to_owned(), hint: None })
    }
}
