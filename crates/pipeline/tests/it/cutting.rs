//! Cuts for tests: the library as its users call it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use clearcut_ffmpeg::{MediaLimits, SandboxPolicy, SearchPath, Tools};
use clearcut_job::{CutRequest, CutStep, ErrorCode, Formats, OutputFormat};
use clearcut_pipeline::{CutJob, CutReport, Error, ModelFailure, ModelSource, Moment, OpenModel, Resources, Stop};
use tempfile::TempDir;

/// The formats that hold the colors of every frame in a file that ffmpeg or libwebp reads.
pub(crate) const PICTURES: [OutputFormat; 6] = [
    OutputFormat::Webm,
    OutputFormat::StackedAlpha,
    OutputFormat::Webp,
    OutputFormat::Apng,
    OutputFormat::Gif,
    OutputFormat::Mov,
];
/// Those whose segments can be joined.
pub(crate) const JOINED_FORMATS: &str = "webm,stacked-alpha,webp,apng,mov,matte";
pub(crate) const ALL_FORMATS: &str = "webm,stacked-alpha,webp,apng,gif,mov";

/// The request of a cut to these formats, with all defaults.
pub(crate) fn request(formats: &str) -> CutRequest {
    CutRequest::new(formats.parse::<Formats>().unwrap())
}

/// A finished cut, whose files are removed when it is dropped.
pub(crate) struct Cut {
    pub(crate) folder: TempDir,
    pub(crate) report: CutReport,
}

impl Cut {
    /// Path of the output in this format.
    pub(crate) fn output(&self, format: OutputFormat) -> &Path {
        &self.report.outputs.iter().find(|output| output.format == format).unwrap().path
    }
}

/// Cuts `clip` and asserts success.
pub(crate) fn cut(clip: &Path, request: &CutRequest) -> Cut {
    let folder = tempfile::tempdir().unwrap();
    let result = cut_into(folder.path(), clip, request, &Stop::default(), &mut |_| {});
    let report = result.unwrap_or_else(|error| panic!("{}: {error}", clip.display()));
    Cut { folder, report }
}

/// The PNG of a preview of the frame of `clip` at `at`.
pub(crate) fn preview(clip: &Path, request: &CutRequest, at: Duration) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    with_job(folder.path(), clip, request, |job| Moment::find(job, at, &Stop::default())?.cut(request)).unwrap().png
}

/// Cuts `clip` into the folder `scratch`.
pub(crate) fn cut_into(
    scratch: &Path,
    clip: &Path,
    request: &CutRequest,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<CutReport, Error> {
    with_job(scratch, clip, request, |job| clearcut_pipeline::cut(job, stop, progress))
}

/// Runs `run` with the job of cutting `clip` into `scratch`.
pub(crate) fn with_job<T>(scratch: &Path, clip: &Path, request: &CutRequest, run: impl FnOnce(&CutJob) -> T) -> T {
    run(&CutJob {
        background: None,
        tools: &tools().with_hevc_ffmpeg(installed_ffmpeg()),
        input: &File::open(clip).unwrap(),
        request,
        scratch,
        limits: MediaLimits::default(),
        resources: Resources::default(),
        models: &NoModel,
    })
}

/// The ffmpeg of the system.
pub(crate) fn tools() -> Tools {
    #[expect(clippy::disallowed_methods, reason = "the test takes the place of the program")]
    let path = std::env::var_os("PATH").unwrap();
    Tools::find(&SearchPath { path, ffmpeg: None }, SandboxPolicy::Auto).unwrap()
}

/// Where `clearcut ffmpeg install` puts the ffmpeg that writes hevc-alpha.
pub(crate) fn installed_ffmpeg() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the test takes the place of the program")]
    let models = std::env::var_os("CLEARCUT_MODELS");
    let models = models.map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../out/models").into(), PathBuf::from);
    models.join("ffmpeg/ffmpeg")
}

/// A source without models.
#[derive(Debug)]
struct NoModel;

impl ModelSource for NoModel {
    fn open(&self, _keep_waiting: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
        Err(ModelFailure { code: ErrorCode::ModelMissing, message: "no model".to_owned(), hint: None })
    }
}
