//! The words that a field on the wire can have, as enums of the OpenAPI document: one type without
//! values for each set of words, which fields name as their `value_type`.

use clearcut_job::{
    AudioChoice, CutMethod, DeinterlaceChoice, JobKind, JobState, MethodChoice, MethodReason, NoteCode, ShadowChoice,
    Stage, Warning,
};
use clearcut_queue::{DeliveryState, DisabledReason, EventKind, NoAnswer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

/// Declares sets of words.
macro_rules! vocabulary {
    ($(#[doc = $description:literal] $name:ident = $words:expr;)+) => {$(
        #[doc = $description]
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                enumeration($description.trim(), $words)
            }
        }

        impl ToSchema for $name {}
    )+};
}

vocabulary! {
    /// Kind of a job.
    JobType = JobKind::ALL.map(JobKind::name);
    /// State of a job. `completed` and `failed` are final.
    JobStatus = JobState::ALL.map(JobState::name);
    /// Stage of a job that has not ended. Each covers a part of the progress.
    JobStage = Stage::ALL.map(Stage::name);
    /// Format of an output of a job: of a clip, or `png` or `zip` of images.
    FileFormat = clearcut_job::FileFormat::ALL.map(clearcut_job::FileFormat::name);
    /// Format of a clip without its background.
    OutputFormat = clearcut_job::OutputFormat::ALL.map(clearcut_job::OutputFormat::name);
    /// Requested method: `auto` (by color if the background is flat, otherwise by a neural model), `chroma` or `ai`.
    Method = MethodChoice::KEYWORDS.iter().copied();
    /// Method that found the background: by its color, or by a neural model.
    UsedMethod = CutMethod::ALL.map(CutMethod::name);
    /// Why a method was used.
    Reason = MethodReason::ALL.map(MethodReason::name);
    /// Treatment of shadows on the background: translucent black, or transparent.
    Shadow = ShadowChoice::KEYWORDS.iter().copied();
    /// Which frames are de-interlaced: those measured or flagged as interlaced, all, or none.
    Deinterlace = DeinterlaceChoice::KEYWORDS.iter().copied();
    /// What becomes of the sound: it is kept in the formats that carry it, or left out.
    Audio = AudioChoice::KEYWORDS.iter().copied();
    /// How outputs loop: forth and back, or as the part whose end leads back to its beginning best.
    LoopKind = clearcut_job::LoopChoice::KEYWORDS.iter().copied();
    /// What a file is for, which sets everything that a platform prescribes.
    Preset = clearcut_job::Preset::ALL.map(clearcut_job::Preset::name);
    /// How frames fit into a width and a height: as large as fits into both, cropped to exactly that size, or with transparent margins to exactly that size.
    Fit = clearcut_job::Fit::KEYWORDS.iter().copied();
    /// Stable code of an error in a reply.
    ErrorCode = clearcut_job::ErrorCode::ALL.iter().filter(|code| code.is_in_replies()).map(|code| code.name());
    /// Stable code of the reason why a job failed.
    FailureCode = clearcut_job::FailureCode::ALL.iter().map(|code| code.name());
    /// Stable code of a decision about a clip.
    ResultNoteCode = NoteCode::ALL.map(NoteCode::name);
    /// Stable code of a possible defect of a matte.
    ReportWarningCode = Warning::ALL.map(Warning::name);
    /// Method that found the background of an image: by its color, or by a neural model.
    UsedImageMethod = ["chroma", "ai"];
    /// Whether an image of a job was cut.
    ImageStatus = ["completed", "failed"];
    /// How an image fits into a width and height.
    ImageFit = clearcut_job::ImageFit::KEYWORDS.iter().copied();
    /// Format of a still image.
    ImageFormat = clearcut_job::ImageFormat::KEYWORDS.iter().copied();
    /// Side of a thumbnail: 150, 300 or 600 pixels.
    ThumbnailSize = ["small", "medium", "large"];
    /// Event about a job.
    JobEventType = EventKind::OF_JOBS.map(EventKind::name);
    /// Event that is delivered to webhooks.
    WebhookEventType = EventKind::ALL.map(EventKind::name);
    /// State of a delivery: all attempts may have `failed`, or were `stopped` because the receiver replied with 410, the endpoint was disabled, or the API key was revoked.
    DeliveryStatus = DeliveryState::ALL.map(DeliveryState::name);
    /// Why a receiver gave no reply.
    DeliveryError = NoAnswer::ALL.map(NoAnswer::name);
    /// Who disabled an endpoint: its owner, or the endpoint itself, by replying with 410.
    WebhookDisabledReason = DisabledReason::ALL.map(DisabledReason::name);
    /// Whether a server can accept and process jobs.
    HealthStatus = ["ready", "unready"];
}

fn enumeration(description: &str, words: impl IntoIterator<Item = &'static str>) -> RefOr<Schema> {
    let text = SchemaType::Type(Type::String);
    ObjectBuilder::new().schema_type(text).description(Some(description)).enum_values(Some(words)).build().into()
}
