//! A worker that records what it is asked for, and returns fixed results.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clearcut_api::InteractiveWorker;
use clearcut_frame::{Rgb8, Size};
use clearcut_job::{
    CutImage, CutMethod, EncodedImage, Failure, FailureCode, ImageEncoding, ImageOutcome, ImageRequest, ImageTask,
    InteractiveFailure, MatteReport, MethodReason, PreviewFrame, PreviewRequest, StoredObject,
};
use clearcut_outbound::Target;
use clearcut_queue::KeyId;
use tokio::sync::Semaphore;

pub(crate) type PreviewAnswer = fn() -> Result<PreviewFrame, InteractiveFailure>;
pub(crate) type ImageAnswer = fn(&ImageTask) -> Result<ImageOutcome, InteractiveFailure>;

/// Stands in for the pipeline.
#[derive(Debug)]
pub(crate) struct FakeWorker {
    pub(crate) previews: Mutex<Vec<PreviewRequest>>,
    pub(crate) preview: PreviewAnswer,
    pub(crate) images: Mutex<Vec<ImageRequest>>,
    pub(crate) image: ImageAnswer,
    /// Each piece of work takes a permit before it returns.
    pub(crate) permits: Semaphore,
    /// Number of pieces of work that have neither returned nor been dropped.
    pub(crate) in_progress: Arc<AtomicUsize>,
}

impl Default for FakeWorker {
    fn default() -> Self {
        Self {
            previews: Mutex::default(),
            preview: rendered,
            images: Mutex::default(),
            image: processed,
            permits: Semaphore::new(Semaphore::MAX_PERMITS),
            in_progress: Arc::default(),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of the possible results, which share a signature")]
pub(crate) fn rendered() -> Result<PreviewFrame, InteractiveFailure> {
    Ok(PreviewFrame {
        png: b"\x89PNG".to_vec(),
        size: Size::new(64, 48).unwrap(),
        at: Duration::from_millis(1250),
        method: CutMethod::ChromaKey,
        reason: MethodReason::FlatBackground,
        model: None,
        key_color: Some(Rgb8::new(0, 255, 0)),
        confidence: Some(0.75),
        hint_frames: vec![12],
    })
}

/// The file that an encoding becomes: its format and sides as text.
fn encoded(encoding: &ImageEncoding) -> EncodedImage {
    let size = encoding.output_size(Size::new(64, 48).unwrap()).unwrap();
    let bytes = format!("{} {}x{}", encoding.format.name(), size.width(), size.height()).into_bytes();
    EncodedImage { bytes, format: encoding.format, size }
}

#[expect(clippy::unnecessary_wraps, reason = "one of the possible results, which share a signature")]
pub(crate) fn processed(task: &ImageTask) -> Result<ImageOutcome, InteractiveFailure> {
    Ok(match task {
        ImageTask::Cut { .. } => ImageOutcome::Cut(Box::new(CutImage {
            png: b"\x89PNG".to_vec(),
            size: Size::new(64, 48).unwrap(),
            method: CutMethod::ChromaKey,
            reason: MethodReason::FlatBackground,
            model: None,
            key_color: Some(Rgb8::new(233, 47, 188)),
            report: MatteReport {
                confidence: Some(0.75),
                removed_share: 0.001,
                holes_percent: Some(0.0),
                lookalike_percent: Some(0.0),
                residue_percent: Some(0.5),
                fine_percent: Some(1.5),
                soft_percent: Some(0.0),
                faint_percent: Some(0.25),
                flicker: 0.0,
                places: Vec::new(),
                hint_frames: Vec::new(),
            },
        })),
        ImageTask::MeasureBackground => ImageOutcome::Background(Rgb8::new(233, 47, 188)),
        ImageTask::Encode(encodings) => ImageOutcome::Encoded(encodings.iter().map(encoded).collect()),
    })
}

struct InProgress(Arc<AtomicUsize>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl FakeWorker {
    fn begin(&self) -> InProgress {
        self.in_progress.fetch_add(1, Ordering::SeqCst);
        InProgress(self.in_progress.clone())
    }
}

#[async_trait::async_trait]
impl InteractiveWorker for FakeWorker {
    async fn preview(&self, _: KeyId, request: PreviewRequest) -> Result<PreviewFrame, InteractiveFailure> {
        let _in_progress = self.begin();
        self.previews.lock().unwrap().push(request);
        self.permits.acquire().await.unwrap().forget();
        (self.preview)()
    }

    async fn process_image(&self, _: KeyId, request: ImageRequest) -> Result<ImageOutcome, InteractiveFailure> {
        let _in_progress = self.begin();
        let outcome = (self.image)(&request.task);
        self.images.lock().unwrap().push(request);
        self.permits.acquire().await.unwrap().forget();
        outcome
    }

    async fn fetch_image(&self, _: Target) -> Result<StoredObject, InteractiveFailure> {
        let message = "the host answered with status 404";
        Err(InteractiveFailure::Failed(Failure::new(FailureCode::InvalidUrl, message)))
    }
}
