//! Cutter of the server's jobs: runs the pipeline and maps its progress, result and errors to the
//! worker's types.

use std::{
    fs::{self, File},
    io,
    sync::Arc,
};

use clearcut_ffmpeg::{Error as ToolError, MediaLimits, Tools};
use clearcut_job::{Failure, FailureCode, Fault, MeasuredClip, Progress, Stage, is_shortage};
use clearcut_pipeline::{CutJob, CutReport, Error, Progress as CutProgress, Resources, Stop};
use clearcut_worker::{CutFile, CutOrder, CutOutcome, Cutter};

use crate::installed_models::InstalledModels;

/// Cutter that runs the same pipeline as `clearcut cut`.
#[derive(Debug)]
pub(crate) struct PipelineCutter {
    pub(crate) tools: Tools,
    pub(crate) models: Arc<InstalledModels>,
    /// Resources of one cut.
    pub(crate) resources: Resources,
}

impl Cutter for PipelineCutter {
    fn cut(&self, order: &CutOrder, stop: &Stop, progress: &mut dyn FnMut(Progress)) -> Result<CutOutcome, Failure> {
        let input = File::open(&order.input).map_err(|error| local_failure(&error))?;
        let job = CutJob {
            tools: &self.tools,
            input: &input,
            request: &order.request,
            scratch: &order.scratch,
            limits: MediaLimits::default(),
            resources: self.resources,
            models: self.models.as_ref(),
        };
        let report = clearcut_pipeline::cut(&job, stop, &mut |step| progress(job_progress(step)));
        report.map(outcome).map_err(|error| match fs::metadata(&order.scratch) {
            // A missing scratch folder is the cause of any other error.
            Err(scratch_error) => local_failure(&scratch_error),
            Ok(_) => cut_failure(&error),
        })
    }
}

/// Progress of a job that corresponds to a step of the pipeline.
fn job_progress(step: CutProgress) -> Progress {
    match step {
        CutProgress::Surveying | CutProgress::Waiting => Progress::within(Stage::Loading, 0.5),
        CutProgress::Cutting { done, total } => Progress::within(Stage::Cutting, done as f64 / total.max(1) as f64),
        CutProgress::Checking => Progress::within(Stage::Cutting, 1.0),
    }
}

fn outcome(report: CutReport) -> CutOutcome {
    let fps = report.frame_rate.per_second();
    CutOutcome {
        measured: MeasuredClip {
            width: report.size.width(),
            height: report.size.height(),
            frames: report.frames,
            fps,
            duration_secs: report.frames as f64 / fps,
            method: report.method,
            reason: Some(report.reason),
            model: report.model,
            background: report.key_color,
            report: Some(report.matte),
        },
        files: report.outputs.into_iter().map(|file| CutFile { format: file.format, path: file.path }).collect(),
    }
}

/// Failure of a file or folder of the server. The system's message goes to the log.
pub(super) fn local_failure(error: &io::Error) -> Failure {
    tracing::error!(%error, "a file of a cut failed");
    let code = match error.kind() {
        _ if is_shortage(error) => FailureCode::ShortOfResources,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureCode::InsufficientStorage,
        _ => FailureCode::StorageUnavailable,
    };
    Failure::new(code, host_message(code))
}

/// Failure of a cut, for the user. The tools' messages go to the log.
pub(super) fn cut_failure(error: &Error) -> Failure {
    if !matches!(error, Error::Cancelled) {
        tracing::warn!(?error, code = %error.code(), "a cut failed");
    }
    // Treated as a shortage: the next job would fail alike, and an ffmpeg that is being replaced
    // comes back.
    if matches!(error, Error::Tool(ToolError::Unstartable { .. })) {
        return Failure::new(FailureCode::ShortOfResources, "the server's ffmpeg cannot be started at the moment");
    }
    let is_input = error.fault() == Fault::Input;
    let fallback = if is_input { FailureCode::InvalidVideo } else { FailureCode::ProcessingFailed };
    let code = FailureCode::from_code(error.code()).unwrap_or(fallback);
    if is_input { Failure::new(code, error.to_string()) } else { Failure::new(code, host_message(code)) }
}

/// Message for a failure on the server's side. The tools' own messages may contain paths.
fn host_message(code: FailureCode) -> &'static str {
    match code {
        FailureCode::InsufficientStorage => "the server's disk is full",
        FailureCode::StorageUnavailable => "the server could not reach its files",
        FailureCode::ModelMissing => "the neural model of this server is not installed",
        FailureCode::Timeout => "the cut took too long",
        FailureCode::ShortOfResources => "the server is short of files, processes or memory at the moment",
        FailureCode::OutOfMemory => "the system killed a process of the cut, probably because memory ran out",
        FailureCode::OutputCheckFailed => "an output failed its check after encoding",
        _ => "the clip could not be cut",
    }
}
