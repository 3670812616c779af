//! The JSON shapes of jobs. Those of their images are in `image_shapes`.

use clearcut_job::{JobState, Measured, Note, OutputPointer, UnixMillis};
use clearcut_queue::JobRecord;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    color::Color,
    image_shapes::{JobError, JobImage},
    report::Report,
};
use crate::http::{
    field_warning::FieldWarning,
    vocabulary::{
        Audio, Deinterlace, FileFormat, Fit, JobStage, JobStatus, JobType, LoopKind, Method, OutputFormat, Preset,
        ResultNoteCode, Shadow,
    },
};

/// An accepted job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Submitted {
    /// Id of the job.
    #[schema(example = "jd7abc123def456ghj789k")]
    pub(crate) job_id: String,
    /// `queued`.
    #[schema(value_type = JobStatus, example = "queued")]
    pub(crate) status: &'static str,
    /// Address of the job's events for `EventSource`, which cannot send an API key. It works without
    /// one for an hour, so keep it secret.
    pub(crate) events_url: String,
    /// Fields of the request that had no effect.
    pub(crate) warnings: Vec<FieldWarning>,
}

/// The job of a submit that waited for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AwaitedJob {
    #[serde(flatten)]
    pub(crate) job: Job,
    /// Fields of the request that had no effect.
    pub(crate) warnings: Vec<FieldWarning>,
}

/// The state of a job. All fields are always present.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
pub(crate) struct Job {
    /// Id of the job.
    job_id: String,
    /// Kind of the job.
    #[serde(rename = "type")]
    #[schema(value_type = JobType)]
    kind: &'static str,
    /// State of the job; `completed` and `failed` are final.
    #[schema(value_type = JobStatus)]
    status: &'static str,
    /// Progress in percent, 0–100. Each stage covers a part of it. Never decreases.
    #[schema(minimum = 0, maximum = 100)]
    progress: u8,
    /// Stage of the job; null once it has ended.
    #[schema(required = true, value_type = Option<JobStage>)]
    stage: Option<&'static str>,
    /// When the job was accepted, in seconds since 1970.
    created_at: i64,
    /// When processing started, in seconds since 1970; null until then.
    #[schema(required = true)]
    started_at: Option<i64>,
    /// When the job ended, in seconds since 1970; null until then.
    #[schema(required = true)]
    completed_at: Option<i64>,
    /// When the clip and the outputs are deleted, in seconds since 1970; null until the job has
    /// ended. After that, links to outputs return `FILE_GONE`; the job itself stays readable.
    #[schema(required = true)]
    expires_at: Option<i64>,
    /// Why the job failed; null unless it failed.
    #[schema(required = true)]
    error: Option<JobError>,
    /// The result; null unless the job completed.
    #[schema(required = true)]
    result: Option<JobResult>,
    /// Increases whenever the status, the progress or the stage changes. Never decreases.
    revision: u64,
    /// Position among all queued jobs, from 1, if no new jobs arrive; null once the job is assigned
    /// to a worker.
    #[schema(required = true)]
    queue_position: Option<u64>,
    /// Estimated time at which the job will be assigned to a worker, in seconds since 1970, based
    /// on the duration of recent jobs; null once it is assigned, and without recent jobs.
    #[schema(required = true)]
    estimated_start_at: Option<i64>,
    /// Address of the job's events for `EventSource`, which cannot send an API key. It works without
    /// one for an hour; read the job again for a fresh one. Null once the job has ended, and in
    /// webhooks.
    #[schema(required = true)]
    events_url: Option<String>,
    /// Id of the job that this one retries; null otherwise.
    #[schema(required = true)]
    retry_of: Option<String>,
    /// Name of the clip. Downloads of the outputs are named after it. Null if no name was given.
    #[schema(required = true, example = "mascot.mp4")]
    clip_name: Option<String>,
}

/// The result of a completed job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobResult {
    /// Link to the first output. It expires; read the job again for a fresh link.
    output_url: String,
    /// Format of the first output.
    #[schema(value_type = FileFormat)]
    output_format: &'static str,
    /// Size of the first output in bytes.
    output_size: u64,
    /// Width of the frame in pixels; of a job of images, of the first image that was cut.
    width: u32,
    /// Height of the frame in pixels, without the stacked matte of `stacked-alpha`; of a job of
    /// images, of the first image that was cut.
    height: u32,
    /// Duration in seconds; null for images.
    #[schema(required = true)]
    duration: Option<f64>,
    /// Number of frames in each output; null for images.
    #[schema(required = true)]
    frame_count: Option<u64>,
    /// Frames per second of the outputs, the same as `frameRate`; null for images.
    #[schema(required = true)]
    fps: Option<f64>,
    /// Frames per second of the outputs; null for images.
    #[schema(required = true)]
    frame_rate: Option<f64>,
    /// Frames per second of the clip; of a clip whose frames are uneven, a rate that suits it. Null
    /// for images, and for jobs of earlier versions.
    #[schema(required = true)]
    source_frame_rate: Option<f64>,
    /// The part of the clip's frame that was cut, as `X,Y,WIDTH,HEIGHT` in its pixels; null if all of it
    /// was, and for images.
    #[schema(required = true, example = "420,0,1080,1080")]
    crop: Option<String>,
    /// Processing time in milliseconds.
    processing_time_ms: u64,
    /// The background color; of a job of images, of the first image that was cut. Null if none was
    /// found or given.
    #[schema(required = true)]
    detected_background_color: Option<Color>,
    /// Estimated quality of the matte; null for images, and for jobs of earlier versions.
    #[schema(required = true)]
    report: Option<Report>,
    /// What was decided about the clip besides the matte; empty if nothing was.
    notes: Vec<ResultNote>,
    /// All outputs, in the order of the requested formats. Of a job of images, one: the PNG of one
    /// image, or the ZIP archive of several.
    outputs: Vec<Output>,
    /// The images, in the order of the input; null for a clip, and in lists of jobs.
    #[schema(required = true)]
    images: Option<Vec<JobImage>>,
}

/// What was decided about the clip, such as a converted frame rate or sound that was left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultNote {
    /// Stable code, such as `SOUND_LEFT_OUT`.
    #[schema(value_type = ResultNoteCode)]
    code: &'static str,
    /// Whether something of the clip is missing in the outputs or may be wrong there.
    is_warning: bool,
    /// What was found, and what was done about it.
    message: String,
}

impl From<&Note> for ResultNote {
    fn from(note: &Note) -> Self {
        Self { code: note.code.name(), is_warning: note.code.is_warning(), message: note.message.clone() }
    }
}

/// One output.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Output {
    /// Format of the output.
    #[schema(value_type = FileFormat)]
    pub(crate) format: &'static str,
    /// Link or data URL.
    pub(crate) url: String,
    /// Size in bytes.
    pub(crate) size: u64,
}

/// The fields of a submit request.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only used for the OpenAPI document; the fields are parsed one by one")]
pub(crate) struct SubmitForm {
    /// The clip. Its format is detected from its bytes; its name and media type do not matter. Send
    /// exactly one of `file`, `url` and `inputStorageId`.
    #[schema(value_type = Option<String>, format = Binary, nullable = false)]
    file: Option<Vec<u8>>,
    /// URL of the clip (http or https), which the server fetches.
    #[schema(nullable = false)]
    url: Option<String>,
    /// The `storageId` of a complete upload.
    #[schema(nullable = false)]
    input_storage_id: Option<String>,
    /// How far a color may differ from the background color and still count as background. Default:
    /// 30.
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    tolerance: Option<u8>,
    /// Shadows on the background: `keep` makes them translucent black, `drop` makes them
    /// transparent. A neural model always drops them. Default: `keep`.
    #[schema(value_type = Option<Shadow>, nullable = false)]
    shadow: Option<String>,
    /// Regions to keep or remove regardless of their color, as the text of a JSON array of at most
    /// 32 objects `{"time","x","y","kind"}`. `kind` is `keep` (subject) or `remove` (background),
    /// `time` is in seconds, and `x` and `y` are fractions of the frame from its top left corner. A
    /// point selects the region of one color around it; with `width` and `height`, the hint selects
    /// a box. A hint applies to every frame in which its region is found again.
    #[schema(nullable = false)]
    hints: Option<String>,
    /// Interlaced frames: `auto` de-interlaces a clip that is measured or flagged as interlaced,
    /// `on` every clip, `off` none. Default: `auto`.
    #[schema(value_type = Option<Deinterlace>, nullable = false)]
    deinterlace: Option<String>,
    /// The part of the clip that is cut, as `START,END` in seconds or `hh:mm:ss.mmm`, such as
    /// `1.5,4`; either may be empty. Frames that begin in it are cut, with their sound. Default: all
    /// of the clip.
    #[schema(nullable = false)]
    trim: Option<String>,
    /// How much faster than the clip the outputs play: 0.25–4, with up to two decimals. The sound follows with its
    /// pitch. Slower and with `fps` `source`, each frame is shown once, for longer. Default: 1.
    #[schema(nullable = false)]
    tempo: Option<String>,
    /// How the outputs loop: `boomerang` plays forth and back, without sound; `seamless` cuts the part
    /// whose end leads back to its beginning best, at least half of what is asked for, and a note says how
    /// well it closes. Default: as the clip goes.
    #[schema(value_type = Option<LoopKind>, nullable = false)]
    r#loop: Option<String>,
    /// The part of the frame that is cut: `X,Y,WIDTH,HEIGHT` in pixels of the clip, all even; a shape
    /// such as `16:9`, the largest around the middle; `auto`, the subject of all frames with a margin; or
    /// `auto:16:9`, the smallest rectangle of that shape around it. `result.crop` says what was taken.
    /// `size` is that of the part; `hints` are shares of the whole frame. Default: all of the frame.
    #[schema(nullable = false)]
    crop: Option<String>,
    /// The sound, in the formats that carry it: `keep`, or `drop` to leave it out. Default: `keep`.
    #[schema(value_type = Option<Audio>, nullable = false)]
    audio: Option<String>,
    /// What is put behind the subject: a color as `#RRGGBB`; `blur`, the clip itself, blurred; or an
    /// image or a video, as its URL (http or https), as the `storageId` of a complete upload, or as a
    /// file in a part of this name. It covers the frame; a shorter video begins again. Without
    /// `formats`, the output is then an `mp4`. Not with `stacked-alpha`, `matte` and `foreground`. Default: none,
    /// which leaves the outputs transparent.
    #[schema(nullable = false)]
    background: Option<String>,
    /// Frames per second of the outputs: 1–60, 23.976, 29.97, 59.94, or `source`. Default: 24.
    #[schema(nullable = false)]
    fps: Option<String>,
    /// The output format, if there is only one. Excludes `formats`.
    #[schema(value_type = Option<OutputFormat>, nullable = false)]
    format: Option<String>,
    /// The output formats, as the text of a JSON array such as `["webm","mov"]`. Excludes `format`.
    /// Default: `["webm","stacked-alpha"]`, or `["mp4"]` with a `background`.
    #[schema(nullable = false)]
    formats: Option<String>,
    /// What the file is for: sets the format, its size, rate and quality, leaves out the sound, and keeps
    /// the platform's limit of bytes. Excludes the fields that it sets. A clip of a length that the
    /// platform does not take needs `trim`; else the job fails with `UNFIT_LENGTH`.
    #[schema(value_type = Option<Preset>, nullable = false)]
    preset: Option<String>,
    /// Largest length of each output in bytes: a whole number, or with a unit of 1000, such as `256KB`.
    /// For `webm`, `webp`, `apng` and `gif` alone. Quality, then rate, then size (unless it is given)
    /// are lowered until it is kept; if it cannot be, the job fails with `LIMIT_NOT_MET`. With a
    /// preset, up to its limit.
    #[schema(nullable = false)]
    max_bytes: Option<String>,
    /// The background color, as JSON text such as `{"r":0,"g":255,"b":0}` or as `#RRGGBB`. Default:
    /// measured.
    #[schema(nullable = false)]
    chroma_key: Option<String>,
    /// Color of the page that a `gif` is made for, as `#RRGGBB`: the soft edges of the subject are mixed
    /// with it. Default: none; each pixel is that of the subject, or clear.
    #[schema(nullable = false)]
    edge_color: Option<String>,
    /// Image quality of `webp`, `apng` and `gif`. Default: 60.
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    quality: Option<u8>,
    /// Longer side of the outputs in pixels. Excludes `width` and `height`. Default: that of the
    /// source.
    #[schema(minimum = 64, maximum = 2048, nullable = false)]
    size: Option<u16>,
    /// Width of the outputs in pixels. Without `height`, the height follows from the shape.
    #[schema(minimum = 64, maximum = 2048, nullable = false)]
    width: Option<u16>,
    /// Height of the outputs in pixels. Without `width`, the width follows from the shape.
    #[schema(minimum = 64, maximum = 2048, nullable = false)]
    height: Option<u16>,
    /// With both `width` and `height`: `contain` keeps the whole frame, so that one side may be smaller
    /// than asked, `cover` crops it on both sides alike to exactly that size, `pad` gives the whole
    /// frame transparent margins to exactly that size. Default: `contain`.
    #[schema(value_type = Option<Fit>, nullable = false)]
    fit: Option<String>,
    /// `auto` (by color if the background is flat, otherwise by a neural model), `chroma` or `ai`.
    /// Default: `auto`.
    #[schema(value_type = Option<Method>, nullable = false)]
    method: Option<String>,
    /// Name of the clip, such as `mascot.mp4`; downloads are then named `mascot.webm`. Default: the
    /// file name of `file`, or `filename` in the `Upload-Metadata` of tus. Folders and invisible
    /// characters are dropped.
    #[schema(nullable = false)]
    clip_name: Option<String>,
    /// URL that receives an event when the job starts, completes or fails, in addition to the
    /// endpoints of the API key: http or https, without user name, and no private or local address.
    /// Verify events with the secret from `/api/v1/webhooks/secret`.
    #[schema(nullable = false)]
    webhook_url: Option<String>,
}

impl Job {
    /// Builds the JSON of `record`. `link` makes the link to an output.
    pub(crate) fn new(record: &JobRecord, link: impl Fn(&OutputPointer) -> String) -> Self {
        let progress = if record.state == JobState::Completed { 100 } else { record.progress.percent() };
        Self {
            job_id: record.id.to_string(),
            kind: record.kind.name(),
            status: record.state.name(),
            progress,
            stage: (!record.state.is_final()).then(|| record.progress.stage().name()),
            created_at: record.created.whole_secs(),
            started_at: record.started.map(UnixMillis::whole_secs),
            completed_at: record.ended.map(UnixMillis::whole_secs),
            expires_at: record.expires.map(UnixMillis::whole_secs),
            error: record.failure.as_ref().map(JobError::from),
            result: JobResult::new(record, link),
            revision: record.revision,
            queue_position: None,
            estimated_start_at: None,
            events_url: None,
            retry_of: record.retry_of.as_ref().map(ToString::to_string),
            clip_name: record.clip_name.as_ref().map(ToString::to_string),
        }
    }

    /// Leaves out the list of images, which may be long.
    pub(crate) fn without_images(mut self) -> Self {
        if let Some(result) = &mut self.result {
            result.images = None;
        }
        self
    }

    /// Sets the address of the events.
    pub(crate) fn with_events_url(self, url: Option<String>) -> Self {
        Self { events_url: url, ..self }
    }

    /// Sets the queue position and the estimated start.
    pub(crate) fn with_queue_position(self, position: Option<u64>, start: Option<UnixMillis>) -> Self {
        Self { queue_position: position, estimated_start_at: start.map(UnixMillis::whole_secs), ..self }
    }
}

impl JobResult {
    fn new(record: &JobRecord, link: impl Fn(&OutputPointer) -> String) -> Option<Self> {
        let outcome = record.outcome.as_ref()?;
        let first = outcome.outputs.first()?;
        let (clip, images, (width, height, background)) = match &outcome.measured {
            Measured::Clip(clip) => (Some(clip), None, (clip.width, clip.height, clip.background)),
            Measured::Images(measured) => {
                let first = measured.cuts().next()?;
                (None, Some(&measured.images), (first.width, first.height, first.background))
            }
        };
        let output = |pointer: &OutputPointer| Output {
            format: pointer.format.name(),
            url: link(pointer),
            size: pointer.size_bytes,
        };
        Some(Self {
            output_url: link(first),
            output_format: first.format.name(),
            output_size: first.size_bytes,
            width,
            height,
            duration: clip.map(|clip| clip.duration_secs),
            frame_count: clip.map(|clip| clip.frames),
            fps: clip.map(|clip| clip.fps),
            frame_rate: clip.map(|clip| clip.fps),
            source_frame_rate: clip.and_then(|clip| clip.source_fps),
            crop: clip.and_then(|clip| clip.crop.clone()),
            processing_time_ms: outcome.processing_ms,
            detected_background_color: background.map(Color::from),
            report: clip.and_then(|clip| clip.report.as_ref().map(|matte| Report::new(clip, matte))),
            notes: clip.map_or_else(Vec::new, |clip| clip.notes.iter().map(ResultNote::from).collect()),
            outputs: outcome.outputs.iter().map(output).collect(),
            images: images.map(|images| images.iter().map(|image| JobImage::new(image, record)).collect()),
        })
    }
}
