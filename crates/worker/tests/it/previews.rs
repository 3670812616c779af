//! Tests of the previews' slots, deadline and cleanup, with a frame cutter that each test holds.
//! Time is paused, so a test moves it.

use std::{
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use clearcut_frame::Size;
use clearcut_job::{
    CutMethod, CutRequest, Failure, FailureCode, InteractiveFailure, MethodReason, ObjectName, OutputFormat,
    PreviewFrame, PreviewRequest,
};
use clearcut_pipeline::Stop;
use clearcut_queue::KeyId;
use clearcut_store::Store;
use clearcut_worker::{FrameCutter, Previews};
use tokio::{sync::mpsc, task::JoinHandle, time::advance};

/// Time that a preview waits for a slot, and that it has for its work.
const SLOT_TIMEOUT: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(30);

const TICK: Duration = Duration::from_millis(1);

type Cut = dyn Fn(&Path, &Stop) -> Result<PreviewFrame, Failure> + Send + Sync;

/// Frame cutter that calls a closure.
struct FakeFrameCutter(Box<Cut>);

impl FrameCutter for FakeFrameCutter {
    fn cut_frame(
        &self,
        _: &PreviewRequest,
        input: &Path,
        scratch: &Path,
        stop: &Stop,
    ) -> Result<PreviewFrame, Failure> {
        assert!(input.starts_with(scratch));
        (self.0)(input, stop)
    }
}

/// Frame with the bytes of `input` as its PNG.
fn frame(input: &Path) -> PreviewFrame {
    PreviewFrame {
        png: fs::read(input).unwrap(),
        size: Size::new(64, 48).unwrap(),
        at: Duration::ZERO,
        method: CutMethod::ChromaKey,
        reason: MethodReason::FlatBackground,
        model: None,
        key_color: None,
        confidence: None,
        hint_frames: Vec::new(),
    }
}

/// Previews of one clip with one slot.
struct Desk {
    previews: Arc<Previews<FakeFrameCutter>>,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn new(cut: impl Fn(&Path, &Stop) -> Result<PreviewFrame, Failure> + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(&dir.path().join("objects")).unwrap();
        let mut upload = store.begin(ObjectName::upload(1)).await.unwrap();
        upload.write("clip".into()).await.unwrap();
        upload.finish().await.unwrap();
        let (cutter, scratch) = (FakeFrameCutter(Box::new(cut)), dir.path().join("previews"));
        let previews = Arc::new(Previews::new(cutter, store, scratch, NonZeroUsize::MIN).unwrap());
        Self { previews, dir }
    }

    /// Starts a preview of object number `clip`; only 1 exists.
    fn start(&self, clip: u128) -> JoinHandle<Result<PreviewFrame, InteractiveFailure>> {
        let request = PreviewRequest {
            input: ObjectName::upload(clip),
            request: CutRequest::new(OutputFormat::Webm),
            at: Duration::ZERO,
        };
        let previews = self.previews.clone();
        tokio::spawn(async move { previews.preview(KeyId(1), request).await })
    }

    /// Makes a preview, and checks that nothing is left of the clips.
    async fn assert_free(&self) {
        assert_eq!(self.start(1).await.unwrap().unwrap().png, b"clip");
        assert_eq!(fs::read_dir(self.dir.path().join("previews")).unwrap().count(), 0);
    }
}

/// Previews whose work ends when the test says so.
struct HeldDesk {
    desk: Desk,
    started: mpsc::Receiver<Stop>,
    end: SyncSender<()>,
}

impl HeldDesk {
    async fn new() -> Self {
        let (report, started) = mpsc::channel(8);
        let (end, ends) = sync_channel(8);
        let ends = Mutex::new(ends);
        let desk = Desk::new(move |input, stop| {
            report.blocking_send(stop.clone()).unwrap();
            ends.lock().unwrap().recv().unwrap();
            Ok(frame(input))
        });
        Self { desk: desk.await, started, end }
    }

    /// Starts a preview, and returns the handle that stops its work once that runs.
    async fn start(&mut self) -> (JoinHandle<Result<PreviewFrame, InteractiveFailure>>, Stop) {
        let preview = self.desk.start(1);
        (preview, self.started.recv().await.unwrap())
    }

    /// Starts a preview, and checks that it waits for a slot until its time is up.
    async fn assert_busy(&mut self) {
        let waiting = self.desk.start(1);
        tokio::task::yield_now().await;
        advance(SLOT_TIMEOUT.saturating_sub(TICK)).await;
        assert!(!waiting.is_finished());
        advance(TICK).await;
        let refused = tokio::select! {
            refused = waiting => refused.unwrap(),
            _ = self.started.recv() => panic!("a slot was free"),
        };
        assert!(matches!(refused, Err(InteractiveFailure::Busy { retry_after_secs: 2 })), "{refused:?}");
    }

    /// Lets the running work end, and makes one more preview.
    async fn assert_free_after_end(&self) {
        self.end.send(()).unwrap();
        self.end.send(()).unwrap();
        self.desk.assert_free().await;
    }
}

fn failure_of(ended: Result<PreviewFrame, InteractiveFailure>) -> Failure {
    match ended {
        Err(InteractiveFailure::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_waits_for_a_slot_and_is_refused_when_none_is_free_in_time() {
    let mut held = HeldDesk::new().await;
    let (first, stop) = held.start().await;
    held.assert_busy().await;
    let next = held.desk.start(1);
    tokio::task::yield_now().await;
    advance(SLOT_TIMEOUT.saturating_sub(TICK)).await;
    assert!(held.started.try_recv().is_err() && !stop.is_stopped());
    held.end.send(()).unwrap();
    assert_eq!(first.await.unwrap().unwrap().png, b"clip");
    held.end.send(()).unwrap();
    assert_eq!(next.await.unwrap().unwrap().png, b"clip");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_stops_the_work_and_the_slot_is_free_when_it_has_ended() {
    let mut held = HeldDesk::new().await;
    let (late, stop) = held.start().await;
    advance(DEADLINE.saturating_sub(TICK)).await;
    assert!(!stop.is_stopped() && !late.is_finished());
    advance(TICK).await;
    let failure = failure_of(late.await.unwrap());
    assert_eq!(failure, Failure::new(FailureCode::Timeout, "the preview took too long; a job has more time"));
    assert!(stop.is_stopped());
    held.assert_busy().await;
    held.assert_free_after_end().await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_request_stops_the_work_and_the_slot_is_free_when_it_has_ended() {
    let mut held = HeldDesk::new().await;
    let (dropped, stop) = held.start().await;
    assert!(!stop.is_stopped());
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled() && stop.is_stopped());
    held.assert_busy().await;
    held.assert_free_after_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_clip_that_is_gone_is_told_from_a_failure_and_takes_no_slot() {
    let desk = Desk::new(|input, _| Ok(frame(input))).await;
    let gone = desk.start(2).await.unwrap();
    assert!(matches!(gone, Err(InteractiveFailure::Gone)), "{gone:?}");
    desk.assert_free().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_or_panicking_cut_fails_its_preview_alone() {
    let cuts = AtomicUsize::new(0);
    let cut = move |input: &Path, _: &Stop| match cuts.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Failure::new(FailureCode::NoFlatBackground, "no color dominates")),
        1 => panic!("a simulated bug"),
        _ => Ok(frame(input)),
    };
    let desk = Desk::new(cut).await;
    let failure = failure_of(desk.start(1).await.unwrap());
    assert_eq!(failure, Failure::new(FailureCode::NoFlatBackground, "no color dominates"));
    let failure = failure_of(desk.start(1).await.unwrap());
    assert_eq!(failure, Failure::new(FailureCode::ProcessingFailed, "the frame could not be cut"));
    desk.assert_free().await;
}

#[tokio::test(start_paused = true)]
async fn leftovers_are_removed_and_a_deleted_scratch_folder_is_made_again() {
    let desk = Desk::new(|input, _| Ok(frame(input))).await;
    let scratch = desk.dir.path().join("previews");
    fs::create_dir(scratch.join("leftover")).unwrap();
    let store = Store::local(&desk.dir.path().join("objects")).unwrap();
    let cutter = FakeFrameCutter(Box::new(|input, _| Ok(frame(input))));
    drop(Previews::new(cutter, store, scratch.clone(), NonZeroUsize::MIN).unwrap());
    desk.assert_free().await;
    fs::remove_dir(&scratch).unwrap();
    desk.assert_free().await;
}
