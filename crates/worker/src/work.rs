//! Life of one claimed job: start, cut, store, finish, and the failure that is recorded when a step
//! goes wrong.

use std::{
    fs, io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use clearcut_job::{Failure, FailureCode, ObjectName, Outcome, OutputPointer, Progress, Stage};
use clearcut_pipeline::Stop;
use clearcut_queue::{ClaimedInput, ClaimedJob, Ending, Finished, QueueError};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    CutOrder, CutOutcome, Cutter, Drain, Worker,
    failure::{DISK_FULL, scratch_failure, store_failure},
    fetch_clip::fetch_input,
    housekeeping::clear_outputs,
    keeper::{StopReason, keep_lease},
};

/// Pause before a failed write to the queue is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Longest time to try to record that a stopped job has ended or is requeued.
const FINAL_WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// State of the machine as found by the job that just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineState {
    /// Enough resources for a job.
    Ready,
    /// Short of file descriptors, processes or memory at the moment. The next job would fail alike.
    Short,
}

/// Works on one claimed job until its end is recorded or the job is given up, and removes its files
/// from this machine.
pub(crate) async fn work_on<C: Cutter>(worker: &Worker<C>, claimed: ClaimedJob, drain: &Drain) -> MachineState {
    let began = Instant::now();
    tracing::info!(job = %claimed.id, token = %claimed.token, waited_ms = claimed.waited.as_millis() as u64, "claimed");
    let (ended, machine) = run_to_end(worker, &claimed, drain).await;
    clear_outputs(worker.queue.as_ref(), &worker.store, &claimed).await;
    tracing::info!(job = %claimed.id, token = %claimed.token, took_ms = began.elapsed().as_millis() as u64, ended, "ended");
    machine
}

/// Works on the job and keeps its lease until the end is recorded or the job is given up. Returns
/// the result as text for the log.
///
/// The keeper ends with this function. A keeper that outlives it without being polled could block
/// the database's only writer halfway through a heartbeat.
async fn run_to_end<C: Cutter>(worker: &Worker<C>, claimed: &ClaimedJob, drain: &Drain) -> (String, MachineState) {
    let (progress_sender, reports) = watch::channel(Progress::within(Stage::Waiting, 1.0));
    let stop = CancellationToken::new();
    let queue = worker.queue.as_ref();
    let keeper = keep_lease((queue, &worker.store), claimed, &worker.settings, reports, &drain.requeue);
    let work = attempt(worker, claimed, &stop, progress_sender);
    tokio::pin!(work, keeper);
    let ending = tokio::select! {
        ending = &mut work => Ok(ending),
        reason = &mut keeper => {
            stop.cancel();
            // The cut ends soon after it was stopped. Its files cannot be removed before.
            drop((&mut work).await);
            Err(reason)
        }
    };
    let ended = match ending {
        // A shortage is not the clip's fault: the job is requeued and no attempt is counted.
        Ok(Ending::Failed(failure)) if failure.code == FailureCode::ShortOfResources => {
            tracing::warn!(job = %claimed.id, "the machine is short of files, processes or memory");
            return (requeue(worker, claimed).await, MachineState::Short);
        }
        Ok(ending) => {
            let finish = finish(worker, claimed, ending);
            tokio::pin!(finish);
            tokio::select! {
                ended = &mut finish => ended,
                reason = &mut keeper => match reason {
                    StopReason::LeaseLost => "given up: the lease was lost".to_owned(),
                    // The work is done; only its end has to be recorded.
                    StopReason::Deadline | StopReason::Stalled | StopReason::DiskFull | StopReason::Requeue => {
                        let finished = tokio::time::timeout(FINAL_WRITE_TIMEOUT, finish).await;
                        finished.unwrap_or_else(|_| "given up: the end could not be recorded".to_owned())
                    }
                },
            }
        }
        Err(StopReason::LeaseLost) => "given up: the lease was lost".to_owned(),
        Err(StopReason::Requeue) => requeue(worker, claimed).await,
        Err(StopReason::Deadline) => finish(worker, claimed, timeout("the cut exceeded its time limit")).await,
        Err(StopReason::DiskFull) => {
            let failure = Failure::new(FailureCode::InsufficientStorage, DISK_FULL);
            finish(worker, claimed, Ending::Failed(failure)).await
        }
        Err(StopReason::Stalled) => finish(worker, claimed, timeout("the cut made no progress for too long")).await,
    };
    (ended, MachineState::Ready)
}

fn timeout(message: &str) -> Ending {
    Ending::Failed(Failure::new(FailureCode::Timeout, message))
}

/// Fetches the input, cuts it and stores the outputs. Removes the scratch folder in any case.
async fn attempt<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    stop: &CancellationToken,
    progress_sender: watch::Sender<Progress>,
) -> Ending {
    let scratch = worker.scratch.join(format!("{}-{}", claimed.id, claimed.token));
    let ending = match cut_and_store(worker, claimed, stop, progress_sender, &scratch).await {
        Ok(outcome) => Ending::Completed(Box::new(outcome)),
        Err(failure) => Ending::Failed(failure),
    };
    if let Err(error) = fs::remove_dir_all(&scratch) {
        tracing::warn!(job = %claimed.id, %error, "the scratch folder could not be removed yet");
    }
    ending
}

/// The plot of a job: its input is fetched and cut, and the outputs are stored. A cutter unpacks, cuts
/// and bundles images in `image_batch::cut_images`.
async fn cut_and_store<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    stop: &CancellationToken,
    progress_sender: watch::Sender<Progress>,
    scratch: &Path,
) -> Result<Outcome, Failure> {
    let began = Instant::now();
    start(worker, claimed, stop).await;
    progress_sender.send_replace(Progress::within(Stage::Loading, 0.0));
    let order = prepare(worker, claimed, (stop, &progress_sender), scratch).await?;
    let (cutter, cut_stop) = (Arc::clone(&worker.cutter), Stop::default());
    let (on_thread, report_sender) = (cut_stop.clone(), progress_sender.clone());
    let mut cutting = tokio::task::spawn_blocking(move || {
        cutter.cut(&order, &on_thread, &mut |step| {
            report_sender.send_replace(step.into());
        })
    });
    let cut = tokio::select! {
        cut = &mut cutting => cut,
        () = stop.cancelled() => {
            cut_stop.cancel();
            cutting.await
        }
    };
    let cut = cut.map_err(|ended| {
        tracing::error!(job = %claimed.id, %ended, "a cut panicked");
        Failure::new(FailureCode::ProcessingFailed, "the input could not be cut")
    })??;
    let outputs = store_outputs(worker, claimed, &cut, &progress_sender).await?;
    Ok(Outcome { measured: cut.measured, processing_ms: began.elapsed().as_millis() as u64, outputs })
}

/// Records the start of the job, and retries until that succeeds or `stop` is cancelled. Without
/// the record the job has no start time, and no `job.started` event is sent.
async fn start<C: Cutter>(worker: &Worker<C>, claimed: &ClaimedJob, stop: &CancellationToken) {
    while let Err(error) = worker.queue.start(&claimed.id, claimed.token).await {
        // A lost lease shows at the next heartbeat.
        if stop.is_cancelled() || matches!(error, QueueError::LeaseLost) {
            return;
        }
        tracing::warn!(job = %claimed.id, ?error, "the start could not be recorded");
        sleep(RETRY_PAUSE).await;
    }
}

/// Brings the input into a new scratch folder and makes the order for the cutter.
async fn prepare<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    (stop, progress_sender): (&CancellationToken, &watch::Sender<Progress>),
    scratch: &Path,
) -> Result<CutOrder, Failure> {
    let unreadable = |message: &'static str| Failure::new(FailureCode::ProcessingFailed, message);
    let request = claimed.request.clone().map_err(|error| {
        tracing::error!(job = %claimed.id, ?error, "a stored request cannot be read");
        unreadable("the request of the job cannot be read by this version of the server")
    })?;
    let object = match &claimed.input {
        ClaimedInput::Stored(object) => object.clone(),
        ClaimedInput::Address(address) => {
            fetch_input(worker, claimed, (address, request.kind()), stop, progress_sender).await?
        }
        ClaimedInput::Lost => return Err(unreadable("the input of the job is lost")),
    };
    let (input, cut_folder) = (scratch.join("input"), scratch.join("cut"));
    make_folders(scratch, &cut_folder).map_err(|error| scratch_failure(claimed, &error))?;
    worker.store.fetch_stored(&object, &input).await.map_err(|error| store_failure(claimed, &error))?;
    Ok(CutOrder { input, request, scratch: cut_folder })
}

/// Makes the scratch folder of a job and the folder `cut` in it. Also makes the parent of all
/// scratch folders if it was deleted, but not the data folder: if that is missing, its volume is no
/// longer mounted.
fn make_folders(scratch: &Path, cut: &Path) -> io::Result<()> {
    // An earlier run of this program may have left a folder with the same fencing token.
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    if let Some(all) = scratch.parent().filter(|all| !all.exists()) {
        fs::create_dir(all)?;
    }
    fs::create_dir(scratch)?;
    fs::create_dir(cut)
}

async fn store_outputs<C: Cutter>(
    worker: &Worker<C>,
    claimed: &ClaimedJob,
    cut: &CutOutcome,
    progress_sender: &watch::Sender<Progress>,
) -> Result<Vec<OutputPointer>, Failure> {
    let mut outputs = Vec::new();
    for (index, file) in cut.files.iter().enumerate() {
        progress_sender.send_replace(Progress::within(Stage::Storing, index as f64 / cut.files.len() as f64));
        let name = ObjectName::output(&claimed.id, claimed.token, file.format);
        let stored = worker.store.put_file(name, &file.path).await.map_err(|error| store_failure(claimed, &error))?;
        outputs.push(OutputPointer {
            format: file.format,
            object_name: stored.name,
            size_bytes: stored.size_bytes,
            sha256: stored.sha256,
        });
    }
    progress_sender.send_replace(Progress::within(Stage::Storing, 1.0));
    Ok(outputs)
}

/// Records the end of the job, and retries until that succeeds or the lease is lost.
async fn finish<C: Cutter>(worker: &Worker<C>, claimed: &ClaimedJob, ending: Ending) -> String {
    loop {
        match worker.queue.finish(&claimed.id, claimed.token, ending.clone()).await {
            Ok(Finished::Committed | Finished::AlreadyCommitted) => {
                return match &ending {
                    Ending::Completed(_) => "completed".to_owned(),
                    Ending::Failed(failure) => format!("failed: {}", failure.code.name()),
                };
            }
            Ok(Finished::Retrying { .. }) => return "failed: to be retried".to_owned(),
            Err(QueueError::LeaseLost) => return "given up: the lease was lost".to_owned(),
            Err(error) => {
                tracing::warn!(job = %claimed.id, ?error, "the end could not be recorded");
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Requeues the job, and retries for [`FINAL_WRITE_TIMEOUT`] at most.
async fn requeue<C: Cutter>(worker: &Worker<C>, claimed: &ClaimedJob) -> String {
    let until = Instant::now() + FINAL_WRITE_TIMEOUT;
    loop {
        match worker.queue.release(&claimed.id, claimed.token).await {
            Ok(()) => return "requeued".to_owned(),
            Err(QueueError::LeaseLost) => return "given up: the lease was lost".to_owned(),
            Err(error) if Instant::now() < until => {
                tracing::warn!(job = %claimed.id, ?error, "the job could not be requeued");
                sleep(RETRY_PAUSE).await;
            }
            Err(error) => {
                tracing::warn!(job = %claimed.id, ?error, "the job could not be requeued; its lease will expire");
                return "not requeued: its lease will expire".to_owned();
            }
        }
    }
}
