//! The JSON of the wire, and nothing but its shape.

use clearcut_frame::Rgb8;
use clearcut_job::{
    CutMethod, FrameBox, JobState, MatteReport, Measured, MethodReason, OutputPointer, Place, UnixMillis, Warning,
};
use clearcut_queue::JobRecord;
use serde::Serialize;
use utoipa::ToSchema;

/// A job was accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Submitted {
    /// The name of the job, for reading it.
    #[schema(example = "jd7abc123def456ghj789k")]
    pub(crate) job_id: String,
    /// Always `queued`.
    #[schema(example = "queued")]
    pub(crate) status: &'static str,
}

/// An upload has begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BegunUpload {
    /// The name of the upload, for `inputStorageId` of jobs.
    #[schema(example = "up7abc123def456ghj789k")]
    pub(crate) storage_id: String,
    /// Where the clip is sent to. Opens without a key, so keep it to yourself.
    pub(crate) upload_url: String,
    /// When the upload is given up, unless it is whole, in seconds since 1970.
    pub(crate) expires_at: i64,
}

/// An upload is whole.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Uploaded {
    /// The name of the upload, for `inputStorageId` of jobs.
    #[schema(example = "up7abc123def456ghj789k")]
    pub(crate) storage_id: String,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// Its hash, in hexadecimal.
    pub(crate) sha256: String,
    /// Until when jobs can be submitted with it, in seconds since 1970.
    pub(crate) expires_at: i64,
}

/// A job at one moment of its life. All keys are always there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
pub(crate) struct Job {
    /// The name of the job.
    job_id: String,
    /// Always `video`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `queued`, `submitted`, `processing`, `completed` or `failed`; the last two are final.
    status: &'static str,
    /// 0–100, within the band of the stage; never goes back.
    #[schema(minimum = 0, maximum = 100)]
    progress: u8,
    /// `queued-on-railway`, `loading-input`, `processing-video` or `uploading-outputs`; null once ended.
    #[schema(required = true)]
    stage: Option<&'static str>,
    /// When it was accepted, in seconds since 1970.
    created_at: i64,
    /// When work on it began.
    #[schema(required = true)]
    started_at: Option<i64>,
    /// When it ended.
    #[schema(required = true)]
    completed_at: Option<i64>,
    /// When its clip and its outputs are removed, in seconds since 1970; null until it has ended. From then on the links of
    /// its result answer `FILE_GONE`; the job reads on as it was.
    #[schema(required = true)]
    expires_at: Option<i64>,
    /// Why it failed.
    #[schema(required = true)]
    error: Option<JobError>,
    /// What it made.
    #[schema(required = true)]
    result: Option<JobResult>,
    /// Rises whenever the status, the progress or the stage changes, and never goes back.
    revision: u64,
    /// Its place among all jobs that wait, from 1, if no other comes; null once it is handed to a worker.
    #[schema(required = true)]
    queue_position: Option<u64>,
    /// When it will probably be handed to a worker, in seconds since 1970, judged by how long jobs took lately; null once it
    /// is, and where nothing is known.
    #[schema(required = true)]
    estimated_start_at: Option<i64>,
    /// The job that this one runs again.
    #[schema(required = true)]
    retry_of: Option<String>,
    /// What the clip is called; its outputs are downloaded under that name. Null where nobody said.
    #[schema(required = true, example = "mascot.mp4")]
    clip_name: Option<String>,
}

/// Why a job failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobError {
    /// A stable word.
    code: &'static str,
    /// A sentence for people.
    message: String,
}

/// What a job made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobResult {
    /// A link to the first output; it ends, read the job again for a new one.
    output_url: String,
    /// The format of the first output.
    output_format: &'static str,
    /// Its length in bytes.
    output_size: u64,
    /// Width of the frame in pixels.
    width: u32,
    /// Height of the frame in pixels, also where the file stacks two.
    height: u32,
    /// Length in seconds.
    duration: f64,
    /// Frames in each output.
    frame_count: u64,
    /// Frames a second.
    fps: f64,
    /// How long the cut took.
    processing_time_ms: u64,
    /// The background color, where there was one.
    #[schema(required = true)]
    detected_background_color: Option<Color>,
    /// How good the matte probably is; jobs of earlier versions have none.
    #[schema(required = true)]
    report: Option<Report>,
    /// All outputs, in the order in which they were asked.
    outputs: Vec<Output>,
}

/// How good a matte probably is, told from the clip and the matte alone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// `chromakey` or `ai`.
    method: &'static str,
    /// Why: `asked`, `key-given`, `flat-background`, `no-flat-background` or `transparent`; jobs of earlier versions do not say.
    #[schema(required = true)]
    reason: Option<&'static str>,
    /// The neural model, where one was used.
    #[schema(required = true)]
    model: Option<String>,
    /// Share of the frame's border that agrees with the background found, 0–1; null, as all that is told from the
    /// background's color, with `ai`.
    #[schema(required = true)]
    confidence: Option<f64>,
    /// Mean share of the frame that was made transparent, 0–1.
    removed_share: f64,
    /// Of the subject, the per cent enclosed by it and removed though not quite of the background's color.
    #[schema(required = true)]
    holes_percent: Option<f64>,
    /// Of the subject, the per cent enclosed by it, of the background's color, and kept.
    #[schema(required = true)]
    lookalike_percent: Option<f64>,
    /// Of the removed area, the per cent beside it that nearly have the background's color, and were kept.
    #[schema(required = true)]
    residue_percent: Option<f64>,
    /// Root mean square of the change of alpha where the color did not change, × 100.
    flicker: f64,
    /// How likely a person takes the matte as it is, 0–1, by the mattes of random clips with known alpha; null with `ai`.
    #[schema(required = true)]
    acceptance: Option<f64>,
    /// In how many frames each hint of the submit holds, in the order given.
    hint_frames: Vec<u64>,
    /// What a person should look at; empty if all seems well.
    warnings: Vec<ReportWarning>,
}

/// Something a person should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportWarning {
    /// A stable word, such as `POSSIBLE_HOLES`.
    code: &'static str,
    /// What it is and what to do.
    message: &'static str,
    /// When it is at its worst, in seconds from the start.
    from: f64,
    /// When that ends.
    to: f64,
    /// Where in the frame.
    #[serde(rename = "box")]
    area: WarningBox,
}

/// A rectangle in a frame, in shares of its width and height from the left upper corner.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WarningBox {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Report {
    fn new(measured: &Measured, matte: &MatteReport) -> Self {
        let method = measured.method;
        let warning = |warning: Warning| {
            let Place { from, to, area } = matte.place_of(warning, measured.duration_secs);
            let FrameBox { x, y, width, height } = area;
            let area = WarningBox { x, y, width, height };
            ReportWarning { code: warning.wire(), message: warning.message(method), from, to, area }
        };
        Self {
            method: method_name(method),
            reason: measured.reason.map(MethodReason::wire),
            model: measured.model.clone(),
            confidence: matte.confidence,
            removed_share: matte.removed_share,
            holes_percent: matte.holes_percent,
            lookalike_percent: matte.lookalike_percent,
            residue_percent: matte.residue_percent,
            flicker: matte.flicker,
            acceptance: matte.acceptance(),
            hint_frames: matte.hint_frames.clone(),
            warnings: matte.warnings().into_iter().map(warning).collect(),
        }
    }
}

/// One output.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Output {
    /// `webm`, `stacked-alpha`, `webp`, `apng` or `mov`.
    pub(crate) format: &'static str,
    /// A link or a data URL.
    pub(crate) url: String,
    /// Its length in bytes.
    pub(crate) size: u64,
}

/// A color.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Color {
    r: u8,
    g: u8,
    b: u8,
    /// `#E92FBC`.
    hex: String,
}

impl From<Rgb8> for Color {
    fn from(color: Rgb8) -> Self {
        Self { r: color.r, g: color.g, b: color.b, hex: color.to_string() }
    }
}

/// What the synchronous endpoint hands back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cut {
    /// The first output as a base64 data URL.
    pub(crate) url: String,
    /// Its format.
    pub(crate) format: &'static str,
    /// Its length in bytes, before base64.
    pub(crate) size: u64,
    /// Width of the frame in pixels.
    pub(crate) width: u32,
    /// Height of the frame in pixels.
    pub(crate) height: u32,
    /// Length in seconds.
    pub(crate) duration: f64,
    /// Frames in each output.
    pub(crate) frame_count: u64,
    /// Frames a second.
    pub(crate) fps: f64,
    /// How long the cut took, in milliseconds.
    pub(crate) processing_time: u64,
    /// `chromakey` or `ai`.
    pub(crate) processing_method: &'static str,
    /// The background color, where there was one.
    #[schema(required = true)]
    pub(crate) detected_background_color: Option<Color>,
    /// All outputs, where several were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outputs: Option<Vec<Output>>,
}

/// The fields of a submit request.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "read by the document alone; the fields are taken as they come")]
pub(crate) struct SubmitForm {
    /// The clip. What it is, is told from its bytes; name and type are ignored. Exactly one of `file`, `url` and
    /// `inputStorageId` is given.
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<Vec<u8>>,
    /// The address of the clip, http or https, which the server fetches.
    url: Option<String>,
    /// The `storageId` of an upload that is whole.
    input_storage_id: Option<String>,
    /// How far from the background color is still background.
    #[schema(minimum = 0, maximum = 100, default = 30)]
    tolerance: Option<u8>,
    /// What becomes of shadows on the background: `keep` (translucent black) or `drop` (transparent). A model drops them anyway.
    #[schema(example = "keep", default = "keep")]
    shadow: Option<String>,
    /// What regions of the clip are, whatever they look like, as a JSON array in one text: at most 32 of `{"time","x","y","kind"}`, `kind` being
    /// `keep` (subject) or `remove` (background), `time` in seconds, places in shares of the frame from its left upper corner. A point names
    /// the region of one color around it; with `width` and `height` all that lies in a box. It holds in every frame in which it is found again.
    #[schema(example = "[{\"time\":1.5,\"x\":0.4,\"y\":0.3,\"kind\":\"keep\"}]")]
    hints: Option<String>,
    /// Frames a second of the outputs, 1–60, or `source`.
    #[schema(example = "24", default = "24")]
    fps: Option<String>,
    /// One output format; not together with `formats`.
    #[schema(example = "webm")]
    format: Option<String>,
    /// The output formats as a JSON array in one text.
    #[schema(example = "[\"webm\",\"stacked-alpha\"]")]
    formats: Option<String>,
    /// The background color as JSON text or `#RRGGBB`; measured if missing.
    #[schema(example = "{\"r\":0,\"g\":255,\"b\":0}")]
    chroma_key: Option<String>,
    /// Image quality of webp and apng.
    #[schema(minimum = 0, maximum = 100, default = 60)]
    quality: Option<u8>,
    /// The longer side of the outputs in pixels; that of the source if missing.
    #[schema(minimum = 64, maximum = 2048)]
    size: Option<u16>,
    /// `auto` (by color where the background is flat, else by a neural model), `chroma`, or `ai`.
    #[schema(example = "auto")]
    method: Option<String>,
    /// What the clip is called, such as `mascot.mp4`: downloads are then `mascot.webm`. If missing, the file name of `file`, or that of
    /// tus's `Upload-Metadata`. Folders and what does not show are left out.
    #[schema(example = "mascot.mp4")]
    clip_name: Option<String>,
    /// Where to tell that the job started, completed or failed, beside the endpoints of the key: http or https, no user name,
    /// no private or local address. `/api/v1/webhooks/secret` verifies what comes.
    #[schema(example = "https://example.com/hooks/clearcut")]
    webhook_url: Option<String>,
}

impl Job {
    /// `record` on the wire, with `link` making a link to an output.
    pub(crate) fn new(record: &JobRecord, link: impl Fn(&OutputPointer) -> String) -> Self {
        let progress = if record.state == JobState::Completed { 100 } else { record.progress.percent() };
        Self {
            job_id: record.id.to_string(),
            kind: "video",
            status: record.state.name(),
            progress,
            stage: (!record.state.is_final()).then(|| record.progress.stage().name()),
            created_at: record.created.whole_secs(),
            started_at: record.started.map(UnixMillis::whole_secs),
            completed_at: record.ended.map(UnixMillis::whole_secs),
            expires_at: record.expires.map(UnixMillis::whole_secs),
            error: record
                .failure
                .as_ref()
                .map(|failure| JobError { code: failure.code.wire(), message: failure.message.clone() }),
            result: JobResult::new(record, link),
            revision: record.revision,
            queue_position: None,
            estimated_start_at: None,
            retry_of: record.retry_of.as_ref().map(ToString::to_string),
            clip_name: record.clip_name.as_ref().map(ToString::to_string),
        }
    }

    /// The same job, waiting at `position` until `start`.
    pub(crate) fn waiting(self, position: Option<u64>, start: Option<UnixMillis>) -> Self {
        Self { queue_position: position, estimated_start_at: start.map(UnixMillis::whole_secs), ..self }
    }
}

impl JobResult {
    fn new(record: &JobRecord, link: impl Fn(&OutputPointer) -> String) -> Option<Self> {
        let outcome = record.outcome.as_ref()?;
        let first = outcome.outputs.first()?;
        let output = |pointer: &OutputPointer| Output {
            format: pointer.format.name(),
            url: link(pointer),
            size: pointer.size_bytes,
        };
        Some(Self {
            output_url: link(first),
            output_format: first.format.name(),
            output_size: first.size_bytes,
            width: outcome.measured.width,
            height: outcome.measured.height,
            duration: outcome.measured.duration_secs,
            frame_count: outcome.measured.frames,
            fps: outcome.measured.fps,
            processing_time_ms: outcome.processing_ms,
            detected_background_color: outcome.measured.background.map(Color::from),
            report: outcome.measured.report.as_ref().map(|matte| Report::new(&outcome.measured, matte)),
            outputs: outcome.outputs.iter().map(output).collect(),
        })
    }
}

/// The word on the wire for how the background was found.
pub(crate) const fn method_name(method: CutMethod) -> &'static str {
    match method {
        CutMethod::ChromaKey => "chromakey",
        CutMethod::Ai => "ai",
    }
}
