//! `clearcut mcp`: serves AI assistants on local files, with the same cuts as `clearcut cut`.

use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, Instant},
};

use clearcut_ffmpeg::{MediaInfo, MediaLimits, Tools};
use clearcut_job::{CutRequest, CutStep, ErrorCode, MethodReason, OutputFormat, PreviewFrame};
use clearcut_mcp::{CutOrder, Cutter, FinishedCut, MeasuredBackground, Roots};
use clearcut_model::MemoryBudget;
use clearcut_pipeline::{
    BackgroundFinding, CutJob, Error, ModelFailure, ModelSource, Moment, OpenModel, Resources, Stop,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::{
    arguments::McpOptions,
    cut::{CutContext, cut_to, open_clip},
    failure::Failure,
    installed_models::{InstalledModels, ModelOptions},
    outputs::Outputs,
    probe::probe_clip,
    server::async_runtime,
};

/// Runs `clearcut mcp` until the client closes standard input, or a signal arrives.
pub(crate) fn run(tools: Tools, models: &ModelOptions, options: &McpOptions) -> Result<(), Failure> {
    let filter = EnvFilter::builder().parse_lossy(&options.log);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
    let roots = roots(options)?;
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
        let file = open_clip(clip).map_err(Looked::Unopened)?;
        let scratch = scratch().map_err(Looked::Unopened)?;
        let job = CutJob {
            tools: &self.tools,
            input: &file,
            request,
            scratch: scratch.path(),
            limits: MediaLimits::default(),
            resources: Resources::default(),
            models,
        };
        Moment::find(&job, at, stop).map_err(Looked::Failed)
    }
}

/// Why there is no moment.
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
        let _: File = open_clip(&order.clip)?;
        let outputs = Outputs::new(&order.clip, order.output.as_deref(), order.overwrites)?;
        Ok(outputs.check_free(&order.request.formats, &order.clip)?)
    }

    fn cut(
        &self,
        order: &CutOrder,
        stop: &Stop,
        progress: &mut dyn FnMut(CutStep),
    ) -> Result<FinishedCut, clearcut_mcp::Failure> {
        let began = Instant::now();
        let context = CutContext { tools: &self.tools, models: &self.models };
        let outputs = Outputs::new(&order.clip, order.output.as_deref(), order.overwrites)?;
        let (report, paths) = cut_to(&outputs, &context, &order.request, &order.clip, stop, progress)?;
        Ok(FinishedCut { report, paths, took: began.elapsed() })
    }

    fn preview(
        &self,
        clip: &Path,
        request: &CutRequest,
        at: Duration,
        stop: &Stop,
    ) -> Result<PreviewFrame, clearcut_mcp::Failure> {
        let moment = self.moment(clip, request, at, &self.models, stop)?;
        moment.cut(request).map_err(|error| Failure::from(error).into())
    }

    fn measure_background(&self, clip: &Path, stop: &Stop) -> Result<MeasuredBackground, clearcut_mcp::Failure> {
        let request = CutRequest::new(OutputFormat::Webm);
        let moment = match self.moment(clip, &request, Duration::ZERO, &NoModel, stop) {
            Ok(moment) => moment,
            Err(Looked::Failed(Error::NoFlatBackground { finding, .. })) => {
                let candidate = match finding {
                    BackgroundFinding::Unsure { color, share } => Some((color, f64::from(share))),
                    BackgroundFinding::NoDominantColor | BackgroundFinding::Checkerboard => None,
                };
                return Ok(MeasuredBackground::None { finding: finding.to_string(), candidate });
            }
            Err(looked) => return Err(looked.into()),
        };
        let frame = moment.cut(&request).map_err(Failure::from)?;
        Ok(match (frame.reason, frame.key_color, frame.confidence) {
            (MethodReason::Transparent, ..) => MeasuredBackground::Transparent,
            (_, Some(color), Some(confidence)) => MeasuredBackground::Flat { color, confidence },
            _ => MeasuredBackground::None { finding: "no color was measured".to_owned(), candidate: None },
        })
    }

    fn probe(&self, clip: &Path) -> Result<MediaInfo, clearcut_mcp::Failure> {
        let file = open_clip(clip)?;
        probe_clip(&self.tools, &file).map_err(|error| Failure::from(error).into())
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
